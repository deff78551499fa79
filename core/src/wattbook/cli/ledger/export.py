"""``wattbook ledger export``: the whole book as a file that is read back."""

from __future__ import annotations

import os
import sys

import click

from wattbook.cli.common import common_options, print_json
from wattbook.cli.ledger import opened


@click.command("export", short_help="Write the whole book as JSON Lines or CSV.")
@click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), default="jsonl", show_default=True)
@click.option("-o", "--output", metavar="FILE", help="Write here instead of to stdout.")
@common_options
def command(form: str, output: str | None, ledger: str | None, config: str | None, quiet: bool, as_json: bool) -> None:
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
