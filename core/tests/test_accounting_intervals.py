"""How values with errors add: by cause, in any order, and never unlike things."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wattbook.accounting import Interval, Sum, combine

values = st.floats(0, 1e12, allow_nan=False)
causes = st.sampled_from(["grid", "tdp", "sensor"])


@st.composite
def intervals(draw: st.DrawFn) -> Interval:
    value = draw(values)
    down, up = draw(st.floats(0, 1)), draw(st.floats(0, 3))
    return Interval(value, value - value * down, value + value * up)


parts = st.lists(st.tuples(causes, intervals()), min_size=1, max_size=20)


def test_errors_of_one_cause_add() -> None:
    assert combine([("grid", Interval(10, 9, 12)), ("grid", Interval(20, 17, 21))]) == Interval(30, 26, 33)


def test_errors_of_different_causes_add_in_quadrature() -> None:
    assert combine([("grid", Interval(10, 7, 13)), ("tdp", Interval(20, 16, 24))]) == Interval(30, 25, 35)


def test_the_lower_end_never_falls_below_zero() -> None:
    total = combine([("a", Interval(1, 0, 2)), ("b", Interval(1, 0, 2)), ("c", Interval(0.1, 0, 9))])
    assert total is not None
    assert total.low is not None
    assert total.low >= 0


def test_nothing_adds_up_to_nothing_rather_than_to_zero() -> None:
    assert combine([]) is None
    assert Sum().interval() is None


def test_a_value_of_unknown_error_adds_its_value_and_is_counted() -> None:
    total = Sum()
    total.add(Interval(10, 9, 11), "a")
    total.add(Interval(5), "b")
    assert total.interval() == Interval(15, 14, 16)
    assert total.without_interval == 1


def test_values_of_unknown_error_alone_have_no_interval() -> None:
    assert combine([("a", Interval(10)), ("b", Interval(5))]) == Interval(15)


def test_unlike_quantities_are_never_added() -> None:
    with pytest.raises(ValueError, match="cannot be added"):
        combine([("a", Interval(1, unit="J")), ("b", Interval(1, unit="g CO2e, market-based"))])


def test_an_interval_that_leaves_its_value_out_is_refused() -> None:
    with pytest.raises(ValueError, match="lies outside"):
        Interval(3, 4, 5)
    with pytest.raises(ValueError, match="two ends"):
        Interval(3, 2)


@given(parts)
def test_a_total_lies_between_quadrature_and_linear_addition(some: list[tuple[str, Interval]]) -> None:
    total = combine(some)
    assert total is not None
    assert total.low is not None
    assert total.high is not None
    ups = [part.high - part.value for _, part in some if part.high is not None]
    slack = 1e-9 * max(1.0, total.high)
    assert total.value <= total.high <= total.value + math.fsum(ups) + slack
    assert total.high >= total.value + math.hypot(*ups) - slack
    downs = [part.value - part.low for _, part in some if part.low is not None]
    assert max(0.0, total.value - math.fsum(downs)) - slack <= total.low <= total.value
    assert total.low <= max(0.0, total.value - math.hypot(*downs)) + slack


@given(parts, st.randoms())
def test_the_order_never_matters_to_the_last_digit(some: list[tuple[str, Interval]], random: object) -> None:
    shuffled = list(some)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert combine(shuffled) == combine(some)


@given(parts, st.integers(0, 20))
def test_the_grouping_never_matters_to_the_last_digit(some: list[tuple[str, Interval]], cut: int) -> None:
    left, right = Sum(), Sum()
    for number, (cause, part) in enumerate(some):
        (left if number < cut else right).add(part, cause)
    left.merge(right)
    assert left.interval() == combine(some)


@given(intervals(), st.integers(1, 50))
def test_one_cause_repeated_keeps_its_relative_error(part: Interval, times: int) -> None:
    total = combine([("grid", part)] * times)
    assert total is not None
    assert total.high is not None
    assert part.high is not None
    assert total.high == pytest.approx(part.high * times, rel=1e-9, abs=1e-9)


def test_a_long_sum_stays_exact() -> None:
    total = Sum()
    for _ in range(10_000):
        total.add(Interval(0.1), "")
    total.add(Interval(1e15), "")
    assert total.value == math.fsum([0.1] * 10_000 + [1e15])


def test_causes_are_told_with_the_largest_first() -> None:
    total = Sum()
    total.add(Interval(10, 9, 11), "small")
    total.add(Interval(10, 5, 20), "large")
    assert list(total.by_cause().items()) == [("large", (5.0, 10.0)), ("small", (1.0, 1.0))]
