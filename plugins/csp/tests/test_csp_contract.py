"""T1 to T13, kept by every format that says a provider's figures."""

from __future__ import annotations

from pathlib import Path

from wattbook.testing import ImportContract

DATA = Path(__file__).parent / "data"
TONS, KILOGRAMS, GRAMS = "1000", "1", "0.001"


def samples(*names: str) -> tuple[Path, ...]:
    return tuple(DATA / name for name in names)


class CspContract(ImportContract):
    name = "csp"


class TestAwsConsole(CspContract):
    files = samples("aws/console_2026-09.csv")
    totals = {
        ("2026-09", "total", "location"): "534.81",
        ("2026-09", "total", "market"): "445.809",
        ("2026-09", "1", "unsplit"): "2.227",
        ("2026-09", "2", "location"): "421.903",
        ("2026-09", "2", "market"): "332.602",
        ("2026-09", "3", "location"): "110.68",
        ("2026-09", "3", "market"): "110.98",
        ("2026-08", "total", "location"): "390.105",
        ("2026-08", "total", "market"): "383.105",
        ("2026-08", "1", "unsplit"): "1.502",
        ("2026-08", "2", "location"): "311.903",
        ("2026-08", "2", "market"): "305.003",
        ("2026-08", "3", "location"): "76.7",
        ("2026-08", "3", "market"): "76.6",
    }
    unit = ("MTCO2e", TONS)
    account = "222222222222"
    figure = ("0.412706", "0.412707")
    required = ("usage_month", "service", "region", "total_lbm_emissions", "model_version")


class TestAwsDataExportCsv(CspContract):
    files = samples("aws/data_export_csv")
    totals = {
        ("2025-08", "total", "location"): "3164.203",
        ("2025-08", "total", "market"): "1458.752",
        ("2025-08", "1", "unsplit"): "16.601",
        ("2025-08", "2", "location"): "2414.401",
        ("2025-08", "2", "market"): "900.000",
        ("2025-08", "3", "location"): "733.201",
        ("2025-08", "3", "market"): "542.151",
        ("2025-09", "total", "location"): "3550.235",
        ("2025-09", "total", "market"): "1636.719",
        ("2025-09", "1", "unsplit"): "18.626",
        ("2025-09", "2", "location"): "2708.958",
        ("2025-09", "2", "market"): "1009.8",
        ("2025-09", "3", "location"): "822.651",
        ("2025-09", "3", "market"): "608.293",
        ("2025-10", "total", "location"): "2904.739",
        ("2025-10", "total", "market"): "1339.135",
        ("2025-10", "1", "unsplit"): "15.24",
        ("2025-10", "2", "location"): "2216.42",
        ("2025-10", "2", "market"): "826.2",
        ("2025-10", "3", "location"): "673.079",
        ("2025-10", "3", "market"): "497.695",
    }
    unit = ("MTCO2e", TONS)
    figure = ("1.477980", "1.477981")
    required = ("usage_account_id", "usage_period_start", "total_mbm_emissions_value", "last_refresh_timestamp")
    alternatives = samples("aws/data_export")


class TestAwsDataExportParquet(CspContract):
    binary = True
    files = samples("aws/data_export")
    totals = {
        ("2025-08", "total", "location"): "3164.203",
        ("2025-08", "total", "market"): "1458.752",
        ("2025-08", "1", "unsplit"): "16.601",
        ("2025-08", "2", "location"): "2414.401",
        ("2025-08", "2", "market"): "900.000",
        ("2025-08", "3", "location"): "733.201",
        ("2025-08", "3", "market"): "542.151",
        ("2025-09", "total", "location"): "3550.235",
        ("2025-09", "total", "market"): "1636.719",
        ("2025-09", "1", "unsplit"): "18.626",
        ("2025-09", "2", "location"): "2708.958",
        ("2025-09", "2", "market"): "1009.8",
        ("2025-09", "3", "location"): "822.651",
        ("2025-09", "3", "market"): "608.293",
        ("2025-10", "total", "location"): "2904.739",
        ("2025-10", "total", "market"): "1339.135",
        ("2025-10", "1", "unsplit"): "15.24",
        ("2025-10", "2", "location"): "2216.42",
        ("2025-10", "2", "market"): "826.2",
        ("2025-10", "3", "location"): "673.079",
        ("2025-10", "3", "market"): "497.695",
    }
    unit = ("MTCO2e", TONS)
    alternatives = samples("aws/data_export_csv")


class TestAwsDataExportOfAMonth(CspContract):
    files = samples("example/aws_carbon_2026-09_v3.0.1.csv")
    totals = {
        ("2026-09", "total", "location"): "409.221",
        ("2026-09", "total", "market"): "363.609",
        ("2026-09", "1", "unsplit"): "2.957",
        ("2026-09", "2", "location"): "314.764",
        ("2026-09", "2", "market"): "272.539",
        ("2026-09", "3", "location"): "91.5",
        ("2026-09", "3", "market"): "88.113",
    }
    unit = ("MTCO2e", TONS)
    figure = ("0.297563", "0.297564")
    required = ("product_code",)
    newer = samples("example/aws_carbon_2026-09_v3.1.0.csv")


class TestAwsApi(CspContract):
    files = samples(*(f"aws/sustainability_api/get_estimated_carbon_emissions.monthly.page{p}.json" for p in (1, 2)))
    totals = {
        ("2025-08", "total", "location"): "3227.487",
        ("2025-08", "total", "market"): "1487.927",
        ("2025-08", "1", "unsplit"): "16.933",
        ("2025-08", "2", "location"): "2462.689",
        ("2025-08", "2", "market"): "918",
        ("2025-08", "3", "location"): "747.865",
        ("2025-08", "3", "market"): "552.994",
        ("2025-09", "total", "location"): "3550.235",
        ("2025-09", "total", "market"): "1636.719",
        ("2025-09", "1", "unsplit"): "18.626",
        ("2025-09", "2", "location"): "2708.958",
        ("2025-09", "2", "market"): "1009.8",
        ("2025-09", "3", "location"): "822.651",
        ("2025-09", "3", "market"): "608.293",
        ("2025-10", "total", "location"): "2904.739",
        ("2025-10", "total", "market"): "1339.135",
        ("2025-10", "1", "unsplit"): "15.24",
        ("2025-10", "2", "location"): "2216.42",
        ("2025-10", "2", "market"): "826.2",
        ("2025-10", "3", "location"): "673.079",
        ("2025-10", "3", "market"): "497.695",
    }
    account = "111111111111"
    unit = ("MTCO2e", TONS)
    figure = ("0.000613", "0.000614")
    pages = True
    required = ("Results", "ModelVersion")
    alternatives = samples("aws/sustainability_api/get_estimated_carbon_emissions.monthly.ungrouped.json")


class TestAwsCcft(CspContract):
    files = samples("aws/ccft_experimental/2020-01-01carbon_emissions.json")
    totals = {
        ("2020-01", "total", "market"): "172",
        ("2020-02", "total", "market"): "182",
    }
    unit = ("MTCO2e", TONS)
    figure = ("0.048", "0.049")
    required = ("accountId", "startDate")
    alternatives = samples("aws/ccft_experimental/ccft-data.jq.csv")


class TestGcpNested(CspContract):
    files = samples("gcp/carbon_footprint.bq.ndjson")
    totals = {
        ("2022-12", "total", "location"): "92.971",
        ("2022-12", "1", "unsplit"): "1.961",
        ("2022-12", "2", "location"): "50.645",
        ("2022-12", "3", "unsplit"): "40.365",
        ("2025-06", "total", "location"): "92.971",
        ("2025-06", "total", "market"): "63.834",
        ("2025-06", "1", "unsplit"): "1.961",
        ("2025-06", "2", "location"): "50.645",
        ("2025-06", "2", "market"): "21.508",
        ("2025-06", "3", "unsplit"): "40.365",
        ("2025-07", "total", "location"): "102.2681",
        ("2025-07", "total", "market"): "70.2174",
        ("2025-07", "1", "unsplit"): "2.1571",
        ("2025-07", "2", "location"): "55.7095",
        ("2025-07", "2", "market"): "23.6588",
        ("2025-07", "3", "unsplit"): "44.4015",
    }
    unit = ("kgCO2e", KILOGRAMS)
    figure = ("72.5", "72.5004")
    required = ("usage_month", "billing_account_id", "carbon_model_version")
    alternatives = samples("gcp/carbon_footprint.flat_dot.csv")


class TestGcpFlat(CspContract):
    files = samples("gcp/carbon_footprint.flat_dot.csv")
    totals = {
        ("2022-12", "total", "location"): "92.971",
        ("2022-12", "1", "unsplit"): "1.961",
        ("2022-12", "2", "location"): "50.645",
        ("2022-12", "3", "unsplit"): "40.365",
        ("2025-06", "total", "location"): "92.971",
        ("2025-06", "total", "market"): "63.834",
        ("2025-06", "1", "unsplit"): "1.961",
        ("2025-06", "2", "location"): "50.645",
        ("2025-06", "2", "market"): "21.508",
        ("2025-06", "3", "unsplit"): "40.365",
        ("2025-07", "total", "location"): "102.2681",
        ("2025-07", "total", "market"): "70.2174",
        ("2025-07", "1", "unsplit"): "2.1571",
        ("2025-07", "2", "location"): "55.7095",
        ("2025-07", "2", "market"): "23.6588",
        ("2025-07", "3", "unsplit"): "44.4015",
    }
    unit = ("kgCO2e", KILOGRAMS)
    figure = ("72.5", "72.5004")
    required = (
        "usage_month", "billing_account_id", "location.location", "carbon_footprint_total_kgCO2e.location_based",
    )  # fmt: skip


class TestAzureItems(CspContract):
    files = samples(*(f"azure/itemdetails.resource.2026-01.Scope{s}.page{p}.json" for s in (1, 2, 3) for p in (1, 2)))
    totals = {
        ("2026-01", "1", "unsplit"): "0.0131",
        ("2026-01", "2", "market"): "0.4",
        ("2026-01", "3", "unsplit"): "1.7705",
    }
    unit = ("kgCO2E", KILOGRAMS)
    figure = ("0.01", "0.02")
    pages = True
    required = ("value",)
    alternatives = samples("azure/monthlysummary.allscopes.json")


class TestAzureSummary(CspContract):
    files = samples("azure/monthlysummary.allscopes.json")
    totals = {
        ("2025-12", "total", "market"): "1.0918",
        ("2026-01", "total", "market"): "2.1836",
    }
    unit = ("kgCO2E", KILOGRAMS)
    figure = ("2.1836", "2.1837")
    required = ("value", "date")


class TestAzureMcfs(CspContract):
    files = samples("azure/mcfs_2024.json")
    totals = {
        ("2024-01", "1", "unsplit"): "0.213",
        ("2024-01", "2", "market"): "41.2",
        ("2024-01", "3", "unsplit"): "18",
        ("2024-02", "3", "unsplit"): "0.015",
    }
    unit = ("mtCO2e", TONS)
    figure = ("0.000213", "0.000214")
    required = ("dateKey", "totalEmissions", "azureServiceName")


class TestScaleway(CspContract):
    files = samples("scaleway/data_query.2026-05.json")
    totals = {
        ("2026-05", "total", "unsplit"): "12.5",
    }
    unit = ("kgCO2e", KILOGRAMS)
    figure = ("9.5", "9.5004")
    required = ("start_date", "total_impact")


class TestOvh(CspContract):
    files = samples("ovh/carbon_footprint_202409_202608.csv")
    totals = {
        ("2026-07", "total", "location"): "136.4",
        ("2026-07", "total", "market"): "134.25",
        ("2026-08", "total", "location"): "157.8",
        ("2026-08", "total", "market"): "143.49",
        ("2025-09", "total", "location"): "92.64",
        ("2025-09", "total", "market"): "22.68",
    }
    unit = ("kgCO2eq", KILOGRAMS)
    figure = ("136.40", "136.41")
    required = ("date", "total_location_based_kg_co2eq", "total_market_based_kg_co2eq")


class TestOracle(CspContract):
    files = samples(*(f"oci/usageCarbonEmissions.power.{m}.2026-07.json" for m in ("location", "market")))
    totals = {
        ("2026-07", "total", "location"): "1550",
        ("2026-07", "total", "market"): "720",
    }
    unit = ("MTCO2", TONS)
    figure = ("0.42", "0.43")
    required = ("items", "computedCarbonEmission", "tenantId")


class TestIbm(CspContract):
    files = samples("ibm/carbon_emissions.json", "ibm/carbon_emissions.page2.json")
    totals = {
        ("2026-06", "total", "unsplit"): "152.34",
        ("2026-07", "total", "unsplit"): "98",
    }
    unit = ("gCO2e", GRAMS)
    figure = ("152340.0", "152341.0")
    pages = True
    required = ("carbon_emissions", "account_id")


class TestExoscale(CspContract):
    files = samples("exoscale/environmental-impact_report.json")
    totals = {
        ("2026-05", "total", "unsplit"): "8",
    }
    unit = ("kgCO2eq", KILOGRAMS)
    options = {"month": "2026-05"}
    figure = ("5.5", "5.5004")
    required = ("zones",)
