"""Entries of a period in bundles that differ only in time and energy, so that what they share is looked at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter, lt

from attrs import define

from wattbook.accounting import split
from wattbook.accounting.totals import counts
from wattbook.records import Entry, utc_text
from wattbook.report.period import Period

#: what the entries of a bundle have in common, besides labels, place, month and year; the run comes first
_SHARED = attrgetter(
    "run_id", "host", "device", "domain", "basis", "kind", "outermost", "plugin", "source", "source_version",
    "method", "cause", "warnings", "synthetic", "attribution", "reason",
    "evidence_sha256",
)  # fmt: skip
_START = attrgetter("start")


@define(eq=False)
class Bundle:
    """Entries of one run, domain, source, label, place and month, in the order of their start."""

    entries: list[Entry]
    month: str
    keys: tuple[str | None, ...] = ()  #: in dimensions of time

    @property
    def first(self) -> Entry:
        return self.entries[0]

    @property
    def counts(self) -> bool:
        """Whether its entries are addends: what is true of one of them is true of all."""
        return counts(self.entries[0])

    @property
    def start(self) -> str:
        return self.entries[0].start

    @property
    def end(self) -> str:
        return max(entry.end for entry in self.entries)


def bundles_of(
    entries: Iterable[Entry], period: Period, timed: Sequence[Callable[[Entry], str | None]] = ()
) -> list[Bundle]:
    """The parts of *entries* inside the period in bundles, cut at every start of a month.

    *timed* read the keys of an entry in dimensions of time, by which entries of a bundle would differ.
    """
    edges = period.edges()
    texts = [utc_text(edge) for edge in edges]
    names = [period.month_of(edge) for edge in edges[:-1]]
    years = edges[0].year != edges[-1].year or bool(timed)
    first, last = texts[0], texts[-1]
    alone = len(texts) == 2
    found: dict[object, Bundle] = {}
    find = found.get

    def add(entry: Entry, month: int) -> None:
        key: object = (_SHARED(entry), id(entry.labels), id(entry.place), entry.energy_j is None)
        if not alone or years:
            told = tuple(read(entry) for read in timed)
            key = (key, month, entry.start[:4], told)
        else:
            told = ()
        bundle = found.get(key)
        if bundle is None:
            found[key] = Bundle([entry], names[month], told)
        else:
            bundle.entries.append(entry)

    for entry in entries:
        start, end = entry.start, entry.end
        if alone and not years:
            if first <= start and end <= last and start < last:  # as nearly always; a million entries are read
                key = (_SHARED(entry), id(entry.labels), id(entry.place), entry.energy_j is None)
                bundle = find(key)
                if bundle is None:
                    found[key] = Bundle([entry], names[0])
                else:
                    bundle.entries.append(entry)
                continue
        else:
            month = bisect_right(texts, start)
            if 0 < month < len(texts) and end <= texts[month]:
                add(entry, month - 1)
                continue
        _, rest = split(entry, edges[0])
        for number, edge in enumerate(edges[1:]):
            if rest is None:
                break
            before, rest = split(rest, edge)
            if before is not None:
                add(before, bisect_right(texts, before.start, 0, number + 1) - 1)
    return _in_order(found.values())


def bundled(entries: Iterable[Entry]) -> list[Bundle]:
    """Entries as they are, in bundles; of no month."""
    found: dict[object, Bundle] = {}
    for entry in entries:
        key = (_SHARED(entry), id(entry.labels), id(entry.place), entry.energy_j is None, entry.start[:4])
        bundle = found.get(key)
        if bundle is None:
            found[key] = Bundle([entry], "")
        else:
            bundle.entries.append(entry)
    return _in_order(found.values())


def joined(bundles: Iterable[Bundle]) -> list[Bundle]:
    """Bundles that only the run tells apart, as one."""
    found: dict[object, Bundle] = {}
    for bundle in bundles:
        one = bundle.first
        key = (_SHARED(one)[1:], id(one.labels), id(one.place), bundle.month, bundle.keys, one.start[:4])
        other = found.get(key)
        if other is None:
            found[key] = Bundle(list(bundle.entries), bundle.month, bundle.keys)
        else:
            other.entries += bundle.entries
    return _in_order(found.values())


def _in_order(bundles: Iterable[Bundle]) -> list[Bundle]:
    """Sort their entries by start, end and size, where they are not so already; what remains equal is equal."""
    made = list(bundles)
    for entries in (bundle.entries for bundle in made):
        starts = list(map(_START, entries))
        if not all(map(lt, starts, starts[1:])):  # equal ones too: their order must not depend on where they came from
            entries.sort(key=lambda e: (e.start, e.end, e.energy_j or 0.0, e.low_j or 0.0, e.high_j or 0.0))
    return made


def entries_in(bundles: Iterable[Bundle]) -> Iterator[Entry]:
    for bundle in bundles:
        yield from bundle.entries
