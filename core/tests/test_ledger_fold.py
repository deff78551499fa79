"""What runs left in the spool reaches the book once, and nothing is removed before it is safe."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from wattbook.errors import LedgerError
from wattbook.ledger.fold import fold_in
from wattbook.ledger.store import Ledger
from wattbook.spool import SpoolWriter
from wattbook.testing.ledger import a_run, an_entry


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATTBOOK_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("WATTBOOK_LEDGER", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


def a_spool(run_id: str = "r1", *, end: bool = True, ledger: str | None = None) -> SpoolWriter:
    writer = SpoolWriter.create(a_run(run_id, complete=False), ledger=ledger)
    writer.poll(an_entry().end, [an_entry(run_id=run_id)])
    if end:
        writer.end(a_run(run_id), [an_entry(run_id=run_id), an_entry(1, run_id=run_id)])
    return writer


def spools(tmp_path: Path) -> list[str]:
    return sorted(p.name for p in (tmp_path / "state" / "spool").glob("*.jsonl"))


def test_a_finished_run_is_folded_in_and_its_file_goes(tmp_path: Path) -> None:
    a_spool().close()
    with Ledger.open() as book:
        folded = fold_in(book)
        assert (folded.files, folded.new, folded.known, folded.problems) == (1, 2, 0, ())
        assert book.runs() == [a_run()]
        assert fold_in(book).files == 0
    assert spools(tmp_path) == []


def test_a_killed_run_is_folded_in_up_to_its_last_poll() -> None:
    a_spool(end=False).close()
    with Ledger.open() as book:
        fold_in(book)
        assert [(run.complete, run.end) for run in book.runs()] == [(False, an_entry().end)]
        assert book.entries() == [an_entry()]


@pytest.mark.skipif(os.name == "nt", reason="files have no locks there")
def test_a_running_run_is_left_alone(tmp_path: Path) -> None:
    writer = a_spool(end=False)
    with Ledger.open() as book:
        assert fold_in(book).files == 0
    assert spools(tmp_path) == ["r1.jsonl"]
    writer.close()


def test_a_run_for_another_book_waits_for_it(tmp_path: Path) -> None:
    a_spool(ledger=str(tmp_path / "other.db")).close()
    with Ledger.open() as book:
        assert fold_in(book).files == 0
    with Ledger.open(tmp_path / "other.db") as book:
        assert fold_in(book).new == 2


def test_a_run_for_the_default_book_stays_out_of_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_spool().close()
    monkeypatch.setenv("WATTBOOK_LEDGER", str(tmp_path / "other.db"))
    with Ledger.open() as book:
        assert fold_in(book).files == 0
    assert spools(tmp_path) == ["r1.jsonl"]


def test_an_edited_spool_is_set_aside_and_named(tmp_path: Path) -> None:
    writer = a_spool()
    writer.close()
    path = Path(writer.path)
    path.write_text(path.read_text().replace("3600.0", "1.0"))
    a_spool("r2").close()
    with Ledger.open() as book:
        folded = fold_in(book)
        assert folded.files == 1
        assert "r1.jsonl" in folded.problems[0]
        assert {entry.run_id for entry in book.entries()} == {"r2"}
        assert fold_in(book).problems == ()
    assert (tmp_path / "state" / "spool" / "damaged" / "r1.jsonl").exists()


def test_a_file_whose_entries_cannot_be_recorded_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise LedgerError("the disk is full")

    a_spool().close()
    with Ledger.open() as book:
        monkeypatch.setattr(Ledger, "add", full)
        folded = fold_in(book)
        assert (folded.files, len(folded.problems)) == (0, 1)
        assert "the disk is full" in folded.problems[0]
        assert spools(tmp_path) == ["r1.jsonl"]
        monkeypatch.undo()


def test_a_spool_that_was_folded_but_not_removed_is_known(tmp_path: Path) -> None:
    writer = a_spool()
    writer.close()
    content = Path(writer.path).read_bytes()
    with Ledger.open() as book:
        fold_in(book)
        Path(writer.path).write_bytes(content)
        folded = fold_in(book)
        assert (folded.new, folded.known) == (0, 2)
        assert book.count() == 2


def test_a_run_that_no_book_can_hold_is_set_aside_and_named(tmp_path: Path) -> None:
    backwards = an_entry(end="2026-10-01T07:00:00.000000Z")
    writer = SpoolWriter.create(a_run(complete=False))
    writer.end(a_run(), [backwards])
    writer.close()
    with Ledger.open() as book:
        assert "before it starts" in fold_in(book).problems[0]
        assert fold_in(book).problems == ()
        assert book.count() == 0
    assert spools(tmp_path) == []
