"""Which stretch of time a recorded sample stands for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wattbook_nvidia_smi.crosscheck import CrossCheck
from wattbook_nvidia_smi.track import Timeline

BEGIN = datetime(2026, 9, 14, 9, tzinfo=UTC)


def lengths(*seconds: float) -> list[float | None]:
    timeline = Timeline()
    return [timeline.advance(BEGIN + timedelta(seconds=s)).elapsed_s for s in seconds]


@given(st.lists(st.floats(0, 10_000), min_size=1, max_size=60))
def test_no_more_time_is_counted_than_there_was(seconds: list[float]) -> None:
    counted = [length for length in lengths(*seconds) if length is not None]
    assert all(length > 0 for length in counted)
    assert sum(counted) <= max(seconds) - min(seconds) + 1e-3


@given(st.lists(st.floats(0.01, 60.0), min_size=1, max_size=60))
def test_times_in_order_without_a_pause_are_counted_whole(steps: list[float]) -> None:
    moments = [sum(steps[:i]) for i in range(len(steps) + 1)]
    counted = lengths(*moments)
    assert counted[0] is None
    assert sum(length or 0.0 for length in counted) == pytest.approx(moments[-1], abs=1e-4)


def test_a_time_that_ran_back_counts_again_only_from_where_it_was() -> None:
    assert lengths(0, 10, 20, 5, 15, 25) == [None, 10, 10, None, None, 5]


def test_a_damaged_time_far_ahead_does_not_stop_the_clock() -> None:
    assert lengths(0, 10, 1_000_000, 20, 30) == [None, 10, None, None, 10]


def test_a_counter_and_a_gauge_that_agree_raise_no_doubt() -> None:
    check = CrossCheck()
    assert not any(check.take(100.0 * t, 105.0, float(t)) for t in range(0, 120, 5))
    assert check.done


def test_a_counter_far_from_its_gauge_is_said_once() -> None:
    check = CrossCheck()
    said = [check.take(57.0 * t, 100.0, float(t)) for t in range(0, 240, 5)]
    (doubt,) = [sentence for sentence in said if sentence]
    assert "gauge says" in doubt
