"""Dates that are cut to the second, lengths that are exact, and time that is taken only once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wattbook_powermetrics.block import Invalid
from wattbook_powermetrics.timeline import Timeline

NOON = datetime(2026, 10, 6, 12, tzinfo=UTC)


def cut(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


@given(
    st.lists(st.floats(0.05, 70.0), min_size=1, max_size=60),
    st.floats(0, 0.999),
)
def test_samples_of_one_run_touch_each_other_and_stay_within_a_second_of_the_truth(
    lengths: list[float], offset: float
) -> None:
    timeline, true_end = Timeline(), NOON + timedelta(seconds=offset)
    before: datetime | None = None
    for number, length in enumerate(lengths):
        true_end += timedelta(seconds=length)
        end = timeline.place(cut(true_end), length, number)
        assert end is not None
        assert abs((end - true_end).total_seconds()) <= 1.001
        if before is not None:
            assert abs((end - before).total_seconds() - length) < 1e-5
        before = end


def test_a_hole_starts_again_at_the_date() -> None:
    timeline = Timeline()
    timeline.place(NOON, 1.0, 1)
    assert timeline.place(NOON + timedelta(minutes=5), 1.0, 2) == NOON + timedelta(minutes=5)


def test_the_same_sample_again_is_refused() -> None:
    timeline = Timeline()
    timeline.place(NOON, 0.1, 1)
    with pytest.raises(Invalid, match="printed twice"):
        timeline.place(NOON, 0.1, 1)


def test_time_that_is_taken_is_refused_even_if_the_sample_looks_new() -> None:
    timeline = Timeline()
    for second in range(5):
        timeline.place(NOON + timedelta(seconds=second), 1.0, second)
    with pytest.raises(Invalid, match="already recorded"):
        timeline.place(NOON + timedelta(seconds=1), 1.0, 99)


def test_runs_may_come_in_any_order() -> None:
    timeline = Timeline()
    timeline.place(NOON, 1.0, 1)
    assert timeline.place(NOON - timedelta(hours=1), 1.0, 2) == NOON - timedelta(hours=1)


def test_without_dates_samples_follow_the_start_that_the_user_gave() -> None:
    timeline = Timeline(start=NOON)
    assert timeline.place(None, 2.0, 1) == NOON + timedelta(seconds=2)
    assert timeline.place(None, 3.0, 2) == NOON + timedelta(seconds=5)


def test_without_dates_and_start_a_sample_has_no_place() -> None:
    assert Timeline().place(None, 2.0, 1) is None


@pytest.mark.parametrize("elapsed_s", [0.0, -1.0, float("nan"), float("inf"), 1e9])
def test_an_impossible_length_is_refused(elapsed_s: float) -> None:
    with pytest.raises(Invalid, match="is not the length of a sample"):
        Timeline().place(NOON, elapsed_s, 1)
