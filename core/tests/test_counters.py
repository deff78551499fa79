"""Counters and gauges become cumulative joules at the edge."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wattbook.counters import Counter, Integrator, Step

RANGE = 2.0**32
UNIT_J = 2.0**-14


def a_counter(**kw: float) -> Counter:
    return Counter(unit_j=UNIT_J, range_counts=RANGE, max_power_w=kw.get("max_power_w", 500.0))


def test_the_first_reading_is_worth_nothing() -> None:
    advance = a_counter().update(123_456, 0.0)
    assert (advance.step, advance.energy_j) == (Step.FIRST, None)


def test_a_wrap_adds_the_range() -> None:
    counter = a_counter()
    counter.update(RANGE - 16_384, 0.0)
    advance = counter.update(16_384, 1.0)
    assert (advance.step, advance.energy_j) == (Step.WRAPPED, 2.0)


def test_a_step_that_may_hide_two_wraps_is_ambiguous_and_bounded() -> None:
    counter = a_counter()
    counter.update(0, 0.0)
    advance = counter.update(16_384, 3_600.0)
    assert (advance.step, advance.energy_j) == (Step.AMBIGUOUS, None)
    assert (advance.low_j, advance.high_j) == (1.0, 3_600 * 500)
    assert counter.total_j == 0


def test_a_new_epoch_is_a_reset() -> None:
    counter = a_counter()
    counter.update(1_000_000, 0.0, epoch="boot-1")
    assert counter.update(5, 1.0, epoch="boot-2").step is Step.RESET
    assert counter.update(16_389, 2.0, epoch="boot-2").energy_j == 1.0


def test_a_counter_without_range_that_falls_was_reset() -> None:
    counter = Counter(unit_j=1e-3)
    counter.update(900, 0.0)
    assert counter.update(10, 1.0).step is Step.RESET


def test_a_sleep_is_not_counted() -> None:
    counter = a_counter()
    counter.update(0, 0.0)
    assert counter.update(16_384, 2.0, suspended_s=600.0).step is Step.SUSPENDED
    assert counter.total_j == 0


@pytest.mark.parametrize("raw", [-1.0, float("nan"), float("inf")])
def test_what_is_not_a_count_is_refused(raw: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        a_counter().update(raw, 0.0)


@given(st.lists(st.floats(0.01, 400.0), min_size=1, max_size=50), st.floats(0, RANGE - 1))
def test_a_polled_counter_adds_up_whatever_wraps(watts: list[float], start: float) -> None:
    """Polled every 60 s at up to 400 W, a 32-bit RAPL counter loses nothing."""
    counter = a_counter()
    counter.update(start, 0.0)
    raw, used = start, 0.0
    for i, w in enumerate(watts, start=1):
        raw = (raw + w * 60 / UNIT_J) % RANGE
        used += w * 60
        counter.update(raw, i * 60.0)
    assert counter.total_j == pytest.approx(used, rel=1e-6)


@given(st.lists(st.tuples(st.floats(0, RANGE - 1), st.floats(0.01, 5_000)), min_size=2, max_size=30))
def test_a_counter_never_runs_backwards(steps: list[tuple[float, float]]) -> None:
    counter, at, last = a_counter(), 0.0, 0.0
    for raw, dt in steps:
        at += dt
        counter.update(raw, at)
        assert counter.total_j >= last
        last = counter.total_j


def test_a_gauge_integrates_by_trapezoids() -> None:
    gauge = Integrator()
    gauge.update(100.0, 0.0)
    gauge.update(200.0, 2.0)
    assert gauge.total_j == 300.0


def test_a_hole_is_not_bridged() -> None:
    gauge = Integrator(max_gap_s=10.0)
    gauge.update(100.0, 0.0)
    assert gauge.update(100.0, 60.0) == 60.0
    assert gauge.total_j == 0.0


@given(st.lists(st.floats(0, 1_000), min_size=3, max_size=40))
def test_a_constant_step_gauge_lies_between_its_extremes(watts: list[float]) -> None:
    gauge = Integrator()
    for i, w in enumerate(watts):
        gauge.update(w, float(i))
    mean = gauge.total_j / (len(watts) - 1)
    assert min(watts) - 1e-9 <= mean <= max(watts) + 1e-9
