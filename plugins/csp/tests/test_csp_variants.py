"""Other spellings of the same export: what tools between the provider and the file make of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from wattbook import ImportFailed
from wattbook_csp import aws_regions

DATA = Path(__file__).parent / "data"
EXPORT = DATA / "example/aws_carbon_2026-09_v3.1.0.csv"
FLAT = DATA / "gcp/carbon_footprint.flat_dot.csv"
NESTED = DATA / "gcp/carbon_footprint.bq.ndjson"
API = DATA / "aws/sustainability_api"
UNGROUPED = API / "get_estimated_carbon_emissions.monthly.ungrouped.json"
OCI = DATA / "oci/usageCarbonEmissions.power.location.2026-07.json"


def written(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


# --- AWS ---------------------------------------------------------------------------------------


def test_columns_may_stand_in_any_order(tmp_path: Path, totals: Callable[..., Any]) -> None:
    rows = [line.strip('"').split('","') for line in EXPORT.read_text().splitlines()]
    turned = "\n".join('"' + '","'.join(reversed(row)) + '"' for row in rows) + "\n"
    assert totals(written(tmp_path, "turned.csv", turned)) == totals(EXPORT)


def test_times_as_athena_writes_them(tmp_path: Path, totals: Callable[..., Any]) -> None:
    text = EXPORT.read_text().replace(":00Z", ":00.000")
    assert totals(written(tmp_path, "athena.csv", text)) == totals(EXPORT)


def test_a_global_service_has_its_location_as_region(statements: Callable[..., Any]) -> None:
    found = {s.region for s in statements("aws/data_export") if s.service == "AmazonCloudFront"}
    assert found == {"Global"}


def test_payer_and_members_are_kept_apart(statements: Callable[..., Any]) -> None:
    found = statements("aws/data_export_csv")
    assert {s.payer for s in found} == {"111111111111"}
    assert {s.account for s in found} == {"111111111111", "222222222222", "333333333333"}


def test_a_row_of_more_than_a_month_is_refused(tmp_path: Path, read: Callable[..., Any]) -> None:
    text = EXPORT.read_text().replace("2026-10-01 00", "2027-01-01 00").replace("2026-09-01 00", "2026-01-01 00")
    with pytest.raises(ImportFailed, match="is more than a month"):
        read(written(tmp_path, "year.csv", text))


def test_a_figure_older_than_its_month_is_refused(tmp_path: Path, read: Callable[..., Any]) -> None:
    text = EXPORT.read_text().replace("2026-11-16 06", "2026-08-16 06")
    with pytest.raises(ImportFailed, match="is before the month"):
        read(written(tmp_path, "future.csv", text))


def test_what_was_published_and_when(statements: Callable[..., Any]) -> None:
    (one, *_) = statements(EXPORT)
    assert one.published_at == datetime.fromisoformat("2026-11-16T06:00:00+00:00")
    assert (one.model_version, one.version_key) == ("v3.1.0", (3, 1, 0, "2026-11-16T06:00:00Z"))
    assert (one.value_raw, one.unit_raw, one.co2e_kg) == ("0.283411", "MTCO2e", Decimal("283.411"))


def test_an_answer_dumped_by_python(tmp_path: Path, totals: Callable[..., Any]) -> None:
    """``json.dumps(answer, default=str)`` writes datetimes in its own way."""
    text = re.sub(r"(\d{4}-\d\d-\d\d)T00:00:00Z", r"\1 00:00:00+00:00", UNGROUPED.read_text())
    assert totals(written(tmp_path, "dump.json", text)) == totals(UNGROUPED)


def test_all_pages_in_one_list(tmp_path: Path, totals: Callable[..., Any]) -> None:
    pages = sorted(API.glob("*page?.json"))
    joined = json.dumps([json.loads(page.read_text()) for page in pages])
    assert totals(written(tmp_path, "pages.json", joined)) == totals(*pages)


def test_all_pages_one_after_the_other(tmp_path: Path, totals: Callable[..., Any]) -> None:
    pages = sorted(API.glob("*page?.json"))
    joined = "\n".join(page.read_text() for page in pages)
    assert totals(written(tmp_path, "pages.json", joined)) == totals(*pages)


def test_only_the_default_types_give_only_the_totals(tmp_path: Path, statements: Callable[..., Any]) -> None:
    answer = json.loads(UNGROUPED.read_text())
    for result in answer["Results"]:
        result["EmissionsValues"] = {k: v for k, v in result["EmissionsValues"].items() if "SCOPE" not in k}
    found = statements(written(tmp_path, "totals.json", json.dumps(answer)))
    assert {(s.scope, s.method) for s in found} == {("total", "location"), ("total", "market")}


def test_quarters_are_left_out_and_told(
    tmp_path: Path, totals: Callable[..., Any], reasons: Callable[..., Any], read: Callable[..., Any]
) -> None:
    answer = json.loads(UNGROUPED.read_text())
    quarter = json.loads(UNGROUPED.read_text())["Results"][0]
    quarter["TimePeriod"] = {"Start": "2025-07-01T00:00:00Z", "End": "2025-10-01T00:00:00Z"}
    answer["Results"].append(quarter)
    path = written(tmp_path, "quarter.json", json.dumps(answer))
    assert totals(path) == totals(UNGROUPED)
    assert any("neither a month nor a year" in reason for reason in reasons(path))
    with pytest.raises(ImportFailed, match="granularity MONTHLY"):
        read(written(tmp_path, "quarters.json", json.dumps({"Results": [quarter]})))


def test_a_year_of_the_api_is_a_year(tmp_path: Path, totals: Callable[..., Any]) -> None:
    answer = json.loads(UNGROUPED.read_text())
    answer["Results"] = answer["Results"][:1]
    answer["Results"][0]["TimePeriod"] = {"Start": "2025-01-01T00:00:00Z", "End": "2026-01-01T00:00:00Z"}
    assert {month for month, *_ in totals(written(tmp_path, "year.json", json.dumps(answer)))} == {"2025"}


def test_the_caller_of_the_api_is_the_payer(statements: Callable[..., Any]) -> None:
    found = statements(*sorted(API.glob("*page?.json")), account="111111111111")
    assert {s.payer for s in found} == {"111111111111"}
    assert len({s.account for s in found}) == 3


def test_an_old_account_without_emissions_is_0(tmp_path: Path, totals: Callable[..., Any]) -> None:
    entries = [{"mbmCarbon": "0", "startDate": f"2023-0{n}-01"} for n in (1, 2)]
    answer = {"accountId": "1", "query": {"queryDate": "2023-05-01"}, "emissions": {"carbonEmissionEntries": entries}}
    assert totals(written(tmp_path, "zero.json", json.dumps(answer))) == {
        ("2023-01", "total", "market"): 0,
        ("2023-02", "total", "market"): 0,
    }


# --- Google ------------------------------------------------------------------------------------


@pytest.mark.parametrize("spell", [lambda n: n.replace(".", "_"), str.lower, lambda n: n.replace(".", "__")])
def test_flat_names_in_any_dialect(tmp_path: Path, totals: Callable[..., Any], spell: Callable[[str], str]) -> None:
    header, rest = FLAT.read_text().split("\n", 1)
    assert totals(written(tmp_path, "flat.csv", spell(header) + "\n" + rest)) == totals(FLAT)


def test_flat_rows_as_json(tmp_path: Path, totals: Callable[..., Any]) -> None:
    header, *rows = FLAT.read_text().splitlines()
    lines = [json.dumps(dict(zip(header.split(","), row.split(","), strict=True))) for row in rows]
    assert totals(written(tmp_path, "flat.ndjson", "\n".join(lines) + "\n")) == totals(FLAT)


def test_an_extract_without_its_nulls(tmp_path: Path, totals: Callable[..., Any]) -> None:
    """``bq extract`` leaves fields that are NULL out."""

    def bare(value: Any) -> Any:
        return {k: bare(v) for k, v in value.items() if v is not None} if isinstance(value, dict) else value

    lines = [json.dumps(bare(json.loads(line))) for line in NESTED.read_text().splitlines()]
    assert totals(written(tmp_path, "bare.ndjson", "\n".join(lines) + "\n")) == totals(NESTED)


def test_the_schema_of_2021_has_one_number(tmp_path: Path, totals: Callable[..., Any]) -> None:
    expected = {("2022-12", "total", "location"): Decimal("72.5"), ("2023-01", "total", "location"): Decimal(3)}
    rows = [("2022-12-01", 72.5), ("2023-01-01", 3)]
    documents = [
        {
            "usage_month": month, "billing_account_id": "A", "project": {"number": "1", "id": "p"},
            "service": {"id": "S", "description": "Compute"}, "location": {"location": "us", "region": "us"},
            "carbon_model_version": 3, "carbon_footprint_kgCO2e": kg,
        }
        for month, kg in rows
    ]  # fmt: skip
    nested = "\n".join(map(json.dumps, documents)) + "\n"
    assert totals(written(tmp_path, "scalar.ndjson", nested)) == expected
    header = "usage_month,billing_account_id,project_number,service_id,location_location,carbon_model_version"
    flat = "".join(f"{month},A,1,S,us,3,{kg}\n" for month, kg in rows)
    assert totals(written(tmp_path, "scalar.csv", f"{header},carbon_footprint_kgCO2e\n{flat}")) == expected


def test_a_row_without_a_project_is_kept(statements: Callable[..., Any]) -> None:
    assert [s for s in statements(NESTED) if s.resource.startswith("projects//")]


def test_a_row_without_a_place_is_global(tmp_path: Path, statements: Callable[..., Any]) -> None:
    row: dict[str, Any] = {
        "usage_month": "2023-01-01",
        "billing_account_id": "A",
        "service": {"id": "S"},
        "carbon_model_version": 9,
    }
    row["carbon_footprint_total_kgCO2e"] = {"location_based": 1.5}
    assert [s.region for s in statements(written(tmp_path, "row.ndjson", json.dumps(row) + "\n"))] == ["global"]


def test_zone_region_and_continent_are_three_places(statements: Callable[..., Any]) -> None:
    keys = [s.key for s in statements(NESTED)]
    assert len(keys) == len(set(keys))


# --- Azure -------------------------------------------------------------------------------------


def test_the_examples_of_the_vendor_are_read(providers: Path, totals: Callable[..., Any]) -> None:
    folder = providers / "azure/official_examples"
    summary = totals(folder / "2025-04-01_queryCarbonEmissionsMonthlySummaryReport.json")
    assert summary == {(f"2024-0{n}", "total", "unsplit"): Decimal("0.1") for n in (3, 4, 5)}
    items = totals(folder / "2025-04-01_queryCarbonEmissionsResourceItemDetailsReport.json")
    assert items == {("2024-05", "total", "unsplit"): Decimal("0.5")}
    billing = totals(folder / "2026-05-01-preview_ByBillingAccountSubscriptionItemDetails.json")
    assert billing == {("2024-05", "total", "unsplit"): Decimal("2.15")}


def test_scopes_that_were_asked_together_are_one_partial_total(
    providers: Path, statements: Callable[..., Any], reasons: Callable[..., Any]
) -> None:
    path = providers / "azure/official_examples/2025-04-01_queryCarbonEmissionsMonthlySummaryReport.json"
    assert {s.completeness for s in statements(path)} == {"partial"}
    assert any("scope 2 is not in this import" in reason for reason in reasons(path))


# --- Oracle ------------------------------------------------------------------------------------


@pytest.mark.parametrize("mark", ["_", "-"])
def test_oracles_names_as_the_sdk_and_the_command_line_write_them(
    tmp_path: Path, totals: Callable[..., Any], mark: str
) -> None:
    text = re.sub(r'"[a-z]+[A-Z][A-Za-z]+":', lambda m: re.sub("([A-Z])", rf"{mark}\1", m[0]).lower(), OCI.read_text())
    if mark == "-":
        text = f'{{"data": {text}, "etag": "x"}}'
    assert totals(written(tmp_path, "oci.json", text)) == totals(OCI)


def test_oracles_days_add_up_to_their_month(
    tmp_path: Path, totals: Callable[..., Any], statements: Callable[..., Any]
) -> None:
    item = json.loads(OCI.read_text())["items"][0]
    days = [
        {
            **item,
            "timeUsageStarted": f"2026-06-{day:02}T00:00:00Z",
            "timeUsageEnded": f"2026-06-{day + 1:02}T00:00:00Z" if day < 30 else "2026-07-01T00:00:00Z",
            "computedCarbonEmission": 0.1,
        }
        for day in range(1, 31)
    ]
    whole = written(tmp_path, "days.json", json.dumps({"groupBy": ["service"], "items": days}))
    assert totals(whole) == {("2026-06", "total", "location"): Decimal(3000)}
    assert {s.completeness for s in statements(whole)} == {"complete"}
    some = written(tmp_path, "some.json", json.dumps({"groupBy": ["service"], "items": days[:10]}))
    assert totals(some) == {("2026-06", "total", "location"): Decimal(1000)}
    assert {s.completeness for s in statements(some)} == {"partial"}


def test_an_oracle_item_without_a_region_belongs_to_its_answer(tmp_path: Path, totals: Callable[..., Any]) -> None:
    answer = json.loads(OCI.read_text())
    answer["items"][2]["region"] = None
    assert totals(written(tmp_path, "oci.json", json.dumps(answer))) == totals(OCI)


# --- others ------------------------------------------------------------------------------------


def test_exoscale_takes_its_month_from_the_user_or_the_name(tmp_path: Path, totals: Callable[..., Any]) -> None:
    report = DATA / "exoscale/environmental-impact_report.json"
    start = datetime.fromisoformat("2026-05-01T00:00:00+08:00")
    named = written(tmp_path, "impact-2026-05.json", report.read_text())
    expected = {("2026-05", "total", "unsplit"): Decimal("8.0")}
    assert totals(named) == totals(report, start=start) == totals(report, options={"month": "2026-05"}) == expected


def test_scaleway_is_provisional_and_by_project(statements: Callable[..., Any]) -> None:
    found = statements("scaleway", account="my-organization")
    assert {s.completeness for s in found} == {"provisional"}
    assert {s.payer for s in found} == {"my-organization"}
    assert len({s.account for s in found}) == 2


def test_a_scaleway_answer_of_days_is_refused(tmp_path: Path, read: Callable[..., Any]) -> None:
    text = (DATA / "scaleway/data_query.2026-05.json").read_text().replace("2026-06-01T", "2026-05-02T")
    with pytest.raises(ImportFailed, match="neither a calendar month nor a calendar year"):
        read(written(tmp_path, "day.json", text))


def test_mcfs_by_scope(totals: Callable[..., Any]) -> None:
    assert totals("azure/mcfs_2024.json") == {
        ("2024-01", "1", "unsplit"): Decimal("0.213"),
        ("2024-01", "2", "market"): Decimal("41.2"),
        ("2024-01", "3", "unsplit"): Decimal("18"),
        ("2024-02", "3", "unsplit"): Decimal("0.015"),
    }


# --- any CSV -----------------------------------------------------------------------------------

BILL = "Period;Where;What;CO2 (g)\n2026-09;Singapore;GPU;1.234,5\n2026-09;Singapore;Disk;65,5\n2026-10;Oslo;GPU;10\n"
MAP = {"map.month": "Period", "map.value": "CO2 (g)", "map.region": "Where", "map.service": "What"}


def test_any_table_with_a_map(tmp_path: Path, statements: Callable[..., Any]) -> None:
    options = {**MAP, "unit": "g", "provider": "acme", "method": "location", "decimal": ","}
    found = statements(written(tmp_path, "bill.csv", BILL), as_format="csv", account="team", options=options)
    assert [(s.month, s.region, s.service, s.co2e_kg) for s in found] == [
        ("2026-09", "Singapore", "GPU", Decimal("1.2345")),
        ("2026-09", "Singapore", "Disk", Decimal("0.0655")),
        ("2026-10", "Oslo", "GPU", Decimal("0.010")),
    ]
    assert {(s.provider, s.account, s.scope, s.method) for s in found} == {("acme", "team", "total", "location")}


def test_scope_and_method_may_be_columns(tmp_path: Path, totals: Callable[..., Any]) -> None:
    table = "month,kg,scope,method\n2026,1,Scope 1,unsplit\n2026,2,scope2,location-based\n2026,3,2,Market\n"
    options = {"map.month": "month", "map.value": "kg", "map.scope": "scope", "map.method": "method", "unit": "kg"}
    assert totals(written(tmp_path, "t.csv", table), as_format="csv", account="a", options=options) == {
        ("2026", "1", "unsplit"): 1,
        ("2026", "2", "location"): 2,
        ("2026", "2", "market"): 3,
    }


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({}, "--map month=COLUMN"),
        ({"map.month": "Period"}, "--map value=COLUMN"),
        (MAP, "--option unit=kg"),
        ({**MAP, "unit": "lb"}, "the unit is g, kg or t"),
        ({**MAP, "unit": "g", "map.colour": "What"}, "knows no 'colour'"),
        ({**MAP, "unit": "g", "colour": "red"}, "knows no 'colour'"),
        ({**MAP, "unit": "g", "method": "both"}, "'both' is none of"),
        ({**MAP, "unit": "g", "map.region": "Place"}, "the column is missing"),
        ({**MAP, "unit": "g"}, "--decimal"),
    ],
)
def test_a_map_that_does_not_fit_says_what_is_missing(
    tmp_path: Path, read: Callable[..., Any], options: dict[str, str], reason: str
) -> None:
    with pytest.raises(ImportFailed, match=re.escape(reason)):
        read(written(tmp_path, "bill.csv", BILL), as_format="csv", options=options)


def test_a_region_of_the_console_is_recorded_by_its_code(statements: Callable[..., Any]) -> None:
    assert {s.region for s in statements("aws/console_2026-09.csv")} == {"ap-southeast-1", "eu-central-1"}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("US East (N. Virginia)", "us-east-1"),
        ("EU (Frankfurt)", "eu-central-1"),
        ("South America (São Paulo)", "sa-east-1"),
        ("us-east-1", "us-east-1"),
        ("Global", "Global"),
        ("Moon (Tycho)", "Moon (Tycho)"),
    ],
)
def test_a_region_has_one_name(name: str, code: str) -> None:
    assert aws_regions.code(name) == code
