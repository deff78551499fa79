"""What a report says on the side about closed months: stdout stays what it was on the day they were closed."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from wattbook.cli.common import tell as say

if TYPE_CHECKING:
    from wattbook.ledger.store import Ledger
    from wattbook.report import Period, Report


def zone_of_month(book: Ledger, month: str | None, as_of: datetime | None) -> str | None:
    """The zone that a month was closed in; ``None`` where it is not closed."""
    from wattbook.ledger import periods

    act = periods.closed(book, as_of).get((month or "").strip())
    return None if act is None else str(act.manifest["zone"])


def period_there(
    book: Ledger, month: str | None, first: str | None, last: str | None, timezone: str | None, zone: str,
    as_of: datetime | None = None,
) -> Period:  # fmt: skip
    """The period that was asked for; a closed month in the zone that it was closed in, if nobody names another one."""
    from wattbook.cli.asked import period_of

    return period_of(month, first, last, zone if timezone else zone_of_month(book, month, as_of) or zone)


def tell(book: Ledger, period: Period, report: Report, as_of: datetime | None) -> None:
    """Say on stderr what changed since a month was closed, and which closed months a longer report adds up anew."""
    from wattbook.closing.reading import closed_inside

    for act in closed_inside(book, period, as_of):
        line = f"wattbook: {act.month} is closed, in the zone {act.manifest['zone']}; this report adds up what is known"
        say(f"{line} today: 'wattbook report --month {act.month}' has it as it was closed", err=True)
    if report.closed is not None:
        _about(book, period, report, as_of)


def _about(book: Ledger, period: Period, report: Report, as_of: datetime | None) -> None:
    from wattbook.closing.adjusting import since_closed
    from wattbook.closing.reading import ALL_TIME, act_of
    from wattbook.ledger import periods
    from wattbook.report.numbers import signed_text

    assert report.closed is not None
    act = act_of(periods.closed(book, as_of), period)
    assert act is not None
    say(f"wattbook: {act.month} was closed {report.closed.told}; this is its report of then", err=True)
    if not report.closed.reproduced:
        say(f"wattbook: {not_reproduced(report)}", err=True)
    change = since_closed(book, act, as_of or ALL_TIME)
    if change is None:
        return
    parts = ", ".join(f"{one.name} {signed_text(_float(one.figures.grams))}" for one in change.causes)
    say(
        f"wattbook: known since: {signed_text(_float(change.figures.grams))} ({parts}), adjusted in the open month; "
        f"'wattbook ledger why {act.month}' has the rest",
        err=True,
    )


def not_reproduced(report: Report) -> str:
    """Why the report of a closed month is not what it was."""
    from wattbook import __version__

    assert report.closed is not None
    if report.closed.wattbook != __version__:
        return (
            f"it was closed with wattbook {report.closed.wattbook}, and version {__version__} makes other figures of the "
            "same rows: the manifest holds those of then"
        )
    return "its figures are not those of then: the book holds other rows; 'wattbook ledger verify' says more"


def _float(number: object) -> float | None:
    return None if number is None else float(str(number))
