"""What a row from elsewhere must look like before it may enter the book: types, whoever wrote the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Integer, Text

from wattbook.ledger import schema
from wattbook.records import Entry

MAX_REVISION = 1 << 31
_TEXTS = ("site", "zone", "intensity_source")
_NUMBERS = ("pue", "intensity_g_per_kwh", "intensity_year")


def typed(table: str, row: Mapping[str, Any]) -> None:
    """Raise ``ValueError`` where a value is not of its column's type; a database might bend it."""
    for column in schema.metadata.tables[table].columns:
        value = row.get(column.name)
        if value is None:
            if column.nullable:
                continue
            raise ValueError(f"{column.name} is missing")
        if isinstance(column.type, Text):
            fits = isinstance(value, str)
        elif isinstance(column.type, Integer):
            fits = type(value) is int and 0 <= value < MAX_REVISION
        else:
            fits = type(value) in (int, float)
        if not fits:
            raise ValueError(f"{column.name} is {str(value)[:40]!r}")


def check(entry: Entry) -> None:
    """Raise ``ValueError`` where a part of an entry that is no column of its own is not what readers expect."""
    if not all(isinstance(text, str) for pair in entry.labels.tags.items() for text in pair):
        raise ValueError("tags are texts")
    if not all(isinstance(warning, str) for warning in entry.warnings):
        raise ValueError("warnings are texts")
    if not all(isinstance(term, Mapping) for term in entry.terms):
        raise ValueError("terms are objects")
    for name in _TEXTS:
        if not isinstance(getattr(entry.place, name), (str, type(None))):
            raise ValueError(f"place.{name} is a text")
    for name in _NUMBERS:
        if type(getattr(entry.place, name)) not in (int, float, type(None)):
            raise ValueError(f"place.{name} is a number")
