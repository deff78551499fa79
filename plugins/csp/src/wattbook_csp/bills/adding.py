"""Adds the rows of a bill to its hours, the same way for every format."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from wattbook import ImportFailed, Problem, SourceFile, Usage

from wattbook_csp.bills.hours import Hours, Kinds, span
from wattbook_csp.bills.rows import NULLS


class Row(NamedTuple):
    """One row of a bill."""

    line: int
    amount: str
    start: str
    end: str
    telling: tuple[Any, ...]  #: what decides of what kind it is
    identity: tuple[Any, ...]  #: by which it is known again in another file; empty: it never is


def added(
    hours: Hours,
    kinds: Kinds,
    files: Iterable[SourceFile],
    rows_of: Callable[[SourceFile], Iterator[Row]],
    start_field: str,
    amount_field: str,
    window: Callable[[str, str], tuple[tuple[datetime, str], datetime]] = span,
) -> Iterator[Usage | Problem]:
    """The hours of all rows; a refusal names the file, the line and one of the two fields.

    *window* makes moments of the two texts of a row.
    """
    for file in files:
        hours.next_file()
        for line, amount, start, end, telling, identity in rows_of(file):
            if not amount or amount in NULLS:
                continue
            field = None
            try:
                kind = kinds.of(telling)
                if kind is None or (identity and hours.known(identity)):
                    continue
                field = start_field
                first, last = window(start, end)
                field = amount_field
                hours.add(kind, amount, first, last)
            except ImportFailed as refused:
                raise ImportFailed(refused.reason, path=file.path, line=line, field=refused.field or field) from None
    yield from hours.usages()
