"""The report of a period as the book holds it: a closed month as it was closed, any other as it is known."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from attrs import evolve

from wattbook.accounting.carbon import pinned
from wattbook.closing.adjusting import Adjustment, adjustments, settled_until
from wattbook.closing.hourly import hourly
from wattbook.closing.manifest import period_of, report_id, rules_of, told_by, watermark_of
from wattbook.closing.rolling import rolled
from wattbook.config import Config
from wattbook.ledger import periods
from wattbook.ledger.chains import ACTIVE
from wattbook.ledger.periods import Act
from wattbook.records import utc_text
from wattbook.report import Period, Report
from wattbook.report.build import build_from
from wattbook.report.model import Adjusted, Closed
from wattbook.report.notes import SYNTHETIC

if TYPE_CHECKING:
    from wattbook.ledger.store import Ledger

ALL_TIME = datetime(9999, 12, 31, tzinfo=UTC)  #: whatever a clock says, what the book holds today


def built(
    book: Ledger,
    settings: Config,
    period: Period,
    dims: tuple[str, ...],
    as_of: datetime | None,
    previous: Report | None = None,
    *,
    complete: bool = True,
) -> Report:
    """The report of one period, alone or beside *previous*, whether it is closed or not.

    One that is not *complete* has what a comparison looks at.
    """
    settings = hourly(settings, period)
    here = [r for r in book.revisions(months=period.months(), as_of=as_of) if r.standing == ACTIVE]
    made_up = any(getattr(revision, "synthetic", False) for revision in here)
    evidence: dict[tuple[str, str, str], tuple[str, ...]] = {}
    for revision in here:
        key = (revision.chain.provider, revision.chain.account, revision.chain.month)
        evidence[key] = (*evidence.get(key, ()), revision.content_id)
    return build_from(
        rolled(book, settings, period, dims, as_of, tops=complete),
        [statement for revision in here for statement in revision.statements],
        settings,
        period,
        dims,
        as_of=None if as_of is None else utc_text(as_of),
        watermark=SYNTHETIC if made_up else None,
        previous=previous,
        evidence=evidence,
        complete=complete,
    )


@contextmanager
def _uncollected() -> Iterator[None]:
    """Inside, many small objects and no circles of them are made: looking for circles would take half of the time."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@_uncollected()
def report_of(book: Ledger, settings: Config, period: Period, dims: tuple[str, ...], as_of: datetime | None) -> Report:
    """The report of a period of *book* beside the one before, as it is known today or was *as of* a moment.

    A closed month is as it was closed: by what was recorded, the factors and the configuration of then.
    What became known of closed months since stands as adjustments in the month after the last of them.
    """
    closed = periods.closed(book, as_of)
    act = act_of(closed, period)
    if act is not None:
        return as_closed(book, act, dims)
    before = period.before()
    previous = None if before is None else _one(book, closed, settings, before, as_of)
    report = built(book, settings, period, dims, as_of, previous)
    if not closed or month_of(period) != _next(max(closed)):
        return report
    found = adjustments(book, closed, settled_until(closed), as_of or ALL_TIME)
    return evolve(report, adjustments=tuple(map(_adjusted, found)))


def month_of(period: Period) -> str | None:
    """The month that the period is; ``None`` for any other stretch of time."""
    return period.months()[0] if period.whole_months() == 1 else None


def act_of(closed: dict[str, Act], period: Period) -> Act | None:
    """How the period was closed, where it is a closed month of the same zone."""
    act = closed.get(month_of(period) or "")
    return act if act is not None and period_of(act) == period else None


def closed_inside(book: Ledger, period: Period, as_of: datetime | None) -> list[Act]:
    """The closed months that a report of the period covers without being theirs."""
    closed = periods.closed(book, as_of)
    if act_of(closed, period) is not None:
        return []
    return [act for act in closed.values() if period_of(act).start < period.end and period.start < period_of(act).end]


def as_closed(book: Ledger, act: Act, dims: tuple[str, ...]) -> Report:
    """The report of a closed month, made again."""
    rules, moment, period = rules_of(act), watermark_of(act), period_of(act)
    before = period.before()
    with pinned(rules.pins):
        earlier = {month: one for month, one in periods.closed(book, moment).items() if month < act.month}
        previous = None if before is None else _one(book, earlier, rules.settings, before, moment)
        report = built(book, rules.settings, period, dims, moment, previous)
    return evolve(
        report,
        pins=rules.pins,
        adjustments=tuple(_from_manifest(told) for told in act.manifest["adjustments"]),
        closed=Closed(
            at=act.recorded_at, by=act.manifest["by"], note=act.manifest["note"], manifest_id=act.manifest_id,
            wattbook=act.manifest["wattbook"], told=told_by(act), reproduced=report_id(report) == act.manifest["report_id"],
        ),
    )  # fmt: skip


def _one(book: Ledger, closed: dict[str, Act], settings: Config, period: Period, as_of: datetime | None) -> Report:
    """A report to compare with: as it was closed, or as it is known."""
    act = act_of(closed, period)
    if act is None:
        return built(book, settings, period, (), as_of, complete=False)
    rules = rules_of(act)
    with pinned(rules.pins):
        return built(book, rules.settings, period, (), watermark_of(act), complete=False)


def _next(month: str) -> str:
    year, number = int(month[:4]), int(month[5:])
    return f"{year + number // 12}-{number % 12 + 1:02}"


def _adjusted(one: Adjustment) -> Adjusted:
    return _from_manifest(one.as_dict())


def _from_manifest(told: dict[str, object]) -> Adjusted:
    return Adjusted(month=str(told["month"]), large=bool(told["large"]), told=told)
