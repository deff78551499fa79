"""``wattbook report``: a month of the book, added up."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wattbook.cli.asked import moment_of, period_of, usage, zone_of
from wattbook.cli.common import common_options, print_json

TERMINAL_ROWS = 40  #: of each table on a terminal; a pipe and a file have all
SUMMARY_ROWS = 50  #: of each table; a step's summary may have 1 MiB

if TYPE_CHECKING:
    from wattbook.report import Report


@click.command("report", short_help="Report a month: energy and carbon by basis, project, platform, phase.")
@click.option("--month", metavar="YYYY-MM", help="A calendar month; the current one if nothing is said.")
@click.option("--from", "first", metavar="DAY", help="First day, or a time: 2026-10-01 or 2026-10-01T08:00+08:00.")
@click.option("--to", "last", metavar="DAY", help="Last day, itself included; a time is excluded.")
@click.option("--by", "dims", multiple=True, metavar="DIM", help="Break down by this; may be repeated. tag:NAME too.")
@click.option("--as-of", metavar="TIME", help="The book as it was known then; a day means its end.")
@click.option("--timezone", metavar="ZONE", help="IANA zone of months and days; report.timezone if nothing is said.")
@click.option(
    "--format", "form", type=click.Choice(["table", "json", "csv", "md", "html"]), help="table if nothing is said."
)
@click.option("--fail-over", "limit", metavar="MASS", help="Exit 1 over this mass, such as 50kg, or over 'budget'.")
@click.option("--step-summary", is_flag=True, help="Add the report as Markdown to the file $GITHUB_STEP_SUMMARY.")
@click.option(
    "--compare", "pair", nargs=2, metavar="A B",
    help="Two months, runs or projects; command:NAME is the mean of its runs.",
)  # fmt: skip
@click.option("-o", "--output", metavar="FILE", help="Write to this file instead of stdout.")
@common_options
def command(
    month: str | None,
    first: str | None,
    last: str | None,
    dims: tuple[str, ...],
    as_of: str | None,
    timezone: str | None,
    form: str | None,
    limit: str | None,
    step_summary: bool,
    pair: tuple[str, str] | None,
    output: str | None,
    ledger: str | None,
    config: str | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Report a month: energy and carbon by basis, project, platform, phase.

    Location- and market-based carbon are two views and never one sum.  A provider's figure stands for the
    hosts that its account claims; what was measured there is shown inside it and not added.
    """
    from wattbook.accounting.carbon import pinned
    from wattbook.cli.closed import period_there
    from wattbook.cli.closed import tell as tell_closed
    from wattbook.closing.reading import report_of
    from wattbook.config import load
    from wattbook.errors import WattbookError
    from wattbook.ledger.fold import fold_in
    from wattbook.ledger.store import Ledger
    from wattbook.report import DEFAULT_DIMENSIONS
    from wattbook.report.dimensions import check_dimension
    from wattbook.report.gate import over, over_budget, parse_mass

    limit_g = usage("--fail-over", parse_mass, limit) if limit not in (None, "budget") else None
    if as_json and form not in (None, "json"):
        raise click.UsageError(f"--json and --format {form} contradict each other")
    settings = load(config)
    zone = zone_of(timezone, settings)
    period_of(month, first, last, zone)  # wrong usage comes before the book
    moment = moment_of(as_of, zone)
    for dim in dims:
        usage("--by", check_dimension, dim)
    if pair is not None and (dims or as_of or limit or step_summary):
        raise click.UsageError("--compare goes with --month, --timezone, --format and -o alone")
    with Ledger.open(ledger) as book:
        folded = fold_in(book)
        if pair is not None:
            from wattbook.cli.compare import compared, write

            asked = period_there(book, month, first, last, timezone, zone)
            write(compared(book, settings, asked, pair), "json" if as_json else form, output)
            return
        period = period_there(book, month, first, last, timezone, zone, moment)
        made = report_of(book, settings, period, tuple(dict.fromkeys(dims)) or DEFAULT_DIMENSIONS, moment)
        if dims:
            from wattbook.people.showing import named

            made = named(made, settings.privacy)
        if not quiet:
            tell_closed(book, period, made, moment)
    if not quiet:
        for problem in folded.problems:
            click.echo(f"wattbook: {problem}", err=True)
        if not made.entries and not made.gaps and not made.claims:
            click.echo(f"wattbook: the book holds nothing from {period.title}", err=True)
    with pinned(made.pins):
        _write(made, "json" if as_json else form or "table", output)
        if step_summary:
            _summarise(made, quiet)
    sentence = over_budget(made) if limit == "budget" else None if limit_g is None else over(made, limit_g)
    if sentence is not None:
        raise WattbookError(sentence)


def _summarise(report: Report, quiet: bool) -> None:
    """Add the report to the page that the CI service shows beside a job, where it has such a page."""
    from wattbook.errors import WattbookError
    from wattbook.report.as_markdown import as_markdown

    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if not path:
        if not quiet:
            click.echo("wattbook: $GITHUB_STEP_SUMMARY is not set; no summary was written", err=True)
        return
    try:
        with open(path, "a", encoding="utf-8", newline="") as file:
            file.write(as_markdown(report, most=SUMMARY_ROWS) + "\n")
    except OSError as error:
        raise WattbookError(f"the step summary {path} cannot be written: {error.strerror or error}") from error


def _write(report: Report, form: str, output: str | None) -> None:
    from wattbook.report.as_csv import as_csv
    from wattbook.report.as_json import as_json
    from wattbook.report.as_markdown import as_markdown
    from wattbook.report.as_table import as_table

    if form == "json" and output is None:
        print_json(as_json(report))
        return
    if form == "json":
        import json

        text = json.dumps(as_json(report), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    elif form == "csv":
        text = as_csv(report)
    elif form == "md":
        text = as_markdown(report)
    elif form == "html":
        text = page(report)
    else:
        wide = columns() if output is None else None
        text = as_table(
            report, bold=output is None and decorated(), width=wide, most=None if wide is None else TERMINAL_ROWS
        )
    if output is None:
        click.echo(text, nl=False)
        return
    write_text(output, text)


def write_text(path: str, text: str) -> None:
    """Write a file whole; raises ``WattbookError`` with a sentence."""
    from wattbook.errors import WattbookError

    try:
        Path(path).write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise WattbookError(f"{path} cannot be written: {error.strerror or error}") from error


def page(report: Report) -> str:
    """The report as one HTML page, with the derivation of every figure."""
    from wattbook.explaining.figures import derive
    from wattbook.report.as_html import as_html, rows_for

    return as_html(report, derive(report, rows_for(len(report.by))))


def decorated() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def columns() -> int | None:
    """How wide the terminal is; ``None`` for a pipe, whose lines are for programs and stay whole."""
    import shutil

    return max(40, shutil.get_terminal_size().columns) if sys.stdout.isatty() else None
