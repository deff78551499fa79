"""Numbers for people."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wattbook.accounting import Interval
from wattbook.report.numbers import carbon_text, energy_text, share_text


@pytest.mark.parametrize(
    ("joules", "text"),
    [
        (0.0, "0 Wh"),
        (3_600.0, "1.00 Wh"),
        (20_880.0, "5.80 Wh"),
        (3_600_000.0, "1.00 kWh"),
        (3_599_000.0, "1.00 kWh"),
        (4_444_444.0, "1.23 kWh"),
        (1.23456e15, "343 GWh"),
        (0.0036, "1.00 µWh"),
        (None, "unknown"),
    ],
)
def test_energy_is_scaled_to_three_digits(joules: float | None, text: str) -> None:
    assert energy_text(joules) == text


@pytest.mark.parametrize(
    ("grams", "text"), [(0.0021, "2.10 mg"), (412.4, "412 g"), (41_240.0, "41.2 kg"), (539_000_000.0, "539 t")]
)
def test_carbon_is_scaled_from_milligrams_to_tonnes(grams: float, text: str) -> None:
    assert carbon_text(grams) == text


@pytest.mark.parametrize(
    ("low", "value", "high", "text"),
    [
        (12.2, 15, 19.4, "12-19 g"),
        (1031, 1060, 1092, "1.03-1.09 kg"),
        (0.2, 0.4, 0.71, "200-710 mg"),
        (418, 430, 452, "420-450 g"),
        (0, 10, 38.9, "0-39 g"),
        (999.9, 1000, 1000.1, "1.00 kg"),
        (100, 100, 100, "100 g"),
    ],
)
def test_a_range_shows_the_digits_that_it_can_vouch_for(low: float, value: float, high: float, text: str) -> None:
    assert carbon_text(Interval(value, low, high)) == text


def test_a_value_of_unknown_error_is_one_number() -> None:
    assert carbon_text(Interval(183_695.0)) == "184 kg"


@given(st.floats(1e-9, 1e14), st.floats(0, 1), st.floats(0, 3))
def test_any_range_has_ends_in_order_and_never_more_than_four_digits(value: float, down: float, up: float) -> None:
    text = carbon_text(Interval(value, value * (1 - down), value * (1 + up)))
    numbers, unit = text.split()
    ends = [float(end) for end in numbers.split("-")]
    assert ends == sorted(ends)
    assert unit in ("Mt", "kt", "t", "kg", "g", "mg", "µg")
    if value > 1e-6:
        assert all(len(re.sub(r"^0\.0*|\.", "", end)) <= 4 for end in numbers.split("-"))


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.4, "40 %"), (0.001, "<1 %"), (0.999, ">99 %"), (1.0, "100 %"), (0.0, "0 %"), (None, "unknown")],
)
def test_a_small_share_is_not_nothing(share: float | None, text: str) -> None:
    assert share_text(share) == text
