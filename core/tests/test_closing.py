"""A closed month stays what it was; what becomes known later stands in the open month, by cause."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from wattbook.accounting import carbon
from wattbook.closing.acts import close, reopen
from wattbook.closing.adjusting import why
from wattbook.closing.figures import Figures, together
from wattbook.closing.reading import ALL_TIME, report_of
from wattbook.config import Account, Config
from wattbook.errors import WattbookError
from wattbook.factors import Factor
from wattbook.ledger import periods
from wattbook.ledger.store import Ledger
from wattbook.ledger.verify import verify
from wattbook.records import Labels, utc_text
from wattbook.report import Period, Report
from wattbook.report.as_json import as_json
from wattbook.testing.ledger import a_run, a_snapshot, a_statement, an_entry

SETTINGS = Config()
SEPTEMBER, OCTOBER, NOVEMBER = (Period.from_month(f"2026-{n:02}", "UTC") for n in (9, 10, 11))
CLOSED_AT = datetime(2026, 10, 10, tzinfo=UTC)
LATER = CLOSED_AT + timedelta(days=3)
NEXT = datetime(2026, 11, 10, tzinfo=UTC)


def hour(number: int, month: int = 9, **said: Any) -> Any:
    """An hour of a month, 1 kWh and a bit."""
    begin = datetime(2026, month, 3, tzinfo=UTC) + timedelta(hours=number)
    facts = {
        "start": utc_text(begin), "end": utc_text(begin + timedelta(hours=1)), "energy_j": 3.7e6 + number,
        "low_j": None, "high_j": None,
    }  # fmt: skip
    return an_entry(**{**facts, **said})


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(tmp_path / "ledger.db") as book:
        service = a_run(kind="watch", start=utc_text(SEPTEMBER.start), end=utc_text(SEPTEMBER.end))
        book.add([hour(n) for n in range(5)], [service], recorded_at=CLOSED_AT - timedelta(days=5))
        told = [a_statement("100", month="2026-09", version=1)]
        book.add_statements(told, a_snapshot(), recorded_at=CLOSED_AT - timedelta(days=4))
        yield book


def text(book: Ledger, period: Period = SEPTEMBER, settings: Config = SETTINGS) -> str:
    return json.dumps(as_json(report_of(book, settings, period, ("project",), None)))


def figures(report: Report) -> Figures:
    return Figures.from_total(report.total)


def told(report: Report) -> Figures:
    """What a report's adjustments come to."""
    return together(Figures.from_dict(dict(one.told)) for one in report.adjustments)


def change_everything(book: Ledger, since: datetime = LATER) -> None:
    """A late entry, a correction, a moved label, a withdrawn entry, a late account, a restatement."""
    book.add([hour(20, host="late")], recorded_at=since)
    book.add([hour(0, energy_j=5e6, supersedes=hour(0).entry_id, reason="wrong scale")], recorded_at=since)
    moved = {"labels": Labels(project="other"), "supersedes": hour(1).entry_id, "reason": "it was theirs"}
    book.add([hour(1, **moved)], recorded_at=since)
    gone = {"kind": "withdrawn", "energy_j": None, "basis": None, "outermost": False, "supersedes": hour(2).entry_id}
    book.add([hour(2, **gone)], recorded_at=since)
    late = a_statement("7", month="2026-09", account="a9")
    book.add_statements([late], a_snapshot("late"), recorded_at=since)
    newer = [a_statement("90", month="2026-09", version=2)]
    book.add_statements(newer, a_snapshot("new"), recorded_at=since)


def test_a_closed_month_is_reported_byte_for_byte_whatever_comes_later(book: Ledger) -> None:
    close(book, SETTINGS, SEPTEMBER, by="Kim", note="audited", now=CLOSED_AT)
    before = text(book)
    change_everything(book)
    assert text(book) == before
    document = json.loads(before)
    assert (document["closed"]["by"], document["closed"]["note"], document["closed"]["reproduced"]) == (
        "Kim",
        "audited",
        True,
    )
    assert verify(book, now=LATER).ok


def test_a_closed_month_keeps_the_configuration_and_the_factors_of_then(
    book: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    close(book, SETTINGS, SEPTEMBER, now=CLOSED_AT)
    book.add([hour(n, month=10) for n in range(5)], recorded_at=LATER)
    before, october = text(book), text(book, OCTOBER)
    better_factors(monkeypatch)
    other = Config(accounts={"acme/a1": Account(hosts=("box",))})
    assert text(book, settings=other) == before
    assert text(book, OCTOBER) != october


def better_factors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody publishes other factors."""
    lookup = carbon.lookup

    def better(place: Any, year: int) -> Factor | None:
        factor = lookup(place, year)
        return None if factor is None else evolve(factor, id="better", g_per_kwh=factor.g_per_kwh * 0.9)

    monkeypatch.setattr(carbon, "lookup", better)
    carbon._looked_up.cache_clear()


@pytest.fixture(autouse=True)
def own_factors() -> Iterator[None]:
    yield
    carbon._looked_up.cache_clear()


def test_the_open_month_tells_what_became_known_by_cause(book: Ledger) -> None:
    close(book, SETTINGS, SEPTEMBER, now=CLOSED_AT)
    assert report_of(book, SETTINGS, OCTOBER, ("project",), None).adjustments == ()
    change_everything(book)
    (one,) = report_of(book, SETTINGS, OCTOBER, ("project",), None).adjustments
    causes = {cause["cause"]: cause for cause in one.told["causes"]}
    assert set(causes) == {"late entries", "correction", "reallocation", "restatement"}
    assert causes["late entries"]["energy_j"] == hour(20).energy_j
    assert causes["late entries"]["co2e_g"]["location"] > 7000
    assert causes["correction"]["energy_j"] == 5e6 - hour(0).energy_j - hour(2).energy_j
    assert causes["reallocation"]["energy_j"] == 0
    assert causes["restatement"]["co2e_g"]["location"] == -10_000
    assert [causes[name]["count"] for name in ("late entries", "correction", "reallocation", "restatement")] == [
        2,
        2,
        1,
        1,
    ]
    assert report_of(book, SETTINGS, NOVEMBER, ("project",), None).adjustments == ()


def test_all_months_and_their_adjustments_add_up_to_what_is_known(book: Ledger, tmp_path: Path) -> None:
    book.add([hour(n, month=10) for n in range(3)], recorded_at=CLOSED_AT - timedelta(days=2))
    close(book, SETTINGS, SEPTEMBER, now=CLOSED_AT)
    change_everything(book)
    close(book, SETTINGS, OCTOBER, now=NEXT)
    book.add([hour(40, host="later"), hour(41, month=10)], recorded_at=NEXT + timedelta(days=1))
    reports = [report_of(book, SETTINGS, period, ("project",), None) for period in (SEPTEMBER, OCTOBER, NOVEMBER)]
    assert [len(report.adjustments) for report in reports] == [0, 1, 2]
    known = together(
        figures(whole_of(book, period)) for period in (SEPTEMBER, OCTOBER, NOVEMBER)
    )  # fmt: skip
    summed = together([*map(figures, reports), *map(told, reports)])
    assert not summed.less(known)


def whole_of(book: Ledger, period: Period) -> Report:
    """What the book knows today of a month, closed or not."""
    from wattbook.closing.reading import built

    return built(book, SETTINGS, period, ("project",), None)


def test_the_causes_of_a_change_add_up_to_it_and_name_the_new_factor(
    book: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    act = close(book, SETTINGS, SEPTEMBER, now=CLOSED_AT).act
    change_everything(book)
    better_factors(monkeypatch)
    change = why(book, act, ALL_TIME, Config(accounts={"acme/a1": Account(hosts=("box",))}))
    assert [cause.name for cause in change.causes] == [
        "late entries", "correction", "reallocation", "restatement", "new factor",
    ]  # fmt: skip
    assert change.sums_up
    assert change.figures
    reallocation = change.causes[2]
    assert reallocation.figures.energy_j is not None
    assert reallocation.figures.energy_j < 0  # claimed by the account now, and so no energy of our own


@pytest.mark.parametrize("now", [datetime(2026, 9, 30, 23, tzinfo=UTC), datetime(2016, 9, 30, tzinfo=UTC)])
def test_a_month_that_is_not_over_is_not_closed(book: Ledger, now: datetime) -> None:
    with pytest.raises(WattbookError, match="not over"):
        close(book, SETTINGS, SEPTEMBER, now=now)
    assert periods.history(book) == []


def test_closing_twice_is_refused_and_names_the_first(book: Ledger) -> None:
    act = close(book, SETTINGS, SEPTEMBER, by="Kim", now=CLOSED_AT).act
    with pytest.raises(WattbookError, match=f"closed already, on 2026-10-10 by Kim .manifest {act.manifest_id[:12]}"):
        close(book, SETTINGS, SEPTEMBER, now=LATER)
    assert len(periods.history(book)) == 1


def test_a_month_of_which_the_book_holds_nothing_is_not_closed(book: Ledger) -> None:
    with pytest.raises(WattbookError, match="holds nothing"):
        close(book, SETTINGS, Period.from_month("2026-02", "UTC"), now=CLOSED_AT)


def test_a_reopened_month_follows_the_book_and_can_be_closed_anew(book: Ledger) -> None:
    first = close(book, SETTINGS, SEPTEMBER, now=CLOSED_AT).act
    change_everything(book)
    reopen(book, "2026-09", note="a bill came", now=LATER)
    report = report_of(book, SETTINGS, SEPTEMBER, ("project",), None)
    assert report.closed is None
    assert not figures(report).less(figures(whole_of(book, SEPTEMBER)))
    again = close(book, SETTINGS, SEPTEMBER, now=LATER).act
    assert (again.revision, again.manifest_id == first.manifest_id) == (3, False)
    assert verify(book, now=LATER).ok


def test_a_month_is_reopened_after_those_that_were_closed_after_it(book: Ledger) -> None:
    book.add([hour(1, month=10)], recorded_at=CLOSED_AT)
    close(book, SETTINGS, SEPTEMBER, now=CLOSED_AT)
    close(book, SETTINGS, OCTOBER, now=NEXT)
    with pytest.raises(WattbookError, match="reopen 2026-10 first"):
        reopen(book, "2026-09", now=NEXT)
    reopen(book, "2026-10", now=NEXT)
    reopen(book, "2026-09", now=NEXT)
    assert periods.closed(book) == {}


def test_a_row_whose_clock_is_behind_the_closing_is_late_all_the_same(book: Ledger) -> None:
    """A clock set back ten years, and an export that holds rows of before."""
    close(book, SETTINGS, SEPTEMBER, now=CLOSED_AT)
    before = text(book)
    book.add([hour(50, host="slow")], recorded_at=datetime(2016, 1, 1, tzinfo=UTC))
    assert text(book) == before
    assert report_of(book, SETTINGS, OCTOBER, ("project",), None).adjustments


def test_a_row_whose_clock_is_a_little_ahead_is_in_the_month(book: Ledger) -> None:
    book.add([hour(50, host="fast")], recorded_at=CLOSED_AT + timedelta(hours=2))
    done = close(book, SETTINGS, SEPTEMBER, now=CLOSED_AT)
    assert done.act.manifest["content"]["entries"] == 6
    assert report_of(book, SETTINGS, OCTOBER, ("project",), None).adjustments == ()


def test_a_month_is_compared_with_the_one_before_as_that_was_closed(book: Ledger) -> None:
    book.add([hour(n, month=10) for n in range(3)], recorded_at=CLOSED_AT - timedelta(days=2))
    close(book, SETTINGS, SEPTEMBER, now=CLOSED_AT)
    change_everything(book)
    report = report_of(book, SETTINGS, OCTOBER, ("project",), None)
    closed = report_of(book, SETTINGS, SEPTEMBER, ("project",), None)
    assert report.change is not None
    assert report.change.total == closed.total


def test_as_of_a_moment_before_the_closing_the_month_is_open(book: Ledger) -> None:
    close(book, SETTINGS, SEPTEMBER, now=CLOSED_AT)
    then = report_of(book, SETTINGS, SEPTEMBER, ("project",), CLOSED_AT - timedelta(days=4, hours=1))
    assert (then.closed, then.claims) == (None, ())


def test_a_run_without_an_end_is_warned_about(book: Ledger) -> None:
    begin = datetime(2026, 9, 30, tzinfo=UTC)
    running = a_run("r9", complete=False, start=utc_text(begin), end=utc_text(begin + timedelta(hours=2)))
    book.add(runs=[running], recorded_at=CLOSED_AT - timedelta(days=1))
    assert any("no end in the book" in warning for warning in close(book, SETTINGS, SEPTEMBER, now=CLOSED_AT).warnings)


def test_an_entry_that_a_correction_moves_into_a_closed_month_is_an_adjustment(book: Ledger) -> None:
    book.add([hour(0, month=10)], recorded_at=CLOSED_AT - timedelta(days=2))
    close(book, SETTINGS, SEPTEMBER, now=CLOSED_AT)
    book.add([hour(9, supersedes=hour(0, month=10).entry_id, reason="a wrong clock")], recorded_at=LATER)
    (one,) = report_of(book, SETTINGS, OCTOBER, ("project",), None).adjustments
    assert [(cause["cause"], cause["count"]) for cause in one.told["causes"]] == [("correction", 1)]
    assert one.told["energy_j"] == hour(9).energy_j
