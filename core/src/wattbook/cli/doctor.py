"""``wattbook doctor``: which source is used for what, and why not better."""

from __future__ import annotations

import sys
from typing import Any

import click

from wattbook.cli.common import common_options, print_json


@click.command("doctor", short_help="Show which source is used for what, and why not better.")
@click.option("--strict", is_flag=True, help="Exit with 1 also when anything wanted is estimated or open.")
@common_options
def command(strict: bool, ledger: str | None, config: str | None, quiet: bool, as_json: bool) -> None:
    """Show which source is used for what, and why not better.

    Every source is chosen, passed over, unavailable or broken, with its reason and the smallest remedy.
    Nothing is opened, recorded, prompted for or sent.  Exits with 0 when everything present works.
    """
    from wattbook.config import load
    from wattbook.diagnosis import as_lines, diagnose
    from wattbook.host import detect, place
    from wattbook.pipeline import survey
    from wattbook.plugins import installed

    settings = load(config)
    plugins = installed(settings.plugins)
    surveyed = survey(detect(), settings, plugins)
    diagnosis = diagnose(surveyed, plugins, settings, place(settings), _ledger(ledger))
    if as_json:
        print_json(diagnosis.as_dict())
    elif not quiet:
        for line in as_lines(diagnosis):
            click.echo(line)
    if diagnosis.broken or (strict and not diagnosis.all_measured):
        sys.exit(1)


def _ledger(url: str | None) -> dict[str, Any]:
    """The state of the book; a book that does not exist yet is fine and is not made."""
    from wattbook.errors import LedgerError, NoLedger
    from wattbook.ledger.connect import default_url, parse_url, printable
    from wattbook.ledger.store import Ledger

    place = url or default_url()
    try:
        shown = printable(parse_url(place))
        with Ledger.open(place, create=False) as book:
            return {"url": shown, "entries": book.count(), "ok": True, "reason": None}
    except NoLedger:
        return {"url": shown, "entries": 0, "ok": True, "reason": "it is made when something is booked"}
    except LedgerError as error:
        return {"url": None, "entries": None, "ok": False, "reason": str(error)}
