"""The factor of a place and a year: which one, of which kind, how sure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wattbook.factors import Factor, lookup
from wattbook.factors.table import zones
from wattbook.records import Place


@pytest.mark.parametrize("zone", ["SG", "sg", "SGP", "sgp", " Sg "])
def test_a_zone_is_known_by_both_its_codes_in_any_case(zone: str) -> None:
    factor = lookup(Place(zone=zone), 2024)
    assert factor is not None
    assert (factor.zone, factor.year, factor.g_per_kwh) == ("SG", 2024, 498.74)


def test_a_factor_says_what_it_is() -> None:
    factor = lookup(Place(zone="SG"), 2024)
    assert factor is not None
    plain = factor.as_dict()
    assert list(plain) == ["id", "zone", "year", "signal", "cycle", "method", "g_per_kwh", "source", "assumed"]
    assert (plain["signal"], plain["cycle"], plain["method"]) == ("average", "lifecycle", "location")
    assert "Ember" in plain["source"]
    assert "CC BY 4.0" in plain["source"]
    assert plain["assumed"] is False


def test_another_year_is_named_in_the_note_and_in_the_factor() -> None:
    factor = lookup(Place(zone="SG"), 2026)
    assert factor is not None
    assert factor.year == 2024
    assert "2024" in factor.id
    assert factor.note == "a figure of 2024 used for 2026"


def test_the_right_year_needs_no_note() -> None:
    factor = lookup(Place(zone="SG"), 2024)
    assert factor is not None
    assert factor.note == ""


def test_a_zone_from_the_time_zone_is_assumed() -> None:
    factor = lookup(Place(zone="SG", zone_assumed=True), 2024)
    assert factor is not None
    assert factor.assumed
    assert "assumed" in factor.note


def test_no_zone_gives_the_world_average_assumed_and_very_unsure() -> None:
    factor = lookup(Place(), 2026)
    assert factor is not None
    assert (factor.zone, factor.assumed) == ("WORLD", True)
    assert factor.high_g_per_kwh > 2 * factor.g_per_kwh


def test_an_unknown_zone_has_no_factor() -> None:
    assert lookup(Place(zone="XX"), 2026) is None


def test_a_zone_whose_figure_is_zero_is_left_out_rather_than_taken_for_clean() -> None:
    assert lookup(Place(zone="CF"), 2026) is None


def test_a_configured_intensity_wins_over_the_table() -> None:
    place = Place(site="hall", zone="SG", intensity_g_per_kwh=402.0, intensity_source="EMA 2024", intensity_year=2024)
    factor = lookup(place, 2024)
    assert factor is not None
    assert (factor.g_per_kwh, factor.source, factor.year, factor.cycle) == (402.0, "EMA 2024", 2024, "unstated")
    assert factor.assumed is False
    assert factor.note == ""


def test_a_configured_intensity_of_another_year_says_so() -> None:
    place = Place(intensity_g_per_kwh=402.0, intensity_source="EMA", intensity_year=2023)
    factor = lookup(place, 2026)
    assert factor is not None
    assert factor.note == "a figure of 2023 used for 2026"


def test_a_configured_zero_is_a_figure() -> None:
    factor = lookup(Place(intensity_g_per_kwh=0.0, intensity_source="own wind turbine"), 2026)
    assert factor is not None
    assert (factor.low_g_per_kwh, factor.g_per_kwh, factor.high_g_per_kwh) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("field", ["signal", "cycle", "method"])
def test_a_factor_of_an_unknown_kind_is_refused(field: str) -> None:
    good = {"id": "x", "zone": "SG", "year": 2024, "g_per_kwh": 1.0, "sigma": 0.1, "source": "s"}
    with pytest.raises(ValueError, match=field):
        Factor(**{**good, field: "guessed"})


@given(st.sampled_from(sorted(zones())), st.integers(1990, 2060))
def test_every_factor_lies_inside_its_interval_and_within_reason(code: str, year: int) -> None:
    factor = lookup(Place(zone=code), year)
    assert factor is not None
    assert 0 < factor.low_g_per_kwh < factor.g_per_kwh < factor.high_g_per_kwh
    assert 5 < factor.g_per_kwh < 1500
    assert 0.05 <= factor.sigma <= 0.5


def test_a_table_of_at_least_two_hundred_countries() -> None:
    assert len({zone.code for zone in zones().values()} - {"WORLD"}) >= 200


def test_codes_and_names_are_unique() -> None:
    rows = {zone.code: zone for zone in zones().values()}
    assert len({zone.iso3 for zone in rows.values()}) == len({zone.name for zone in rows.values()}) == len(rows)
