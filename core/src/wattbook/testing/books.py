"""A book of its own for a rule about what importing does to it."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

from wattbook.model import Importer, ImportSource, Statement

Totals = dict[tuple[str, str, str], Decimal]  #: kilograms by month, scope and method


def totals_of(items: Iterable[object]) -> Totals:
    """What an importer said, added up."""
    sums: Totals = {}
    for item in items:
        if isinstance(item, Statement):
            cell = (item.month, item.scope, item.method)
            sums[cell] = sums.get(cell, Decimal(0)) + item.co2e_kg
    return sums


class Book:
    """A book of its own for one rule."""

    def __init__(self, ledger: Any) -> None:
        self._ledger = ledger
        self._count = 0

    def put(self, importer: Importer, source: ImportSource) -> Any:
        """Record what *importer* reads as an import of its own."""
        from wattbook.importing import content_sha256
        from wattbook.importing.opening import Handed
        from wattbook.importing.reading import digest
        from wattbook.records import Snapshot

        hashes = [(f.path.name, content_sha256(Handed(file=f, shown=str(f.path)))) for f in source.files]
        snapshot = Snapshot(
            sha256=digest(hashes), format=importer.format, plugin="contract", plugin_version="",
            paths=tuple(name for name, _ in hashes),
        )  # fmt: skip
        found = [item for item in importer.read(source) if isinstance(item, Statement)]
        return self._ledger.add_statements(found, snapshot)

    def totals(self) -> Totals:
        return totals_of(self._ledger.statements())

    def __enter__(self) -> Book:
        return self

    def __exit__(self, *_: object) -> None:
        self._ledger.close()


def a_book(folder: Path, name: str = "contract") -> Book:
    from wattbook.ledger.store import Ledger

    return Book(Ledger.open(f"sqlite:///{folder / name}.db"))
