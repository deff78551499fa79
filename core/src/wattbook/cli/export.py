"""``wattbook export``: the book's figures as others want to read them."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wattbook.cli.asked import period_of, zone_of
from wattbook.cli.common import common_options, print_json

if TYPE_CHECKING:
    from wattbook.config import Config
    from wattbook.ledger.store import Ledger
    from wattbook.report import Period, Report
    from wattbook.report.packs import Selection
    from wattbook.report.packs.sci import Embodied

PACKS = ("huggingface", "sci", "sci-ai", "ghg", "openmetrics")
WHOLE = ("ghg", "openmetrics")  #: packs of a whole period


@click.command("export", short_help="Write figures for others: model card, SCI, GHG table, OpenMetrics.")
@click.argument("pack", type=click.Choice(PACKS))
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@click.option("--month", metavar="YYYY-MM", help="A calendar month; the current one if nothing is said.")
@click.option("--from", "first", metavar="DAY", help="First day of another period.")
@click.option("--to", "last", metavar="DAY", help="Last day of it, itself included.")
@click.option("--project", metavar="P", help="This project only.")
@click.option("--units", metavar="N:NAME", help="sci, sci-ai: the functional unit and how many; else that of the runs.")
@click.option("--embodied-g", type=float, metavar="G", help="sci, sci-ai: embodied emissions M in grams.")
@click.option("--embodied-source", metavar="TEXT", help="sci, sci-ai: where M is from; M is refused without it.")
@click.option(
    "--persona",
    type=click.Choice(["provider", "consumer"]),
    help="sci-ai: whose score; the provider's if nothing is said.",
)
@click.option("--training-type", type=click.Choice(["pre-training", "fine-tuning"]), help="huggingface.")
@click.option("--hardware", metavar="TEXT", help="huggingface: what it ran on.")
@click.option("--location", metavar="TEXT", help="huggingface: where; else the countries of the grids.")
@click.option("--format", "form", type=click.Choice(["table", "csv", "md"]), help="ghg: table if nothing is said.")
@click.option("--timezone", metavar="ZONE", help="IANA zone of months; report.timezone if nothing is said.")
@click.option("-o", "--output", metavar="FILE", help="Write to this file, whole or not at all, instead of stdout.")
@common_options
def command(
    pack: str, runs: tuple[str, ...], ledger: str | None, config: str | None, quiet: bool, as_json: bool, **told: Any
) -> None:
    """Write figures for others to read.

    \b
    huggingface  co2_eq_emissions of a model card, in grams
    sci          Software Carbon Intensity, ((E x I) + M) per R
    sci-ai       the same for AI, for a provider or a consumer
    ghg          a table by the GHG Protocol: scope 2 both ways, scope 3
    openmetrics  a textfile for Prometheus

    Named RUNs are told of alone; else a month or another period, with --project a part of it.
    What is not known is refused or told as unknown, never as zero.
    """
    from wattbook.cli.closed import period_there
    from wattbook.config import load
    from wattbook.ledger.fold import fold_in
    from wattbook.ledger.store import Ledger

    embodied = _checked(pack, runs, told)
    settings = load(config)
    zone = zone_of(told["timezone"], settings)
    period_of(told["month"], told["first"], told["last"], zone)  # wrong usage comes before the book
    with Ledger.open(ledger) as book:
        folded = fold_in(book)
        if not quiet:
            for problem in folded.problems:
                click.echo(f"wattbook: {problem}", err=True)
        period = period_there(book, told["month"], told["first"], told["last"], told["timezone"], zone)
        if pack in WHOLE:
            document, text = _whole(pack, _reported(book, settings, period), told["form"] or "table", told["output"])
        else:
            chosen = _selected(book, settings, period, runs, told)
            document, text = _of_work(pack, chosen, told, embodied)
    if as_json and told["output"] is None:
        print_json(document)
        return
    if as_json:
        text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    if told["output"] is None:
        click.echo(text, nl=False)
    else:
        write_whole(told["output"], text)


def _checked(pack: str, runs: tuple[str, ...], told: dict[str, Any]) -> Embodied | None:
    """What does not belong to the pack is wrong usage."""
    from wattbook.report.packs.sci import Embodied

    belongs = {
        "units": ("sci", "sci-ai"), "embodied_g": ("sci", "sci-ai"), "embodied_source": ("sci", "sci-ai"),
        "persona": ("sci-ai",), "training_type": ("huggingface",), "hardware": ("huggingface",),
        "location": ("huggingface",), "form": ("ghg",),
    }  # fmt: skip
    for name, packs in belongs.items():
        if told[name] is not None and pack not in packs:
            option = "--format" if name == "form" else f"--{name.replace('_', '-')}"
            raise click.UsageError(f"{option} belongs to {' and '.join(packs)}, not to {pack}")
    if runs and (pack in WHOLE or told["month"] or told["first"] or told["project"]):
        raise click.UsageError(
            "runs are told of alone: without a period or a project"
            if pack not in WHOLE
            else f"{pack} is that of a whole period"
        )
    if told["project"] is not None and pack in WHOLE:
        raise click.UsageError(f"{pack} is that of all projects")
    if told["embodied_g"] is None:
        if told["embodied_source"] is not None:
            raise click.UsageError("--embodied-source says where --embodied-g is from")
        return None
    if not 0 < told["embodied_g"] < 1e15:
        raise click.UsageError("--embodied-g: embodied emissions are more than 0 g; what is not known is left out")
    if not (told["embodied_source"] or "").strip():
        raise click.UsageError("--embodied-g needs --embodied-source: where it is from")
    return Embodied(grams=told["embodied_g"], source=told["embodied_source"])


def _reported(book: Ledger, settings: Config, period: Period) -> Report:
    from wattbook.closing.reading import report_of
    from wattbook.report import DEFAULT_DIMENSIONS

    return report_of(book, settings, period, DEFAULT_DIMENSIONS, None)


def _whole(pack: str, report: Report, form: str, output: str | None) -> tuple[Any, str]:
    from wattbook.accounting.carbon import pinned
    from wattbook.cli.report import columns, decorated
    from wattbook.report.as_json import period_as_json
    from wattbook.report.as_markdown import blocks_as_markdown
    from wattbook.report.as_table import blocks_as_text
    from wattbook.report.packs.ghg import as_blocks, as_csv, as_rows
    from wattbook.report.packs.openmetrics import as_openmetrics

    with pinned(report.pins):
        if pack == "openmetrics":
            text = as_openmetrics(report)
            return {"openmetrics": text}, text
        document = {"period": period_as_json(report.period), "watermark": report.watermark, "lines": as_rows(report)}
        if form == "csv":
            return document, as_csv(report)
        if form == "md":
            return document, blocks_as_markdown(as_blocks(report))
        plain = output is not None
        return document, blocks_as_text(
            as_blocks(report), bold=not plain and decorated(), width=None if plain else columns()
        )


def _of_work(pack: str, chosen: Selection, told: dict[str, Any], embodied: Embodied | None) -> tuple[Any, str]:
    from wattbook.report.packs.model_card import as_fields, as_yaml
    from wattbook.report.packs.sci import score, score_for_ai

    if pack == "huggingface":
        fields = as_fields(
            chosen, training_type=told["training_type"], location=told["location"], hardware=told["hardware"]
        )
        return {"co2_eq_emissions": fields}, as_yaml(fields)
    document = (
        score(chosen, embodied) if pack == "sci" else score_for_ai(chosen, told["persona"] or "provider", embodied)
    )
    return document, json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _selected(book: Ledger, settings: Config, period: Period, runs: tuple[str, ...], told: dict[str, Any]) -> Selection:
    from wattbook.units import parse_work

    units = None
    if told["units"] is not None:
        units = parse_work(told["units"])
        if units is None:
            raise click.UsageError(f"--units: {told['units']!r} is no amount of work, such as 1000:token")
    return _runs(book, runs, units) if runs else _period(book, settings, period, told["project"], units)


def _runs(book: Ledger, names: tuple[str, ...], units: tuple[float, str] | None) -> Selection:
    from wattbook.accounting.totals import counts
    from wattbook.cli.compare import find_run
    from wattbook.errors import WattbookError
    from wattbook.report.atoms import atoms_of
    from wattbook.report.batches import batched
    from wattbook.report.fates import fates_of
    from wattbook.report.packs import selected

    found = {}
    for name in names:
        run = find_run(book, name)
        if run is None:
            raise WattbookError(f"the book holds no run {name!r}, or more than one that begins so")
        found[run.run_id] = run
    entries = list(book.entries_of(found))
    atoms = atoms_of(batched(e for e in entries if counts(e)), lambda batch: (), fates_of(found.values()))
    told = {run.unit: 0.0 for run in found.values()}
    for run in found.values():
        told[run.unit] += run.units or 0.0
    if units is None and len(told) == 1 and all(run.units for run in found.values()):
        units = next((amount, unit) for unit, amount in told.items())
    name = f"run {', '.join(found)}" if len(found) < 4 else f"{len(found)} runs"
    gaps = [f"{entry.device}/{entry.domain}" for entry in entries if entry.kind == "gap"]
    return selected(name, atoms, units=units, gaps=gaps, synthetic=any(entry.synthetic for entry in entries))


def _period(
    book: Ledger, settings: Config, period: Period, project: str | None, units: tuple[float, str] | None
) -> Selection:
    from wattbook.accounting.carbon import pinned
    from wattbook.closing.reading import report_of
    from wattbook.errors import WattbookError
    from wattbook.report.packs import selected
    from wattbook.report.sums import behind, undivided

    report = report_of(book, settings, period, ("project",), None)
    gaps, synthetic = [gap.domain for gap in report.gaps], report.watermark is not None
    if project is None:
        name, atoms, shares = period.title, list(report.atoms), list(undivided(report.claims))
    elif any(row.key == project for row in report.by["project"]):
        name = f"project {project}, {period.title}"
        atoms, shares = behind(report, "project", {project})
    else:
        raise WattbookError(f"{period.title} holds nothing of project {project!r}")
    with pinned(report.pins):
        return selected(name, atoms, shares, units=units, gaps=gaps, synthetic=synthetic)


def write_whole(path: str, text: str) -> None:
    """Write a file so that nobody ever reads half of it; raises ``WattbookError`` with a sentence."""
    from wattbook.errors import WattbookError

    place = Path(path)
    made = None
    try:
        if place.exists() and not place.is_file():  # a device or a pipe is written to, and not replaced
            place.write_text(text, encoding="utf-8", newline="")
            return
        descriptor, made = tempfile.mkstemp(prefix=f".{place.name[:80]}.", dir=place.parent)
        with open(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(made, 0o666 & ~mask)
        os.replace(made, place)
    except OSError as error:
        if made is not None:
            Path(made).unlink(missing_ok=True)
        raise WattbookError(f"{path} cannot be written: {error.strerror or error}") from error
