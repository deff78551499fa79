"""What T2 to T12 mean for single formats, beyond the rules that all keep in ``ImportContract``."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from wattbook import ImportFailed

DATA = Path(__file__).parent / "data"
CONSOLE = DATA / "aws/console_2026-09.csv"
V301 = DATA / "example/aws_carbon_2026-09_v3.0.1.csv"
V310 = DATA / "example/aws_carbon_2026-09_v3.1.0.csv"
NESTED = DATA / "gcp/carbon_footprint.bq.ndjson"
FLAT = DATA / "gcp/carbon_footprint.flat_dot.csv"
API = DATA / "aws/sustainability_api"
OVH = DATA / "ovh/carbon_footprint_202409_202608.csv"
ITEMS = [DATA / f"azure/itemdetails.resource.2026-01.Scope{s}.page{p}.json" for s in (1, 2, 3) for p in (1, 2)]
SUMMARY = DATA / "azure/monthlysummary.allscopes.json"

TABLES = [CONSOLE, V301, FLAT, OVH]


def changed(tmp_path: Path, sample: Path, *swaps: tuple[str, str]) -> Path:
    """A copy of *sample* in which each first text is replaced by the second; it must occur."""
    text = sample.read_text()
    for old, new in swaps:
        assert old in text
        text = text.replace(old, new, 1)
    path = tmp_path / sample.name
    path.write_text(text)
    return path


def edited(tmp_path: Path, sample: Path, edit: Callable[[Any], None]) -> Path:
    """A copy of a JSON *sample* after *edit*."""
    document = json.loads(sample.read_text())
    edit(document)
    path = tmp_path / sample.name
    path.write_text(json.dumps(document))
    return path


# --- T2: twice is once -------------------------------------------------------------------------


@pytest.mark.parametrize("sample", [*TABLES, NESTED], ids=lambda path: path.name)
def test_the_same_file_twice_counts_once(
    tmp_path: Path, sample: Path, totals: Callable[..., Any], reasons: Callable[..., Any]
) -> None:
    copy = tmp_path / sample.name
    copy.write_bytes(sample.read_bytes())
    assert totals(sample, copy) == totals(sample)
    assert any("counted once" in reason for reason in reasons(sample, copy))


def test_three_shapes_of_one_google_table_count_once(totals: Callable[..., Any]) -> None:
    assert totals(NESTED, FLAT) == totals(NESTED) == totals(FLAT)


# --- T3: restatement ---------------------------------------------------------------------------


def test_a_newer_model_replaces_the_month_in_either_order(
    totals: Callable[..., Any], reasons: Callable[..., Any]
) -> None:
    assert totals(V301, V310) == totals(V310, V301) == totals(V310)
    assert any("v3.1.0" in reason and "v3.0.1" in reason for reason in reasons(V310, V301))


def test_a_row_that_vanished_in_the_newer_model_vanishes(statements: Callable[..., Any]) -> None:
    assert ("Other", "us-west-2") in {(s.service, s.region) for s in statements(V301)}
    assert ("Other", "us-west-2") not in {(s.service, s.region) for s in statements(V301, V310)}


def test_of_one_model_the_later_refresh_counts(tmp_path: Path, totals: Callable[..., Any]) -> None:
    text = V301.read_text().replace("2026-10-19 06:00:00Z", "2026-10-20 06:00:00Z").replace("0.238415", "0.338415")
    text = text.replace("0.297563", "0.397563")
    later = tmp_path / "later.csv"
    later.write_text(text)
    assert totals(later, V301) == totals(V301, later) == totals(later) != totals(V301)


def test_ten_is_newer_than_nine(tmp_path: Path, totals: Callable[..., Any]) -> None:
    nine = tmp_path / "nine.csv"
    ten = tmp_path / "ten.csv"
    nine.write_text(V301.read_text().replace("v3.0.1", "v3.9.0"))
    ten.write_text(V310.read_text().replace("v3.1.0", "v3.10.0"))
    assert totals(nine, ten) == totals(V310)


def test_google_versions_compare_as_numbers(tmp_path: Path, totals: Callable[..., Any]) -> None:
    old = tmp_path / "old.ndjson"
    new = tmp_path / "new.ndjson"
    of_2022 = "".join(line for line in NESTED.read_text().splitlines(keepends=True) if "2022-12" in line)
    old.write_text(of_2022.replace('"carbon_model_version": 11', '"carbon_model_version": 9'))
    new.write_text(of_2022.replace('"scope1": 1.5', '"scope1": 1.501'))
    assert totals(old, new) == totals(new)


def test_a_year_gives_way_to_its_months(tmp_path: Path, totals: Callable[..., Any]) -> None:
    year = changed(tmp_path, CONSOLE, ("usage_month", "usage_year"))
    year.write_text(year.read_text().replace("2026-09,", "2026,").replace("2026-08,Amaz", "2026,Amaz2"))
    year.write_text(year.read_text().replace("2026-08,", "2026,x"))
    assert {month for month, *_ in totals(year)} == {"2026"}
    assert totals(year, CONSOLE) == totals(CONSOLE)


# --- T5: what is missing -----------------------------------------------------------------------


def test_an_aws_page_without_its_successor_is_refused(read: Callable[..., Any]) -> None:
    with pytest.raises(ImportFailed, match="the next page is missing"):
        read(API / "get_estimated_carbon_emissions.monthly.page1.json")


def test_an_aws_page_is_missed_where_another_answer_knows_the_whole(read: Callable[..., Any]) -> None:
    with pytest.raises(ImportFailed, match="is a page missing"):
        read(*(API / f"get_estimated_carbon_emissions.monthly.{name}.json" for name in ("page2", "ungrouped")))


def test_an_ibm_page_without_its_successor_is_refused(read: Callable[..., Any]) -> None:
    with pytest.raises(ImportFailed, match="the next page is missing"):
        read("ibm/carbon_emissions.json")


def test_an_ibm_page_without_its_predecessor_is_refused(read: Callable[..., Any]) -> None:
    with pytest.raises(ImportFailed, match="the first page is missing"):
        read("ibm/carbon_emissions.page2.json")


def test_an_azure_page_without_its_successor_is_partial(
    statements: Callable[..., Any], reasons: Callable[..., Any]
) -> None:
    first = ITEMS[0]
    assert {s.completeness for s in statements(first)} == {"partial"}
    assert any("next page is missing" in reason for reason in reasons(first))


def test_a_denied_subscription_makes_the_rest_partial(
    statements: Callable[..., Any], reasons: Callable[..., Any]
) -> None:
    assert {s.completeness for s in statements(*ITEMS)} == {"partial"}
    assert any("0000000000bb" in reason for reason in reasons(*ITEMS))


def test_nothing_denied_and_all_scopes_is_complete(tmp_path: Path, statements: Callable[..., Any]) -> None:
    allowed = [changed(tmp_path, page, ('"Denied"', '"Allowed"')) for page in ITEMS]
    assert {s.completeness for s in statements(*allowed)} == {"complete"}


def test_an_azure_scope_that_was_not_asked_for_is_missed(
    tmp_path: Path, statements: Callable[..., Any], reasons: Callable[..., Any]
) -> None:
    allowed = [changed(tmp_path, page, ('"Denied"', '"Allowed"')) for page in ITEMS[:4]]
    assert {s.completeness for s in statements(*allowed)} == {"partial"}
    assert any("scope 3 is not in this import" in reason for reason in reasons(*allowed))


def test_an_mcfs_page_without_its_successor_is_refused(tmp_path: Path, read: Callable[..., Any]) -> None:
    page = edited(tmp_path, DATA / "azure/mcfs_2024.json", lambda d: d.update({"@odata.nextLink": "https://x"}))
    with pytest.raises(ImportFailed, match="the next page is missing"):
        read(page)


# --- T6: units ---------------------------------------------------------------------------------


def test_a_file_that_says_another_unit_is_refused(tmp_path: Path, read: Callable[..., Any]) -> None:
    with pytest.raises(ImportFailed, match="the unit is 'kgCO2e'; this format is in MTCO2e") as refused:
        read(changed(tmp_path, V301, ('"MTCO2e"', '"kgCO2e"')))
    assert (refused.value.line, refused.value.field) == (2, "total_lbm_emissions_unit")


def test_another_unit_in_an_api_answer_is_refused(tmp_path: Path, read: Callable[..., Any]) -> None:
    with pytest.raises(ImportFailed, match="the unit is"):
        read(changed(tmp_path, API / "get_estimated_carbon_emissions.monthly.ungrouped.json", ("MTCO2e", "KGCO2e")))


def test_another_unit_in_exoscales_tree_is_refused(tmp_path: Path, read: Callable[..., Any]) -> None:
    with pytest.raises(ImportFailed, match="the unit is 'gCO2eq'"):
        read(changed(tmp_path, DATA / "exoscale/environmental-impact_report.json", ("kgCO2eq", "gCO2eq")))


# --- T7: NULL and 0 ----------------------------------------------------------------------------


def test_null_gives_no_statement_and_0_gives_one(statements: Callable[..., Any]) -> None:
    of_2022 = [s for s in statements(NESTED) if s.month == "2022-12"]
    assert of_2022
    assert not [s for s in of_2022 if s.method == "market"]
    zero = [s for s in statements(CONSOLE) if s.month == "2026-09" and s.service == "Other"]
    assert len(zero) == 7
    assert {s.co2e_kg for s in zero} == {Decimal(0)}
    assert {s.resolution_kg for s in zero} == {Decimal("0.001")}


def test_an_older_aws_export_has_only_the_view_it_knows(statements: Callable[..., Any]) -> None:
    folder = "aws/data_export_csv/carbon/mlteam-carbon/data/carbon_model_version=v2.0.0"
    assert {(s.scope, s.method) for s in statements(folder)} == {("total", "market")}


def test_a_null_in_azure_gives_no_statement(tmp_path: Path, statements: Callable[..., Any]) -> None:
    page = changed(tmp_path, SUMMARY, ('"latestMonthEmissions": 1.0918', '"latestMonthEmissions": null'))
    assert {s.month for s in statements(page)} == {"2026-01"}


def test_a_table_of_nulls_is_refused(tmp_path: Path, read: Callable[..., Any]) -> None:
    path = tmp_path / "nulls.csv"
    path.write_text(FLAT.read_text().splitlines()[0] + "\n2026-01-01,a,1,p,s,S,l,r,11,,,,,,,,\n")
    with pytest.raises(ImportFailed, match="every value is empty"):
        read(path)


# --- T8: totals of totals ----------------------------------------------------------------------


def test_a_tree_is_the_sum_of_its_leaves(totals: Callable[..., Any]) -> None:
    assert list(totals("scaleway").values()) == [Decimal("12.5")]
    assert list(totals("exoscale").values()) == [Decimal("8.0")]


@pytest.mark.parametrize(
    ("sample", "old", "new"),
    [
        ("scaleway/data_query.2026-05.json", '"kg_co2_equivalent": 9.5', '"kg_co2_equivalent": 9.4'),
        ("exoscale/environmental-impact_report.json", '"value": 5.5', '"value": 5.4'),
        ("ovh/carbon_footprint_202409_202608.csv", "41.20", "31.20"),
        ("aws/console_2026-09.csv", "0.412706", "0.512706"),
        ("gcp/carbon_footprint.flat_dot.csv", "72.5", "73.5"),
    ],
)
def test_totals_that_are_not_the_sum_of_their_parts_are_refused(
    tmp_path: Path, read: Callable[..., Any], sample: str, old: str, new: str
) -> None:
    with pytest.raises(ImportFailed, match="differs from the sum of its parts"):
        read(changed(tmp_path, DATA / sample, (old, new)))


# --- T9: columns -------------------------------------------------------------------------------


def test_a_missing_field_of_nested_rows_is_named(tmp_path: Path, read: Callable[..., Any]) -> None:
    path = tmp_path / "rows.ndjson"
    path.write_text(NESTED.read_text().replace("usage_month", "month"))
    with pytest.raises(ImportFailed, match="missing") as refused:
        read(path)
    assert refused.value.field == "usage_month"


def test_a_doubled_column_is_refused(tmp_path: Path, read: Callable[..., Any]) -> None:
    lines = CONSOLE.read_text().splitlines()
    path = tmp_path / "doubled.csv"
    path.write_text("\n".join([lines[0] + ",region", *(line + ",x" for line in lines[1:])]) + "\n")
    with pytest.raises(ImportFailed, match="the column occurs twice"):
        read(path)


# --- T10: conflicts ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sample", "old", "new"),
    [(CONSOLE, "0.412706", "0.412705"), (V301, "0.238415", "0.238416"), (FLAT, "40.25", "40.26")],
    ids=["console", "export", "google"],
)
def test_rows_of_one_key_that_differ_are_refused_and_both_named(
    tmp_path: Path, read: Callable[..., Any], sample: Path, old: str, new: str
) -> None:
    lines = sample.read_text().splitlines(keepends=True)
    path = tmp_path / "conflict.csv"
    path.write_text("".join([*lines, lines[1].replace(old, new)]))
    with pytest.raises(ImportFailed, match=r"the same key as in line 2 of conflict\.csv with other figures") as refused:
        read(path)
    assert refused.value.line == len(lines) + 1


def test_conflicting_answers_of_scaleway_are_refused(tmp_path: Path, read: Callable[..., Any]) -> None:
    sample = DATA / "scaleway/data_query.2026-05.json"
    text = sample.read_text().replace("12.5", "12.4").replace("11.0", "10.9").replace("10.0", "9.9")
    other = tmp_path / "later.json"
    other.write_text(text.replace('"kg_co2_equivalent": 9.5', '"kg_co2_equivalent": 9.4'))
    with pytest.raises(ImportFailed, match="the same key as in"):
        read(sample, other)


# --- T11: text ---------------------------------------------------------------------------------


def test_a_quoted_comma_stays_in_its_cell(statements: Callable[..., Any]) -> None:
    assert "b3/b3-8, monthly" in {s.resource for s in statements(OVH)}


# --- T12: alternatives -------------------------------------------------------------------------


def test_azures_summary_is_not_added_to_its_items(totals: Callable[..., Any], reasons: Callable[..., Any]) -> None:
    both = totals(*ITEMS, SUMMARY)
    assert {cell: kg for cell, kg in both.items() if cell[0] == "2026-01"} == totals(*ITEMS)
    assert both["2025-12", "total", "market"] == Decimal("1.0918")
    assert any("2026-01, monthly summary" in reason and "left out" in reason for reason in reasons(*ITEMS, SUMMARY))


def test_oracles_spending_gives_way_to_its_power(
    tmp_path: Path, totals: Callable[..., Any], reasons: Callable[..., Any]
) -> None:
    market = DATA / "oci/usageCarbonEmissions.power.market.2026-07.json"
    spend = tmp_path / "spend.json"
    spend.write_text(market.read_text().replace("POWER_BASED", "SPEND_BASED").replace("0.7,", "0.9,"))
    assert totals(spend, market) == totals(market)
    assert any("SPEND_BASED" in reason for reason in reasons(spend, market))
    assert totals(spend)["2026-07", "total", "market"] == Decimal(920)


def test_oracles_location_and_market_stand_side_by_side(totals: Callable[..., Any]) -> None:
    assert totals("oci") == {
        ("2026-07", "total", "location"): Decimal(1550),
        ("2026-07", "total", "market"): Decimal(720),
    }


def test_ibms_groupings_are_alternatives(tmp_path: Path, totals: Callable[..., Any]) -> None:
    pages = [DATA / "ibm/carbon_emissions.json", DATA / "ibm/carbon_emissions.page2.json"]
    by_month = tmp_path / "by_month.json"
    entries = [
        {"account_id": "abc", "carbon_emission": grams, "month": {"value": month}, "group_by": {"type": "month"}}
        for month, grams in (("2026-06", 152340.0), ("2026-07", 98000.0))
    ]
    by_month.write_text(json.dumps({"limit": 10, "offset": 0, "total_count": 2, "carbon_emissions": entries}))
    assert totals(*pages, by_month) == totals(*pages) == totals(by_month)


# --- who vanished ------------------------------------------------------------------------------


def test_an_account_that_only_the_older_version_knows_is_told(tmp_path: Path, reasons: Callable[..., Any]) -> None:
    """A member's own newer export beside its payer's would otherwise hide the other members."""
    rows = V301.read_text().splitlines(keepends=True)
    payers = tmp_path / "payer.csv"
    payers.write_text("".join([*rows, *(row.replace('"222222222222"', '"333333333333"') for row in rows[1:])]))
    told = reasons(payers, V310)
    assert any("with it all figures of 333333333333" in reason for reason in told)
    assert not any("with it" in reason for reason in reasons(V301, V310))
