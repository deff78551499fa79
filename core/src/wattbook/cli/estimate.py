"""``wattbook estimate``: a what-if; the options that ``wattbook log`` shares with it stand here too."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click
from attrs import asdict

from wattbook.cli.common import common_options, print_json

if TYPE_CHECKING:
    from wattbook.jobs import Job

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
    from wattbook.accounting.carbon import factor_of
    from wattbook.byhand import Estimators, place_of
    from wattbook.byhand.booking import carbon_numbers
    from wattbook.byhand.entries import Entries
    from wattbook.byhand.files import zone_of
    from wattbook.config import load
    from wattbook.plugins import installed

    settings = load(config)
    job = described(fields, zone_of(settings))
    estimators = Estimators(installed(settings.plugins))
    hourly = estimators.hourly(job)
    place, year = place_of(job.region, settings, site), datetime.now(UTC).year
    factor = factor_of(place, year)
    warnings = (*job.warnings, *hourly.warnings)
    document = {
        **hourly.numbers(job.hours),
        **carbon_numbers(Entries(estimators.versions).grams(hourly, job.hours, place, year)),
        "factor": None if factor is None else factor.as_dict(),
        "boundary": job.boundary,
        "method": hourly.method,
        "terms": [{**asdict(term), "family": term.family or None} for term in hourly.terms],
        "warnings": list(warnings),
    }
    if as_json:
        print_json(document)
        return
    for line in in_words(document):
        click.echo(line)
    if explain:
        for term in hourly.terms:
            click.echo(f"\n{term.what}: {spread(term.power_w, term.low_w, term.high_w, 'W')}")
            click.echo(f"  {term.formula}\n  {term.source}")
        if factor is not None:
            click.echo(f"\n{factor.zone}: {factor.g_per_kwh:g} g CO2e per kWh, {factor.cycle}\n  {factor.source}")
    if not quiet:
        for warning in warnings:
            click.echo(f"note: {warning}", err=True)


def described(fields: Mapping[str, str | None], zone: Any) -> Job:
    """The job of the options; what is wrong ends the command with one sentence for each."""
    from wattbook.jobs import Job, job_from_fields

    options = {column: f"--{name}" for name, (column, _, _) in DESCRIPTION.items()}
    job = job_from_fields({key: value for key, value in fields.items() if value is not None}, zone=zone)
    if isinstance(job, Job):
        return job
    for wrong in job:
        column = wrong.field or ""
        click.echo(f"wattbook: {options.get(column, f'--{column}')}: {wrong.reason}", err=True)
    sys.exit(2)


def in_words(document: Mapping[str, Any]) -> list[str]:
    """For people: value and 90 % interval, one quantity a line."""
    return [
        f"{name:<8}{spread(document[keys[0]], document[keys[1]], document[keys[2]], unit)}"
        for name, keys, unit in (
            ("power", ("power_w", "power_low_w", "power_high_w"), "W"),
            ("energy", ("energy_wh", "energy_low_wh", "energy_high_wh"), "Wh"),
            ("carbon", ("co2e_g", "co2e_low_g", "co2e_high_g"), "g CO2e"),
        )
    ]


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
