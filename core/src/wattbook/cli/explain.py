"""``wattbook explain``: the arithmetic behind a number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from wattbook.cli.common import common_options, print_json

if TYPE_CHECKING:
    from wattbook.config import Config
    from wattbook.explaining import Explanation
    from wattbook.ledger.store import Ledger
    from wattbook.records import RunRecord


@click.command("explain", short_help="Print the arithmetic behind a number.")
@click.argument("what", metavar="ID|last")
@common_options
def command(what: str, ledger: str | None, config: str | None, quiet: bool, as_json: bool) -> None:
    """Print the arithmetic behind a number.

    ID is a run or an entry, or the beginning of its id; last is the newest run.  Readings, terms and the grid
    factor add up to the number; what was not chosen and what nobody covered stands beside them.
    """
    from wattbook.config import load
    from wattbook.explaining.as_json import as_json as document
    from wattbook.explaining.lines import as_lines
    from wattbook.ledger.fold import fold_in
    from wattbook.ledger.store import Ledger

    with Ledger.open(ledger) as book:
        folded = fold_in(book)
        explained = _explain(book, what, load(config))
    if not quiet:
        for problem in folded.problems:
            click.echo(f"wattbook: {problem}", err=True)
    if as_json:
        print_json(document(explained))
    else:
        for line in as_lines(explained):
            click.echo(line)


def _explain(book: Ledger, what: str, settings: Config) -> Explanation:
    from wattbook.accounting.hours import by_hour
    from wattbook.closing.hourly import hourly
    from wattbook.errors import WattbookError
    from wattbook.explaining import explain

    if len(what) > 200 or not what.isprintable():
        raise WattbookError("no run or entry has such an id; 'wattbook ledger show' lists the runs")
    run = _run(book, what)
    if run is not None:
        entries = list(by_hour(book.entries(run_id=run.run_id), hourly(settings).factors.hours))
        return explain("run", run.run_id, entries, run)
    entry = book.entry(what) if what != "last" and what.strip() else None
    if entry is not None:
        runs = book.runs(run_id=entry.run_id)
        entries = list(by_hour([entry], hourly(settings).factors.hours))
        return explain("entry", entry.entry_id, entries, runs[0] if runs else None)
    if what == "last":
        raise WattbookError("the book holds no run yet; 'wattbook run -- COMMAND' makes one")
    raise WattbookError(f"the book holds no run or entry {what!r}, or more than one that begins so")


def _run(book: Ledger, what: str) -> RunRecord | None:
    """The run of that id, the only one whose id begins so, or the newest."""
    if what == "last":
        newest = book.runs(last=1)
        return newest[0] if newest else None
    exact = book.runs(run_id=what)
    if exact:
        return exact[0]
    alike = [run for run in book.runs() if run.run_id.startswith(what)] if what.strip() else []
    return alike[0] if len(alike) == 1 else None
