"""``wattbook ledger``: show, verify and export the book."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from wattbook.cli.common import common_options, print_json, tell

if TYPE_CHECKING:
    from wattbook.ledger.store import Ledger


@click.group("ledger", short_help="Show and verify the book.")
def command() -> None:
    """Show, verify and export the book."""


@contextmanager
def opened(url: str | None, quiet: bool) -> Iterator[Ledger]:
    """The book with what finished runs left in the spool folded in."""
    from wattbook.ledger.fold import fold_in
    from wattbook.ledger.store import Ledger

    with Ledger.open(url) as book:
        folded = fold_in(book)
        if not quiet:
            for problem in folded.problems:
                click.echo(f"wattbook: {problem}", err=True)
        yield book


@command.command("show", short_help="The runs and statements in the book.")
@click.option("--last", type=click.IntRange(min=0), metavar="N", help="The newest N runs only.")
@common_options
def show(last: int | None, ledger: str | None, config: str | None, quiet: bool, as_json: bool) -> None:
    """Show how many entries the book holds, its runs and the providers' figures that count."""
    from wattbook.report.numbers import carbon_text, energy_text

    with opened(ledger, quiet) as book:
        document: dict[str, Any] = {
            "url": book.url,
            "entries": book.count(),
            "runs": _runs(book, last),
            "statements": _statements(book),
        }
    if as_json:
        print_json(document)
        return
    click.echo(f"{document['url']}: {document['entries']} entries")
    for run in document["runs"]:
        energy = "energy unknown" if run["energy_j"] is None else energy_text(run["energy_j"])
        rest = ", ".join(x for x in (run["project"], run["phase"], None if run["complete"] else "incomplete") if x)
        tell(f"{run['start'][:19]}Z  {run['run_id']}  {energy}{'  ' + rest if rest else ''}")
    for told in document["statements"]:
        found = told["co2e_kg"].items()
        kg = ", ".join(f"{name} {carbon_text(float(value) * 1000)}" for name, value in found if value is not None)
        version = f" ({told['model_version']})" if told["model_version"] else ""
        tell(f"{told['month']}  {told['provider']} {told['account']}{version}  {kg or 'no total'}")


def _runs(book: Ledger, last: int | None) -> list[dict[str, Any]]:
    from wattbook.accounting.intervals import ENERGY, Interval, Sum
    from wattbook.accounting.totals import counts

    records = book.runs(last=last)
    wanted = {record.run_id: Sum(unit=ENERGY) for record in records}
    for entry in book.entries_of(wanted):
        if counts(entry) and entry.energy_j is not None:
            wanted[entry.run_id].add(Interval(entry.energy_j, entry.low_j, entry.high_j, unit=ENERGY), entry.cause)
    shown = []
    for record in records:
        energy = wanted[record.run_id].interval()
        shown.append(
            {
                "run_id": record.run_id,
                "kind": record.kind,
                "start": record.start,
                "end": record.end,
                "complete": record.complete,
                "host": record.host,
                "energy_j": energy.value if energy else None,
                "energy_low_j": energy.low if energy else None,
                "energy_high_j": energy.high if energy else None,
                "project": record.labels.project,
                "phase": record.labels.phase,
            }
        )
    return shown


def _statements(book: Ledger) -> list[dict[str, Any]]:
    from wattbook.accounting import MonthTotals, account_totals
    from wattbook.ledger.chains import ACTIVE

    shown = []
    for revision in book.revisions():
        if revision.standing != ACTIVE:
            continue
        chain = revision.chain
        totals = account_totals(revision.statements).get((chain.provider, chain.account, chain.month), MonthTotals())
        shown.append(
            {
                "provider": chain.provider,
                "account": chain.account,
                "month": chain.month,
                "model_version": revision.model_version,
                "interface": chain.interface,
                "revision": revision.revision,
                "co2e_kg": {"location": totals.location, "market": totals.market, "unsplit": totals.unsplit},
            }
        )
    return shown


@command.command("verify", short_help="Check every row of the book.")
@common_options
def verify(ledger: str | None, config: str | None, quiet: bool, as_json: bool) -> None:
    """Check every hash, and that nothing in the book is there twice or cannot be; exits with 1 if something is.

    Energy that two runs on one machine both saw is no fault: it is named, and every report counts it once.
    """
    from wattbook.ledger.verify import verify as check

    with opened(ledger, quiet) as book:
        verdict = check(book)
    if as_json:
        print_json(verdict.as_dict())
    else:
        for fault in verdict.faults:
            click.echo(f"{fault.kind}: {fault.id or 'book'}: {fault.reason}")
        if not quiet:
            for note in verdict.resolved:
                click.echo(f"counted once: {note.reason}", err=True)
            state = "sound" if verdict.ok else f"{len(verdict.faults)} problems"
            click.echo(f"{verdict.entries} entries, {verdict.revisions} statement sets: {state}", err=True)
    if not verdict.ok:
        sys.exit(1)


@command.command("export", short_help="Write the whole book as JSON Lines or CSV.")
@click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), default="jsonl", show_default=True)
@click.option("-o", "--output", metavar="FILE", help="Write here instead of to stdout.")
@common_options
def export(form: str, output: str | None, ledger: str | None, config: str | None, quiet: bool, as_json: bool) -> None:
    """Write the whole book; 'wattbook import' reads it back to the identical book."""
    from wattbook.errors import LedgerError
    from wattbook.ledger.exchange import WRITERS

    write = WRITERS[form]
    with opened(ledger, quiet) as book:
        if output is None or output == "-":
            if as_json:
                raise click.UsageError("with --json, name a file with -o: stdout holds one document only")
            write(book, sys.stdout)
            return
        # a file that is there already stays whole until the new one is
        target = f"{output}.part" if os.path.isfile(output) or not os.path.exists(output) else output
        try:
            with open(target, "w", encoding="utf-8", newline="") as stream:
                count = write(book, stream)
            if target != output:
                os.replace(target, output)
        except OSError as error:
            raise LedgerError(f"{output}: cannot be written: {error.strerror}") from error
    if as_json:
        print_json({"path": output, "format": form, "lines": count})
    elif not quiet:
        click.echo(f"{output}: {count} lines", err=True)
