"""``wattbook ledger rollup``: months that are kept added up, so that a report need not read their entries."""

from __future__ import annotations

from typing import Any

import click

from wattbook.cli.common import common_options, print_json, tell
from wattbook.cli.ledger import opened


@click.command("rollup", short_help="Keep a month added up, check that, or forget it.")
@click.argument("month", metavar="[YYYY-MM]", required=False)
@click.option("--check", is_flag=True, help="Add the month up anew and compare; exit 1 where it differs.")
@click.option("--drop", is_flag=True, help="Forget what is kept of the month, or of all.")
@click.option("--timezone", metavar="ZONE", help="IANA zone of months; report.timezone if nothing is said.")
@common_options
def command(
    month: str | None,
    check: bool,
    drop: bool,
    timezone: str | None,
    ledger: str | None,
    config: str | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Keep a month added up, host by host; without a month, show which are kept.

    Reports keep large months by themselves, where they may write to the book.  What is kept is a view: it is
    brought forward by what was recorded since, and may be forgotten at any time.
    """
    from wattbook.cli.asked import period_of, zone_of
    from wattbook.closing import rolling
    from wattbook.config import load
    from wattbook.errors import LedgerError
    from wattbook.ledger import rollups

    if check and drop:
        raise click.UsageError("--check and --drop contradict each other")
    if check and month is None:
        raise click.UsageError("--check needs a month")
    settings = load(config)
    period = None if month is None else period_of(month, None, None, zone_of(timezone, settings))
    with opened(ledger, quiet) as book:
        said: dict[str, Any] = {}
        if drop:
            said["dropped"] = rollups.drop(book, None if period is None else [period.title])
        elif period is not None and check:
            found = [same for _, same in rolling.check(book, period.title)]
            if not found:
                raise LedgerError(f"{period.title} is not kept; 'wattbook ledger rollup {period.title}' keeps it")
            if not all(found):
                raise LedgerError(
                    f"{period.title} is kept otherwise than its entries add up: the rollup was changed by hand; "
                    f"'wattbook ledger rollup --drop {period.title}' forgets it"
                )
            said["equal"] = True
        elif period is not None:
            rolling.bring_forward(book, settings, period)
        kept = [
            {"month": row.month, "upto": row.upto, "hosts": row.hosts}
            for row in rollups.kept_months(book)
            if period is None or row.month == period.title
        ]
    if as_json:
        print_json({**said, "rollups": kept})
        return
    if said.get("equal"):
        tell(f"{month} is kept as its entries add up")
    for one in kept if not drop else ():
        tell(f"{one['month']}  up to {one['upto']}  {one['hosts']} hosts")
    if not quiet and drop:
        tell(f"{said['dropped']} forgotten; the next report of a large month keeps it again", err=True)
    elif not quiet and not kept:
        tell("no month is kept added up", err=True)
