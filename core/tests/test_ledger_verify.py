"""A book that was tampered with, or that says what cannot be, does not verify."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from wattbook.ledger.store import Ledger
from wattbook.ledger.verify import Verdict, verify
from wattbook.records import Entry, Place, utc_text
from wattbook.testing.ledger import START, a_run, a_snapshot, a_statement, an_entry

NOWHERE = Place(zone="XX")
NOW = datetime(2026, 12, 1, tzinfo=UTC)


def judged(path: Path) -> Verdict:
    with Ledger.open(path) as book:
        return verify(book, now=NOW)


def a_book(path: Path, *entries: Any, runs: Any = ()) -> Path:
    with Ledger.open(path) as book:
        book.add(entries, runs)
        book.add_statements([a_statement("1")], a_snapshot())
        book.add_statements([a_statement("2", version=2)], a_snapshot("2"))
    return path


def tamper(path: Path, sql: str) -> None:
    """What somebody with an editor for databases can do."""
    connection = sqlite3.connect(path)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute(sql)
    connection.commit()
    connection.close()


def kinds(verdict: Verdict) -> list[str]:
    return [fault.kind for fault in verdict.faults]


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("UPDATE entry SET energy_j = energy_j + 1e-9", "hash"),
        ("UPDATE entry SET host = 'other'", "hash"),
        ("UPDATE context SET project = 'mine'", "hash"),
        ("DELETE FROM context", "reference"),
        ("UPDATE statement SET co2e_kg = '0.1' WHERE co2e_kg = '1'", "hash"),
        ("DELETE FROM statement WHERE co2e_kg = '2'", "hash"),
        ("DELETE FROM statement_set WHERE revision = 1", "reference"),
    ],
)
def test_a_tampered_row_is_found(tmp_path: Path, sql: str, kind: str) -> None:
    path = a_book(tmp_path / "ledger.db", an_entry())
    assert judged(path).ok
    tamper(path, sql)
    assert set(kinds(judged(path))) == {kind}


def test_two_entries_of_one_run_over_one_moment_are_an_overlap(tmp_path: Path) -> None:
    other = an_entry(0, start=utc_text(START + timedelta(minutes=59)))
    path = a_book(tmp_path / "ledger.db", an_entry(0), an_entry(1), other)
    assert set(kinds(judged(path))) == {"overlap"}


def test_a_long_entry_overlaps_all_that_lie_under_it(tmp_path: Path) -> None:
    long = an_entry(0, end=utc_text(START + timedelta(hours=5)), host="box")
    path = a_book(tmp_path / "ledger.db", long, an_entry(1), an_entry(3))
    assert kinds(judged(path)) == ["overlap", "overlap"]


def test_two_runs_on_one_machine_are_told_and_no_fault(tmp_path: Path) -> None:
    verdict = judged(a_book(tmp_path / "ledger.db", an_entry(0), an_entry(0, run_id="r2")))
    assert verdict.ok
    assert "reports count it once" in verdict.resolved[0].reason


def a_part(number: int, energy_j: float, **more: Any) -> Entry:
    return an_entry(number, energy_j=energy_j, low_j=None, high_j=None, attribution="process:used", **more)


def test_parts_of_several_runs_beside_a_record_are_no_overlap(tmp_path: Path) -> None:
    some = (an_entry(0), a_part(0, 100.0, run_id="r2"), a_part(0, 50.0, run_id="r3"))
    verdict = judged(a_book(tmp_path / "ledger.db", *some))
    assert (verdict.faults, verdict.resolved) == ((), ())


def test_two_parts_of_one_run_over_one_moment_are_an_overlap(tmp_path: Path) -> None:
    path = a_book(tmp_path / "ledger.db", a_part(0, 100.0), an_entry(0, run_id="r2"), a_part(0, 50.0))
    assert kinds(judged(path)) == ["overlap"]


def test_parts_that_claim_more_than_the_machine_are_told(tmp_path: Path) -> None:
    some = (an_entry(0), a_part(0, 3000.0, run_id="r2"), a_part(0, 3000.0, run_id="r3"))
    verdict = judged(a_book(tmp_path / "ledger.db", *some))
    assert verdict.ok
    assert len(verdict.resolved) == 2
    assert all("more than the machine used" in fault.reason for fault in verdict.resolved)


def test_an_overlap_of_records_under_a_part_is_still_found(tmp_path: Path) -> None:
    some = (an_entry(0), a_part(0, 100.0, run_id="r2"), an_entry(0, run_id="r3"))
    verdict = judged(a_book(tmp_path / "ledger.db", *some))
    assert ["reports count it once" in fault.reason for fault in verdict.resolved] == [True]


def test_breakdowns_gaps_and_corrected_entries_overlap_nothing(tmp_path: Path) -> None:
    path = a_book(
        tmp_path / "ledger.db",
        an_entry(0),
        an_entry(0, energy_j=3601.0, outermost=False),
        an_entry(0, kind="gap", basis=None, energy_j=None, low_j=None, high_j=None, outermost=False),
        an_entry(0, energy_j=3602.0, supersedes=an_entry(0).entry_id, reason="wrong"),
    )
    verdict = judged(path)
    assert (verdict.faults, verdict.resolved) == ((), ())


def test_an_absurd_power_is_found(tmp_path: Path) -> None:
    path = a_book(tmp_path / "ledger.db", an_entry(0, energy_j=3600 * 6000.0, low_j=None, high_j=None))
    assert kinds(judged(path)) == ["power"]


def test_energy_in_no_time_is_found(tmp_path: Path) -> None:
    assert kinds(judged(a_book(tmp_path / "ledger.db", an_entry(0, end=an_entry(0).start)))) == ["power"]


def test_an_entry_from_the_future_is_found(tmp_path: Path) -> None:
    assert kinds(judged(a_book(tmp_path / "ledger.db", an_entry(24 * 90)))) == ["clock"]


def test_an_entry_outside_its_run_is_a_jump_of_the_clock(tmp_path: Path) -> None:
    path = a_book(tmp_path / "ledger.db", an_entry(0), an_entry(-24 * 3650), runs=[a_run()])
    assert kinds(judged(path)) == ["clock"]


def test_a_place_without_a_factor_is_found_once(tmp_path: Path) -> None:
    path = a_book(tmp_path / "ledger.db", an_entry(0, place=NOWHERE), an_entry(1, place=NOWHERE))
    (fault,) = judged(path).faults
    assert (fault.kind, "site.zone" in fault.reason) == ("factor", True)


def test_a_correction_of_nothing_is_found(tmp_path: Path) -> None:
    assert kinds(judged(a_book(tmp_path / "ledger.db", an_entry(0, supersedes="0" * 32)))) == ["reference"]


def test_an_empty_book_is_sound(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "ledger.db") as book:
        assert verify(book).as_dict() == {
            "ok": True, "entries": 0, "statement_sets": 0, "problems": [], "resolved": [],
        }  # fmt: skip
