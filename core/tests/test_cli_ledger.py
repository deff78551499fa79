"""``wattbook ledger``: show, verify and export."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from wattbook.cli import main
from wattbook.ledger.store import Ledger
from wattbook.spool import SpoolWriter
from wattbook.testing.ledger import a_run, a_snapshot, a_statement, an_entry, fill


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATTBOOK_LEDGER", str(tmp_path / "ledger.db"))
    monkeypatch.setenv("WATTBOOK_STATE", str(tmp_path / "state"))


def run(*args: str, code: int = 0) -> str:
    result = CliRunner().invoke(main, ["ledger", *args])
    assert result.exit_code == code, (result.output, result.exception)
    return result.stdout


def show(*args: str) -> Any:
    return json.loads(run("show", "--json", *args))


def test_an_empty_book_is_shown() -> None:
    document = show()
    assert (document["entries"], document["runs"], document["statements"]) == (0, [], [])


def test_runs_and_statements_are_shown_as_documented() -> None:
    with Ledger.open() as book:
        book.add([an_entry(0), an_entry(0, domain="core", outermost=False), an_entry(0, device="cpu:1")], [a_run()])
        book.add_statements([a_statement("1.50")], a_snapshot())
    document = show()
    assert document["entries"] == 3
    (told,) = document["runs"]
    keys = ("run_id", "complete", "energy_j", "energy_low_j", "energy_high_j", "project", "phase")
    assert [told[key] for key in keys] == ["r1", True, 7200.0, 7000.0, 7400.0, None, None]
    (statement,) = document["statements"]
    assert statement["co2e_kg"] == {"location": 1.5, "market": None, "unsplit": None}
    assert (statement["provider"], statement["account"], statement["month"]) == ("acme", "a1", "2026-01")
    assert statement["model_version"] == "v1"


def test_only_the_last_runs_are_shown() -> None:
    with Ledger.open() as book:
        book.add(runs=[a_run(f"r{n}", start=f"2026-10-01T0{n}:00:00.000000Z") for n in range(5)])
    assert [told["run_id"] for told in show("--last", "2")["runs"]] == ["r3", "r4"]


def test_a_run_without_energy_has_none_and_not_zero() -> None:
    with Ledger.open() as book:
        book.add(runs=[a_run()])
    assert show()["runs"][0]["energy_j"] is None


def test_a_killed_run_is_shown_up_to_its_last_poll() -> None:
    writer = SpoolWriter.create(a_run(complete=False), ledger=os.environ["WATTBOOK_LEDGER"])
    writer.poll(an_entry().end, [an_entry()])
    writer.close()
    (told,) = show("--last", "1")["runs"]
    assert (told["complete"], told["end"], told["energy_j"]) == (False, an_entry().end, 3600.0)


def test_people_get_lines() -> None:
    with Ledger.open() as book:
        fill(book)
    out = run("show")
    assert "5 entries" in out
    assert "location 1.25 kg" in out


def test_a_sound_book_verifies_and_a_changed_one_does_not(tmp_path: Path) -> None:
    with Ledger.open() as book:
        fill(book)
    document = json.loads(run("verify", "--json"))
    assert (document["ok"], document["entries"], document["problems"]) == (True, 5, [])
    connection = sqlite3.connect(tmp_path / "ledger.db")
    connection.executescript("DROP TRIGGER entry_no_update; UPDATE entry SET energy_j = 1 WHERE energy_j = 3650.0")
    connection.close()
    document = json.loads(run("verify", "--json", code=1))
    assert not document["ok"]
    assert {problem["kind"] for problem in document["problems"]} == {"hash"}
    assert "hash" in run("verify", code=1)


def test_an_export_goes_to_stdout_and_is_the_same_twice() -> None:
    with Ledger.open() as book:
        fill(book)
    assert run("export") == run("export")
    assert json.loads(run("export").splitlines()[0]) == {"wattbook_book": 1}


def test_a_cell_that_a_spreadsheet_would_compute_is_escaped() -> None:
    with Ledger.open() as book:
        fill(book)
    assert "'=1+1" in run("export", "--format", "csv")


def test_an_export_to_nowhere_is_refused(tmp_path: Path) -> None:
    run("export", "-o", str(tmp_path / "no" / "book.jsonl"), code=1)
