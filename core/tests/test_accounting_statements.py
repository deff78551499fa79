"""Totals of statements: one branch, exact decimals, views apart."""

from __future__ import annotations

from decimal import Decimal

import pytest
from wattbook import Statement
from wattbook.accounting import MonthTotals, account_totals, statement_totals


def a_figure(scope: str, method: str, kg: str, *, month: str = "2025-09", account: str = "1", **more: str) -> Statement:
    return Statement(
        provider="acme", account=account, month=month, scope=scope, method=method, co2e_kg=Decimal(kg),
        value_raw=kg, unit_raw="kg", **more,
    )  # fmt: skip


def test_a_stated_total_is_taken_and_its_scopes_are_not_added_to_it() -> None:
    rows = [a_figure("total", "location", "10"), a_figure("1", "unsplit", "1"), a_figure("2", "location", "5")]
    assert statement_totals(rows)["2025-09"].location == Decimal("10")


def test_without_a_total_the_scopes_are_added_for_each_method() -> None:
    rows = [
        a_figure("1", "unsplit", "0.1"),
        a_figure("2", "location", "5"),
        a_figure("2", "market", "2"),
        a_figure("3", "unsplit", "0.02"),
    ]
    totals = statement_totals(rows)["2025-09"]
    assert (totals.location, totals.market) == (Decimal("5.12"), Decimal("2.12"))
    assert totals.scope1 == Decimal("0.1")
    assert totals.scope3_location == totals.scope3_market == Decimal("0.02")


def test_a_method_without_a_scope_2_has_no_total() -> None:
    rows = [a_figure("1", "unsplit", "1"), a_figure("2", "market", "2"), a_figure("3", "unsplit", "3")]
    totals = statement_totals(rows)["2025-09"]
    assert totals.location is None
    assert totals.market == Decimal("6")


def test_a_figure_without_a_method_enters_neither_view() -> None:
    totals = statement_totals([a_figure("total", "unsplit", "7")])["2025-09"]
    assert (totals.location, totals.market, totals.unsplit) == (None, None, Decimal("7"))


def test_a_scope_3_by_method_stays_in_its_view() -> None:
    rows = [
        a_figure("2", "location", "5"),
        a_figure("2", "market", "0"),
        a_figure("3", "location", "2"),
        a_figure("3", "market", "1"),
    ]
    totals = statement_totals(rows)["2025-09"]
    assert (totals.location, totals.market) == (Decimal("7"), Decimal("1"))


def test_zero_is_a_figure_and_nothing_is_none() -> None:
    totals = statement_totals([a_figure("total", "market", "0")])["2025-09"]
    assert totals.market == Decimal("0")
    assert totals.location is None


def test_accounts_are_derived_one_by_one_before_they_are_added() -> None:
    rows = [
        a_figure("total", "location", "1", account="a"),
        a_figure("2", "location", "2", account="b"),
    ]
    assert statement_totals(rows)["2025-09"].location == Decimal("3")
    assert set(account_totals(rows)) == {("acme", "a", "2025-09"), ("acme", "b", "2025-09")}


def test_services_and_regions_of_one_account_add_up_digit_for_digit() -> None:
    rows = [a_figure("total", "location", kg, service=kg) for kg in ("0.1", "0.2", "0.0000001")]
    assert statement_totals(rows)["2025-09"].location == Decimal("0.3000001")


@pytest.mark.parametrize("order", [1, -1])
def test_the_order_of_the_rows_does_not_matter(order: int) -> None:
    rows = [a_figure("1", "unsplit", "0.1"), a_figure("2", "location", "5"), a_figure("2", "market", "2")]
    assert statement_totals(rows[::order]) == statement_totals(rows)


def test_months_stay_apart() -> None:
    rows = [a_figure("total", "location", "1"), a_figure("total", "location", "2", month="2025-10")]
    assert {m: t.location for m, t in statement_totals(rows).items()} == {"2025-09": 1, "2025-10": 2}


def test_nothing_is_not_a_month_of_zero() -> None:
    assert statement_totals([]) == {}
    assert MonthTotals().location is None
