"""``wattbook ledger why``: what a month became more or less, by cause."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from wattbook.cli.common import common_options, print_json, tell
from wattbook.cli.ledger import opened

if TYPE_CHECKING:
    from wattbook.closing.causes import Difference


@click.command("why", short_help="Why a month's figure changed, by cause.")
@click.argument("month", metavar="YYYY-MM")
@click.option("--from", "first", metavar="TIME", help="The book as it was known then; the closing if nothing is said.")
@click.option("--to", "last", metavar="TIME", help="And as it was known then; today if nothing is said.")
@click.option("--timezone", metavar="ZONE", help="IANA zone of the month; report.timezone if nothing is said.")
@common_options
def command(
    month: str,
    first: str | None,
    last: str | None,
    timezone: str | None,
    ledger: str | None,
    config: str | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Say why a month's figure is another than when it was closed, or than it was known at a moment.

    Late entries, corrections, reallocations, restatements of providers and new factors happen one after the
    other, in this order; what each adds is its part, and all parts add up to the difference.
    """
    from wattbook.cli.asked import moment_of, zone_of
    from wattbook.cli.ledger.close import the_month
    from wattbook.closing.adjusting import why
    from wattbook.closing.causes import difference
    from wattbook.closing.hourly import hourly
    from wattbook.closing.manifest import period_of as closed_period
    from wattbook.closing.reading import ALL_TIME
    from wattbook.closing.states import Rules, between
    from wattbook.config import load
    from wattbook.errors import WattbookError
    from wattbook.ledger import periods

    settings = load(config)
    zone = zone_of(timezone, settings)
    period = the_month(month, zone)
    since, until = moment_of(first, zone), moment_of(last, zone)
    if since is not None and since > (until or ALL_TIME):
        raise click.UsageError(f"--from {first} comes after --to {last}")
    with opened(ledger, quiet) as book:
        act = periods.closed(book).get(period.title)
        if act is None and since is None:
            raise WattbookError(f"{period.title} is not closed: say from when with --from TIME")
        if act is not None and timezone is None:
            period = closed_period(act)
        settings = hourly(settings, period)
        if since is not None:
            rules = Rules(settings=settings)
            told = difference(between(book, period, since, until or ALL_TIME), rules, rules)
        else:
            assert act is not None
            told = why(book, act, until or ALL_TIME, settings)
    if as_json:
        print_json(as_json_of(told, period.title, first or "closed", last or "today"))
        return
    show(told, period.title, first or "as closed", last or "today")


def as_json_of(told: Difference, month: str, first: str, last: str) -> dict[str, Any]:
    """The two states, the difference, and the causes with what they moved between projects."""
    return {
        "month": month, "from": first, "to": last,
        "before": told.before.as_dict(), "after": told.after.as_dict(), "difference": told.figures.as_dict(),
        "causes": [
            {
                "cause": cause.name, "count": cause.count, **cause.figures.as_dict(),
                "by": {"project": [{"key": key, **part.as_dict()} for key, part in cause.projects.items()]},
            }
            for cause in told.causes
        ],
    }  # fmt: skip


def show(told: Difference, month: str, first: str, last: str) -> None:
    """One line a cause, between the two states."""
    from wattbook.report.numbers import carbon_text, signed_text

    def grams(number: Any) -> float | None:
        return None if number is None else float(number)

    tell(f"{month}, {first}: {carbon_text(grams(told.before.grams))}")
    for cause in told.causes:
        moved = [(key or "(no label)", grams(part.grams)) for key, part in cause.projects.items()]
        parts = ", ".join(f"{key} {signed_text(some)}" for key, some in moved if some)
        what = f" ({cause.count})" if cause.count else ""
        tell(f"  {cause.name}{what}: {signed_text(grams(cause.figures.grams))}{': ' + parts if parts else ''}")
    if not told.causes:
        tell("  nothing changed")
    tell(f"{month}, {last}: {carbon_text(grams(told.after.grams))}")
