"""``wattbook report --compare``: two months, projects, runs or commands of the book."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from wattbook.errors import WattbookError

if TYPE_CHECKING:
    from wattbook.config import Config
    from wattbook.ledger.store import Ledger
    from wattbook.records import RunRecord
    from wattbook.report import Period, Report
    from wattbook.report.compare import Comparison, Side

KINDS = ("month", "project", "run", "command")


def compared(book: Ledger, settings: Config, period: Period, names: tuple[str, str]) -> Comparison:
    """Two things of one kind; *period* is that of projects and commands."""
    from wattbook.report.compare import compare

    kinds = [_kind(book, name) for name in names]
    if kinds[0][0] != kinds[1][0]:
        raise click.UsageError(f"--compare: a {kinds[0][0]} and a {kinds[1][0]} are not compared with each other")
    reports: dict[str, Report] = {}
    sides = [_side(book, settings, period, kind, name, reports) for kind, name in kinds]
    return compare(sides[0], sides[1])


def _kind(book: Ledger, text: str) -> tuple[str, str]:
    """``2026-10`` is a month, ``project:NAME`` and so on say what they are; else a run if there is one, else a project."""
    kind, colon, name = text.partition(":")
    if colon and kind in KINDS and name:
        return kind, name
    if re.fullmatch(r"\d{4}-\d{2}", text):
        return "month", text
    if find_run(book, text) is not None:
        return "run", text
    return "project", text


def find_run(book: Ledger, text: str) -> RunRecord | None:
    if not text.strip() or len(text) > 200:
        return None
    exact = book.runs(run_id=text)
    if exact:
        return exact[0]
    alike = [run for run in book.runs() if run.run_id.startswith(text)] if len(text) >= 4 else []
    return alike[0] if len(alike) == 1 else None


def _side(book: Ledger, settings: Config, period: Period, kind: str, name: str, reports: dict[str, Report]) -> Side:
    if kind == "month":
        return _month(book, settings, period, name)
    if kind == "project":
        return _project(book, settings, period, name, reports)
    return _one_run(book, name) if kind == "run" else _command(book, period, name)


def _month(book: Ledger, settings: Config, period: Period, name: str) -> Side:
    from itertools import chain

    from wattbook.closing.reading import report_of
    from wattbook.report import Period
    from wattbook.report.compare import side_of
    from wattbook.report.sums import undivided

    try:
        month = Period.from_month(name, period.zone)
    except ValueError as error:
        raise click.UsageError(f"--compare: {error}") from error
    report = report_of(book, settings, month, (), None)
    runs = len(set().union(*(atom.runs for atom in (*report.atoms, *chain.from_iterable(report.contained)))))
    return side_of("month", name, report.atoms, undivided(report.claims), runs)


def _project(book: Ledger, settings: Config, period: Period, name: str, reports: dict[str, Report]) -> Side:
    from wattbook.closing.reading import report_of
    from wattbook.report.compare import side_of
    from wattbook.report.sums import behind

    report = reports.get("project") or report_of(book, settings, period, ("project",), None)
    reports["project"] = report
    if all(row.key != name for row in report.by["project"]):
        known = ", ".join(sorted(row.key for row in report.by["project"] if row.key)[:10]) or "none"
        raise WattbookError(
            f"{name!r} is no run of the book and no project of {period.title}; there are {known} "
            "(a period is given with --month)"
        )
    atoms, shares = behind(report, "project", {name})
    runs = len(set().union(*(atom.runs for atom in atoms)))
    return side_of("project", name, atoms, shares, runs)


def _one_run(book: Ledger, name: str) -> Side:
    from wattbook.report.compare import side_of_run
    from wattbook.report.runs import uses_of

    record = find_run(book, name)
    if record is None:
        raise WattbookError(f"the book holds no run {name!r}, or more than one that begins so")
    known = {run.run_id: run for run in _alike(book.runs(), record)} | {record.run_id: record}
    uses = uses_of(book.entries_of(known), known)
    own = next((use for use in uses if use.run_id == record.run_id), None)
    if own is None:
        raise WattbookError(f"run {record.run_id} has no figure that could be compared")
    return side_of_run(own, record, [use for use in uses if known[use.run_id].complete and _well(known[use.run_id])])


def _alike(runs: list[RunRecord], record: RunRecord) -> list[RunRecord]:
    """Complete runs of the same command, for the same project, with the same tags."""
    return [
        run
        for run in runs
        if run.kind == record.kind == "run"
        and run.command == record.command
        and run.labels == record.labels
        and _well(run)
    ]


def _well(run: RunRecord) -> bool:
    return run.complete and not run.exit_code and not run.signal


def _command(book: Ledger, period: Period, name: str) -> Side:
    from wattbook.records import utc_text
    from wattbook.report.compare import side_of_command
    from wattbook.report.runs import uses_of

    command, _, tag = name.partition("@")
    key, _, value = tag.partition("=")
    start, end = utc_text(period.start), utc_text(period.end)
    known = {
        run.run_id: run
        for run in book.runs()
        if run.kind == "run" and run.command == command and _well(run) and start <= run.start < end
        and (not tag or run.labels.tags.get(key) == value)
    }  # fmt: skip
    uses = uses_of(book.entries_of(known), known)
    if not uses:
        raise WattbookError(f"no run of {name!r} ended well in {period.title} with a figure")
    return side_of_command(name, uses, [known[use.run_id] for use in uses])


def write(made: Comparison, form: str | None, output: str | None) -> None:
    """In one of the formats of a report."""
    import json

    from wattbook.cli.common import print_json
    from wattbook.cli.report import columns, decorated, write_text
    from wattbook.report.as_html.plain import blocks_as_html
    from wattbook.report.as_markdown import blocks_as_markdown
    from wattbook.report.as_table import blocks_as_text
    from wattbook.report.compare_lines import as_csv, as_json, blocks_of

    if form == "json" and output is None:
        print_json(as_json(made))
        return
    blocks = list(blocks_of(made))
    if form == "json":
        text = json.dumps(as_json(made), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    elif form == "csv":
        text = as_csv(made)
    elif form == "md":
        text = blocks_as_markdown(blocks)
    elif form == "html":
        text = blocks_as_html(f"Compared: {blocks[0].title}", blocks)
    else:
        text = blocks_as_text(blocks, bold=output is None and decorated(), width=columns() if output is None else None)
    if output is None:
        click.echo(text, nl=False)
    else:
        write_text(output, text)
