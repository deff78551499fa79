"""Entries of a period in batches that differ only in time and energy, so that a report looks at few things often."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter, lt

from attrs import define, field

from wattbook.accounting import split
from wattbook.records import Entry, utc_text, utc_time
from wattbook.report.period import Period

#: what the entries of a batch have in common, besides labels, place, month and year
_SHARED = attrgetter(
    "run_id", "host", "device", "domain", "basis", "kind", "outermost", "plugin", "source", "source_version",
    "method", "cause", "warnings", "synthetic", "attribution", "reason",
    "evidence_sha256",
)  # fmt: skip
_ENERGY, _LOW, _HIGH = attrgetter("energy_j"), attrgetter("low_j"), attrgetter("high_j")
_START, _END = attrgetter("start"), attrgetter("end")

Span = tuple[str, str]


@define(eq=False)
class Batch:
    """Entries of one run, domain, source, label, place and month, in the order of their start."""

    entries: list[Entry]
    month: str
    keys: tuple[str | None, ...] = ()  #: in dimensions of time
    _spans: list[Span] | None = field(default=None, init=False)
    _joules: list[float] | None = field(default=None, init=False)

    @property
    def first(self) -> Entry:
        return self.entries[0]

    @property
    def size(self) -> int:
        """How many entries it stands for."""
        return len(self.entries)

    @property
    def counts(self) -> bool:
        """Whether its entries are addends; ``accounting.totals.counts`` says it of one of them."""
        one = self.entries[0]
        return one.kind != "gap" and one.outermost and one.energy_j is not None

    def joules(self) -> list[float]:
        if self._joules is None:
            self._joules = [joules or 0.0 for joules in map(_ENERGY, self.entries)]
        return self._joules

    def intervals(self) -> tuple[list[float | None], list[float | None]]:
        return list(map(_LOW, self.entries)), list(map(_HIGH, self.entries))

    def spans(self) -> list[Span]:
        """Its windows, those that follow each other without a break as one."""
        if self._spans is None:
            starts, ends = list(map(_START, self.entries)), list(map(_END, self.entries))
            if starts[1:] == ends[:-1]:
                self._spans = [(starts[0], ends[-1])]
            else:
                self._spans = _unbroken(starts, ends)
        return self._spans

    def seconds(self) -> list[float]:
        """Their lengths; windows that follow each other have that of all of them."""
        return [(utc_time(end) - utc_time(start)).total_seconds() for start, end in self.spans()]

    @property
    def start(self) -> str:
        return self.entries[0].start

    @property
    def end(self) -> str:
        return max(end for _, end in self.spans())


def _unbroken(starts: Sequence[str], ends: Sequence[str]) -> list[Span]:
    breaks = [number for number in range(1, len(starts)) if starts[number] != ends[number - 1]]
    return [(starts[here], ends[there - 1]) for here, there in zip([0, *breaks], [*breaks, len(starts)], strict=True)]


def batches_of(
    entries: Iterable[Entry], period: Period, timed: Sequence[Callable[[Entry], str | None]] = ()
) -> list[Batch]:
    """The parts of *entries* inside the period in batches, cut at every start of a month, in a stable order.

    *timed* read the keys of an entry in dimensions of time, by which entries of a batch would differ.
    """
    edges = period.edges()
    texts = [utc_text(edge) for edge in edges]
    names = [period.month_of(edge) for edge in edges[:-1]]
    years = edges[0].year != edges[-1].year or bool(timed)
    first, last = texts[0], texts[-1]
    alone = len(texts) == 2
    found: dict[object, Batch] = {}
    find = found.get

    def add(entry: Entry, month: int) -> None:
        key: object = (_SHARED(entry), id(entry.labels), id(entry.place), entry.energy_j is None)
        if not alone or years:
            told = tuple(read(entry) for read in timed)
            key = (key, month, entry.start[:4], told)
        else:
            told = ()
        batch = found.get(key)
        if batch is None:
            found[key] = Batch([entry], names[month], told)
        else:
            batch.entries.append(entry)

    for entry in entries:
        start, end = entry.start, entry.end
        if alone and not years:
            if first <= start and end <= last and start < last:  # as nearly always; a million entries are read
                key = (_SHARED(entry), id(entry.labels), id(entry.place), entry.energy_j is None)
                batch = find(key)
                if batch is None:
                    found[key] = Batch([entry], names[0])
                else:
                    batch.entries.append(entry)
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
    for batch in found.values():
        in_order(batch.entries)
    return sorted(found.values(), key=_order)


def batched(entries: Iterable[Entry]) -> list[Batch]:
    """Entries as they are, in batches; of no month."""
    found: dict[object, Batch] = {}
    for entry in entries:
        key = (_SHARED(entry), id(entry.labels), id(entry.place), entry.energy_j is None, entry.start[:4])
        batch = found.get(key)
        if batch is None:
            found[key] = Batch([entry], "")
        else:
            batch.entries.append(entry)
    for batch in found.values():
        in_order(batch.entries)
    return sorted(found.values(), key=_order)


def in_order(entries: list[Entry]) -> None:
    """Sort by start, end and size, where they are not so already; what remains equal is equal."""
    starts = list(map(_START, entries))
    if not all(map(lt, starts, starts[1:])):  # equal ones too: their order must not depend on where they came from
        entries.sort(key=lambda e: (e.start, e.end, e.energy_j or 0.0, e.low_j or 0.0, e.high_j or 0.0))


def _order(batch: Batch) -> tuple[object, ...]:
    one = batch.entries[0]
    labels = one.labels
    return (
        one.start, one.end, one.host, one.device, one.domain, one.run_id, one.source, one.kind, one.basis or "",
        one.plugin, one.cause, one.method, labels.project or "", labels.phase or "", labels.platform or "", batch.month,
        one.energy_j or 0.0, len(batch.entries), batch.entries[-1].start, sorted(labels.tags.items()),
        one.evidence_sha256 or "", labels.person or "", repr(one.place), one.reason, one.warnings,
    )  # fmt: skip


def entries_in(batches: Iterable[Batch]) -> Iterator[Entry]:
    for batch in batches:
        yield from batch.entries
