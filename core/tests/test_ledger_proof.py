"""Verify proves that no joule counts twice, and that closed months are what they were."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wattbook.closing.acts import close, reopen
from wattbook.config import Config
from wattbook.ledger.faults import Faults, Runs
from wattbook.ledger.store import Ledger
from wattbook.ledger.sweep import clusters, prove
from wattbook.ledger.verify import Verdict, verify
from wattbook.records import Entry, utc_text
from wattbook.report import Period
from wattbook.testing.ledger import START, a_run, a_snapshot, a_statement, an_entry

NOW = datetime(2026, 12, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
OCTOBER = Period.from_month("2026-10", "UTC")


def judged(path: Path, *entries: Entry, runs: Any = ()) -> Verdict:
    with Ledger.open(path) as book:
        book.add(entries, runs)
        return verify(book, now=NOW)


def run(name: str, **said: Any) -> Any:
    return a_run(name, **{"end": utc_text(START + 9 * HOUR), **said})


def test_two_agents_on_one_host_are_counted_once(tmp_path: Path) -> None:
    both = [an_entry(n, run_id=agent) for agent in ("agent 1", "agent 2") for n in range(3)]
    verdict = judged(tmp_path / "a.db", *both, runs=[run("agent 1", kind="watch"), run("agent 2", kind="watch")])
    assert verdict.ok
    (fault,) = verdict.resolved
    assert "two agents on box, or two machines of that name" in fault.reason


def test_a_run_inside_a_run_and_the_watch_of_its_host_are_counted_once(tmp_path: Path) -> None:
    some = [an_entry(n, run_id=name, device=device) for name, device, n in (
        ("watch", "cpu:0", 0), ("watch", "machine", 0), ("outer", "cpu:0", 0), ("inner", "cpu:0", 0),
    )]  # fmt: skip
    runs = [run("watch", kind="watch"), run("outer"), run("inner", parent_id="outer")]
    assert judged(tmp_path / "a.db", *some, runs=runs).ok


def test_several_ranks_on_one_node_are_counted_once(tmp_path: Path) -> None:
    ranks = [f"rank {n}" for n in range(4)]
    whole = [an_entry(0, run_id=rank, device="gpu:0", domain="board") for rank in ranks]
    verdict = judged(tmp_path / "a.db", *whole, runs=[run(rank) for rank in ranks])
    assert verdict.ok
    assert len(verdict.resolved) == 3


def test_a_rule_that_lets_two_runs_count_the_same_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wattbook.ledger.sweep.without_overlaps", lambda entries, runs: (list(entries), []))
    (fault,) = judged(tmp_path / "a.db", an_entry(0), an_entry(0, run_id="r2"), runs=[run("r1"), run("r2")]).faults
    assert (fault.kind, "both counted" in fault.reason) == ("overlap", True)


def test_a_machine_and_its_package_of_two_runs_are_the_same_joules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wattbook.ledger.sweep.without_overlaps", lambda entries, runs: (list(entries), []))
    whole, part = an_entry(0), an_entry(0, run_id="r2", device="machine", domain="host")
    faults = Faults()
    prove([whole, part], {}, faults, Faults())
    assert [fault.kind for fault in faults.all()] == ["overlap"]


WINDOWS = st.tuples(
    st.sampled_from(["r1", "r2", "r3", "watch"]),
    st.sampled_from([("cpu:0", "package"), ("cpu:0", "core"), ("machine", "host"), ("gpu:0", "board")]),
    st.integers(0, 20),
    st.integers(1, 9),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(WINDOWS, max_size=12, unique_by=lambda w: (w[0], w[1], w[2])))
def test_whatever_runs_saw_the_rule_leaves_nothing_twice(windows: list[Any]) -> None:
    entries, until = [], dict[Any, int]()
    for name, (device, domain), begin, length in sorted(windows, key=lambda w: w[2]):
        if begin < until.get((name, device), 0):
            continue  # a run does not overlap itself
        until[name, device] = begin + length
        start, end = (utc_text(START + timedelta(minutes=m)) for m in (begin, begin + length))
        entries.append(an_entry(0, run_id=name, device=device, domain=domain, start=start, end=end))
    runs = {name: run(name, kind="watch" if name == "watch" else "run") for name in ("r1", "r2", "r3", "watch")}
    faults = Faults()
    for cluster in clusters(sorted(entries, key=lambda e: (e.start, e.end))):
        prove(cluster, runs, faults, Faults())
    assert faults.all() == ()


def test_two_corrections_of_one_entry_that_both_count_are_found(tmp_path: Path) -> None:
    wrong = an_entry(0)
    fixes = [an_entry(n, supersedes=wrong.entry_id, reason="moved") for n in (5, 6)]
    (fault,) = judged(tmp_path / "a.db", wrong, *fixes).faults
    assert (fault.kind, fault.id) == ("reference", wrong.entry_id)


def test_runs_are_read_as_they_are_needed_with_those_that_enclose_them(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "a.db") as book:
        book.add(runs=[run("a"), run("b", parent_id="a"), run("c", parent_id="b"), run("d"), run("e", parent_id="e")])
        runs = Runs(book)
        assert set(runs.of(["c", "nobody"])) == {"a", "b", "c"}
        assert set(runs.of(["b"])) == {"a", "b"}
        assert set(runs.of(["e"])) == {"e"}
        assert "d" not in runs.known


# --- closed months -------------------------------------------------------------------------------


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    path = tmp_path / "closed.db"
    with Ledger.open(path) as book:
        book.add([an_entry(n) for n in range(3)], [run("r1")], recorded_at=START + 12 * HOUR)
        told = [a_statement(month="2026-10")]
        book.add_statements(told, a_snapshot(), recorded_at=START + 12 * HOUR)
        close(book, Config(), OCTOBER, now=NOW)
        reopen(book, "2026-10", now=NOW)
        close(book, Config(), OCTOBER, now=NOW)
        assert verify(book, now=NOW).ok
    return path


def forged(path: Path, sql: str) -> None:
    connection = sqlite3.connect(path)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    connection.executescript(sql)
    connection.close()


@pytest.mark.parametrize(
    ("sql", "kinds"),
    [
        ("DELETE FROM entry WHERE energy_j = (SELECT max(energy_j) FROM entry) AND start_at LIKE '%T08%'", {"period"}),
        ("DELETE FROM run", {"period"}),
        ("UPDATE entry SET recorded_at = '2030-01-01T00:00:00.000000Z'", {"period"}),
        ("UPDATE period SET manifest = replace(manifest, '\"energy_j\":\"', '\"energy_j\":\"1') WHERE revision = 3", {"hash"}),
        ("DELETE FROM period WHERE revision = 2", {"reference"}),
        ("DELETE FROM statement_set; DELETE FROM statement", {"period"}),
    ],
)  # fmt: skip
def test_a_closed_month_that_was_tampered_with_is_found(closed: Path, sql: str, kinds: set[str]) -> None:
    forged(closed, sql)
    with Ledger.open(closed) as book:
        assert {fault.kind for fault in verify(book, now=NOW).faults} == kinds


def test_a_manifest_that_says_nothing_is_a_fault_and_no_crash(closed: Path) -> None:
    from wattbook.records import text_id

    forged(closed, f"UPDATE period SET manifest = '{{}}', manifest_id = '{text_id('{}')}' WHERE revision = 3")
    with Ledger.open(closed) as book:
        assert {fault.kind for fault in verify(book, now=NOW).faults} == {"period"}


def test_what_came_after_the_closing_is_no_fault(closed: Path) -> None:
    with Ledger.open(closed) as book:
        book.add([an_entry(5)])
        book.add_statements([a_statement("3", month="2026-10", version=2)], a_snapshot("two"))
        assert verify(book, now=NOW + 365 * 24 * HOUR).ok
