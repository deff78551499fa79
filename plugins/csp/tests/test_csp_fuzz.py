"""Damaged files: refused with a sentence or read; never a traceback, a hang or a negative figure."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wattbook import ImportFailed, Statement, Usage

DATA = Path(__file__).parent / "data"
FORMATS = {
    "aws/console_2026-09.csv": "aws-console-csv",
    "example/aws_carbon_2026-09_v3.0.1.csv": "aws-data-export",
    "aws/data_export/carbon/mlteam-carbon/data/carbon_model_version=v3.0.1/usage_period=2025-10/mlteam-carbon-00001.snappy.parquet": "aws-data-export",
    "aws/sustainability_api/get_estimated_carbon_emissions.monthly.page2.json": "aws-api-json",
    "aws/ccft_experimental/2020-01-01carbon_emissions.json": "aws-ccft-json",
    "gcp/carbon_footprint.bq.ndjson": "gcp-bigquery",
    "gcp/carbon_footprint.flat_dot.csv": "gcp-bigquery",
    "azure/itemdetails.resource.2026-01.Scope3.page2.json": "azure-carbon-json",
    "azure/mcfs_2024.json": "azure-mcfs",
    "scaleway/data_query.2026-05.json": "scaleway-json",
    "ovh/carbon_footprint_202409_202608.csv": "ovh-csv",
    "oci/usageCarbonEmissions.power.location.2026-07.json": "oci-json",
    "ibm/carbon_emissions.page2.json": "ibm-json",
    "exoscale/environmental-impact_report.json": "exoscale-json",
    "bills/focus_1.2_gpu.csv": "focus",
    "bills/focus_1.0.csv": "focus",
    "bills/aws_cur_2.0.csv": "aws-cur",
    "bills/azure_cost_actual.csv": "azure-cost",
    "bills/billing_export_gpu.ndjson": "gcp-billing",
}  # fmt: skip
JUNK = [b"\xff", b"\0", b'"', b",", b"\n", b"-", b"9", b"NaN", b"null", b"[]", b"{}", b"1e999", b"{", b"}", b"true"]


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_a_damaged_file_is_refused_or_read(tmp_path: Path, read: Callable[..., Any], data: st.DataObject) -> None:
    sample = data.draw(st.sampled_from(sorted(FORMATS)))
    content = (DATA / sample).read_bytes()
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content)))
        end = min(len(content), start + data.draw(st.integers(0, 200)))
        how = data.draw(st.sampled_from(["cut", "junk", "double", "drop", "flip"]))
        if how == "cut":
            content = content[:start]
        elif how == "junk":
            content = content[:start] + data.draw(st.sampled_from(JUNK)) + content[end:]
        elif how == "double":
            content = content[:end] + content[start:]
        elif how == "drop":
            content = content[:start] + content[end:]
        elif start < len(content):
            content = content[:start] + bytes([content[start] ^ data.draw(st.integers(1, 255))]) + content[start + 1 :]
    path = tmp_path / Path(sample).name
    path.write_bytes(content)
    try:
        items = read(path, as_format=FORMATS[sample])
    except ImportFailed as refused:
        assert str(refused)
        return
    for item in items:
        if isinstance(item, Usage):
            assert item.hours > 0
            assert item.start < item.end
        if isinstance(item, Statement):
            assert item.co2e_kg.is_finite()
            assert item.co2e_kg >= 0
