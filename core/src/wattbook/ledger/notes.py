"""Notes in the book: what people set out to do, beside the figures and never among them."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from attrs import frozen
from sqlalchemy import select

from wattbook.ledger import schema
from wattbook.ledger.inserting import recorded
from wattbook.ledger.store import Ledger
from wattbook.records import canonical, text_id

PREFIX = "note:"  #: of their names among the facts about the book, which no total reads


@frozen(kw_only=True)
class Note:
    """One note; its id is the hash of its content, so that the same note again is none."""

    note_id: str
    kind: str
    content: dict[str, Any]
    recorded_at: str


def add_note(
    book: Ledger, kind: str, content: dict[str, Any], *, recorded_at: datetime | None = None
) -> tuple[str, bool]:
    """Write a note down; its id, and whether it was new."""
    text = canonical(content)
    with book.transaction():
        if any(note.note_id == text_id(text) for note in notes(book, kind)):
            return text_id(text), False
        book.put("meta", [{"name": PREFIX + kind, "value": text, "recorded_at": recorded(recorded_at)}])
    return text_id(text), True


def notes(book: Ledger, kind: str) -> list[Note]:
    """All notes of a kind, the oldest first."""
    query = (
        select(schema.meta)
        .where(schema.meta.c.name == PREFIX + kind)
        .order_by(schema.meta.c.recorded_at, schema.meta.c.value)
    )
    found = []
    for row in book.scan(query):
        try:
            content = json.loads(row.value)
        except ValueError:
            content = None
        if not isinstance(content, dict):  # from a hand that was not ours: it says nothing
            content = {}
        found.append(Note(note_id=text_id(row.value), kind=kind, content=content, recorded_at=row.recorded_at))
    return found
