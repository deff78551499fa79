"""The packaged table of chips: read once, when first asked; a row is split only when it is hit."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from attrs import frozen

DATA = Path(__file__).parent / "data"


@frozen(kw_only=True)
class ChipFacts:
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
    text = (DATA / "chips.tsv").read_text("utf-8")
    rows: dict[str, str] = {}
    for line in text.split("\n"):
        key, tab, rest = line.partition("\t")
        if tab and line[0] != "#":
            rows[key] = rest
    return rows


@cache
def _sources() -> dict[str, str]:
    text = (DATA / "sources.tsv").read_text("utf-8")
    return dict(line.split("\t", 1) for line in text.splitlines() if "\t" in line)


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
