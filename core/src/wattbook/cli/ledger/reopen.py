"""``wattbook ledger reopen``: let a closed month follow the book again."""

from __future__ import annotations

import click

from wattbook.cli.common import common_options, print_json, tell
from wattbook.cli.ledger import opened


@click.command("reopen", short_help="Open a closed month again.")
@click.argument("month", metavar="YYYY-MM")
@click.option("--by", metavar="NAME", help="Who opens it; kept in the book.")
@click.option("--note", default="", metavar="TEXT", help="Why; kept in the book.")
@common_options
def command(
    month: str, by: str | None, note: str, ledger: str | None, config: str | None, quiet: bool, as_json: bool
) -> None:
    """Open a closed month again: its report follows the book, and it can be closed anew.

    The manifest stays in the book.  A month that others were closed after is opened after them.
    """
    from wattbook.cli.ledger.close import act_as_json, the_month
    from wattbook.closing.acts import reopen

    name = the_month(month, "UTC").title
    with opened(ledger, quiet) as book:
        done = reopen(book, name, by=by, note=note)
    if as_json:
        print_json(act_as_json(done.act))
    if not quiet:
        tell(f"{done.act.month} is open again", err=True)
