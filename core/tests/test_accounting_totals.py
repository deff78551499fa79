"""Totals: outermost readings only, whatever else stands beside them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wattbook.accounting import MonthTotals, Tally, total
from wattbook.records import Entry, Place
from wattbook.testing.entries import a_gap_entry, an_entry

joules = st.floats(0, 1e9)
readings = st.builds(
    an_entry,
    joules,
    error=st.one_of(st.none(), st.floats(0, 1)),
    cause=st.sampled_from(["tdp", "sensor"]),
    place=st.sampled_from([Place(zone="SG", pue=1.2), Place(zone="FR"), Place()]),
    basis=st.sampled_from(["measured", "estimated"]),
)
breakdowns = st.builds(an_entry, joules, outermost=st.just(False), address=st.just("cpu:0/core"))
gaps = st.builds(a_gap_entry, high_j=joules, low_j=st.just(0.0))


@given(st.lists(readings, max_size=15), st.lists(st.one_of(breakdowns, gaps), max_size=10), st.randoms())
def test_a_breakdown_or_a_gap_never_changes_a_total(some: list[Entry], others: list[Entry], random: object) -> None:
    mixed = some + others
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert total(mixed) == total(some)


@given(st.lists(readings, max_size=15))
def test_the_order_of_entries_never_changes_a_total(some: list[Entry]) -> None:
    assert total(reversed(some)) == total(some)


@given(st.lists(readings, min_size=1, max_size=15))
def test_the_location_based_total_never_holds_market_based_grams(some: list[Entry]) -> None:
    """A provided market-based figure moves the market view alone."""
    tally, more = Tally(), Tally()
    for entry in some:
        tally.add(entry)
        more.add(entry)
    more.add_provided(MonthTotals(market=1_000))  # type: ignore[arg-type]
    assert more.total().location_g == tally.total().location_g
    assert more.total().market_g != tally.total().market_g


def test_nothing_has_no_total_rather_than_a_total_of_zero() -> None:
    nothing = total([a_gap_entry()])
    assert (nothing.energy, nothing.location_g, nothing.market_g) == (None, None, None)


def test_energy_in_a_zone_without_a_factor_is_counted_and_named() -> None:
    made = total([an_entry(100.0, place=Place(zone="XX")), an_entry(50.0)])
    assert made.energy is not None
    assert made.energy.value == 150.0
    assert made.without_factor_j == 100.0


def test_one_factor_behind_all_rows_is_one_cause() -> None:
    one = total([an_entry(3_600_000.0, error=0.0)]).location_g
    many = total([an_entry(36_000.0, error=0.0, host=str(i)) for i in range(100)]).location_g
    assert one is not None
    assert many is not None
    assert many.high == pytest.approx(one.high)


def test_figures_of_unknown_error_are_counted() -> None:
    assert total([an_entry(1.0), an_entry(1.0, error=0.1)]).without_interval == 1
