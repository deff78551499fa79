"""The contract of an importer, kept by every format."""

from __future__ import annotations

from pathlib import Path

import pytest
from wattbook import ImportSource
from wattbook.testing import ImportContract, a_source

DATA = Path(__file__).parent / "data"


class CspContract(ImportContract):
    paths: tuple[str, ...] = ()

    @pytest.fixture
    def plugin_name(self) -> str:
        return "csp"

    @pytest.fixture
    def sample(self) -> ImportSource:
        return a_source(*(DATA / path for path in self.paths))


class TestAwsConsole(CspContract):
    paths = ("aws/console_2026-09.csv",)


class TestAwsDataExportCsv(CspContract):
    paths = ("aws/data_export_csv",)


class TestAwsDataExportParquet(CspContract):
    paths = ("aws/data_export",)


class TestGcpNested(CspContract):
    paths = ("gcp/carbon_footprint.bq.ndjson",)


class TestGcpFlat(CspContract):
    paths = ("gcp/carbon_footprint.flat_dot.csv",)


class TestAzureItems(CspContract):
    paths = tuple(f"azure/itemdetails.resource.2026-01.Scope{s}.page{p}.json" for s in (1, 2, 3) for p in (1, 2))


class TestAzureSummary(CspContract):
    paths = ("azure/monthlysummary.allscopes.json",)


class TestAwsApi(CspContract):
    paths = tuple(f"aws/sustainability_api/get_estimated_carbon_emissions.monthly.page{p}.json" for p in (1, 2))


class TestAwsCcft(CspContract):
    paths = ("aws/ccft_experimental/2020-01-01carbon_emissions.json",)


class TestAzureMcfs(CspContract):
    paths = ("azure/mcfs_2024.json",)


class TestScaleway(CspContract):
    paths = ("scaleway/data_query.2026-05.json",)


class TestOvh(CspContract):
    paths = ("ovh/carbon_footprint_202409_202608.csv",)


class TestOracle(CspContract):
    paths = tuple(f"oci/usageCarbonEmissions.power.{m}.2026-07.json" for m in ("location", "market"))


class TestIbm(CspContract):
    paths = ("ibm/carbon_emissions.json", "ibm/carbon_emissions.page2.json")


class TestExoscale(CspContract):
    paths = ("exoscale/environmental-impact_report.json",)
