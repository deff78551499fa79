"""Months and days of a time zone, and what is none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wattbook.report import Period

ZONES = ["UTC", "Asia/Singapore", "Europe/London", "America/New_York", "Pacific/Apia"]


def test_october_in_singapore_begins_on_the_evening_before_in_utc() -> None:
    period = Period.from_month("2026-10", "Asia/Singapore")
    assert period.start == datetime(2026, 9, 30, 16, tzinfo=UTC)
    assert period.end == datetime(2026, 10, 31, 16, tzinfo=UTC)


def test_december_ends_in_the_next_year() -> None:
    assert Period.from_month("2026-12", "UTC").end == datetime(2027, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(("month", "hours"), [("2026-03", 743), ("2026-10", 745), ("2026-06", 720)])
def test_a_month_in_london_has_the_hours_that_its_clocks_have(month: str, hours: int) -> None:
    period = Period.from_month(month, "Europe/London")
    assert period.end - period.start == timedelta(hours=hours)


@given(st.integers(1971, 2100), st.integers(1, 12), st.sampled_from(ZONES))
def test_months_follow_each_other_without_hole_or_overlap(year: int, month: int, zone: str) -> None:
    this = Period.from_month(f"{year}-{month:02}", zone)
    following = Period.from_month(f"{year + month // 12}-{month % 12 + 1:02}", zone)
    assert this.end == following.start
    assert this.month_of(this.start) == f"{year}-{month:02}"
    assert this.month_of(this.end - timedelta(microseconds=1)) == f"{year}-{month:02}"
    assert this.edges() == [this.start, this.end]


@pytest.mark.parametrize("month", ["2026-13", "2026-00", "2026", "10-2026", "2026-1", "october", "", "9999-12"])
def test_what_is_no_month_is_refused_with_a_sentence(month: str) -> None:
    with pytest.raises(ValueError, match=r"month|year"):
        Period.from_month(month, "UTC")


def test_both_days_are_included() -> None:
    period = Period.from_days("2026-10-01", "2026-10-31", "Asia/Singapore")
    assert period == Period.from_month("2026-10", "Asia/Singapore")


def test_a_time_is_taken_as_it_is() -> None:
    period = Period.from_days("2026-10-01T08:00+08:00", "2026-10-01T09:00", "Asia/Singapore")
    assert period.end - period.start == timedelta(hours=1)
    assert period.start == datetime(2026, 10, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("first", "last"),
    [("2026-10-31", "2026-10-01"), ("yesterday", "2026-10-01"), ("2026-10-32", "2026-11-01"), ("2026-02-30", "x")],
)
def test_what_is_no_stretch_of_days_is_refused(first: str, last: str) -> None:
    with pytest.raises(ValueError, match=r"day|ends"):
        Period.from_days(first, last, "UTC")


def test_a_quarter_is_cut_at_its_months() -> None:
    edges = Period.from_days("2026-10-01", "2026-12-31", "UTC").edges()
    assert [edge.month for edge in edges] == [10, 11, 12, 1]


def test_only_whole_months_and_years_lie_inside() -> None:
    period = Period.from_days("2026-09-15", "2026-11-30", "UTC")
    assert [month for month in ("2026-09", "2026-10", "2026-11", "2026-12", "2026") if period.holds_month(month)] == [
        "2026-10",
        "2026-11",
    ]
    assert period.touches_month("2026-09")
    assert period.touches_month("2026")
    assert not period.touches_month("2026-12")
    assert Period.from_days("2026-01-01", "2026-12-31", "UTC").holds_month("2026")


def test_the_months_and_years_of_a_period_are_named_as_providers_name_them() -> None:
    assert Period.from_days("2026-12-15", "2027-01-10", "UTC").months() == ["2026-12", "2027-01", "2026", "2027"]


@pytest.mark.parametrize(
    ("first", "last", "before"),
    [
        ("2026-10-01", "2026-10-31", ("2026-09-01", "2026-09-30")),
        ("2026-01-01", "2026-01-31", ("2025-12-01", "2025-12-31")),
        ("2026-01-01", "2026-12-31", ("2025-01-01", "2025-12-31")),
        ("2026-10-05", "2026-10-11", ("2026-09-28", "2026-10-04")),
        ("2026-03-29", "2026-03-29", ("2026-03-28", "2026-03-28")),
    ],
)
def test_the_period_before_has_as_many_months_or_days(first: str, last: str, before: tuple[str, str]) -> None:
    found = Period.from_days(first, last, "Europe/Berlin").before()
    assert found == Period.from_days(*before, "Europe/Berlin")


def test_a_month_comes_after_a_month_and_a_few_hours_after_as_many() -> None:
    found = Period.from_month("2026-03", "Europe/Berlin").before()
    assert found == Period.from_month("2026-02", "Europe/Berlin")
    assert found is not None
    assert found.title == "2026-02"
    hours = Period.from_days("2026-10-01T08:00", "2026-10-01T11:00", "UTC").before()
    assert hours is not None
    assert (hours.start.hour, hours.end.hour) == (5, 8)


def test_nobody_kept_a_book_before_1900() -> None:
    assert Period.from_days("1970-01-01", "8000-12-31", "UTC").before() is None
