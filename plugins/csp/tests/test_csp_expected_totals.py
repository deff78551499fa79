"""T1: totals by month, scope and method are the expected ones, digit for digit."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

Cell = tuple[str, str]

AWS: dict[str, Cell] = {
    "total_lbm_emissions_value": ("total", "location"),
    "total_mbm_emissions_value": ("total", "market"),
    "total_lbm_emissions": ("total", "location"),
    "total_mbm_emissions": ("total", "market"),
    "total_scope_1_emissions_value": ("1", "unsplit"),
    "total_scope_2_lbm_emissions_value": ("2", "location"),
    "total_scope_2_mbm_emissions_value": ("2", "market"),
    "total_scope_3_lbm_emissions_value": ("3", "location"),
    "total_scope_3_mbm_emissions_value": ("3", "market"),
}
GCP: dict[str, Cell] = {
    "carbon_footprint_total_kgCO2e.location_based": ("total", "location"),
    "carbon_footprint_total_kgCO2e.market_based": ("total", "market"),
    "carbon_footprint_kgCO2e.scope1": ("1", "unsplit"),
    "carbon_footprint_kgCO2e.scope2.location_based": ("2", "location"),
    "carbon_footprint_kgCO2e.scope2.market_based": ("2", "market"),
    "carbon_footprint_kgCO2e.scope3": ("3", "unsplit"),
}
GCP_SHORT: dict[str, Cell] = {
    "total_location": ("total", "location"),
    "total_market": ("total", "market"),
    "scope1": ("1", "unsplit"),
    "s2_location": ("2", "location"),
    "s2_market": ("2", "market"),
    "scope3": ("3", "unsplit"),
}
AZURE: dict[str, Cell] = {"Scope1": ("1", "unsplit"), "Scope2": ("2", "market"), "Scope3": ("3", "unsplit")}


@pytest.fixture
def expected(providers: Path) -> Any:
    return json.loads((providers / "EXPECTED_TOTALS.json").read_text())


def _kg(by_month: dict[str, dict[str, str]], names: dict[str, Cell], unit_kg: int) -> dict[Any, Decimal]:
    """What is expected, keyed as the totals are; rows by service and region (``2025|EC2``) aside."""
    return {
        (month, *names[name]): Decimal(value) * unit_kg
        for month, values in by_month.items()
        if "|" not in month and month != "ALL"
        for name, value in values.items()
        if name in names
    }


@pytest.mark.parametrize("folder", ["aws/synthetic/data_export", "aws/synthetic/data_export_csv"])
def test_aws_data_exports_give_todays_view(
    providers: Path, expected: Any, totals: Callable[..., Any], folder: str
) -> None:
    assert totals(providers / folder) == _kg(expected[folder]["correct"], AWS, 1000)


def test_both_forms_of_one_aws_export_count_once(providers: Path, expected: Any, totals: Callable[..., Any]) -> None:
    folders = ["aws/synthetic/data_export", "aws/synthetic/data_export_csv"]
    assert totals(*(providers / f for f in folders)) == _kg(expected[folders[0]]["correct"], AWS, 1000)


def test_aws_data_export_keeps_account_service_and_region(
    providers: Path, expected: Any, statements: Callable[..., Any]
) -> None:
    found = {
        f"{s.month}|{s.account}|{s.service}|{'None' if s.region == 'Global' else s.region}": s.co2e_kg / 1000
        for s in statements(providers / "aws/synthetic/data_export")
        if (s.scope, s.method) == ("total", "location")
    }
    cells = expected["aws/synthetic/data_export by month|account|service|region (lbm)"]
    assert found == {key: Decimal(value["lbm"]) for key, value in cells.items()}


def test_the_annual_aws_console_report(providers: Path, expected: Any, totals: Callable[..., Any]) -> None:
    path = "aws/iab_carbon_json/cloud_example_1.csv"
    assert totals(providers / path) == _kg(expected[path], AWS, 1000)


def test_the_flat_google_export_of_a_year(providers: Path, expected: Any, totals: Callable[..., Any]) -> None:
    path = "gcp/iab_carbon_json/cloud_example_2.csv"
    found = totals(providers / path)
    assert found == _kg(expected[path], GCP, 1)
    over_all = {name: sum(kg for (_, *rest), kg in found.items() if tuple(rest) == cell) for name, cell in GCP.items()}
    assert over_all == {name: Decimal(value) for name, value in expected[path]["ALL"].items()}


@pytest.mark.parametrize("name", ["bq.ndjson", "flat_dot.csv"])
def test_the_google_exports_of_all_shapes(
    providers: Path, expected: Any, totals: Callable[..., Any], name: str
) -> None:
    by_month = expected["gcp/synthetic/carbon_footprint.bq.ndjson"]
    assert totals(providers / f"gcp/synthetic/carbon_footprint.{name}") == _kg(by_month, GCP_SHORT, 1)


def test_azure_items_by_scope(providers: Path, expected: Any, totals: Callable[..., Any]) -> None:
    pages = sorted((providers / "azure/synthetic").glob("itemdetails*.json"))
    assert totals(*pages) == _kg(expected["azure/synthetic/itemdetails*"], AZURE, 1)


def test_azure_monthly_summary(providers: Path, expected: Any, totals: Callable[..., Any]) -> None:
    path = "azure/synthetic/monthlysummary.allscopes.json"
    assert totals(providers / path) == _kg(expected[path], {"kgCO2e": ("total", "market")}, 1)


def test_the_examples_restatement_replaces_the_whole_month(totals: Callable[..., Any]) -> None:
    old = totals("example/aws_carbon_2026-09_v3.0.1.csv")
    new = totals("example/aws_carbon_2026-09_v3.1.0.csv")
    both = totals("example/aws_carbon_2026-09_v3.0.1.csv", "example/aws_carbon_2026-09_v3.1.0.csv")
    assert old["2026-09", "total", "location"] == Decimal("409.221")
    assert new["2026-09", "total", "location"] == Decimal("391.170")
    assert both == new


API: dict[str, Cell] = {
    "TOTAL_LBM_CARBON_EMISSIONS": ("total", "location"),
    "TOTAL_MBM_CARBON_EMISSIONS": ("total", "market"),
    "TOTAL_SCOPE_1_CARBON_EMISSIONS": ("1", "unsplit"),
    "TOTAL_SCOPE_2_LBM_CARBON_EMISSIONS": ("2", "location"),
    "TOTAL_SCOPE_2_MBM_CARBON_EMISSIONS": ("2", "market"),
    "TOTAL_SCOPE_3_LBM_CARBON_EMISSIONS": ("3", "location"),
    "TOTAL_SCOPE_3_MBM_CARBON_EMISSIONS": ("3", "market"),
}
UNSPLIT: Cell = ("total", "unsplit")


@pytest.mark.parametrize("pattern", ["*page?.json", "*ungrouped.json", "*.json"])
def test_aws_api_grouped_ungrouped_or_both(
    providers: Path, expected: Any, totals: Callable[..., Any], pattern: str
) -> None:
    files = sorted((providers / "aws/synthetic/sustainability_api").glob(pattern))
    assert totals(*files) == _kg(expected["aws/synthetic/sustainability_api pages 1+2"], API, 1000)


@pytest.mark.parametrize("name", ["2020-01-01carbon_emissions.json", "ccft-data.jq.csv", "."])
def test_the_old_aws_tool(providers: Path, expected: Any, totals: Callable[..., Any], name: str) -> None:
    by_month = expected["aws/synthetic/ccft_experimental/2020-01-01carbon_emissions.json"]
    found = totals(providers / "aws/synthetic/ccft_experimental" / name)
    assert found == _kg(by_month, {"mbmCarbon_MTCO2e": ("total", "market")}, 1000)


def test_scaleways_leaves(providers: Path, expected: Any, totals: Callable[..., Any]) -> None:
    path = "scaleway/synthetic/data_query.2026-05.json"
    assert totals(providers / path) == {("2026-05", *UNSPLIT): Decimal(expected[path]["leaf_sku_sum_kg"])}


def test_ovh_by_month(providers: Path, expected: Any, totals: Callable[..., Any]) -> None:
    path = "ovh/synthetic/carbon_footprint_202409_202608.csv"
    names = {
        "total_location_based_kg_co2eq": ("total", "location"),
        "total_market_based_kg_co2eq": ("total", "market"),
    }
    assert totals(providers / path) == _kg(expected[path], names, 1)


@pytest.mark.parametrize("method", ["location", "market"])
def test_oracle_by_method(providers: Path, expected: Any, totals: Callable[..., Any], method: str) -> None:
    path = f"oci/synthetic/usageCarbonEmissions.power.{method}.2026-07.json"
    value, unit = expected[path].split()
    assert unit == "MTCO2"
    assert totals(providers / path) == {("2026-07", "total", method): Decimal(value) * 1000}


def test_ibm_is_in_grams(providers: Path, expected: Any, totals: Callable[..., Any]) -> None:
    by_month = expected["ibm/synthetic"]
    assert totals(providers / "ibm/synthetic") == {
        (month, *UNSPLIT): Decimal(values["gCO2e"]) / 1000 for month, values in by_month.items()
    }


def test_exoscales_leaves(providers: Path, expected: Any, totals: Callable[..., Any]) -> None:
    path = "exoscale/synthetic/environmental-impact_report.json"
    found = totals(providers / path, options={"month": "2026-05"})
    assert found == {("2026-05", *UNSPLIT): Decimal(expected[path]["leaf_sum"])}
