"""``wattbook ledger periods``: which months are closed, and whether anything became known of them since."""

from __future__ import annotations

from typing import Any

import click

from wattbook.cli.common import common_options, print_json, tell
from wattbook.cli.ledger import opened


@click.command("periods", short_help="Which months are closed, by whom, with what.")
@click.argument("month", metavar="[YYYY-MM]", required=False)
@common_options
def command(month: str | None, ledger: str | None, config: str | None, quiet: bool, as_json: bool) -> None:
    """Show what was done to months, oldest first, with the manifest of every closing."""
    from wattbook.cli.ledger.close import act_as_json
    from wattbook.closing.manifest import told_by
    from wattbook.ledger import periods

    with opened(ledger, quiet) as book:
        acts = [act for act in periods.history(book) if month is None or act.month == month.strip()]
        closed = periods.closed(book)
    if as_json:
        shown: list[dict[str, Any]] = []
        for act in acts:
            head = closed.get(act.month)
            shown.append({**act_as_json(act), "in_force": head is not None and head.revision == act.revision})
        print_json({"closed": sorted(closed), "periods": shown})
        return
    for act in acts:
        what = "closed" if act.act == periods.CLOSE else "reopened"
        note = act.manifest.get("note", "")
        tell(f"{act.month}  {what} {told_by(act)}{'  ' + note if note else ''}")
    if not acts and not quiet:
        tell("no month is closed" if month is None else f"{month} was never closed", err=True)
