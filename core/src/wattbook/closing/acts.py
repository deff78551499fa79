"""Close a month, and open it again: what is refused, what is warned about, what is written down."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from attrs import frozen

from wattbook.closing.adjusting import adjustments, settled_until
from wattbook.closing.hourly import hourly
from wattbook.closing.manifest import manifest_of, pins_of, told_by
from wattbook.closing.reading import built, report_of
from wattbook.config import Config
from wattbook.errors import WattbookError
from wattbook.ledger import periods
from wattbook.ledger.inserting import recorded
from wattbook.ledger.periods import CLOSE, REOPEN, Act
from wattbook.records import utc_text, utc_time
from wattbook.report import Period, Report

if TYPE_CHECKING:
    from wattbook.ledger.store import Ledger

LATE_FIGURES = timedelta(days=75)  #: providers publish a month three to ten weeks after its end


@frozen(kw_only=True)
class Done:
    """A month that was closed or reopened, and what to tell whoever did it."""

    act: Act
    report: Report | None = None
    warnings: tuple[str, ...] = ()


def close(
    book: Ledger,
    settings: Config,
    period: Period,
    *,
    by: str | None = None,
    note: str = "",
    now: datetime | None = None,
) -> Done:
    """Freeze a month: its rows, its factors, its configuration; raises ``WattbookError`` where it cannot be.

    The watermark is set first and the figures are added up after: nothing can come before it any more.
    """
    settings = hourly(settings, period)
    now = now or utc_time(recorded(None))
    month = period.title
    if now < period.end:
        zone = ZoneInfo(period.zone)
        end, here = (f"{moment.astimezone(zone):%Y-%m-%d %H:%M}" for moment in (period.end, now))
        over = f"it ends on {end}, and this machine's clock says {here} ({period.zone})"
        raise WattbookError(f"{month} cannot be closed, because it is not over: {over}")
    closed = periods.closed(book)
    _refuse_closed(closed, month)
    mark = periods.settle(book, now)
    moment = utc_time(mark)
    report = report_of(book, settings, period, (), moment)
    if report.entries == 0 and not report.claims and not report.gaps:
        raise WattbookError(f"{month} cannot be closed, because the book holds nothing from it (zone {period.zone})")
    before = period.before()
    earlier = [] if before is None else [built(book, settings, before, (), moment)]
    told = adjustments(book, closed, settled_until(closed), moment)
    content = periods.content_of(book, utc_text(period.start), utc_text(period.end), period.months(), moment)
    manifest = manifest_of(
        report, settings, pins_of([report, *earlier]), content, [one.as_dict() for one in told],
        month=month, watermark=mark, before=settled_until(closed), by=by, note=note,
    )  # fmt: skip
    _refuse_closed(periods.closed(book), month)
    act = periods.write(book, month, CLOSE, manifest, mark, max(now, moment))
    return Done(act=act, report=report, warnings=tuple(_warnings(book, period, report, now)))


def _refuse_closed(closed: dict[str, Act], month: str) -> None:
    act = closed.get(month)
    if act is not None:
        raise WattbookError(
            f"{month} is closed already, {told_by(act)}; what became known since stands as adjustments in the open "
            f"month, and 'wattbook ledger reopen {month}' opens it again"
        )


def reopen(book: Ledger, month: str, *, by: str | None = None, note: str = "", now: datetime | None = None) -> Done:
    """Let a closed month follow the book again; raises ``WattbookError`` where a later closing rests on it."""
    now = now or utc_time(recorded(None))
    closed = periods.closed(book)
    act = closed.get(month)
    if act is None:
        raise WattbookError(f"{month} is not closed")
    rests = sorted(other.month for other in closed.values() if other.watermark > act.watermark)
    if rests:
        names = ", ".join(rests)
        raise WattbookError(
            f"{month} cannot be reopened before {names}, closed after it: what became known of {month} may stand there "
            f"as an adjustment, and would be counted twice; reopen {rests[-1]} first"
        )
    manifest = {"month": month, "by": by, "note": note, "reopens": act.manifest_id}
    done = periods.write(book, month, REOPEN, manifest, act.watermark, max(now, utc_time(act.watermark)))
    return Done(act=done)


def _warnings(book: Ledger, period: Period, report: Report, now: datetime) -> list[str]:
    found = []
    running = periods.incomplete(book, utc_text(period.start), utc_text(period.end))
    if running:
        found.append(f"{running} runs of it have no end in the book: what they still record will be an adjustment")
    soft = sorted({f"{s.provider}/{s.account}" for s in report.stated if s.completeness not in ("", "complete")})
    if soft:
        found.append(f"figures of {', '.join(soft)} are not final: what replaces them will be an adjustment")
    if now - period.end < LATE_FIGURES and not report.stated and not report.claims:
        found.append("no provider's figure is in it; those of clouds come three to ten weeks after a month")
    if report.total.without_factor_j:
        found.append("some of its energy has no factor and no carbon: see the report's warnings")
    return found
