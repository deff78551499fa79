"""Answers that say the same in several ways: of each account and month one way counts, never two."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from decimal import Decimal
from typing import Any

from wattbook import ImportFailed

from wattbook_csp.notes import Notes
from wattbook_csp.snapshots import Row


def one_way(
    rows: Iterable[Row],
    cell: Callable[[Row], Hashable],
    way: Callable[[Row], tuple[Any, ...]],
    shown: Callable[[tuple[Any, ...]], str],
    notes: Notes,
    *,
    tolerance_kg: Decimal | None = None,
) -> list[Row]:
    """The rows of the least *way* of each *cell*; the other ways are left out and noted.

    With *tolerance_kg* the ways must agree in what both of them say; a difference is refused, because a
    page is then missing or one of them was filtered.
    """
    ways: dict[Hashable, dict[tuple[Any, ...], list[Row]]] = {}
    for row in rows:
        ways.setdefault(cell(row), {}).setdefault(way(row), []).append(row)
    kept: list[Row] = []
    for found in ways.values():
        best, *others = sorted(found)
        kept += found[best]
        for other in others:
            month = found[best][0].month
            if tolerance_kg is not None:
                _compare(found[best], found[other], f"{shown(best)} and {shown(other)}", tolerance_kg)
            notes.add(f"{month}: {shown(other)} left out, because it is in {shown(best)}", kind="alternatives left out")
    return kept


def _compare(these: list[Row], those: list[Row], names: str, tolerance_kg: Decimal) -> None:
    here, there = _sums(these), _sums(those)
    for view in here.keys() & there.keys():
        difference = abs(here[view] - there[view])
        if difference > tolerance_kg * (len(these) + len(those)):
            scope, method = view
            reason = (
                f"{these[0].month}: {names} differ by {difference} kg in scope {scope}, {method}; is a page missing?"
            )
            raise ImportFailed(reason, path=those[0].path)


def _sums(rows: list[Row]) -> dict[tuple[str, str], Decimal]:
    sums: dict[tuple[str, str], Decimal] = {}
    seen = set()
    for row in rows:
        if row.cells.key in seen:  # repeated rows are told apart from conflicting ones later
            continue
        seen.add(row.cells.key)
        for s in row.cells.statements:
            sums[s.scope, s.method] = sums.get((s.scope, s.method), Decimal(0)) + s.co2e_kg
    return sums
