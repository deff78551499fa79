"""``wattbook ledger verify``: check every row of the book."""

from __future__ import annotations

import sys

import click

from wattbook.cli.common import common_options, print_json
from wattbook.cli.ledger import opened


@click.command("verify", short_help="Check every row of the book.")
@common_options
def command(ledger: str | None, config: str | None, quiet: bool, as_json: bool) -> None:
    """Check every hash, and that nothing in the book is there twice or cannot be; exits with 1 if something is.

    Energy that two runs on one machine both saw is no fault: it is named, and every report counts it once.
    """
    from attrs import evolve

    from wattbook.closing import rolling
    from wattbook.ledger.faults import Fault
    from wattbook.ledger.verify import verify as check

    with opened(ledger, quiet) as book:
        verdict = check(book)
        wrong = [rollup_id for rollup_id, same in rolling.check(book) if not same]
    said = "a month is kept otherwise than its entries add up ('wattbook ledger rollup --drop' forgets what is kept)"
    faults = [Fault(kind="rollup", id=rollup_id, reason=said) for rollup_id in wrong]
    verdict = evolve(verdict, faults=(*verdict.faults, *faults))
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
