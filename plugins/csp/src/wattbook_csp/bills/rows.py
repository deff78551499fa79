"""The rows of a bill one by one, from CSV or Parquet, with the names of columns brought to one spelling."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from wattbook import SourceFile

from wattbook_csp import parquet, tables
from wattbook_csp.notes import Notes

NULLS = {"NULL", "null", "None", "\\N"}  #: how tools write that there is nothing


def rows(
    file: SourceFile,
    notes: Notes,
    columns: Sequence[str],
    required: Collection[str],
    canonical: Callable[[str], str] = str,
) -> Iterator[tuple[Any, ...]]:
    """Line and cells of each row in the order of *columns*, as they stand there."""
    batches = (
        parquet.batches(file, columns, required)
        if parquet.is_parquet(file)
        else tables.batches(file, notes, columns, required, canonical=canonical)
    )
    for lines, found in batches:
        yield from zip(lines, *found, strict=True)


def plain(cells: Sequence[str]) -> list[str]:
    """Cells with ``""`` where there is nothing."""
    return ["" if cell in NULLS else cell for cell in cells]


def named(file: SourceFile, telling: Collection[str], canonical: Callable[[str], str] = str) -> int:
    """How many of the *telling* columns the file has; for sniffing."""
    if parquet.is_parquet(file):
        return sum(parquet.mentions(file, name.encode()) for name in telling)
    return len(set(telling).intersection(map(canonical, tables.header_of(file.head))))
