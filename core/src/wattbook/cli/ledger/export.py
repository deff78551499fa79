"""``wattbook ledger export``: the whole book as a file or a folder that is read back."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wattbook.cli.common import common_options, print_json, tell
from wattbook.cli.ledger import opened

if TYPE_CHECKING:
    from wattbook.config import Config
    from wattbook.ledger.store import Ledger

FORMS = ("jsonl", "csv", "parquet")


@click.command("export", short_help="Write the whole book as JSON Lines, CSV or Parquet.")
@click.option("--format", "form", type=click.Choice(FORMS), default="jsonl", show_default=True)
@click.option("-o", "--output", metavar="PATH", help="Write here instead of to stdout; a folder for Parquet.")
@click.option("--timezone", metavar="ZONE", help="IANA zone of the months that count, for Parquet.")
@common_options
def command(
    form: str,
    output: str | None,
    timezone: str | None,
    ledger: str | None,
    config: str | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Write the whole book; 'wattbook import' reads it back to the identical book.

    Parquet is a folder: book/ holds every record by month and is read back, counted/ holds what the report
    of each month counts, for DuckDB, Spark or Trino.
    """
    if (output is None or output == "-") and (as_json or form == "parquet"):
        why = "Parquet is a folder" if form == "parquet" else "with --json stdout holds one document only"
        raise click.UsageError(f"Say where to with -o: {why}.")
    with opened(ledger, quiet) as book:
        if form == "parquet":
            count = _parquet(book, Path(output or ""), timezone, config)
        elif output is None or output == "-":
            from wattbook.ledger.exchange import WRITERS

            WRITERS[form](book, sys.stdout)
            return
        else:
            count = _file(book, form, output)
    if as_json:
        print_json({"path": output, "format": form, "lines": count})
    elif not quiet:
        tell(f"{output}: {count} lines", err=True)


def _file(book: Ledger, form: str, output: str) -> int:
    from wattbook.errors import LedgerError
    from wattbook.ledger.exchange import WRITERS

    # a file that is there already stays whole until the new one is
    target = f"{output}.part" if os.path.isfile(output) or not os.path.exists(output) else output
    try:
        with open(target, "w", encoding="utf-8", newline="") as stream:
            count = WRITERS[form](book, stream)
        if target != output:
            os.replace(target, output)
    except OSError as error:
        raise LedgerError(f"{output}: cannot be written: {error.strerror}") from error
    return count


def _parquet(book: Ledger, folder: Path, timezone: str | None, config: str | None) -> int:
    from wattbook.cli.asked import zone_of
    from wattbook.config import load
    from wattbook.sharing.parquet import write_parquet

    settings = load(config)
    return write_parquet(book, folder, counted_months(book, settings, zone_of(timezone, settings)))


def counted_months(book: Ledger, settings: Config, zone: str) -> Iterator[tuple[str, Iterable[dict[str, Any]]]]:
    """What counts of every month, as its report says: a closed month as it was closed."""
    from wattbook.closing.reading import as_closed, built
    from wattbook.ledger import periods
    from wattbook.report import Period
    from wattbook.sharing.counted import DIMENSIONS, counted
    from wattbook.sharing.months import months_of

    closed = periods.closed(book)
    for month in months_of(book):
        if month in closed:
            report = as_closed(book, closed[month], DIMENSIONS)
        else:
            report = built(book, settings, Period.from_month(month, zone), DIMENSIONS, None)
        yield month, counted(report)
