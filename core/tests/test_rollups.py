"""Months that are kept added up equal the sum of their entries, whatever came after they were kept."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from click.testing import CliRunner
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from wattbook.cli.group import main
from wattbook.closing import rolling
from wattbook.closing.reading import built, report_of
from wattbook.config import Config
from wattbook.errors import LedgerError
from wattbook.ledger import rollups
from wattbook.ledger.settling import taken_back
from wattbook.ledger.store import Ledger
from wattbook.records import Entry, Place, RunRecord, utc_time
from wattbook.report import Period, build
from wattbook.report.as_json import as_json
from wattbook.report.rolled import roll, together
from wattbook.report.rolled_text import rolled_of, text_of
from wattbook.testing.builders import START
from wattbook.testing.entries import a_gap_entry, a_run, an_entry

OCTOBER = Period.from_month("2026-10", "Asia/Singapore")
HALL = Place(site="hall", zone="SG", pue=1.3)
KINDS = {"run-1": "run", "run-2": "run", "watch-1": "watch", "watch-2": "watch", "log-1": "log"}
CONFIG = Config()

ENTRY = st.builds(
    lambda hour, length, joules, run, host, address, error, phase, gap: (
        a_gap_entry(start=START + timedelta(hours=hour), hours=length, run_id=run, host=host)
        if gap
        else an_entry(
            joules, start=START + timedelta(hours=hour), hours=length, run_id=run, host=host, address=address,
            error=error, phase=phase, place=HALL,
        )
    ),
    st.sampled_from([-200, 0, 1, 2, 3, 5, 620]), st.sampled_from([0.5, 1.0, 2.0, 30.0]), st.floats(0, 1e9),
    st.sampled_from(sorted(KINDS)), st.sampled_from(["a", "b", ""]), st.sampled_from(["cpu:0/package", "gpu:0/board"]),
    st.sampled_from([None, 0.1, 0.3]), st.sampled_from(["train", "idle"]), st.sampled_from([False, False, False, True]),
)  # fmt: skip
RUN = st.builds(
    lambda name, hour, length, host, complete, parent, code: a_run(
        name, start=START + timedelta(hours=hour), hours=length, host=host, kind=KINDS[name], complete=complete,
        parent_id=parent, exit_code=code,
    ),
    st.sampled_from(sorted(KINDS)), st.sampled_from([-200, 0, 1, 2, 620]), st.sampled_from([1.0, 3.0, 30.0]),
    st.sampled_from(["a", "b"]), st.booleans(), st.sampled_from([None, None, "run-1"]), st.sampled_from([0, 1]),
)  # fmt: skip
STEPS = st.lists(
    st.tuples(st.lists(ENTRY, max_size=4), st.lists(RUN, max_size=2), st.booleans(), st.integers(0, 3), st.booleans()),
    min_size=1, max_size=5,
)  # fmt: skip


@pytest.fixture
def book(tmp_path: Path) -> Any:
    with Ledger.open(tmp_path / "book.db") as book:
        yield book


@pytest.fixture(autouse=True)
def every_month_is_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rolling, "WORTH", 1)


def full(book: Ledger, as_of: datetime | None = None, period: Period = OCTOBER) -> str:
    entries = book.entries(start=period.start, end=period.end, as_of=as_of)
    return text_of(roll(entries, book.runs(as_of=as_of), CONFIG.containment, period))


def from_rollup(book: Ledger, as_of: datetime | None = None, period: Period = OCTOBER) -> str:
    return text_of(rolling.rolled(book, CONFIG, period, (), as_of))


def a_day(number: int) -> datetime:
    return START + timedelta(days=40 + number)


@given(STEPS)
@settings(
    max_examples=40, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate)
)  # shrinking a book takes long
def test_a_rollup_that_is_brought_forward_equals_the_full_sum(tmp_path_factory: Any, steps: list[Any]) -> None:
    with Ledger.open(tmp_path_factory.mktemp("books") / "book.db") as book:
        for number, (entries, runs, correcting, which, worth) in enumerate(steps):
            rolling.WORTH = 1 if worth else 1000  # else what came since is added to what is kept, and not kept itself
            there = book.entries()
            if correcting and there:
                old = there[which % len(there)]
                more = taken_back(old, "wrong") if which % 2 else evolve(old, supersedes=old.entry_id, reason="typo")
                entries = [*entries, more]
            book.add(entries, runs, recorded_at=a_day(number))
            assert from_rollup(book) == full(book)
        assert all(same for _, same in rolling.check(book))
        for number in range(len(steps)):
            assert from_rollup(book, a_day(number)) == full(book, a_day(number))
        assert from_rollup(book) == full(book)


@given(st.lists(ENTRY, max_size=8), st.lists(RUN, max_size=4))
@settings(max_examples=60)
def test_a_text_of_a_month_says_all_of_it(entries: list[Entry], runs: list[RunRecord]) -> None:
    rolled = roll(entries, runs, {}, OCTOBER)
    assert text_of(rolled_of(text_of(rolled))) == text_of(rolled)
    assert rolled_of(text_of(rolled)).overlaps == rolled.overlaps


@given(st.lists(ENTRY, max_size=8), st.lists(RUN, max_size=4))
@settings(max_examples=60)
def test_hosts_rolled_up_by_themselves_are_together_the_whole(entries: list[Entry], runs: list[RunRecord]) -> None:
    hosts = sorted({entry.host for entry in entries})
    apart = [roll([e for e in entries if e.host == host], runs, {}, OCTOBER) for host in hosts]
    assert text_of(together([*apart, roll((), runs, {}, OCTOBER)])) == text_of(roll(entries, runs, {}, OCTOBER))


def run_cli(args: list[str]) -> tuple[int, str]:
    result = CliRunner().invoke(main, args)
    return result.exit_code, result.output.strip() or str(result.exception)


def hours(host: str, count: int, *, first: int = 0, run: str = "watch") -> tuple[list[Entry], list[RunRecord]]:
    numbers = range(first, first + count)
    entries = [
        an_entry(3e6 + n, start=START + timedelta(hours=n), host=host, run_id=f"{run}-{host}-{n}") for n in numbers
    ]
    runs = [a_run(f"{run}-{host}-{n}", start=START + timedelta(hours=n), host=host, kind="watch") for n in numbers]
    return entries, runs


def test_a_report_reads_only_what_came_after_the_month_was_kept(book: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    for host in "abc":
        book.add(*hours(host, 50))
    report_of(book, CONFIG, OCTOBER, (), None)
    book.add(*hours("b", 3, first=50))
    read: list[int] = []
    original = rollups.by_host

    def counted(*args: Any, **more: Any) -> Any:
        for host, entries in original(*args, **more):
            read.append(len(entries))
            yield host, entries

    monkeypatch.setattr(rolling, "WORTH", 1000)
    monkeypatch.setattr(rollups, "by_host", counted)
    report = report_of(book, CONFIG, OCTOBER, ("host",), None)
    assert (report.entries, read) == (153, [3])


def test_the_hours_of_a_watch_are_one_batch_and_no_run_of_most_energy(book: Ledger) -> None:
    book.add(*hours("a", 30))
    book.add([an_entry(5.0, run_id="run-1", host="b")], [a_run("run-1", host="b")])
    rolled = rolling.rolled(book, CONFIG, OCTOBER, (), None)
    assert sorted((batch.size, batch.watched) for batch in rolled.readings) == [(1, False), (30, True)]
    assert [use.run_id for use in built(book, CONFIG, OCTOBER, (), None).top_runs] == ["run-1"]


def test_a_report_from_a_rollup_is_that_of_the_entries(book: Ledger) -> None:
    book.add(*hours("a", 100))
    book.add([an_entry(9e6, hours=3.0, host="a", run_id="run-1", project="x")], [a_run("run-1", hours=3.0, host="a")])
    dims = ("project", "phase", "month")
    kept = as_json(built(book, CONFIG, OCTOBER, dims, None))
    again = as_json(built(book, CONFIG, OCTOBER, dims, None))
    whole = as_json(build(book.entries(start=OCTOBER.start, end=OCTOBER.end), [], book.runs(), CONFIG, OCTOBER, dims))
    assert len(rollups.kept_months(book)) == 1
    assert kept == again == whole


def test_a_month_as_of_a_moment_before_it_was_kept_is_that_of_then(book: Ledger) -> None:
    book.add(*hours("a", 10), recorded_at=a_day(0))
    from_rollup(book)
    mark = utc_time(rollups.kept_months(book)[0].upto)
    book.add(*hours("a", 10, first=10))
    from_rollup(book)
    assert from_rollup(book, mark) == full(book, mark) != full(book)


def test_a_dropped_rollup_is_made_again(book: Ledger) -> None:
    book.add(*hours("a", 10))
    before = from_rollup(book)
    assert rollups.drop(book, ["2026-10"]) == 1
    assert rollups.kept_months(book) == []
    assert from_rollup(book) == before
    assert len(rollups.kept_months(book)) == 1


def test_two_that_keep_a_month_at_once_keep_it_once(book: Ledger) -> None:
    book.add(*hours("a", 10))
    kept = rolling.bring_forward(book, CONFIG, OCTOBER)
    (told,) = rollups.kept_months(book)
    stale = rollups.Kept(upto="2020-01-01T00:00:00.000000Z", sums={"a": "nonsense"})
    assert not rollups.write(book, told.rules, "2026-10", None, stale)
    assert not rollups.write(book, told.rules, "2026-10", stale, stale)
    assert rollups.read(book, told.rollup_id) == kept


def test_a_book_that_cannot_be_written_is_reported_from_its_entries(
    book: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    book.add(*hours("a", 10))

    def refuse(*_: object) -> None:
        raise LedgerError("the book cannot be written: it is read-only here")

    monkeypatch.setattr("wattbook.ledger.periods.set_watermark", refuse)
    assert from_rollup(book) == full(book)
    assert rollups.kept_months(book) == []


def test_a_small_month_is_not_kept(book: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rolling, "WORTH", 100)
    book.add(*hours("a", 10))
    from_rollup(book)
    assert rollups.kept_months(book) == []


def test_a_check_finds_a_rollup_that_was_changed_by_hand(tmp_path: Path) -> None:
    path = str(tmp_path / "book.db")
    told = ["ledger", "rollup", "2026-10", "--timezone", "Asia/Singapore", "--ledger", path]
    with Ledger.open(path) as book:
        book.add(*hours("a", 10))
    assert run_cli([*told, "--check"]) == (1, "2026-10 is not kept; 'wattbook ledger rollup 2026-10' keeps it")
    assert run_cli(told)[0] == 0
    code, said = run_cli([*told, "--check"])
    assert (code, said.splitlines()[0]) == (0, "2026-10 is kept as its entries add up")
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("UPDATE rollup_host SET sums = replace(sums, '3000000.0', '1.0')")
    connection.close()
    code, said = run_cli([*told, "--check"])
    assert (code, "changed by hand" in said) == (1, True)
    code, said = run_cli(["ledger", "verify", "--ledger", path])
    assert (code, said.startswith("rollup: ")) == (1, True)
    assert run_cli([*told, "--drop"])[0] == 0
    assert run_cli(["ledger", "rollup", "--ledger", path]) == (0, "no month is kept added up")


def test_a_text_that_is_broken_is_a_fault_and_the_next_report_makes_it_again(book: Ledger, tmp_path: Path) -> None:
    book.add(*hours("a", 10))
    before = from_rollup(book)
    connection = sqlite3.connect(tmp_path / "book.db")
    with connection:
        connection.execute("UPDATE rollup_host SET sums = '{}'")
    connection.close()
    assert [same for _, same in rolling.check(book)] == [False]
    assert from_rollup(book) == before
    assert [same for _, same in rolling.check(book)] == [True]
