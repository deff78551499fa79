"""What entries that differ only in time, energy and which stretch of a watch they are in add up to, without rounding."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import timedelta
from operator import attrgetter, sub

from attrs import define, evolve

from wattbook.accounting.intervals import exact
from wattbook.records import Entry, utc_time
from wattbook.report.bundles import Bundle, bundled
from wattbook.units import S_PER_H

Span = tuple[str, str]
Key = tuple[object, ...]

ENERGY, _LOW, _HIGH = attrgetter("energy_j"), attrgetter("low_j"), attrgetter("high_j")
_MICROSECOND = timedelta(microseconds=1)


@define(eq=False)
class Batch:
    """Entries of one run (or of the watch of a host), domain, source, label, place and month.

    Their sums are lists of few numbers that have exactly the sum of all: of the energy whose error is known,
    of how far that may be lower and higher, and of the energy whose error is not.  So batches add up to the
    last digit to what their entries would, in any order and any grouping.
    """

    largest: Entry  #: of its entries; of a gap, the first
    month: str
    watched: bool  #: whether it holds many stretches of a watch, of which ``largest`` names one
    size: int  #: how many entries it stands for
    unknowns: int  #: how many of them have an unknown error
    known: list[float]
    down: list[float]
    up: list[float]
    unknown: list[float]
    microseconds: int  #: how long its entries are in all
    spans: list[Span]  #: its windows, those that follow each other without a break as one
    keys: tuple[str | None, ...] = ()  #: in dimensions of time

    @property
    def bounded(self) -> bool:
        """Whether the ends of the interval are known of all entries; of gaps, the bounds of what they hide."""
        return not self.unknowns

    @property
    def joules(self) -> list[float]:
        """A few numbers with the sum of the energy."""
        return [*self.known, *self.unknown]

    @property
    def start(self) -> str:
        return self.spans[0][0]

    @property
    def end(self) -> str:
        return max(end for _, end in self.spans)

    def parts(self) -> list[Entry]:
        """It as one entry of known error and one of unknown error, or as one of the two."""
        found = []
        if self.known:
            low, joules, high = interval_of(self.known, self.down, self.up)
            found.append(evolve(self.largest, energy_j=joules, low_j=low, high_j=high))
        if self.unknown:
            found.append(evolve(self.largest, energy_j=math.fsum(self.unknown), low_j=None, high_j=None))
        return found


def interval_of(known: list[float], down: list[float], up: list[float]) -> tuple[float, float, float]:
    """Errors of one cause add linearly, so that many entries are like one; a last digit never turns it inside out."""
    joules = math.fsum(known)
    return min(joules, joules - math.fsum(down)), joules, max(joules, joules + math.fsum(up))


def batch_of(bundle: Bundle, *, watched: bool = False) -> Batch:
    """The sums of a bundle; for gaps ``known`` is empty, and ``down`` and ``up`` are their lower and upper bounds."""
    entries = bundle.entries
    energies, lows, highs = (list(map(read, entries)) for read in (ENERGY, _LOW, _HIGH))
    unknown: list[float] = []
    if bundle.first.kind == "gap":
        known: list[float] = []
        down, up = [low or 0.0 for low in lows], [high or 0.0 for high in highs]
        unknowns = highs.count(None)
    elif None not in lows and None not in highs:
        known, unknowns = energies, 0
        down, up = list(map(sub, energies, lows)), list(map(sub, highs, energies))
    else:
        sure = [number for number, (low, high) in enumerate(zip(lows, highs, strict=True)) if None not in (low, high)]
        known = [energies[number] for number in sure]
        down = [energies[number] - lows[number] for number in sure]
        up = [highs[number] - energies[number] for number in sure]
        unknown = [energies[number] for number in sorted({*range(len(entries))} - {*sure})]
        unknowns = len(unknown)
    spans = _unbroken([(entry.start, entry.end) for entry in entries])
    return Batch(
        largest=largest_in(entries), month=bundle.month, watched=watched, size=len(entries), unknowns=unknowns,
        known=exact(known), down=exact(down), up=exact(up), unknown=exact(unknown),
        spans=spans, microseconds=sum(map(length_of, spans)),
 keys=bundle.keys,
    )  # fmt: skip


def batched(entries: Iterable[Entry]) -> list[Batch]:
    """Entries as they are, in batches of no month."""
    return merged(map(batch_of, bundled(entries)))


def key_of_batch(batch: Batch) -> Key:
    """What tells batches apart; sorts, so that their order does not depend on where they came from."""
    one = batch.largest
    labels, place = one.labels, one.place
    return (
        batch.month, one.host, one.device, one.domain, one.kind, "" if batch.watched else one.run_id, batch.watched,
        one.plugin, one.source, one.source_version, one.method, one.cause, one.reason, one.attribution, one.synthetic,
        one.outermost, one.warnings, one.start[:4], tuple(sorted(labels.tags.items())), place.site, place.zone_assumed,
        *((told is not None, told or "") for told in (
            one.basis, one.evidence_sha256, labels.project, labels.phase, labels.person, labels.platform, place.zone,
            place.intensity_source, *batch.keys,
        )),
        *((told is not None, told or 0) for told in (place.pue, place.intensity_g_per_kwh, place.intensity_year)),
    )  # fmt: skip


def merged(batches: Iterable[Batch]) -> list[Batch]:
    """Batches that nothing tells apart made one, in an order that depends on their content only."""
    groups: dict[Key, list[Batch]] = {}
    for batch in batches:
        groups.setdefault(key_of_batch(batch), []).append(batch)
    return [one[0] if len(one) == 1 else _one(one) for _, one in sorted(groups.items(), key=lambda item: item[0])]


def _one(batches: Sequence[Batch]) -> Batch:
    return Batch(
        largest=largest_in([batch.largest for batch in batches]), month=batches[0].month, watched=batches[0].watched,
        size=sum(batch.size for batch in batches), unknowns=sum(batch.unknowns for batch in batches),
        known=_joined(batch.known for batch in batches), down=_joined(batch.down for batch in batches),
        up=_joined(batch.up for batch in batches), unknown=_joined(batch.unknown for batch in batches),
        spans=_unbroken([span for batch in batches for span in batch.spans]),
        microseconds=sum(batch.microseconds for batch in batches), keys=batches[0].keys,
    )  # fmt: skip


def _joined(parts: Iterable[list[float]]) -> list[float]:
    return exact([number for some in parts for number in some])


def largest_in(entries: Sequence[Entry]) -> Entry:
    """The entry of most energy, of equal ones the first."""
    if len(entries) == 1:
        return entries[0]
    energies = [energy or 0.0 for energy in map(ENERGY, entries)]
    most = max(energies)
    found = [entry for entry, energy in zip(entries, energies, strict=True) if energy == most]
    return found[0] if len(found) == 1 else min(found, key=place_of)


def place_of(entry: Entry) -> tuple[object, ...]:
    """Orders entries of equal energy."""
    return (
        entry.start, entry.end, entry.host, entry.device, entry.domain, entry.run_id, entry.source,
        entry.low_j or 0.0, entry.high_j or 0.0, entry.supersedes or "",
    )  # fmt: skip


def _unbroken(windows: list[Span]) -> list[Span]:
    """Windows in the order of time; those that follow each other without a break are one, others stay as they are."""
    windows.sort()
    found = [windows[0]]
    for start, end in windows[1:]:
        if start == found[-1][1]:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def hours_of(microseconds: int) -> float:
    return microseconds / (S_PER_H * 1e6)


def length_of(span: Span) -> int:
    """Microseconds, a whole number, so that sums of lengths are exact."""
    return (utc_time(span[1]) - utc_time(span[0])) // _MICROSECOND
