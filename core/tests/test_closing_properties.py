"""Whatever happens to a book in whatever order: closed months stay, and nothing is lost between them."""

from __future__ import annotations

import json
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from wattbook.closing.acts import close, reopen
from wattbook.closing.adjusting import why
from wattbook.closing.causes import difference
from wattbook.closing.figures import Figures, together
from wattbook.closing.reading import ALL_TIME, built, report_of
from wattbook.closing.states import Rules, between
from wattbook.config import Account, Config
from wattbook.errors import WattbookError
from wattbook.ledger import periods
from wattbook.ledger.store import Ledger
from wattbook.ledger.verify import verify
from wattbook.records import Labels, utc_text
from wattbook.report import Period
from wattbook.report.as_json import as_json
from wattbook.testing.ledger import a_run, a_snapshot, a_statement, an_entry

MONTHS = [Period.from_month(f"2026-{n:02}", "UTC") for n in (1, 2, 3, 4)]
SETTINGS = Config()
CLAIMING = Config(accounts={"acme/a1": Account(hosts=("h1",))})
START = datetime(2026, 5, 2, tzinfo=UTC)


def hour(month: int, number: int, host: str, **said: Any) -> Any:
    begin = MONTHS[month].start + timedelta(hours=3 * number)
    facts = {
        "start": utc_text(begin), "end": utc_text(begin + timedelta(hours=1)), "host": host, "run_id": host,
        "energy_j": 3.6e6 / 7 + number, "low_j": None, "high_j": None, "labels": Labels(project=f"p{number % 2}"),
    }  # fmt: skip
    return an_entry(**{**facts, **said})


#: something in every month, and one of them closed
BEGIN = [("add", month, number, host) for month in range(4) for number, host in ((0, "h0"), (1, "h1"))]
EVENT = st.tuples(
    st.sampled_from(["add", "correct", "relabel", "move", "withdraw", "bill", "close", "close", "close", "reopen"]),
    st.integers(0, 3),
    st.integers(0, 5),
    st.sampled_from(["h0", "h1"]),
)


def happen(book: Ledger, event: tuple[str, int, int, str], moment: datetime, seen: dict[str, str]) -> None:
    what, month, number, host = event
    entry = hour(month, number, host)
    if what == "add":
        book.add([entry], [a_run(host, kind="watch", host=host)], recorded_at=moment)
    elif what in ("correct", "relabel", "move", "withdraw"):
        present = [e for e in book.entries(start=MONTHS[month].start, end=MONTHS[month].end) if e.host == host]
        if present:
            former = present[number % len(present)]
            change: dict[str, Any] = {
                "correct": {"energy_j": (former.energy_j or 0.0) * 1.5},
                "relabel": {"labels": Labels(project="other")},
                "move": {},
                "withdraw": {"kind": "withdrawn", "energy_j": None, "basis": None, "outermost": False},
            }[what]
            if what == "move":
                begin = MONTHS[(month + 1) % 4].start + timedelta(days=20, minutes=int(moment.timestamp()) % 9_000)
                change = {"start": utc_text(begin), "end": utc_text(begin + timedelta(minutes=1))}
            book.add([evolve(former, supersedes=former.entry_id, reason=what, **change)], recorded_at=moment)
    elif what == "bill":
        name = MONTHS[month].title
        version = int(moment.timestamp() / 60)
        told = [a_statement(f"{number}.25", month=name, version=version, account="a1" if host == "h0" else "a2")]
        book.add_statements(told, a_snapshot(str(version)), recorded_at=moment)
    elif what == "close":
        try:
            close(book, SETTINGS, MONTHS[month], now=moment)
        except WattbookError:
            return
        seen[MONTHS[month].title] = text(book, MONTHS[month])
    else:
        try:
            reopen(book, MONTHS[month].title, now=moment)
        except WattbookError:
            return
        seen.pop(MONTHS[month].title, None)


def text(book: Ledger, period: Period) -> str:
    return json.dumps(as_json(report_of(book, SETTINGS, period, ("project",), None)))


@settings(max_examples=10, deadline=None)
@given(st.lists(EVENT, max_size=20))
def test_closed_months_stay_and_nothing_is_lost_between_them(events: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder, Ledger.open(Path(folder) / "ledger.db") as book:
        seen: dict[str, str] = {}
        for number, event in enumerate([*BEGIN, ("close", 0, 0, ""), *events]):
            happen(book, event, START + timedelta(hours=number), seen)
        closed = periods.closed(book)
        assert sorted(closed) == sorted(seen)
        for period in MONTHS:
            if period.title in seen:
                assert text(book, period) == seen[period.title]
        after = Period.from_month("2026-05", "UTC")
        reports = [report_of(book, SETTINGS, period, ("project",), None) for period in (*MONTHS, after)]
        told = [Figures.from_dict(dict(one.told)) for report in reports for one in report.adjustments]
        summed = together([*(Figures.from_total(report.total) for report in reports), *told])
        known = together(
            Figures.from_total(built(book, SETTINGS, period, ("project",), None).total) for period in (*MONTHS, after)
        )
        assert not summed.less(known)
        assert [fault for fault in verify(book, now=START + timedelta(days=300)).faults if fault.kind == "period"] == []


@settings(max_examples=10, deadline=None)
@given(st.lists(EVENT, max_size=20), st.integers(0, 30), st.integers(0, 30))
def test_the_causes_add_up_to_the_difference_of_any_two_states(events: list[Any], one: int, other: int) -> None:
    since, until = (START + timedelta(hours=n, minutes=30) for n in sorted((one, other)))
    with tempfile.TemporaryDirectory() as folder, Ledger.open(Path(folder) / "ledger.db") as book:
        for number, event in enumerate([*BEGIN, ("close", 0, 0, ""), *events]):
            happen(book, event, START + timedelta(hours=number), {})
        for period in MONTHS[:2]:
            told = difference(between(book, period, since, until), Rules(settings=SETTINGS), Rules(settings=CLAIMING))
            assert told.sums_up
            for settled, moment, figures in ((SETTINGS, since, told.before), (CLAIMING, until, told.after)):
                assert figures == Figures.from_total(built(book, settled, period, ("project",), moment).total)
        for act in periods.closed(book).values():
            assert why(book, act, ALL_TIME, CLAIMING).sums_up
