"""The smallest sums of a report: entries with the same labels and the same origin, added up once."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable, Mapping
from operator import sub
from types import MappingProxyType

from attrs import define, evolve, field, frozen

from wattbook.accounting import Tally
from wattbook.records import Entry, Place
from wattbook.report.batches import Batch, entries_in
from wattbook.units import S_PER_H

Keys = tuple[str | None, ...]

FAILED, OVERTAKEN = "failed", "overtaken"  #: fates of runs: why their energy may have been for nothing


@frozen
class Line:
    """Where entries come from: one domain of one host, one source, one place, one year."""

    basis: str
    host: str
    device: str
    domain: str
    plugin: str
    source: str
    version: str
    method: str
    cause: str
    place: Place
    year: int

    @property
    def address(self) -> str:
        return f"{self.device}/{self.domain}"


@frozen(kw_only=True)
class Atom:
    """What entries of one line with the same labels add up to, and what stands behind it."""

    line: Line
    keys: Keys  #: in the order of the report's dimensions
    project: str | None
    platform: str | None
    phase: str | None
    fate: str | None = None  #: of its runs: ``FAILED``, ``OVERTAKEN`` or neither
    tally: Tally
    hours: float
    count: int
    start: str
    end: str
    evidence: frozenset[str]
    runs: frozenset[str]
    largest: Entry


@define
class _Pile:
    """Batches of one atom while they are being collected."""

    first: Entry
    batches: list[Batch] = field(factory=list)

    def atom(self, keys: Keys, fate: str | None) -> Atom:
        """The sum: errors of one cause add linearly, so that many entries of a pile are like one."""
        known: list[float] = []
        down: list[float] = []
        up: list[float] = []
        unknown: list[float] = []
        for batch in self.batches:
            joules, (lows, highs) = batch.joules(), batch.intervals()
            if None not in lows and None not in highs:
                known += joules
                down += map(sub, joules, lows)
                up += map(sub, highs, joules)
                continue
            for value, low, high in zip(joules, lows, highs, strict=True):
                if low is None or high is None:
                    unknown.append(value)
                else:
                    known.append(value)
                    down.append(value - low)
                    up.append(high - value)
        labels = self.first.labels
        return Atom(
            line=line_of(self.first), keys=keys, fate=fate, project=labels.project, platform=labels.platform,
            phase=labels.phase, tally=self._tally(known, down, up, unknown),
            hours=math.fsum(seconds for batch in self.batches for seconds in batch.seconds()) / S_PER_H,
            count=len(known) + len(unknown), start=min(batch.start for batch in self.batches),
            end=max(batch.end for batch in self.batches),
            evidence=frozenset(told for batch in self.batches if (told := batch.first.evidence_sha256)),
            runs=frozenset(batch.first.run_id for batch in self.batches), largest=self._largest(),
        )  # fmt: skip

    def _largest(self) -> Entry:
        """The entry of most energy, of equal ones the first."""
        best = max(max(batch.joules()) for batch in self.batches)
        found = (b.entries[b.joules().index(best)] for b in self.batches if best in b.joules())
        return min(found, key=_place_of)

    def _tally(self, known: list[float], down: list[float], up: list[float], unknown: list[float]) -> Tally:
        made = Tally()
        if known:
            joules = math.fsum(known)
            low, high = min(joules, joules - math.fsum(down)), max(joules, joules + math.fsum(up))
            made.add(evolve(self.first, energy_j=joules, low_j=low, high_j=high))
        if unknown:
            made.add(evolve(self.first, energy_j=math.fsum(unknown), low_j=None, high_j=None))
            for part in (made.energy, made.own):
                if part.parts:
                    part.without_interval += len(unknown) - 1
                    part.parts += len(unknown) - 1
        return made


def largest_of(batches: Iterable[Batch], most: int) -> list[Entry]:
    """The entries of most energy, of equal ones the first; only the batches that hold one are looked into."""
    tops = heapq.nlargest(most, batches, key=lambda batch: max(batch.joules()))
    if not tops:
        return []
    found = list(entries_in(tops))
    least = heapq.nlargest(most, (entry.energy_j or 0.0 for entry in found))[-1]
    chosen = [entry for entry in found if (entry.energy_j or 0.0) >= least]
    return sorted(chosen, key=lambda entry: (-(entry.energy_j or 0.0), *_place_of(entry)))[:most]


def _place_of(entry: Entry) -> tuple[str, ...]:
    return (entry.start, entry.end, entry.host, entry.device, entry.domain, entry.run_id, entry.source)


def atoms_of(
    batches: Iterable[Batch],
    keys_of: Callable[[Batch], Keys] | None = None,
    fates: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Atom, ...]:
    """Every own figure of a report is a sum of what comes out.

    Without *keys_of* labels make no difference: there is one atom for each line.  *fates* are those of runs.
    """
    piles: dict[tuple[object, ...], _Pile] = {}
    for batch in batches:
        entry = batch.first
        labels = entry.labels
        told: tuple[object, ...] = ((), None)
        if keys_of is not None:
            told = (keys_of(batch), fates.get(entry.run_id), labels.project, labels.platform, labels.phase)
        key = (
            *told, entry.basis, entry.host, entry.device, entry.domain, entry.plugin, entry.source, entry.source_version,
            entry.method, entry.cause, entry.place, entry.start[:4],
        )  # fmt: skip
        pile = piles.get(key)
        if pile is None:
            pile = piles[key] = _Pile(entry)
        pile.batches.append(batch)
    return tuple(pile.atom(key[0], key[1]) for key, pile in piles.items())  # type: ignore[arg-type]


def line_of(entry: Entry) -> Line:
    """Where an entry comes from."""
    return Line(
        str(entry.basis), entry.host, entry.device, entry.domain, entry.plugin, entry.source,
        entry.source_version, entry.method, entry.cause, entry.place, int(entry.start[:4]),
    )  # fmt: skip
