"""The parts of entries that lie inside a period, none of them across the start of a month."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from wattbook.accounting import split
from wattbook.records import Entry, utc_text
from wattbook.report.period import Period


class Months:
    """The month of an entry that lies within one, found by its start among the starts of the months."""

    def __init__(self, period: Period) -> None:
        edges = period.edges()[:-1]
        self._starts = [utc_text(edge) for edge in edges]
        self._names = [period.month_of(edge) for edge in edges]

    def of(self, entry: Entry) -> str:
        return self._names[bisect_right(self._starts, entry.start) - 1]


def cut(entries: Iterable[Entry], period: Period) -> list[Entry]:
    """The parts of *entries* inside the period, cut at every start of a month, in a stable order."""
    edges = period.edges()
    texts = [utc_text(edge) for edge in edges]
    pieces: list[Entry] = []
    for entry in entries:
        month = bisect_right(texts, entry.start)
        if 0 < month < len(texts) and entry.end <= texts[month]:
            pieces.append(entry)
            continue
        _, rest = split(entry, edges[0])
        for edge in edges[1:]:
            if rest is None:
                break
            before, rest = split(rest, edge)
            if before is not None:
                pieces.append(before)
    return sorted(pieces, key=lambda e: (e.start, e.end, e.host, e.device, e.domain, e.run_id, e.source))
