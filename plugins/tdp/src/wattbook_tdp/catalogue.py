"""The packaged table of chips: read once, when first asked; a row is split only when it is hit."""

from __future__ import annotations

import os
from functools import cache
from typing import NamedTuple

DATA = os.path.join(os.path.dirname(__file__), "data")


class ChipFacts(NamedTuple):
    """What is known about one chip; watts are per device that a system shows, not per board."""

    name: str
    kind: str  #: ``cpu``, ``gpu``, ``accelerator``
    tdp_w: float | None  #: ``None``: the chip is known, its power is not public
    low_w: float | None  #: where a vendor gives a range, or several ratings
    high_w: float | None
    cores: int | None
    threads: int | None
    year: int | None
    confidence: str | None  #: ``vendor``, ``secondary``, ``unofficial``
    source: str
    note: str


def lookup(kind: str, key: str) -> ChipFacts | None:
    """The chip whose normalised name is *key*; *kind* is ``cpu`` or ``gpu`` (all accelerators)."""
    row = _rows().get(f"{kind}:{key}")
    return None if row is None else _facts(row)


def size() -> dict[str, int]:
    """Distinct chips by kind."""
    names: dict[str, set[str]] = {}
    for row in _rows().values():
        kind, name = row.split("\t", 2)[:2]
        names.setdefault(kind, set()).add(name)
    return {kind: len(found) for kind, found in names.items()}


@cache
def _rows() -> dict[str, str]:
    return keyed("chips.tsv")


@cache
def _sources() -> dict[str, str]:
    return keyed("sources.tsv")


def keyed(name: str) -> dict[str, str]:
    """The lines of a packaged table by their first field."""
    with open(os.path.join(DATA, name), encoding="utf-8") as stream:
        lines = stream.read().split("\n")
    return {key: rest for key, tab, rest in (line.partition("\t") for line in lines) if tab and key[0] != "#"}


def _facts(row: str) -> ChipFacts:
    kind, name, tdp, span, cores, threads, year, confidence, source, note = row.split("\t")
    low, _, high = span.partition("-")
    return ChipFacts(
        name=name,
        kind=kind,
        tdp_w=float(tdp) if tdp else None,
        low_w=float(low) if low else None,
        high_w=float(high) if high else None,
        cores=int(cores) if cores else None,
        threads=int(threads) if threads else None,
        year=int(year) if year else None,
        confidence=confidence or None,
        source=_sources().get(source, source),
        note=note,
    )
