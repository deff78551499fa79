"""What stands beside the total: coverage, gaps and factors."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable

from attrs import evolve

from wattbook.accounting.carbon import factor_of
from wattbook.accounting.intervals import ExactSum
from wattbook.accounting.split import united
from wattbook.factors import Factor
from wattbook.factors.table import HOURLY
from wattbook.records import Entry, RunRecord, utc_text, utc_time
from wattbook.report.atoms import Atom
from wattbook.report.batches import Batch
from wattbook.report.model import Coverage, FactorUse, GapGroup
from wattbook.report.period import Period
from wattbook.units import S_PER_H


def coverage_of(
    readings: Iterable[Batch], gaps: Iterable[Batch], runs: Iterable[RunRecord], period: Period
) -> Coverage:
    """Host-hours with a figure, of those in which the book knows that the host was at work.

    An hour of a host is known where any reading that counts covers it; it is expected where a reading,
    a gap or a run says that the host was there.
    """
    known: dict[str, set[tuple[str, str]]] = defaultdict(set)
    expected: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for batch in readings:
        if batch.counts:
            known[_host(batch.first)].update(batch.spans())
            expected[_host(batch.first)].update(batch.spans())
    for gap in gaps:
        expected[_host(gap.first)].update(gap.spans())
    first, last = utc_text(period.start), utc_text(period.end)
    for run in runs:
        if run.kind == "run" and run.host:
            expected[run.host].add((max(run.start, first), min(run.end, last)))
    return Coverage(known_host_hours=_hours(known), expected_host_hours=_hours(expected))


def _host(entry: Entry) -> str:
    """A figure by hand that names no host is a host of its own."""
    return entry.host or f"({entry.run_id})"


def _hours(windows: dict[str, set[tuple[str, str]]]) -> float:
    return math.fsum(_union_s(one) for one in windows.values()) / S_PER_H


def _union_s(windows: Iterable[tuple[str, str]]) -> float:
    """Seconds covered by windows that may overlap."""
    return math.fsum((utc_time(end) - utc_time(start)).total_seconds() for start, end in united(windows))


def gaps_of(gaps: Iterable[Batch]) -> list[GapGroup]:
    """Gaps with one domain and reason together, the longest first."""
    groups: dict[tuple[str, str], list[Batch]] = defaultdict(list)
    for batch in gaps:
        gap = batch.first
        groups[f"{gap.device}/{gap.domain}", gap.reason].append(batch)
    found = []
    for (domain, reason), some in groups.items():
        bounds = [batch.intervals() for batch in some]
        bounded = all(None not in highs for _, highs in bounds)
        found.append(
            GapGroup(
                domain=domain,
                reason=reason,
                count=sum(batch.size for batch in some),
                hosts=tuple(sorted({batch.first.host for batch in some})),
                hours=math.fsum(seconds for batch in some for seconds in batch.seconds()) / S_PER_H,
                low_j=math.fsum(low or 0.0 for lows, _ in bounds for low in lows) if bounded else None,
                high_j=math.fsum(high or 0.0 for _, highs in bounds for high in highs) if bounded else None,
            )
        )
    return sorted(found, key=lambda group: (-group.hours, group.domain, group.reason))


def factors_of(atoms: Iterable[Atom]) -> list[FactorUse]:
    """The factors behind the figures, those of most energy first."""
    atoms = list(atoms)
    sums: dict[tuple[str, bool], tuple[Factor, ExactSum, ExactSum, set[str]]] = {}
    for atom in atoms:
        factor = factor_of(atom.line.place, atom.line.year)
        if factor is None or factor.id.startswith(HOURLY):
            continue
        key = (factor.id, factor.assumed)
        _, joules, grams, notes = sums.setdefault(key, (factor, ExactSum(), ExactSum(), set()))
        joules.add(atom.tally.energy.value)
        grams.add(atom.tally.own.value)
        notes.update(filter(None, factor.note.split("; ")))
    uses = [
        FactorUse(factor=factor, energy_j=joules.value, co2e_g=grams.value, notes=tuple(sorted(notes)))
        for factor, joules, grams, notes in (*sums.values(), *_hourly(atoms))
    ]
    return sorted(uses, key=lambda use: (-use.energy_j, use.factor.id, use.factor.assumed))


def _hourly(atoms: Iterable[Atom]) -> list[tuple[Factor, ExactSum, ExactSum, set[str]]]:
    """Factors by the hour, each table of a zone as one, with the mean that its energy met."""
    found: dict[str, tuple[Factor, ExactSum, ExactSum, ExactSum]] = {}
    for atom in atoms:
        factor = factor_of(atom.line.place, atom.line.year)
        if factor is None or not factor.id.startswith(HOURLY):
            continue
        _, joules, grams, weighted = found.setdefault(factor.id, (factor, ExactSum(), ExactSum(), ExactSum()))
        joules.add(atom.tally.energy.value)
        grams.add(atom.tally.own.value)
        weighted.add(atom.tally.energy.value * factor.g_per_kwh)
    return [
        (
            evolve(factor, g_per_kwh=weighted.value / joules.value) if joules.value else factor,
            joules, grams, {factor.note},
        )
        for factor, joules, grams, weighted in found.values()
    ]  # fmt: skip
