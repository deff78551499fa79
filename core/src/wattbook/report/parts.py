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
from wattbook.records import Entry, RunRecord, utc_text
from wattbook.report.atoms import Atom
from wattbook.report.batches import Batch, Span, hours_of, length_of
from wattbook.report.model import Coverage, FactorUse, GapGroup
from wattbook.report.period import Period


def coverage_of(
    readings: Iterable[Batch], gaps: Iterable[Batch], runs: Iterable[RunRecord], period: Period
) -> Coverage:
    """Host-hours with a figure, of those in which the book knows that the host was at work.

    *readings* are addends.  An hour of a host is known where one of them covers it; it is expected where a reading,
    a gap or a run says that the host was there.
    """
    known: dict[str, set[Span]] = defaultdict(set)
    expected: dict[str, set[Span]] = defaultdict(set)
    for batch in readings:
        known[_host(batch.largest)].update(batch.spans)
        expected[_host(batch.largest)].update(batch.spans)
    for gap in gaps:
        expected[_host(gap.largest)].update(gap.spans)
    first, last = utc_text(period.start), utc_text(period.end)
    for run in runs:
        if run.kind == "run" and run.host:
            expected[run.host].add((max(run.start, first), min(run.end, last)))
    return Coverage(known_host_hours=_hours(known), expected_host_hours=_hours(expected))


def _host(entry: Entry) -> str:
    """A figure by hand that names no host is a host of its own."""
    return entry.host or f"({entry.run_id})"


def _hours(windows: dict[str, set[Span]]) -> float:
    """Of windows that may overlap."""
    return hours_of(sum(length_of(span) for one in windows.values() for span in united(one)))


def gaps_of(gaps: Iterable[Batch]) -> list[GapGroup]:
    """Gaps with one domain and reason together, the longest first."""
    groups: dict[tuple[str, str], list[Batch]] = defaultdict(list)
    for batch in gaps:
        gap = batch.largest
        groups[f"{gap.device}/{gap.domain}", gap.reason].append(batch)
    found = []
    for (domain, reason), some in groups.items():
        bounded = all(batch.bounded for batch in some)
        found.append(
            GapGroup(
                domain=domain,
                reason=reason,
                count=sum(batch.size for batch in some),
                hosts=tuple(sorted({batch.largest.host for batch in some})),
                hours=hours_of(sum(batch.microseconds for batch in some)),
                low_j=math.fsum(low for batch in some for low in batch.down) if bounded else None,
                high_j=math.fsum(high for batch in some for high in batch.up) if bounded else None,
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
