"""What a database must do to hold a book, as tests to inherit; ours pass them on SQLite and PostgreSQL."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from wattbook.errors import ImportFailed, LedgerError, NoLedger
from wattbook.model import Statement
from wattbook.records import Entry, Labels, Place, RunRecord, Snapshot, utc_text

START = datetime(2026, 10, 1, 8, tzinfo=UTC)
MARCH, APRIL = datetime(2026, 3, 5, tzinfo=UTC), datetime(2026, 4, 5, tzinfo=UTC)


def an_entry(number: int = 0, **said: Any) -> Entry:
    """The hour *number* of one processor, 3600 J."""
    begin = START + timedelta(hours=number)
    facts: dict[str, Any] = {
        "run_id": "r1", "start": utc_text(begin), "end": utc_text(begin + timedelta(hours=1)), "host": "box",
        "device": "cpu:0", "domain": "package", "basis": "measured", "energy_j": 3600.0, "low_j": 3500.0,
        "high_j": 3700.0, "plugin": "turbostat", "source": "turbostat", "cause": "sensor:turbostat",
        "labels": Labels(project="ner", phase="train"), "place": Place(zone="SG"),
    }  # fmt: skip
    return Entry(**{**facts, **said})


def a_run(run_id: str = "r1", **said: Any) -> RunRecord:
    facts: dict[str, Any] = {"start": utc_text(START), "end": utc_text(START + timedelta(hours=1)), "host": "box"}
    return RunRecord(run_id=run_id, **{**facts, **said})


def a_statement(kg: str = "1.5", *, version: int = 1, **said: Any) -> Statement:
    """One total, location-based, of one account's month."""
    facts: dict[str, Any] = {
        "provider": "acme", "account": "a1", "month": "2026-01", "service": "compute", "scope": "total",
        "method": "location", "value_raw": kg, "unit_raw": "kg", "interface": "export",
    }  # fmt: skip
    return Statement(co2e_kg=Decimal(kg), model_version=f"v{version}", version_key=(version, 0, 0), **{**facts, **said})


def a_snapshot(name: str = "one") -> Snapshot:
    return Snapshot(sha256=name, format="acme-csv", plugin="acme", paths=(f"{name}.csv",))


class LedgerContract:
    """Inherit, and override ``new_url``: every call names an empty place for a book."""

    @pytest.fixture
    def new_url(self) -> Callable[[], str]:
        raise NotImplementedError("override: a function that gives the URL of an empty place for a book")

    @pytest.fixture
    def url(self, new_url: Callable[[], str]) -> str:
        return new_url()

    @pytest.fixture
    def book(self, url: str) -> Any:
        from wattbook.ledger.store import Ledger

        with Ledger.open(url) as book:
            yield book

    # --- entries and runs --------------------------------------------------------------------

    def test_what_is_added_is_read_back(self, book: Any) -> None:
        entries = [an_entry(n, terms=({"what": "idle", "power_w": 3},), warnings=("w",)) for n in range(3)]
        gap = an_entry(4, kind="gap", basis=None, energy_j=None, low_j=None, high_j=None, outermost=False, reason="?")
        book.add([*entries, gap], [a_run(labels=Labels(tags={"a": "b"}))])
        assert book.entries() == [*entries, gap]
        assert book.runs() == [a_run(labels=Labels(tags={"a": "b"}))]
        assert book.count() == 4

    def test_numbers_keep_every_bit(self, book: Any) -> None:
        energies = [0.1, 1 / 3, 5e-324, 1.7e308, 123456789.123456789, 0.0]
        book.add(an_entry(n, energy_j=j, low_j=None, high_j=None) for n, j in enumerate(energies))
        assert [entry.energy_j for entry in book.entries()] == energies

    def test_adding_twice_is_adding_once(self, book: Any) -> None:
        first = book.add([an_entry(0), an_entry(1)], [a_run()])
        second = book.add([an_entry(1), an_entry(0), an_entry(2)], [a_run()])
        assert (first.new, first.known) == (2, 0)
        assert (second.new, second.known) == (1, 2)
        assert (book.count(), len(book.runs())) == (3, 1)

    def test_the_same_entry_twice_in_one_call_is_known_once(self, book: Any) -> None:
        added = book.add([an_entry(0), an_entry(0)])
        assert (added.new, added.known) == (1, 1)

    def test_a_run_that_became_complete_is_shown_complete(self, book: Any) -> None:
        whole = a_run(end=utc_text(START + timedelta(hours=2)))
        for order in ([whole, a_run(complete=False)], [a_run(complete=False), whole]):
            book.add(runs=order[:1])
            book.add(runs=order[1:])
            assert book.runs(run_id="r1") == [whole]

    def test_the_last_runs_are_the_newest(self, book: Any) -> None:
        book.add(runs=[a_run(f"r{n}", start=utc_text(START + timedelta(minutes=n))) for n in range(5)])
        assert [run.run_id for run in book.runs(last=2)] == ["r3", "r4"]
        assert book.runs(last=0) == []

    def test_a_window_takes_what_reaches_into_it(self, book: Any) -> None:
        book.add(an_entry(n) for n in range(4))
        inside = book.entries(start=START + timedelta(hours=1), end=START + timedelta(hours=2, minutes=30))
        assert inside == [an_entry(1), an_entry(2)]

    def test_a_correction_takes_the_place_of_what_it_corrects(self, book: Any) -> None:
        wrong, right = an_entry(0), an_entry(0, energy_j=3600.5, supersedes=an_entry(0).entry_id, reason="wrong scale")
        book.add([wrong], recorded_at=MARCH)
        book.add([right], recorded_at=APRIL)
        assert book.entries() == [right]
        assert book.entries(as_of=MARCH) == [wrong]
        assert book.count() == 2

    def test_an_entry_is_found_by_the_beginning_of_its_id(self, book: Any) -> None:
        book.add([an_entry(0), an_entry(1)])
        assert book.entry(an_entry(1).entry_id[:8]) == an_entry(1)
        assert book.entry("") is None
        assert book.entry("%") is None

    @pytest.mark.parametrize(
        "wrong",
        [
            {"energy_j": -1.0, "low_j": None, "high_j": None},
            {"energy_j": float("nan"), "low_j": None, "high_j": None},
            {"energy_j": float("inf"), "low_j": None, "high_j": None},
            {"end": "2026-10-01T07:00:00.000000Z"},
            {"start": "yesterday"},
            {"basis": "guessed"},
            {"energy_j": None, "low_j": None, "high_j": None},
            {"host": "a\x00b"},
            {"host": "a\udc80b"},
        ],
    )
    def test_what_has_no_place_in_a_book_is_refused_and_nothing_recorded(self, book: Any, wrong: Any) -> None:
        with pytest.raises(LedgerError):
            book.add([an_entry(0), an_entry(1, **wrong)], [a_run()])
        assert (book.count(), book.runs()) == (0, [])

    @pytest.mark.parametrize("table", ["entry", "run", "context", "statement", "statement_set", "snapshot"])
    @pytest.mark.parametrize("act", ["UPDATE {} SET recorded_at = 'x'", "DELETE FROM {}"])
    def test_no_row_is_ever_changed_or_deleted(self, book: Any, table: str, act: str) -> None:
        from sqlalchemy.exc import DBAPIError

        book.add([an_entry()], [a_run()])
        book.add_statements([a_statement()], a_snapshot())
        column = {"context": "cause", "statement": "co2e_kg"}.get(table, "recorded_at")
        sql = act.format(table).replace("recorded_at", column)
        with pytest.raises(DBAPIError, match="append-only"), book._engine.begin() as connection:
            connection.exec_driver_sql(sql)

    def test_a_failing_transaction_leaves_nothing(self, book: Any) -> None:
        def all_or_nothing() -> None:
            with book.transaction():
                book.add([an_entry()], [a_run()])
                book.add_statements([a_statement()], a_snapshot())
                raise KeyError

        with pytest.raises(KeyError):
            all_or_nothing()
        assert (book.count(), book.runs(), book.statements()) == (0, [], [])

    def test_many_entries_of_many_runs_are_one_transaction(self, book: Any) -> None:
        entries = [an_entry(n, run_id=f"r{n % 7}", terms=({"n": n},)) for n in range(3_000)]
        assert book.add(entries).new == 3_000
        assert book.add(reversed(entries)).known == 3_000
        assert len(book.entries(run_id="r3")) == len([n for n in range(3_000) if n % 7 == 3])

    def test_the_clock_of_a_reproducible_build_stamps_the_rows(
        self, book: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
        book.add([an_entry()])
        moment = datetime.fromtimestamp(1_700_000_000, UTC)
        assert book.entries(as_of=moment) == [an_entry()]
        assert book.entries(as_of=moment - timedelta(seconds=1)) == []

    def test_eight_processes_write_at_once_and_none_is_lost(self, url: str, book: Any) -> None:
        """Half of what each writes, the others write too."""
        code = (
            "import sys; from wattbook.ledger.store import Ledger; from wattbook.testing.ledger import *\n"
            "me = int(sys.argv[2])\n"
            "for n in range(5):\n"
            "    with Ledger.open(sys.argv[1]) as book:\n"
            "        book.add([an_entry(n), an_entry(n, host=f'h{me}')], [a_run(f'r{me}')])\n"
            "        book.add_statements([a_statement(account=f'a{me}'), a_statement(account='all')], a_snapshot('s'))\n"
        )
        crowd = [
            subprocess.Popen([sys.executable, "-c", code, url, str(me)], stderr=subprocess.PIPE, text=True)
            for me in range(8)
        ]
        said = [process.communicate()[1] for process in crowd]
        assert [process.returncode for process in crowd] == [0] * 8, said
        assert book.count() == 5 + 8 * 5
        assert len(book.runs()) == 8
        assert len(book.statements()) == 9

    def test_eight_processes_open_a_new_book_at_once(self, new_url: Callable[[], str]) -> None:
        from wattbook.ledger.store import Ledger

        url = new_url()
        code = (
            "import sys; from wattbook.ledger.store import Ledger; from wattbook.testing.ledger import *\n"
            "with Ledger.open(sys.argv[1]) as book: book.add([an_entry(0, host=sys.argv[2])])\n"
        )
        crowd = [
            subprocess.Popen([sys.executable, "-c", code, url, str(me)], stderr=subprocess.PIPE, text=True)
            for me in range(8)
        ]
        said = [process.communicate()[1] for process in crowd]
        assert [process.returncode for process in crowd] == [0] * 8, said
        with Ledger.open(url) as book:
            assert book.count() == 8

    def test_a_book_that_must_exist_is_not_made(self, new_url: Callable[[], str]) -> None:
        from wattbook.ledger.store import Ledger

        url = new_url()
        for _ in range(2):
            with pytest.raises(NoLedger):
                Ledger.open(url, create=False)

    def test_any_batches_in_any_order_any_number_of_times_make_one_book(self, new_url: Callable[[], str]) -> None:
        from hypothesis import given, settings
        from hypothesis import strategies as st

        from wattbook.ledger.store import Ledger

        entries = [an_entry(n // 2, device=f"cpu:{n % 2}", run_id=f"r{n % 3}") for n in range(8)]
        runs = [a_run(f"r{n}", complete=bool(n % 2)) for n in range(3)]
        batch = st.tuples(st.lists(st.sampled_from(entries), max_size=5), st.lists(st.sampled_from(runs), max_size=2))

        @settings(max_examples=8, deadline=None)
        @given(st.lists(batch, max_size=5), st.randoms(use_true_random=False))
        def check(more: list[Any], random: Any) -> None:
            batches = [*more, (entries[:4], runs[:2]), (entries[4:], runs[2:])]
            random.shuffle(batches)
            with Ledger.open(new_url()) as book, Ledger.open(new_url()) as plain:
                for some, records in batches:
                    book.add(some, records, recorded_at=MARCH)
                plain.add(entries, runs, recorded_at=MARCH)
                assert text_of(book) == text_of(plain)

        check()

    # --- statements --------------------------------------------------------------------------

    def test_statements_are_read_back_digit_by_digit(self, book: Any) -> None:
        told = a_statement(
            "0.000000001", resolution_kg=Decimal("0.001"), published_at=MARCH, payer="p", region="eu", resource="/x",
            completeness="partial",
        )  # fmt: skip
        book.add_statements([told], a_snapshot())
        assert book.statements() == [told]

    def test_importing_the_same_statements_again_changes_nothing(self, book: Any) -> None:
        told = [a_statement("1.5"), a_statement("2", service="disk")]
        first = book.add_statements(told, a_snapshot())
        again = book.add_statements(told[::-1], a_snapshot("other name"))
        assert (first.new, first.known, first.superseded) == (2, 0, 0)
        assert (again.new, again.known, again.superseded, again.warnings) == (0, 2, 0, ())

    def test_a_newer_version_replaces_the_whole_month(self, book: Any) -> None:
        book.add_statements([a_statement("1"), a_statement("2", service="disk")], a_snapshot("1"), recorded_at=MARCH)
        other = a_statement("7", month="2026-02")
        book.add_statements([other], a_snapshot("2"), recorded_at=MARCH)
        new = a_statement("1.25", version=2)
        added = book.add_statements([new], a_snapshot("3"), recorded_at=APRIL)
        assert (added.new, added.superseded) == (1, 2)
        assert book.statements() == [new, other]
        assert len(book.statements(as_of=MARCH)) == 3
        assert book.statements(months=["2026-01"]) == [new]

    def test_an_older_version_is_refused_unless_forced(self, book: Any) -> None:
        new, old = a_statement("2", version=2), a_statement("1", version=1)
        book.add_statements([new], a_snapshot("1"))
        with pytest.raises(ImportFailed, match=r"v1.*v2.*newer"):
            book.add_statements([old], a_snapshot("2"))
        assert book.statements() == [new]
        book.add_statements([old], a_snapshot("2"), force=True)
        assert book.statements() == [old]
        book.add_statements([new], a_snapshot("1"), force=True)
        assert book.statements() == [new]

    def test_an_older_version_that_was_superseded_is_known_and_stays_so(self, book: Any) -> None:
        book.add_statements([a_statement("1", version=1)], a_snapshot("1"))
        book.add_statements([a_statement("2", version=2)], a_snapshot("2"))
        again = book.add_statements([a_statement("1", version=1)], a_snapshot("1"))
        assert (again.new, again.known, again.superseded) == (0, 1, 0)
        assert book.statements() == [a_statement("2", version=2)]

    def test_new_figures_under_the_same_version_are_told(self, book: Any) -> None:
        book.add_statements([a_statement("1")], a_snapshot("1"))
        added = book.add_statements([a_statement("3")], a_snapshot("2"))
        assert "silent restatement" in added.warnings[0]
        assert added.superseded == 1
        assert book.statements() == [a_statement("3")]

    def test_two_files_with_one_view_each_make_one_month(self, book: Any) -> None:
        location, market = a_statement("2"), a_statement("1", method="market")
        book.add_statements([location], a_snapshot("1"))
        added = book.add_statements([market], a_snapshot("2"))
        assert (added.new, added.superseded, added.warnings) == (1, 0, ())
        assert book.statements() == [location, market]
        for again in ([location], [market], [market, location]):
            assert book.add_statements(again, a_snapshot("3")).known == len(again)
        better = a_statement("3")
        added = book.add_statements([better], a_snapshot("4"))
        assert (added.new, added.superseded, len(added.warnings)) == (1, 1, 1)
        assert book.statements() == [better, market]

    def test_pages_imported_one_after_the_other_make_one_month(self, book: Any) -> None:
        pages = [[a_statement(str(n), resource=f"vm{n}", completeness="partial")] for n in range(3)]
        for page in pages:
            assert book.add_statements(page, a_snapshot("p")).warnings == ()
        assert len(book.statements()) == 3
        assert book.add_statements(pages[1], a_snapshot("p")).known == 1
        whole = [a_statement(str(n), resource=f"vm{n}") for n in range(2)]
        assert book.add_statements(whole, a_snapshot("w")).superseded == 3
        assert book.statements() == whole

    def test_a_partial_total_is_never_added_to_its_items(self, book: Any) -> None:
        item = a_statement("1", resource="vm", completeness="partial")
        total = a_statement("5", service="", completeness="partial")
        book.add_statements([item], a_snapshot("1"))
        book.add_statements([total], a_snapshot("2"))
        assert book.statements() == [total]

    def test_versions_count_as_numbers(self, book: Any) -> None:
        book.add_statements([a_statement("1", version=9)], a_snapshot("1"))
        book.add_statements([a_statement("2", version=10)], a_snapshot("2"))
        assert book.statements() == [a_statement("2", version=10)]

    def test_one_snapshot_may_hold_several_versions(self, book: Any) -> None:
        book.add_statements([a_statement(str(v), version=v) for v in (3, 1, 2)], a_snapshot("1"))
        assert book.statements() == [a_statement("3", version=3)]
        again = book.add_statements([a_statement(str(v), version=v) for v in (3, 0)], a_snapshot("2"))
        assert (again.new, again.known) == (0, 1)
        assert "left out: v0" in again.warnings[0]

    def test_any_order_of_versions_ends_with_the_newest(self, new_url: Callable[[], str]) -> None:
        from wattbook.ledger.store import Ledger

        for order in permutations((1, 2, 3)):
            with Ledger.open(new_url()) as book:
                for version in order:
                    try:
                        book.add_statements([a_statement(str(version), version=version)], a_snapshot(str(version)))
                    except ImportFailed:
                        assert version < 3
                assert book.statements() == [a_statement("3", version=3)]

    def test_equal_duplicates_are_kept_once_and_unequal_ones_refused(self, book: Any) -> None:
        added = book.add_statements([a_statement("1"), a_statement("1.0")], a_snapshot("1"))
        assert added.new == 1
        assert added.warnings
        with pytest.raises(ImportFailed, match="twice with different values"):
            book.add_statements([a_statement("1", month="2026-02"), a_statement("2", month="2026-02")], a_snapshot("2"))
        assert len(book.statements()) == 1

    def test_two_interfaces_of_one_provider_are_never_added(self, book: Any) -> None:
        first, second = a_statement("1"), a_statement("1.1", interface="console")
        book.add_statements([first], a_snapshot("1"))
        added = book.add_statements([second], a_snapshot("2"))
        assert "kept beside" in added.warnings[0]
        assert book.statements() == [first]
        assert book.add_statements([second], a_snapshot("2")).known == 1
        book.add_statements([second], a_snapshot("2"), force=True)
        assert book.statements() == [second]
        book.add_statements([first], a_snapshot("1"), force=True)
        assert book.statements() == [first]

    def test_a_year_and_its_months_are_never_added(self, book: Any) -> None:
        month, year = a_statement("1"), a_statement("12", month="2026")
        book.add_statements([month], a_snapshot("1"))
        assert "kept beside" in book.add_statements([year], a_snapshot("2")).warnings[0]
        assert book.statements() == [month]
        with pytest.raises(ImportFailed, match="twice"):
            book.add_statements([month, year], a_snapshot("3"))

    def test_a_payers_own_total_is_not_added_to_its_members(self, book: Any) -> None:
        members = [a_statement("1", account="m1", payer="boss"), a_statement("2", account="m2", payer="boss")]
        book.add_statements(members, a_snapshot("1"))
        book.add_statements([a_statement("3", account="boss", interface="console")], a_snapshot("2"))
        assert book.statements() == members

    def test_a_member_imported_again_from_its_own_export_is_known(self, book: Any) -> None:
        members = [a_statement("1", account="m1", payer="boss"), a_statement("2", account="m2", payer="boss")]
        book.add_statements(members, a_snapshot("1"))
        assert book.add_statements(members[:1], a_snapshot("2")).known == 1
        assert book.statements() == members

    def test_two_payers_of_one_month_are_two_parts_of_it(self, book: Any) -> None:
        halves = [a_statement("1", payer="old"), a_statement("2", payer="new")]
        book.add_statements(halves, a_snapshot("1"))
        assert len(book.statements()) == 2

    def test_an_account_that_the_payers_newer_export_dropped_is_withdrawn(self, book: Any) -> None:
        old = [a_statement("1", account=name, payer="boss") for name in ("m1", "m2", "m3")]
        book.add_statements(old, a_snapshot("1"), recorded_at=MARCH)
        new = [a_statement("1", account=name, payer="boss", version=2) for name in ("m1", "m2")]
        added = book.add_statements(new, a_snapshot("2"), recorded_at=APRIL)
        assert book.statements() == new
        assert added.superseded == 3
        assert "withdrawn" in added.warnings[0]
        assert book.statements(as_of=MARCH) == old

    def test_a_members_newer_export_withdraws_nobody(self, book: Any) -> None:
        old = [a_statement("1", account=name, payer="boss") for name in ("m1", "m2")]
        book.add_statements(old, a_snapshot("1"))
        book.add_statements([a_statement("5", account="m1", payer="boss", version=2)], a_snapshot("2"))
        assert [s.co2e_kg for s in book.statements()] == [5, 1]

    # --- the whole book ----------------------------------------------------------------------

    @pytest.mark.parametrize("form", ["jsonl", "csv"])
    def test_an_export_is_read_back_to_the_identical_book(
        self, book: Any, new_url: Callable[[], str], tmp_path: Any, form: str
    ) -> None:
        from wattbook.importing import open_file
        from wattbook.ledger.exchange import WRITERS, restore
        from wattbook.ledger.store import Ledger

        fill(book)
        path = tmp_path / f"book.{form}"
        with path.open("w", encoding="utf-8", newline="") as stream:
            WRITERS[form](book, stream)
        with Ledger.open(new_url()) as copy:
            for _ in range(2):
                done = restore(copy, open_file(path), "book")
            assert done.entries == (0, book.count())
            assert text_of(copy) == text_of(book)

    def test_a_sound_book_verifies(self, book: Any) -> None:
        from wattbook.ledger.verify import verify

        fill(book)
        assert verify(book).faults == ()


def fill(book: Any) -> None:
    """A bit of everything that a book can hold."""
    book.add(
        [
            an_entry(0),
            an_entry(1, labels=Labels(project="=1+1", person="ada", tags={"gpu": "H100"}), warnings=("a, b", "c\n")),
            an_entry(2, device="machine", domain="host", basis="estimated", cause="model:x", terms=({"what": "idle"},)),
            an_entry(3, kind="gap", basis=None, energy_j=None, low_j=None, high_j=None, outermost=False, reason="?"),
            an_entry(0, energy_j=3650.0, supersedes=an_entry(0).entry_id, reason="wrong scale"),
        ],
        [a_run(end=utc_text(START + timedelta(hours=9))), a_run(complete=False), a_run("r2", kind="import")],
        recorded_at=APRIL,
    )
    book.add_statements([a_statement("1"), a_statement("0", service="disk")], a_snapshot("1"), recorded_at=MARCH)
    book.add_statements([a_statement("1.250", version=2)], a_snapshot("2"), recorded_at=APRIL)
    book.add_statements([a_statement("9", interface="console")], a_snapshot("3"), recorded_at=APRIL)


def text_of(book: Any) -> str:
    from wattbook.ledger.exchange import write_jsonl

    stream = io.StringIO()
    write_jsonl(book, stream)
    return stream.getvalue()
