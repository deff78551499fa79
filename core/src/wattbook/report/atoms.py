"""The smallest sums of a report: entries with the same labels and the same origin, added up once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from attrs import define, evolve, field, frozen

from wattbook.accounting import Tally
from wattbook.records import Entry, Place, utc_time
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
    """Entries of one atom while they are being collected."""

    first: Entry
    known: list[float] = field(factory=list)
    down: list[float] = field(factory=list)
    up: list[float] = field(factory=list)
    unknown: list[float] = field(factory=list)
    seconds: list[float] = field(factory=list)
    start: str = "~"
    end: str = ""
    evidence: set[str] = field(factory=set)
    runs: set[str] = field(factory=set)
    largest: Entry | None = None
    largest_j: float = -1.0

    def add(self, entry: Entry) -> None:
        joules = entry.energy_j or 0.0
        if entry.low_j is None or entry.high_j is None:
            self.unknown.append(joules)
        else:
            self.known.append(joules)
            self.down.append(joules - entry.low_j)
            self.up.append(entry.high_j - joules)
        start, end = entry.start, entry.end
        self.seconds.append((utc_time(end) - utc_time(start)).total_seconds())
        if start < self.start:
            self.start = start
        if end > self.end:
            self.end = end
        if entry.evidence_sha256:
            self.evidence.add(entry.evidence_sha256)
        self.runs.add(entry.run_id)
        if joules > self.largest_j:
            self.largest, self.largest_j = entry, joules

    def tally(self) -> Tally:
        """The sum: errors of one cause add linearly, so that many entries of a pile are like one."""
        made = Tally()
        if self.known:
            joules = math.fsum(self.known)
            low = min(joules, joules - math.fsum(self.down))
            high = max(joules, joules + math.fsum(self.up))
            made.add(evolve(self.first, energy_j=joules, low_j=low, high_j=high))
        if self.unknown:
            made.add(evolve(self.first, energy_j=math.fsum(self.unknown), low_j=None, high_j=None))
            for part in (made.energy, made.own):
                if part.parts:
                    part.without_interval += len(self.unknown) - 1
                    part.parts += len(self.unknown) - 1
        return made


def atoms_of(
    entries: Iterable[Entry],
    keys_of: Callable[[Entry], Keys] | None = None,
    fates: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Atom, ...]:
    """One pass over entries that count; every other own figure of a report is a sum of what comes out.

    Without *keys_of* labels make no difference: there is one atom for each line.  *fates* are those of runs.
    """
    piles: dict[tuple[object, ...], _Pile] = {}
    for entry in entries:
        labels = entry.labels
        told: tuple[object, ...] = ((), None)
        if keys_of is not None:
            told = (keys_of(entry), fates.get(entry.run_id), labels.project, labels.platform, labels.phase)
        key = (
            *told, entry.basis, entry.host, entry.device, entry.domain, entry.plugin, entry.source, entry.source_version,
            entry.method, entry.cause, entry.place, entry.start[:4],
        )  # fmt: skip
        pile = piles.get(key)
        if pile is None:
            pile = piles[key] = _Pile(entry)
        pile.add(entry)
    return tuple(_atom(pile, key[0], key[1]) for key, pile in piles.items())  # type: ignore[arg-type]


def line_of(entry: Entry) -> Line:
    """Where an entry comes from."""
    return Line(
        str(entry.basis), entry.host, entry.device, entry.domain, entry.plugin, entry.source,
        entry.source_version, entry.method, entry.cause, entry.place, int(entry.start[:4]),
    )  # fmt: skip


def _atom(pile: _Pile, keys: Keys, fate: str | None) -> Atom:
    entry = pile.first
    return Atom(
        line=line_of(entry), keys=keys, fate=fate, project=entry.labels.project, platform=entry.labels.platform,
        phase=entry.labels.phase, tally=pile.tally(), hours=math.fsum(pile.seconds) / S_PER_H,
        count=len(pile.known) + len(pile.unknown),
        start=pile.start, end=pile.end, evidence=frozenset(pile.evidence), runs=frozenset(pile.runs),
        largest=pile.largest or entry,
    )  # fmt: skip
