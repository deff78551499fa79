"""Time zones, cloud regions and misspelt names, and the zone that each stands for."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest
from wattbook import ConfigError
from wattbook.factors import check_zone, lookup, zone_of_region, zone_of_timezone
from wattbook.records import Place

GRID = os.environ.get("WATTBOOK_GRID")
needs_grid = pytest.mark.skipif(not GRID, reason="WATTBOOK_GRID is not set")


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("Asia/Singapore", "SG"),
        ("Singapore", "SG"),
        ("Asia/Calcutta", "IN"),
        ("Europe/Kiev", "UA"),
        ("Europe/Stockholm", "SE"),
        ("US/Pacific", "US"),
        ("GB", "GB"),
        ("PRC", "CN"),
        ("America/Argentina/Buenos_Aires", "AR"),
        (":Asia/Tokyo", "JP"),
    ],
)
def test_a_time_zone_names_its_country(name: str, zone: str) -> None:
    assert zone_of_timezone(name) == zone


@pytest.mark.parametrize(
    "name",
    ["UTC", "Etc/UTC", "Etc/GMT+8", "GMT", "EST", "CET", "EST5EDT", "Zulu", "", "Mars/Olympus", "+08", "<+08>-8"],
)
def test_an_offset_names_no_country(name: str) -> None:
    assert zone_of_timezone(name) is None


@pytest.mark.parametrize(
    ("region", "zone"),
    [
        ("ap-southeast-1", "SG"),
        ("ap-southeast-1b", "SG"),
        ("Asia Pacific (Singapore)", "SG"),
        ("asia-southeast1", "SG"),
        ("asia-southeast1-b", "SG"),
        ("southeastasia", "SG"),
        ("Southeast Asia", "SG"),
        ("southeast asia", "SG"),
        ("germanywestcentral", "DE"),
        ("germany west central", "DE"),
        ("europe-north1", "FI"),
        ("eu-north-1", "SE"),
        ("us-east-1", "US"),
        ("us-east1", "US"),
        ("fr-par-2", "FR"),
    ],
)
def test_a_cloud_region_names_its_country(region: str, zone: str) -> None:
    assert zone_of_region(region) == zone


@pytest.mark.parametrize("region", ["", "Global", "moon-base-1", "eu", "us-east-99x"])
def test_an_unknown_region_names_none(region: str) -> None:
    assert zone_of_region(region) is None


@pytest.mark.parametrize(("said", "code"), [("sg", "SG"), ("SGP", "SG"), ("UK", "GB"), ("deu", "DE")])
def test_a_good_zone_comes_back_as_its_short_code(said: str, code: str) -> None:
    assert check_zone(said) == code


@pytest.mark.parametrize(
    ("said", "near"),
    [
        ("Singapore", "SG (Singapore)"),
        ("Asia/Singapore", "SG (Singapore)"),
        ("Singapor", "SG (Singapore)"),
        ("ap-southeast-1", "SG (Singapore)"),
        ("US-CA", "US (United States)"),
        ("SGG", "SG (Singapore)"),
    ],
)
def test_a_wrong_zone_is_refused_with_the_nearest_name(said: str, near: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_zone(said, where="sites.hall.zone")
    assert str(caught.value).startswith(f"sites.hall.zone: no grid factor is known for zone {said!r}")
    assert near in str(caught.value)


def test_a_zone_like_nothing_says_what_a_zone_is() -> None:
    with pytest.raises(ConfigError, match="ISO 3166 code"):
        check_zone("123456")


@needs_grid
def test_every_country_of_the_source_is_in_the_table_with_its_figure() -> None:
    with (Path(GRID or "") / "ember_via_co2js_0.19.0.csv").open(newline="", encoding="utf-8") as stream:
        rows = [
            row for row in csv.DictReader(stream) if len(row["iso3_or_region"]) == 3 and row["iso3_or_region"].isalpha()
        ]
    misread = {"FLK", "MSR"}  # the copy says 1 where the source says 1e3
    for row in rows:
        factor = lookup(Place(zone=row["iso3_or_region"]), 2024)
        if row["gCO2e_per_kWh"] in ("0", "0.0") or row["iso3_or_region"] in misread:
            continue
        assert factor is not None, row
        assert factor.g_per_kwh == float(row["gCO2e_per_kWh"])


@needs_grid
def test_every_google_region_of_the_source_has_a_country_with_a_factor() -> None:
    with (Path(GRID or "") / "google_region_carbon_2024.csv").open(newline="", encoding="utf-8") as stream:
        regions = [row["Google Cloud Region"] for row in csv.DictReader(stream)]
    assert len(regions) > 40
    for region in regions:
        assert lookup(Place(zone=zone_of_region(region) or "XX"), 2024) is not None, region


@needs_grid
@pytest.mark.parametrize("provider", ["aws", "azure", "gcp"])
def test_every_region_of_cloud_carbon_footprint_has_a_country(provider: str) -> None:
    with (Path(GRID or "") / f"grid-emissions-factors-{provider}.csv").open(newline="", encoding="utf-8") as stream:
        regions = [row["Region"] for row in csv.DictReader(stream) if row["Region"]]
    assert regions
    assert [region for region in regions if zone_of_region(region) is None] == []
