"""The smallest sums of a report: entries with the same labels and the same origin, added up once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from attrs import define, field, frozen

from wattbook.accounting import Tally
from wattbook.records import Entry, Place
from wattbook.report.batches import Batch, hours_of, interval_of, largest_in

Keys = tuple[str | None, ...]

FAILED, OVERTAKEN = "failed", "overtaken"  #: fates of runs: why their energy may have been for nothing


@frozen(cache_hash=True)
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
    runs: frozenset[str]  #: without the stretches of a watch, which are many and tell little
    largest: Entry


@define
class _Pile:
    """Batches of one atom while they are being collected."""

    batches: list[Batch] = field(factory=list)

    def atom(self, keys: Keys, fate: str | None) -> Atom:
        """The sum: errors of one cause add linearly, so that many entries of a pile are like one."""
        batches = self.batches
        largest = largest_in([batch.largest for batch in batches])
        labels = largest.labels
        return Atom(
            line=line_of(largest), keys=keys, fate=fate, project=labels.project, platform=labels.platform,
            phase=labels.phase, tally=self._tally(largest),
            hours=hours_of(sum(batch.microseconds for batch in batches)),
            count=sum(batch.size for batch in batches), start=min(batch.start for batch in batches),
            end=max(batch.end for batch in batches),
            evidence=frozenset(told for batch in batches if (told := batch.largest.evidence_sha256)),
            runs=frozenset(batch.largest.run_id for batch in batches if not batch.watched), largest=largest,
        )  # fmt: skip

    def _tally(self, first: Entry) -> Tally:
        one, *others = self.batches
        known, down, up, unknown = one.known, one.down, one.up, one.unknown
        if others:
            known, down, up, unknown = (
                [number for batch in self.batches for number in getattr(batch, name)]
                for name in ("known", "down", "up", "unknown")
            )
        made = Tally()
        if known:
            low, joules, high = interval_of(known, down, up)
            made.add_energy(joules, low, high, cause=first.cause, place=first.place, year=int(first.start[:4]))
        if unknown:
            joules, year = math.fsum(unknown), int(first.start[:4])
            made.add_energy(joules, None, None, cause=first.cause, place=first.place, year=year)
            more = sum(batch.unknowns for batch in self.batches) - 1
            for part in (made.energy, made.own):
                if part.parts:
                    part.without_interval += more
                    part.parts += more
        return made


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
        entry = batch.largest
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
            pile = piles[key] = _Pile()
        pile.batches.append(batch)
    return tuple(pile.atom(key[0], key[1]) for key, pile in piles.items())  # type: ignore[arg-type]


def line_of(entry: Entry) -> Line:
    """Where an entry comes from."""
    return Line(
        str(entry.basis), entry.host, entry.device, entry.domain, entry.plugin, entry.source,
        entry.source_version, entry.method, entry.cause, entry.place, int(entry.start[:4]),
    )  # fmt: skip
