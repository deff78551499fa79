"""Rows of the table ``entry``, very many of them: checked, named by their hash and put into columns."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple

from wattbook.errors import NoRecord
from wattbook.ledger import schema
from wattbook.model import Basis
from wattbook.records import CONTEXT, Entry, canonical, text_id

Row = tuple[Any, ...]
COLUMNS = tuple(column.name for column in schema.entry.columns)  #: of a row, in this order


class Named(NamedTuple):
    """Entries by their id, each with the id of its context and its terms as text."""

    entries: dict[str, tuple[str, str | None, Entry]]
    contexts: dict[str, Entry]  #: one entry that has it
    told: int  #: how many there were, equal ones each for itself


def named(entries: Iterable[Entry]) -> Named:
    """What *entries* are called; raises ``NoRecord`` for one that has no place in a book."""
    found: dict[str, tuple[str, str | None, Entry]] = {}
    contexts: dict[str, Entry] = {}
    told = 0
    for entry in entries:
        told += 1
        entry_id, context_id, terms = ids_of(entry)
        found[entry_id] = context_id, terms, entry
        if context_id not in contexts:
            contexts[context_id] = entry
    return Named(found, contexts, told)


def ids_of(entry: Entry) -> tuple[str, str, str | None]:
    """The id of an entry and of its context, and its terms as text; raises ``NoRecord`` for what has no place in a book."""
    try:
        frame = _frame_of(entry)
        run_id, start, end, host, energy_j, low_j, high_j = _OWN(entry)
        terms = canonical([dict(term) for term in entry.terms]) if entry.terms else None
        if (
            frame.plain
            and energy_j is not None and 0 <= energy_j < math.inf
            and (low_j is None or 0 <= low_j < math.inf) and (high_j is None or 0 <= high_j < math.inf)
            and _is_moment(start) and _is_moment(end) and start <= end
            and not entry.reason and entry.supersedes is None
        ):  # fmt: skip
            high = "" if high_j is None else f',"high_j":{high_j!r}'
            low = "" if low_j is None else f',"low_j":{low_j!r}'
            last = "" if terms is None else f',"terms":{terms}'
            content = (
                f'{frame.head}{end}","energy_j":{energy_j!r}{high},"host":{_quoted(host)}{frame.kind}{low}'
                f'{frame.outermost},"run_id":{_quoted(run_id)},"start":"{start}"{last}}}'
            )
        else:
            _check(entry)
            content = entry.content(frame.context_id)
        if "\\" in content and any("\0" in str(value) for value in entry.own(frame.context_id).values()):
            raise ValueError("it holds a NUL character")
        return text_id(content), frame.context_id, terms
    except (ValueError, TypeError) as error:
        raise NoRecord(f"an entry of run {entry.run_id} cannot be written down: {error}") from error


def from_entry(entry: Entry) -> tuple[dict[str, Any], str]:
    """The row of ``entry`` without its moment, column by column, and the id of its context."""
    entry_id, context_id, terms = ids_of(entry)
    row = dict(zip(COLUMNS, row_of(entry_id, context_id, terms, entry, ""), strict=True))
    del row["recorded_at"]
    return row, context_id


def row_of(entry_id: str, context_id: str, terms: str | None, entry: Entry, moment: str) -> Row:
    """The cells of an entry that was named, in the order of the columns."""
    return (
        entry_id, context_id, *_CELLS(entry), 1 if entry.outermost else 0, entry.reason, terms, entry.supersedes, moment,
    )  # fmt: skip


def stored_id(entry: Entry) -> str:
    """The id that this content must have; nothing is checked but the hash."""
    return text_id(entry.content(_frame_of(entry).context_id))


def context_of(entry: Entry) -> str:
    """``entry.context_id``, remembered: hashing it costs more than all the rest."""
    return _frame_of(entry).context_id


_OWN = attrgetter("run_id", "start", "end", "host", "energy_j", "low_j", "high_j")
_CELLS = attrgetter(
    "kind", "run_id", "start", "end", "host", "device", "domain", "basis", "energy_j", "low_j", "high_j"
)
assert COLUMNS == (
    "entry_id", "context_id", "kind", "run_id", "start_at", "end_at", "host", "device", "domain", "basis",
    "energy_j", "low_j", "high_j", "outermost", "reason", "terms", "supersedes", "recorded_at",
)  # fmt: skip


class _Frame(NamedTuple):
    """What the contents of many entries have in common, word by word."""

    context_id: str
    plain: bool  #: whether the rest is nothing but moments, numbers, a host and a run
    head: str = ""  #: up to the end of the window
    kind: str = ""
    outermost: str = ""


#: all that a frame depends on: plain values, so that looking one up calls nothing but C
_SHARED = attrgetter(
    "kind", "device", "domain", "basis", "outermost", "labels.tags",
    *(name for name in CONTEXT if name not in ("labels", "place")),
    *(f"labels.{name}" for name in ("project", "phase", "person", "platform")),
    *(f"place.{name}" for name in ("site", "zone", "zone_assumed", "pue", "intensity_g_per_kwh", "intensity_source",
                                   "intensity_year")),
)  # fmt: skip
_TAGS = 5
_FRAMES: dict[Any, _Frame] = {}
_MAX_FRAMES = 100_000  #: remembered; beyond, the memory is emptied


def _frame_of(entry: Entry) -> _Frame:
    key = _SHARED(entry)
    tags = key[_TAGS]
    key = (*key[:_TAGS], tuple(tags.items()) if tags else None, *key[_TAGS + 1 :])
    frame = _FRAMES.get(key)
    if frame is None:
        if len(_FRAMES) >= _MAX_FRAMES:
            _FRAMES.clear()
        frame = _FRAMES[key] = _framed(entry)
    return frame


def _framed(entry: Entry) -> _Frame:
    context_id = entry.context_id
    if entry.kind not in _WITH_ENERGY or entry.basis not in _BASES:
        return _Frame(context_id, plain=False)
    return _Frame(
        context_id,
        plain=True,
        head=f'{{"basis":{_quoted(entry.basis)},"context":{_quoted(context_id)},"device":{_quoted(entry.device)},'
        f'"domain":{_quoted(entry.domain)},"end":"',
        kind="" if entry.kind == "reading" else f',"kind":{_quoted(entry.kind)}',
        outermost="" if entry.outermost else ',"outermost":false',
    )


_quoted = json.encoder.encode_basestring
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
_BASES = {str(basis) for basis in Basis}
_WITH_ENERGY = ("reading", "model")


@lru_cache(50_000)
def _is_moment(text: str) -> bool:
    """Remembered, for a fleet's entries begin and end together."""
    return _MOMENT.fullmatch(text) is not None


def _check(entry: Entry) -> None:
    """Refuse at the door: times that do not sort, and energies that no meter can have seen."""
    for moment in (entry.start, entry.end):
        if not _is_moment(moment):
            raise NoRecord(f"an entry of run {entry.run_id} has {moment!r} for a time in UTC")
    if entry.end < entry.start:
        raise NoRecord(f"an entry of run {entry.run_id} ends at {entry.end}, before it starts")
    for joules in (entry.energy_j, entry.low_j, entry.high_j):
        if joules is not None and not 0 <= joules < math.inf:
            raise NoRecord(f"an entry of run {entry.run_id} for {entry.device}/{entry.domain} says {joules:g} J")
    if entry.kind in _WITH_ENERGY and (entry.energy_j is None or entry.basis not in _BASES):
        raise NoRecord(f"a reading of run {entry.run_id} needs an energy and a basis")
