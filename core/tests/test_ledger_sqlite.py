"""The book in a SQLite file: the contract, and what is special about a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from wattbook.testing.ledger import LedgerContract


class TestSqlite(LedgerContract):
    @pytest.fixture
    def new_url(self, tmp_path: Path) -> Callable[[], str]:
        names = iter(range(1000))
        return lambda: str(tmp_path / f"{next(names)}.db")
