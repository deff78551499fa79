"""Intervals: wider where less is known, and where the fit does not reach."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wattbook_tdp import constants as c
from wattbook_tdp import intervals

SHARES = st.floats(0, 1)


@pytest.mark.parametrize("bounds", [intervals.server, intervals.server_tdp_only, intervals.threads, intervals.ram])
@given(u=SHARES, scale=st.sampled_from(["os", "throughput"]))
def test_an_interval_lies_on_both_sides_of_the_estimate(bounds: object, u: float, scale: str) -> None:
    low, high = bounds(u, scale)  # type: ignore[operator]
    assert 0 < low < 1 < high


def test_at_the_knots_a_throughput_has_the_fitted_quantiles() -> None:
    for i, (low, high) in enumerate(zip(c.SERVER_Q05, c.SERVER_Q95, strict=True)):
        assert intervals.server(i / 10, "throughput") == pytest.approx((low, high))


def test_the_fitted_interval_is_at_most_2_1_wide_on_average() -> None:
    ratios = [high / low for low, high in (intervals.server(i / 10, "throughput") for i in range(11))]
    assert sum(ratios) / len(ratios) <= 2.1


@given(SHARES)
def test_a_reading_of_the_operating_system_has_an_upper_bound_of_at_least_1_5(u: float) -> None:
    assert intervals.server(u, "os")[1] >= 1.5


@given(SHARES, st.sampled_from(["os", "throughput"]))
def test_unknown_memory_makes_the_interval_wider(u: float, scale: str) -> None:
    known, unknown = intervals.server(u, scale), intervals.server_tdp_only(u, scale)
    assert unknown[1] / unknown[0] > known[1] / known[0]


@given(SHARES)
def test_an_unknown_chip_makes_the_interval_wider_still(u: float) -> None:
    unknown, threads = intervals.server_tdp_only(u, "throughput"), intervals.threads(u, "throughput")
    assert threads[1] / threads[0] > unknown[1] / unknown[0]


@given(st.floats(0.05, 0.95), st.floats(1.05, 3), st.floats(0, 0.5))
def test_widening_never_narrows(low: float, high: float, relative: float) -> None:
    down, up = intervals.widen((low, high), relative)
    assert 0 < down <= low + 1e-12
    assert up >= high


def test_a_chip_from_after_the_fit_is_wider_and_says_so() -> None:
    wider, upper, sentence = intervals.age(c.FIT_LAST_YEAR + 1)
    assert wider > 0
    assert upper == 1
    assert sentence is not None


def test_a_chip_from_before_2012_may_draw_far_more_and_says_so() -> None:
    _, upper, sentence = intervals.age(2009)
    assert upper > 1.5
    assert sentence is not None


def test_a_chip_of_the_fitted_years_changes_nothing() -> None:
    assert intervals.age(2020) == (0.0, 1.0, None)
    assert intervals.age(None) == (0.0, 1.0, None)


@pytest.mark.parametrize(
    ("name", "wider"),
    [("Intel Core i9-13900K", 1.5), ("AMD Ryzen 9 5950X", 1.25), ("AMD EPYC 7763", 1.0), ("Intel Xeon Gold 6230", 1.0)],
)
def test_client_chips_may_exceed_their_rating(name: str, wider: float) -> None:
    assert intervals.client(name, 2022)[0] == wider
