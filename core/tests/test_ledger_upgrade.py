"""A book of an older schema becomes a current one with all that is in it, or is read as it is."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from wattbook.errors import LedgerError
from wattbook.ledger import schema
from wattbook.ledger.store import Ledger
from wattbook.ledger.verify import verify
from wattbook.testing.ledger import an_entry, fill, text_of

DATA = Path(__file__).parent / "data"


@pytest.fixture(params=range(1, schema.VERSION))
def old(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A book of an older schema, with a bit of everything in it."""
    path = tmp_path / "old" / "ledger.db"
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.executescript((DATA / f"book-v{request.param}-sqlite.sql").read_text(encoding="utf-8"))
    connection.close()
    return path


def shape(path: Path) -> Any:
    """Every table, index and trigger, however the SQL that made it is spelled."""
    connection = sqlite3.connect(path)
    things = connection.execute("SELECT type, name, tbl_name FROM sqlite_master ORDER BY 1, 2").fetchall()
    tables = [name for kind, name, _ in things if kind == "table"]
    columns = {table: connection.execute(f"PRAGMA table_info({table})").fetchall() for table in tables}
    strict = connection.execute("SELECT name, strict FROM pragma_table_list WHERE schema = 'main'").fetchall()
    connection.close()
    return things, columns, sorted(strict)


def test_an_older_book_is_upgraded_with_all_that_is_in_it(old: Path, tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "new.db") as fresh, Ledger.open(old) as book:
        fill(fresh)
        assert text_of(book) == text_of(fresh)
        assert verify(book).ok
        assert book.add([an_entry(7, attribution="process share of cpu time")]).new == 1


def test_an_upgraded_book_has_the_tables_of_a_new_one(old: Path, tmp_path: Path) -> None:
    Ledger.open(tmp_path / "new.db").close()
    Ledger.open(old).close()
    assert shape(old) == shape(tmp_path / "new.db")


def test_an_upgrade_that_fails_leaves_the_older_book(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = shape(old)

    def full(*_: object) -> None:
        raise LedgerError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr("wattbook.ledger.schema.remember", full)
        with pytest.raises(LedgerError, match="full"):
            Ledger.open(old)
    assert shape(old) == before
    with Ledger.open(old) as book:
        assert verify(book).ok


def test_processes_that_open_an_older_book_at_once_upgrade_it_once(old: Path) -> None:
    code = "import sys; from wattbook.ledger.store import Ledger; Ledger.open(sys.argv[1]).count()"
    crowd = [subprocess.Popen([sys.executable, "-c", code, old], stderr=subprocess.PIPE, text=True) for _ in range(4)]
    assert [process.communicate()[1] for process in crowd] == [""] * 4
    connection = sqlite3.connect(old)
    versions = connection.execute("SELECT value FROM meta WHERE name = 'schema_version' ORDER BY value").fetchall()
    connection.close()
    assert versions[-1] == (str(schema.VERSION),)
    assert len(versions) == len(set(versions))


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no rights to take away here")
def test_an_older_book_that_may_only_be_read_is_read(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wattbook.ledger.sqlite_file._fixed", lambda path: True)
    before = old.read_bytes()
    with Ledger.open(old) as book:
        assert book.count() == 5
        assert all(entry.attribution == "" for entry in book.entries())
        assert verify(book).ok
        with pytest.raises(LedgerError, match="older wattbook"):
            book.add([an_entry(1)])
    assert old.read_bytes() == before


def test_a_book_of_the_current_schema_is_opened_without_the_library_of_upgrades(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    code = (
        "import sys; from wattbook.ledger.store import Ledger\n"
        "Ledger.open(sys.argv[1]).close()\n"
        "Ledger.open(sys.argv[1]).close()\n"
        "sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, path], check=False).returncode == 0


def test_every_version_has_a_script_and_brings_what_is_marked() -> None:
    scripts = Path(schema.__file__).parent / "migrations" / "versions"
    assert sorted(path.stem for path in scripts.glob("*.py")) == [f"v{n}" for n in range(2, schema.VERSION + 1)]
    marked = {table.info["since"] for table in schema.metadata.sorted_tables}
    assert max(marked) == schema.VERSION
