"""``wattbook ledger show``: the runs and the providers' figures in the book."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from wattbook.cli.common import common_options, print_json, tell
from wattbook.cli.ledger import opened

if TYPE_CHECKING:
    from wattbook.ledger.store import Ledger


@click.command("show", short_help="The runs and statements in the book.")
@click.option("--last", type=click.IntRange(min=0), metavar="N", help="The newest N runs only.")
@common_options
def command(last: int | None, ledger: str | None, config: str | None, quiet: bool, as_json: bool) -> None:
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
