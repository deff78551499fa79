"""A ledger file that is not ours, half there, newer, or in the way is refused and left alone."""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path

import pytest
from wattbook.errors import LedgerError, NoLedger
from wattbook.ledger import connect, schema
from wattbook.ledger.store import Ledger
from wattbook.testing.ledger import a_run, an_entry


def refusal(path: Path | str) -> str:
    """What opening says, after a check that the file is as it was."""
    file = Path(path)
    before = file.read_bytes() if file.is_file() else None
    with pytest.raises(LedgerError) as refused:
        Ledger.open(path)
    assert (file.read_bytes() if file.is_file() else None) == before
    return str(refused.value)


def a_book(path: Path) -> Path:
    with Ledger.open(path) as book:
        book.add([an_entry(n) for n in range(200)], [a_run()])
    return path


@pytest.mark.parametrize("content", [b"hello", b"\x00" * 4096, b"SQLite format 3\x00", b"PK\x03\x04" + b"x" * 500])
def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(content)
    assert str(path) in refusal(path)


def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (x)")
    connection.close()
    assert "another program" in refusal(path)


def test_half_a_book_is_refused(tmp_path: Path) -> None:
    path = a_book(tmp_path / "ledger.db")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert "cut" in refusal(path)


def test_a_book_with_damage_inside_says_so(tmp_path: Path) -> None:
    path = a_book(tmp_path / "ledger.db")
    whole = bytearray(path.read_bytes())
    whole[4096:] = b"\xff" * (len(whole) - 4096)
    path.write_bytes(whole)
    with pytest.raises(LedgerError, match="damaged"), Ledger.open(path) as book:
        book.entries()


def test_a_newer_book_is_refused(tmp_path: Path) -> None:
    path = a_book(tmp_path / "ledger.db")
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version={schema.VERSION + 1}")
    connection.close()
    assert "newer wattbook" in refusal(path)


def test_an_empty_file_becomes_a_book(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.touch()
    with Ledger.open(path) as book:
        assert book.count() == 0


def test_a_folder_is_no_book(tmp_path: Path) -> None:
    assert str(tmp_path) in refusal(tmp_path)


def test_a_missing_folder_is_made(tmp_path: Path) -> None:
    a_book(tmp_path / "a" / "b" / "ledger.db")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "file" in refusal(tmp_path / "file" / "ledger.db")


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write everywhere")
def test_a_book_that_may_only_be_read_is_read(tmp_path: Path) -> None:
    path = a_book(tmp_path / "ledger.db")
    path.chmod(stat.S_IRUSR)
    with Ledger.open(path) as book:
        assert book.count() == 200
        with pytest.raises(LedgerError, match="read-only"):
            book.add([an_entry(999)])


def test_a_missing_book_is_not_made_by_a_reader(tmp_path: Path) -> None:
    with pytest.raises(NoLedger) as missing:
        Ledger.open(tmp_path / "ledger.db", create=False)
    assert isinstance(missing.value, FileNotFoundError)
    assert not (tmp_path / "ledger.db").exists()


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("mysql://u:geheim@h/d", "mysql"),
        ("sqlite://", "file"),
        ("sqlite:///:memory:", "file"),
        ("postgresql://u:geheim@localhost:1/d?connect_timeout=1", "localhost"),
        ("postgresql://u:geheim@h:port/d", "URL"),
    ],
)
def test_a_url_that_leads_nowhere_is_refused_without_its_password(url: str, word: str) -> None:
    if "localhost" in url:
        pytest.importorskip("psycopg")
    with pytest.raises(LedgerError) as refused:
        Ledger.open(url)
    assert word in str(refused.value)
    assert "geheim" not in str(refused.value)


def test_a_url_is_shown_without_any_password() -> None:
    url = connect.parse_url("postgresql://me:geheim@db/team?sslpassword=geheim&password=geheim&sslmode=require")
    assert "geheim" not in connect.printable(url)
    assert "sslmode=require" in connect.printable(url)


def test_the_book_is_named_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATTBOOK_LEDGER", str(tmp_path / "mine.db"))
    with Ledger.open() as book:
        assert book.url == str(tmp_path / "mine.db")


def test_a_path_and_its_url_are_one_book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_book(tmp_path / "ledger.db")
    monkeypatch.chdir(tmp_path)
    for url in ("ledger.db", "sqlite:///ledger.db", f"sqlite:///{tmp_path}/ledger.db", str(tmp_path / "ledger.db")):
        with Ledger.open(url, create=False) as book:
            assert book.url == str(tmp_path / "ledger.db")


def test_the_file_is_durable_and_strict(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "ledger.db") as book, book._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2
        tables = connection.exec_driver_sql("SELECT name, strict FROM pragma_table_list WHERE type = 'table'").all()
    assert {name for name, strict in tables if strict} == set(schema.metadata.tables)


def test_replacing_a_row_is_refused_too(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "ledger.db") as book:
        book.add([an_entry()])
        with pytest.raises(Exception, match="append-only"), book._engine.begin() as connection:
            connection.exec_driver_sql("INSERT OR REPLACE INTO entry SELECT * FROM entry")


def test_a_seed_for_the_clock_that_is_no_number_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "today")
    with Ledger.open(tmp_path / "ledger.db") as book, pytest.raises(LedgerError, match="SOURCE_DATE_EPOCH"):
        book.add([an_entry()])
