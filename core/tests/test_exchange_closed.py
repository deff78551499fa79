"""An export carries what was done to the months of a book, and only an empty book takes that over."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from wattbook.importing import open_file
from wattbook.ledger import periods
from wattbook.ledger.exchange import restore, write_jsonl
from wattbook.ledger.notes import add_note, notes
from wattbook.ledger.store import Ledger
from wattbook.testing.ledger import an_entry, fill, text_of

NOW = datetime(2026, 11, 2, tzinfo=UTC)


@pytest.fixture
def exported(tmp_path: Path) -> Any:
    """The export of a book with a closed month and a note, and its text."""
    with Ledger.open(tmp_path / "one.db") as book:
        fill(book)
        mark = periods.settle(book, NOW)
        periods.write(book, "2026-10", periods.REOPEN, {"why": "late"}, mark, NOW)
        add_note(book, "plan", {"what": "move"}, recorded_at=NOW)
        path = tmp_path / "book.jsonl"
        with path.open("w", encoding="utf-8") as stream:
            write_jsonl(book, stream)
        return path, text_of(book)


def test_a_closed_month_and_its_times_survive_the_way(exported: Any, tmp_path: Path) -> None:
    path, text = exported
    with Ledger.open(tmp_path / "two.db") as book:
        for _ in range(2):
            restore(book, open_file(path), "book")
        assert text_of(book) == text
        assert [act.month for act in periods.history(book)] == ["2026-10"]
        assert len(notes(book, "plan")) == 1


def test_a_book_with_a_history_of_its_own_keeps_its_own_closings(exported: Any, tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "two.db") as book:
        book.add([an_entry(70)])
        assert restore(book, open_file(exported[0]), "book").entries == (5, 0)
        assert periods.history(book) == []
        assert notes(book, "plan") == []
