"""A period's figures in the OpenMetrics text format 1.0, for a textfile collector.

They are gauges: a restated or corrected month may become less, which no counter does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from wattbook import __version__
from wattbook.accounting import Interval, Tally
from wattbook.report.model import Report

Labels = tuple[tuple[str, str], ...]
Samples = list[tuple[Labels, float]]


def as_openmetrics(report: Report) -> str:
    """The whole exposition, its last line ``# EOF``; what is not known has no sample."""
    return "\n".join([*_lines(report), "# EOF"]) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield from _family(
        "wattbook_build", "info", "", "Version that wrote this.", [((("version", __version__),), 1)], "_info"
    )
    period = (("period", report.period.title),)
    total = report.total
    energy: Samples = []
    grams: Samples = []
    for labels, tally in _cells(report):
        keyed = (*period, *labels)
        if tally.energy.parts:
            energy.append((keyed, tally.energy.value))
        for method, made in (
            ("location", tally.location_sum()),
            ("market", tally.market_sum()),
            ("unstated", tally.unsplit),
        ):
            if made.parts:
                grams.append(((*keyed, ("method", method)), made.value))
    yield from _family(
        "wattbook_period_energy_joules", "gauge", "joules", "Energy by project, phase, platform and basis.", energy
    )
    yield from _family(
        "wattbook_period_co2e_grams", "gauge", "grams", "CO2 equivalents; methods are views, never added.", grams
    )
    yield from _ends("energy", "joules", period, {"": total.energy})
    views = {"location": total.location_g, "market": total.market_g, "unstated": total.unsplit_g}
    yield from _ends("co2e", "grams", period, views)
    if report.coverage.share is not None:
        known = [(period, report.coverage.share)]
        yield from _family(
            "wattbook_period_coverage_ratio", "gauge", "ratio", "Host-hours with a figure, of those known of.", known
        )
    times = [
        ((*period, ("edge", edge)), at.timestamp())
        for edge, at in (("start", report.period.start), ("end", report.period.end))
    ]
    yield from _family(
        "wattbook_period_edge_timestamp_seconds", "gauge", "seconds", "Start and end of the period.", times
    )
    synthetic = [(period, 1.0 if report.watermark else 0.0)]
    yield from _family("wattbook_period_synthetic", "gauge", "", "1 where made-up example data is inside.", synthetic)


def _ends(what: str, unit: str, period: Labels, views: dict[str, Interval | None]) -> Iterator[str]:
    for end in ("low", "high"):
        samples: Samples = []
        for method, interval in views.items():
            value = None if interval is None else getattr(interval, end)
            if value is not None:
                samples.append(((*period, *((("method", method),) if method else ())), value))
        yield from _family(
            f"wattbook_period_{what}_{end}_{unit}",
            "gauge",
            unit,
            f"The {end} end of the total's 90 % interval.",
            samples,
        )


def _cells(report: Report) -> Iterator[tuple[Labels, Tally]]:
    """Own figures by their labels, and providers' by their accounts."""
    cells: dict[Labels, Tally] = defaultdict(Tally)
    for atom in report.atoms:
        named = {"project": atom.project, "phase": atom.phase, "platform": atom.platform, "basis": atom.line.basis}
        cells[tuple((name, value) for name, value in named.items() if value)].merge(atom.tally)
    for claim in report.claims:
        account = (("platform", claim.provider), ("account", claim.account), ("basis", "provided"))
        cells[account].add_provided(claim.provided)
    yield from sorted(cells.items())


def _family(
    name: str, kind: str, unit: str, says: str, samples: Iterable[tuple[Labels, float]], suffix: str = ""
) -> Iterator[str]:
    some = list(samples)
    if not some:
        return
    yield f"# TYPE {name} {kind}"
    if unit:
        yield f"# UNIT {name} {unit}"
    yield f"# HELP {name} {_escaped(says)}"
    for labels, value in some:
        inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels)
        yield f"{name}{suffix}{{{inside}}} {value!r}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", " ")
