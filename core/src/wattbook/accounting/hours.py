"""Entries with the factors of their own hours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from attrs import evolve

from wattbook.accounting.split import split
from wattbook.config import HourFactor
from wattbook.factors.hours import Hours
from wattbook.records import Entry, utc_text


def by_hour(entries: Iterable[Entry], hours: Sequence[HourFactor], edges: Sequence[datetime] = ()) -> Iterable[Entry]:
    """The entries, each with the mean factor of its hours, and cut at *edges* first: the parts have means of their own."""
    return _by_hour(entries, Hours(hours), edges) if hours else entries


def _by_hour(entries: Iterable[Entry], table: Hours, edges: Sequence[datetime]) -> Iterator[Entry]:
    texts = [utc_text(edge) for edge in edges]
    for entry in entries:
        rest: Entry | None = entry
        for edge, text in zip(edges, texts, strict=True):
            if rest is None or not rest.start < text < rest.end:
                continue
            before, rest = split(rest, edge)
            if before is not None:
                yield _timed(before, table)
        if rest is not None:
            yield _timed(rest, table)


def _timed(entry: Entry, table: Hours) -> Entry:
    place = table.place_of(entry)
    return entry if place is entry.place else evolve(entry, place=place)
