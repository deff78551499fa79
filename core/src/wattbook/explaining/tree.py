"""The tree behind a number: readings, terms, factor, verdicts, evidence; its leaves add up to it exactly."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from attrs import evolve, field, frozen

from wattbook.accounting import Carbon, Tally, Total, carbon_of
from wattbook.accounting.carbon import NO_INSTRUMENT
from wattbook.accounting.totals import counts
from wattbook.model import Term
from wattbook.records import Entry, RunRecord, terms_from
from wattbook.units import J_PER_KWH

#: leaves are cut to this share of their reading's last power of two, so that sums of them are exact
LEAF_BITS = 40
TINY_J = 1e-200  #: too small to be cut into parts
ABSURD = 1000  #: terms that tell of so many times the reading do not describe it
REST = "not itemised by the model"


@frozen(kw_only=True)
class Leaf:
    """One summand of a reading; a reading without terms is its own leaf."""

    what: str
    energy_j: float
    term: Term | None = None


@frozen(kw_only=True)
class Branch:
    """One reading that counts, with its leaves, its carbon, and what lies inside it and is not added."""

    entry: Entry
    leaves: tuple[Leaf, ...]
    carbon: Carbon
    inside: tuple[Entry, ...] = ()
    modelled: Entry | None = None  #: what the model alone would have said of what was measured


@frozen(kw_only=True)
class Explanation:
    """Why a run's or an entry's number is what it is."""

    kind: str  #: ``run`` or ``entry``
    id: str
    run: RunRecord | None
    total: Total
    branches: tuple[Branch, ...]
    gaps: tuple[Entry, ...] = ()
    energy_by_cause: Mapping[str, tuple[float, float]] = field(factory=dict)
    carbon_by_cause: Mapping[str, tuple[float, float]] = field(factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def evidence(self) -> list[str]:
        return sorted({b.entry.evidence_sha256 for b in self.branches if b.entry.evidence_sha256})


def explain(kind: str, id: str, entries: Iterable[Entry], run: RunRecord | None) -> Explanation:
    """Explain the total of *entries*: those of one run, or one alone.

    A single entry is explained though it is a breakdown of another one and counts in no total.
    """
    entries = list(entries)
    alone = kind == "entry"
    addends = [entry for entry in entries if counts(entry) or (alone and entry.energy_j is not None)]
    models = {(e.run_id, e.device, e.domain, e.start, e.end): e for e in entries if e.kind == "model" and not alone}
    tally = Tally()
    for entry in addends:
        tally.add(evolve(entry, kind="reading", outermost=True))
    return Explanation(
        kind=kind,
        id=id,
        run=run,
        total=tally.total(),
        branches=tuple(
            Branch(
                entry=entry,
                leaves=leaves_of(entry),
                carbon=carbon_of(entry),
                inside=_inside(entry, entries),
                modelled=models.get((entry.run_id, entry.device, entry.domain, entry.start, entry.end)),
            )
            for entry in addends
        ),
        gaps=tuple(entry for entry in entries if entry.kind == "gap"),
        energy_by_cause=tally.energy.by_cause(),
        carbon_by_cause=tally.own.by_cause(),
        warnings=tuple(_warnings(entries, addends, run)),
    )


def leaves_of(entry: Entry) -> tuple[Leaf, ...]:
    """The summands of a reading, exact: their sum is its energy to the last digit.

    A term's energy is its power times the window, cut to a millionth of a millionth of the reading; the
    largest term that is no more than the reading takes what the cutting leaves.  What the terms do not
    explain is a leaf of its own.
    """
    energy_j = entry.energy_j
    assert energy_j is not None
    terms = terms_from(entry)
    raw = [term.power_w * entry.duration_s for term in terms]
    if not terms or energy_j < TINY_J or not sum(map(abs, raw)) < ABSURD * energy_j:
        return (Leaf(what=f"{entry.device}/{entry.domain}", energy_j=energy_j),)
    rest = energy_j - math.fsum(raw)
    leaves = [Leaf(what=term.what, energy_j=joules, term=term) for term, joules in zip(terms, raw, strict=True)]
    if abs(rest) > 1e-6 * energy_j:
        leaves.append(Leaf(what=REST, energy_j=rest))
    step = math.ldexp(1.0, math.frexp(energy_j)[1] - LEAF_BITS)
    cut = [round(leaf.energy_j / step) * step for leaf in leaves]
    fitting = [i for i, joules in enumerate(cut) if abs(joules) <= energy_j + step]
    if fitting:
        largest = max(fitting, key=lambda i: abs(cut[i]))
        cut[largest] = energy_j - math.fsum(cut[:largest] + cut[largest + 1 :])
    if (left := math.fsum([energy_j, *(-joules for joules in cut)])) != 0:
        leaves.append(Leaf(what="rounding", energy_j=left))
        cut.append(left)
    return tuple(
        Leaf(what=leaf.what, energy_j=joules, term=leaf.term) for leaf, joules in zip(leaves, cut, strict=True)
    )


def _inside(entry: Entry, entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """The breakdowns of one reading: what the same device says of the same time and does not count."""
    return tuple(
        other
        for other in entries
        if other.kind == "reading"
        and not other.outermost
        and other is not entry
        and other.device == entry.device
        and other.plugin == entry.plugin
        and entry.start <= other.start
        and other.end <= entry.end
    )


def _warnings(entries: Sequence[Entry], addends: Sequence[Entry], run: RunRecord | None) -> list[str]:
    found = list(run.warnings) if run else []
    for entry in entries:
        found += entry.warnings
    for entry in addends:
        factor = carbon_of(entry).factor
        if factor is None:
            found.append(f"no grid factor is known for zone {entry.place.zone!r}: the carbon is not known")
        elif factor.note:
            found.append(f"factor {factor.id}: {factor.note}")
        if entry.place.pue is None:
            found.append("no PUE is configured: the facility is not counted")
    if any(carbon_of(entry).market is not None for entry in addends):
        found.append(NO_INSTRUMENT)
    if run is not None and not run.complete:
        found.append("this run ended without a summary; it counts up to its last recorded poll")
    if any(entry.synthetic for entry in entries):
        found.append("synthetic example data: these figures describe no real machine")
    return list(dict.fromkeys(found))


def carbon_formula(entry: Entry, carbon: Carbon) -> str:
    """The arithmetic from joules to grams, with its numbers."""
    if carbon.factor is None or carbon.location is None or entry.energy_j is None:
        return "unknown: no grid factor"
    pue = "" if entry.place.pue is None else f" x PUE {entry.place.pue:g}"
    kwh = entry.energy_j / J_PER_KWH
    return f"{kwh:.6g} kWh{pue} x {carbon.factor.g_per_kwh:g} g/kWh = {carbon.location.value:.6g} g CO2e"
