"""``wattbook estimate``: a what-if; the options that ``wattbook log`` shares with it stand here too."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click

from wattbook.cli.common import common_options, print_json

if TYPE_CHECKING:
    from wattbook.accounting import Carbon
    from wattbook.byhand import Figure
    from wattbook.config import Config
    from wattbook.jobs import Job
    from wattbook.records import Place

F = TypeVar("F", bound=Callable[..., Any])

#: option -> (column of a jobs CSV, metavar, help); every value is text and checked in one place
DESCRIPTION = {
    "hours": ("hours", "H", "How long, in hours."),
    "util": ("util", "U", "Utilisation in percent: 60, 60..80, or idle, notebook, ci, inference, training."),
    "cpu": ("cpu", "NAME", "The processor's name, as the system prints it."),
    "tdp": ("tdp_w", "W", "Instead of a name: thermal design power of one processor."),
    "sockets": ("sockets", "N", "Number of processors."),
    "threads": ("threads", "N", "Hardware threads: a virtual machine's vCPUs, or the part of a chip in use."),
    "instance": ("instance", "TYPE", "Cloud instance type, such as p4d.24xlarge."),
    "memory-gb": ("memory_gb", "G", "Memory of the machine, or allocated to the job."),
    "gpu": ("gpu", "NAME", "The accelerator's name, as the driver prints it."),
    "gpu-tdp": ("gpu_tdp_w", "W", "Power limit of one accelerator."),
    "gpu-count": ("gpu_count", "N", "Number of accelerators."),
    "gpu-util": ("gpu_util", "U", "Utilisation of the accelerators in percent, or a range, or a preset."),
    "count": ("count", "N", "Number of such machines."),
    "load": ("load", "SCALE", "What --util is: os (CPU %, the default) or throughput (share of the maximum work)."),
    "boundary": ("boundary", "B", "wall (the default) or package (processors and boards alone, as RAPL sees them)."),
    "region": ("region", "R", "Cloud region whose grid is used instead of the site's."),
}


def description_options(command: F) -> F:
    """The options that describe a piece of work, each handed on as text under its column's name."""
    for name, (column, metavar, text) in reversed(DESCRIPTION.items()):
        command = click.option(f"--{name}", column, metavar=metavar, help=text)(command)
    return command


@click.command("estimate", short_help="Estimate power, energy and carbon; nothing is recorded.")
@description_options
@click.option("--site", metavar="S", help="A configured site, for its grid and its PUE.")
@click.option("--explain", is_flag=True, help="Print every term with its formula and source.")
@common_options
def command(
    site: str | None,
    explain: bool,
    ledger: str | None,
    config: str | None,
    quiet: bool,
    as_json: bool,
    **fields: str | None,
) -> None:
    """Estimate power, energy and carbon of a described machine; nothing is recorded.

    Every figure is a 90 % interval around an estimate from duration, utilisation and design power.
    """
    from wattbook.byhand import Estimators
    from wattbook.config import load
    from wattbook.plugins import installed

    settings = load(config)
    job = described(fields)
    figure = Estimators(installed(settings.plugins)).figure(job, start=datetime.now(UTC).replace(microsecond=0))
    carbon = carbon_of_figure(figure, place_of(job, settings, site))
    if as_json:
        print_json(as_document(figure, carbon))
        return
    for line in as_lines(figure, carbon, explain=explain):
        click.echo(line)
    if not quiet:
        for warning in figure.warnings:
            click.echo(f"note: {warning}", err=True)


def described(fields: dict[str, str | None]) -> Job:
    """The job of the options; what is wrong ends the command with one sentence for each."""
    from wattbook.jobs import Job, job_from_fields

    options = {column: f"--{name}" for name, (column, _, _) in DESCRIPTION.items()}
    job = job_from_fields({key: value for key, value in fields.items() if value is not None}, zone=system_zone())
    if isinstance(job, Job):
        return job
    sentences = [f"{options.get(wrong.field or '', wrong.field or '')}: {wrong.reason}" for wrong in job]
    click.echo("\n".join(f"wattbook: {sentence}" for sentence in sentences), err=True)
    sys.exit(2)


def system_zone() -> Any:
    """The time zone of a start without one."""
    return datetime.now().astimezone().tzinfo or UTC


def place_of(job: Job, config: Config, site: str | None = None) -> Place:
    """Where a job ran: its cloud region's grid, else the site's."""
    from wattbook.byhand import Undescribed
    from wattbook.factors import zone_of_region
    from wattbook.host import place
    from wattbook.records import Place

    if job.region is None:
        return place(config, site)
    if job.region in config.sites:
        return place(config, job.region)
    zone = zone_of_region(job.region)
    if zone is None:
        raise Undescribed(
            f"no grid zone is known for the region {job.region!r}: configure sites.{job.region} with its zone",
            field="region",
        )
    return Place(site=job.region, zone=zone)


def carbon_of_figure(figure: Figure, place: Place) -> Carbon | None:
    """Grams of the figure's readings together, or ``None`` where no factor is known."""
    from attrs import evolve

    from wattbook.accounting import Carbon, carbon_of, total
    from wattbook.records import Entry

    entries = [
        Entry.from_reading(reading, run_id="", host="", plugin=plugin, place=place)
        for plugin, reading in figure.readings
    ]
    known = total(entries)
    factor = carbon_of(entries[0]).factor if entries else None
    return None if known.location_g is None else evolve(Carbon(), location=known.location_g, factor=factor)


def as_document(figure: Figure, carbon: Carbon | None) -> dict[str, Any]:
    """The JSON document of ``estimate``."""
    from attrs import asdict

    grams = None if carbon is None else carbon.location
    factor = None if carbon is None else carbon.factor
    return {
        **numbers(figure),
        "co2e_g": None if grams is None else grams.value,
        "co2e_low_g": None if grams is None else grams.low,
        "co2e_high_g": None if grams is None else grams.high,
        "factor": None if factor is None else factor.as_dict(),
        "boundary": figure.job.boundary,
        "method": figure.method,
        "terms": [asdict(term) for term in figure.terms],
        "warnings": list(figure.warnings),
    }


def numbers(figure: Figure) -> dict[str, float | None]:
    """Power in W and energy in Wh with their intervals."""
    from wattbook.units import J_PER_WH

    power, energy = figure.power, figure.energy_j
    return {
        "power_w": power.value,
        "power_low_w": power.low,
        "power_high_w": power.high,
        "energy_wh": energy.value / J_PER_WH,
        "energy_low_wh": None if energy.low is None else energy.low / J_PER_WH,
        "energy_high_wh": None if energy.high is None else energy.high / J_PER_WH,
    }


def as_lines(figure: Figure, carbon: Carbon | None, *, explain: bool) -> list[str]:
    """For people: value and 90 % interval, one quantity a line."""
    shown = numbers(figure)
    lines = [
        f"power   {spread(shown['power_w'], shown['power_low_w'], shown['power_high_w'], 'W')}",
        f"energy  {spread(shown['energy_wh'], shown['energy_low_wh'], shown['energy_high_wh'], 'Wh')}"
        f"   {figure.job.hours:g} h, {figure.job.boundary}, estimated",
    ]
    grams = None if carbon is None else carbon.location
    if grams is None or carbon is None or carbon.factor is None:
        lines.append("carbon  not known: no grid factor for this place")
    else:
        assumed = ", zone assumed" if carbon.factor.assumed else ""
        lines.append(
            f"carbon  {spread(grams.value, grams.low, grams.high, 'g CO2e')}"
            f"   {carbon.factor.zone} {carbon.factor.g_per_kwh:.4g} g/kWh{assumed}"
        )
    if explain:
        for term in figure.terms:
            lines += [
                "",
                f"{term.what}: {spread(term.power_w, term.low_w, term.high_w, 'W')}",
                f"  {term.formula}",
                f"  {term.source}",
            ]
    return lines


def spread(value: float | None, low: float | None, high: float | None, unit: str) -> str:
    """``12.3 (9.1 to 18.0) kWh``, in the larger unit where the numbers are large."""
    if value is None:
        return "not known"
    larger = {"W": "kW", "Wh": "kWh", "g CO2e": "kg CO2e", "kWh": "MWh", "kg CO2e": "t CO2e"}
    while value >= 10_000 and unit in larger:
        value, unit = value / 1_000, larger[unit]
        low, high = (None if end is None else end / 1_000 for end in (low, high))
    if low is None or high is None:
        return f"{value:.4g} {unit}"
    return f"{value:.4g} ({low:.4g} to {high:.4g}) {unit}"
