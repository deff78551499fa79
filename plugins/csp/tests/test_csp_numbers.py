"""Figures keep every digit, months are months, versions compare as numbers."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wattbook import ImportFailed
from wattbook_csp import months, versions
from wattbook_csp.decimals import KG_PER_G, KG_PER_KG, KG_PER_T, Marks, kilograms

figures = st.decimals(min_value=0, max_value=10**9, allow_nan=False, allow_infinity=False, places=9)


@given(figure=figures)
def test_a_decimal_text_keeps_every_digit(figure: Decimal) -> None:
    assert kilograms(f"{figure:f}", KG_PER_KG) == figure
    assert kilograms(f"{figure:f}", KG_PER_T) == figure * 1000
    assert kilograms(f"{figure:f}", KG_PER_G) * 1000 == figure


@given(figure=st.floats(min_value=0, max_value=1e9, allow_subnormal=False).filter(lambda f: f == 0 or f > 1e-29))
def test_a_double_keeps_its_shortest_digits(figure: float) -> None:
    assert float(kilograms(repr(figure), KG_PER_KG)) == figure


@given(text=st.text(max_size=12))
def test_any_other_text_is_refused_or_is_a_plain_number(text: str) -> None:
    try:
        found = kilograms(text, KG_PER_KG)
    except ImportFailed:
        return
    assert text.isascii()
    assert set(text) <= set("+-.0123456789eE")
    assert found == Decimal(text)


@given(figure=st.integers(0, 10**11))
def test_grouped_and_plain_numbers_are_the_same(figure: int) -> None:
    number = Decimal(figure) / 100
    english = f"{number:,.2f}"
    german = english.replace(",", " ").replace(".", ",").replace(" ", ".")
    assert kilograms(english, KG_PER_KG, Marks.POINT) == number
    assert kilograms(german, KG_PER_KG, Marks.COMMA) == number
    assert kilograms(f"{number:.2f}".replace(".", ","), KG_PER_KG, Marks.COMMA) == number


@pytest.mark.parametrize("text", ["1.23", "1,2,3", "12.34,5", "1.2345,6"])
def test_groups_of_another_length_are_refused(text: str) -> None:
    with pytest.raises(ImportFailed):
        kilograms(text, KG_PER_KG, Marks.COMMA)


@pytest.mark.parametrize("option", [".", "point", ",", "comma", " Comma "])
def test_the_mark_may_be_said_in_two_ways(option: str) -> None:
    assert Marks.from_option(option) is (Marks.POINT if "." in option or "point" in option else Marks.COMMA)


def test_another_mark_is_refused() -> None:
    with pytest.raises(ImportFailed, match="the decimal mark is"):
        Marks.from_option(";")


@pytest.mark.parametrize(
    "text",
    [
        "2025-09", "2025-09-01", "2025-09-01 00:00:00", "2025-09-01T00:00:00Z", "2025-09-01 00:00:00Z",
        "2025-09-01 00:00:00 UTC", "2025-09-01 00:00:00+00:00", "2025-09-01T08:00:00+08:00", "2025-09-01 00:00:00.000",
    ],
)  # fmt: skip
def test_a_month_in_any_spelling(text: str) -> None:
    assert months.month(text) == "2025-09"


@pytest.mark.parametrize(
    ("start", "end", "period"),
    [
        ("2025-09-01", "2025-10-01", "2025-09"),
        ("2025-09-01", "2025-09-30", "2025-09"),
        ("2025-09-01 00:00:00", "2025-09-30 23:59:59", "2025-09"),
        ("2024-02-01", "2024-02-29", "2024-02"),
        ("2025-12-01", "2026-01-01", "2025-12"),
        ("2025-01-01", "2026-01-01", "2025"),
    ],
)
def test_a_period_is_a_month_or_a_year(start: str, end: str, period: str) -> None:
    assert months.period(start, end) == period


@pytest.mark.parametrize(
    ("start", "end"),
    [("2025-09-01", "2025-09-29"), ("2025-09-02", "2025-10-01"), ("2025-01-01", "2025-04-01"), ("2025-04-01", "2026-04-01"), ("2025-10-01", "2025-09-01")],
)  # fmt: skip
def test_any_other_period_is_refused(start: str, end: str) -> None:
    with pytest.raises(ImportFailed, match="neither a calendar month nor a calendar year"):
        months.period(start, end)


@pytest.mark.parametrize(
    ("name", "month"),
    [
        ("itemdetails.resource.2026-01.Scope1.page1.json", "2026-01"),
        ("2026-01/scope1/page.json", "2026-01"),
        ("fetched-2026-02-19/2026-01.json", "2026-01"),
        ("fetched-2026-02-19.json", ""),
        ("120260112.json", ""),
        ("2026-13.json", ""),
    ],
)
def test_a_month_in_a_name(name: str, month: str) -> None:
    assert months.in_name(Path(name)) == month


@pytest.mark.parametrize(
    ("text", "version"),
    [("v3.0.1", (3, 0, 1)), ("3.10.0", (3, 10, 0)), ("11", (11, 0, 0)), ("v2025.1", (2025, 1, 0)), ("v3.1.0-rc1", (3, 1, 0))],
)  # fmt: skip
def test_a_version_is_three_numbers(text: str, version: tuple[int, int, int]) -> None:
    assert versions.numbers(text) == version


@pytest.mark.parametrize("text", ["", "latest", "v", "3.0.1.2.3", "1" * 40])
def test_another_text_is_no_version(text: str) -> None:
    with pytest.raises(ImportFailed, match="is not a model version"):
        versions.numbers(text)


def test_a_number_that_does_not_fit_the_said_mark_is_refused() -> None:
    with pytest.raises(ImportFailed, match="is not a number with a decimal comma, as --decimal says"):
        kilograms("0.412706", KG_PER_KG, Marks.COMMA)
