"""Energy x PUE x factor: the grams of an entry in both views, and their error."""

from __future__ import annotations

import math

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from wattbook.accounting import carbon_of, combine
from wattbook.factors import Factor, lookup
from wattbook.records import Place
from wattbook.testing.entries import a_gap_entry, an_entry

FACTOR = Factor(id="test", zone="SG", year=2026, g_per_kwh=400.0, sigma=0.1, source="test")


def test_a_kilowatt_hour_in_singapore() -> None:
    carbon = carbon_of(an_entry(3_600_000.0, place=Place(zone="SG")))
    assert carbon.location is not None
    assert carbon.location.value == pytest.approx(498.74)
    assert carbon.factor == lookup(Place(zone="SG"), 2026)


def test_the_facility_counts_where_a_pue_is_known_and_only_there() -> None:
    with_pue = carbon_of(an_entry(3_600_000.0, place=Place(zone="SG", pue=1.5)), FACTOR)
    without = carbon_of(an_entry(3_600_000.0, place=Place(zone="SG", pue=None)), FACTOR)
    assert with_pue.location is not None
    assert without.location is not None
    assert (with_pue.location.value, without.location.value) == (600.0, 400.0)


def test_a_gap_has_no_carbon() -> None:
    carbon = carbon_of(a_gap_entry())
    assert (carbon.location, carbon.market, carbon.factor) == (None, None, None)


def test_an_unknown_zone_has_no_carbon_rather_than_none_of_it() -> None:
    assert carbon_of(an_entry(place=Place(zone="XX"))).location is None


def test_a_marginal_factor_never_enters_the_inventory() -> None:
    with pytest.raises(ValueError, match="marginal"):
        carbon_of(an_entry(), evolve(FACTOR, signal="marginal"))


def test_both_views_stand_side_by_side_and_are_never_added() -> None:
    carbon = carbon_of(an_entry(), FACTOR)
    assert carbon.location is not None
    assert carbon.market is not None
    with pytest.raises(ValueError, match="cannot be added"):
        combine([("a", carbon.location), ("b", carbon.market)])


def test_the_error_of_the_factor_and_that_of_the_energy_add_in_quadrature() -> None:
    carbon = carbon_of(an_entry(3_600_000.0, error=0.2), FACTOR)
    assert carbon.location is not None
    assert carbon.location.high == pytest.approx(400 + math.hypot(80, FACTOR.high_g_per_kwh - 400))
    assert carbon.location.low == pytest.approx(400 - math.hypot(80, 400 - FACTOR.low_g_per_kwh))


def test_energy_of_unknown_error_still_carries_the_factors_error() -> None:
    carbon = carbon_of(an_entry(3_600_000.0), FACTOR)
    assert carbon.location is not None
    assert carbon.location.high == pytest.approx(FACTOR.high_g_per_kwh)


@given(st.floats(0, 1e12), st.floats(0, 1), st.floats(1, 3), st.sampled_from(["SG", "FR", "WORLD"]))
def test_grams_lie_inside_their_interval_and_grow_with_pue(joules: float, error: float, pue: float, zone: str) -> None:
    carbon = carbon_of(an_entry(joules, error=error, place=Place(zone=zone, pue=pue)))
    plain = carbon_of(an_entry(joules, error=error, place=Place(zone=zone)))
    assert carbon.location is not None
    assert plain.location is not None
    assert carbon.location.low is not None
    assert carbon.location.high is not None
    assert 0 <= carbon.location.low <= carbon.location.value <= carbon.location.high
    assert carbon.location.value >= plain.location.value
