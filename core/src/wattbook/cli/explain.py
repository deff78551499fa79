"""``wattbook explain``: the arithmetic behind a number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from wattbook.cli.common import common_options, print_json

if TYPE_CHECKING:
    from wattbook.config import Config
    from wattbook.explaining import Explanation
    from wattbook.ledger.store import Ledger
    from wattbook.records import RunRecord


@click.command("explain", short_help="Print the arithmetic behind a number.")
@click.argument("what", metavar="ID|last|total|DIM:KEY|PROVIDER/ACCOUNT")
@click.option("--month", metavar="YYYY-MM", help="Of a total or a part: a calendar month; the current one if not said.")
@click.option("--from", "first", metavar="DAY", help="First day of another period.")
@click.option("--to", "last", metavar="DAY", help="Last day of it, itself included.")
@click.option("--timezone", metavar="ZONE", help="IANA zone of months; report.timezone if nothing is said.")
@common_options
def command(
    what: str,
    month: str | None,
    first: str | None,
    last: str | None,
    timezone: str | None,
    ledger: str | None,
    config: str | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Print the arithmetic behind a number.

    \b
    ID                a run or an entry, or the beginning of its id
    last              the newest run
    total             the total of a month
    DIM:KEY           a part of it: project:ner, phase:train, tag:model:big
    PROVIDER/ACCOUNT  what a provider states for a month

    Readings, terms, grid factors and stated figures add up to the number; what was not chosen and what nobody
    covered stands beside them.
    """
    from wattbook.cli.asked import period_of, zone_of
    from wattbook.cli.closed import period_there
    from wattbook.cli.explain_parts import part_of
    from wattbook.config import load
    from wattbook.explaining.as_json import as_json as document
    from wattbook.explaining.lines import as_lines
    from wattbook.explaining.parts_told import as_json as part_document
    from wattbook.explaining.parts_told import as_lines as part_lines
    from wattbook.ledger.fold import fold_in
    from wattbook.ledger.store import Ledger

    settings = load(config)
    zone = zone_of(timezone, settings)
    period_of(month, first, last, zone)  # wrong usage comes before the book
    told: Any
    with Ledger.open(ledger) as book:
        folded = fold_in(book)
        asked = any(value is not None for value in (month, first, last, timezone))
        explained = None if asked or what == "total" else _explain(book, what, settings)
        if explained is not None:
            told, lines = document(explained), as_lines(explained)
        else:
            part = part_of(book, settings, period_there(book, month, first, last, timezone, zone), what)
            told, lines = part_document(part), part_lines(part)
    if not quiet:
        for problem in folded.problems:
            click.echo(f"wattbook: {problem}", err=True)
    if as_json:
        print_json(told)
    else:
        for line in lines:
            click.echo(line)


def _explain(book: Ledger, what: str, settings: Config) -> Explanation | None:
    """A run or an entry; ``None`` for the name of a part that no id is."""
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
    if _names_a_part(what):
        return None
    if what == "last":
        raise WattbookError("the book holds no run yet; 'wattbook run -- COMMAND' makes one")
    raise WattbookError(
        f"the book holds no run or entry {what!r}, or more than one that begins so; total, project:NAME and "
        "PROVIDER/ACCOUNT with --month are explained, too"
    )


def _names_a_part(what: str) -> bool:
    from wattbook.report.dimensions import DIMENSIONS

    dim, colon, _ = what.partition(":")
    return "/" in what or (bool(colon) and (dim == "tag" or dim in DIMENSIONS))


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
