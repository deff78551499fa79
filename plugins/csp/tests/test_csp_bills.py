"""Bills as hours of machines: only what was used, once, and with a reason where no machine is named."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wattbook import ImportFailed, Usage

BILLS = Path(__file__).parent / "data" / "bills"
FOCUS12, FOCUS10 = BILLS / "focus_1.2_gpu.csv", BILLS / "focus_1.0.csv"
CUR = BILLS / "aws_cur_2.0.csv"
GCP = BILLS / "billing_export_gpu.ndjson"
AZURE = BILLS / "azure_cost_actual.csv"
ALL = [FOCUS12, FOCUS10, CUR, GCP, AZURE]

Read = Callable[..., Any]


@pytest.fixture
def usages(read: Read) -> Callable[..., list[Usage]]:
    return lambda *paths, **said: [item for item in read(*paths, **said) if isinstance(item, Usage)]


@pytest.fixture
def hours(usages: Callable[..., list[Usage]]) -> Callable[..., dict[str, float]]:
    """Hours by machine."""

    def add(*paths: Path, **said: Any) -> dict[str, float]:
        found: dict[str, float] = {}
        for one in usages(*paths, **said):
            name = one.instance or one.gpu or ("threads" if one.threads else "unmapped")
            found[name] = round(found.get(name, 0) + one.hours, 9)
        return found

    return add


def changed(tmp_path: Path, sample: Path, *swaps: tuple[str, str]) -> Path:
    text = sample.read_text()
    for old, new in swaps:
        assert old in text
        text = text.replace(old, new, 1)
    path = tmp_path / sample.name
    path.write_text(text)
    return path


# --- what counts -------------------------------------------------------------------------------


def test_focus_1_2_names_the_machine_in_its_details(hours: Callable[..., Any]) -> None:
    assert hours(FOCUS12) == {"p5.48xlarge": 0.75, "Standard_NC48ads_A100_v4": 24, "NVIDIA A100-SXM4-40GB": 8}


def test_focus_1_0_names_it_in_its_descriptions(hours: Callable[..., Any]) -> None:
    assert hours(FOCUS10) == {
        "g5.4xlarge": 1.5,
        "p4d.24xlarge": 2,
        "Standard_NC24ads_A100_v4": 4,
        "NVIDIA L4": 2,
        "threads": 16,
        "unmapped": 5,
    }


def test_the_published_focus_sample_gives_the_hours_that_it_holds(providers: Path, hours: Callable[..., Any]) -> None:
    found = hours(providers / "focus" / "focus_sample_1.0.csv")
    assert (found["g5.4xlarge"], found["g3.4xlarge"]) == (6.283056, 1.686667)


def test_of_a_cost_and_usage_report_only_use_counts(hours: Callable[..., Any]) -> None:
    assert hours(CUR) == {
        "p4d.24xlarge": 1.5,
        "g5.xlarge": 2.25,
        "m5.large": 3,
        "c5.xlarge": 4,
        "ml.p3.2xlarge": 1.5,
        "threads": 16,
        "x99.huge": 6,
    }


def test_azures_units_multiply_and_unused_reservations_do_not_count(hours: Callable[..., Any]) -> None:
    assert hours(AZURE) == {"Standard_NC48ads_A100_v4": 10.5, "Standard_NC4as_T4_v3": 24}


def test_googles_hours_belong_to_the_month_of_use_and_commitments_are_none(
    usages: Callable[..., list[Usage]],
) -> None:
    found = {(one.month, one.gpu or "threads"): one.hours for one in usages(GCP)}
    assert found == {
        ("2025-06", "NVIDIA A100-SXM4-40GB"): 8,
        ("2025-07", "NVIDIA A100-SXM4-40GB"): 8,
        ("2025-07", "threads"): 96,
    }


def test_where_google_tells_the_type_its_cores_say_how_long_it_ran(tmp_path: Path, hours: Callable[..., Any]) -> None:
    labels = [
        {"key": "compute.googleapis.com/machine_spec", "value": "a2-highgpu-8g"},
        {"key": "compute.googleapis.com/cores", "value": "96"},
    ]
    rows = [{**json.loads(line), "system_labels": labels} for line in GCP.read_text().splitlines()]
    path = tmp_path / "bill.ndjson"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert hours(path) == {"a2-highgpu-8g": 1}


def test_projects_regions_and_accounts_are_told_apart(usages: Callable[..., list[Usage]]) -> None:
    found = {(one.account, one.region, one.project) for one in usages(CUR)}
    assert ("222222222222", "us-east-1", "vision") in found
    assert ("222222222222", "eu-west-1", "speech") in found
    assert ("222222222222", "us-east-1", "") in found
    assert {one.project for one in usages(FOCUS12, options={"project_tag": "team"})} == {"ml"}
    assert {(one.account, one.project) for one in usages(FOCUS10) if one.gpu} == {("999999999999", "ml-serve")}
    assert "00000000-0000-0000-0000-0000000000bb" in {one.account for one in usages(FOCUS10)}


def test_a_window_runs_from_the_first_charge_to_the_last(usages: Callable[..., list[Usage]]) -> None:
    (one,) = [one for one in usages(CUR) if one.instance == "p4d.24xlarge"]
    assert (one.start.isoformat(), one.end.isoformat()) == ("2026-01-10T05:00:00+00:00", "2026-01-10T07:00:00+00:00")


def test_a_charge_never_reaches_into_the_next_month(tmp_path: Path, usages: Callable[..., list[Usage]]) -> None:
    path = changed(tmp_path, FOCUS12, ("2026-01-15T08:00:00Z", "2026-03-01T00:00:00Z"))
    assert max(one.end for one in usages(path)).isoformat() == "2026-02-01T00:00:00+00:00"


# --- twice, in parts, in another order ---------------------------------------------------------


@pytest.mark.parametrize("sample", ALL, ids=lambda path: path.name)
def test_a_bill_in_two_files_counts_once(tmp_path: Path, sample: Path, hours: Callable[..., Any]) -> None:
    copy = tmp_path / sample.name
    copy.write_bytes(sample.read_bytes())
    assert hours(sample, copy) == hours(sample)


def test_azures_amortised_view_is_no_further_use(tmp_path: Path, hours: Callable[..., Any]) -> None:
    amortised = changed(tmp_path, AZURE, (",77.13,", ",51.00,"), ("OnDemand", "Reservation"))
    assert hours(AZURE, amortised) == hours(AZURE)


@pytest.mark.parametrize("sample", [FOCUS12, FOCUS10, CUR, AZURE], ids=lambda path: path.name)
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_the_order_of_rows_and_their_spread_over_files_make_no_difference(
    tmp_path: Path, sample: Path, hours: Callable[..., Any], data: st.DataObject
) -> None:
    header, *rows = csv.reader(io.StringIO(sample.read_text()))
    rows = data.draw(st.permutations(rows))
    cut = data.draw(st.integers(1, len(rows) - 1))
    paths = []
    for number, some in enumerate((rows[:cut], rows[cut:])):
        paths.append(tmp_path / f"part{number}.csv")
        with paths[-1].open("w", newline="") as stream:
            csv.writer(stream).writerows([header, *some])
    whole = tmp_path / "whole.csv"
    with whole.open("w", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])
    assert hours(whole) == hours(sample)
    # a part may hold nothing that was used
    used = [path for path in paths if _used(hours, path)]
    assert hours(*used) == hours(sample) if len(used) == 2 else used


def _used(hours: Callable[..., Any], path: Path) -> bool:
    try:
        return bool(hours(path))
    except ImportFailed:
        return False


def test_of_an_export_that_keeps_its_versions_the_last_one_counts(tmp_path: Path, hours: Callable[..., Any]) -> None:
    paths = []
    for written, amount in (("20260111T000000Z", "1"), ("20260201T000000Z", "0.5")):
        folder = tmp_path / "data" / "BILLING_PERIOD=2026-01" / written
        folder.mkdir(parents=True)
        paths.append(folder / "cur-00001.csv")
        paths[-1].write_text(
            CUR.read_text().replace(",BoxUsage:p4d.24xlarge,1,", f",BoxUsage:p4d.24xlarge,{amount},", 1)
        )
    assert hours(*paths)["p4d.24xlarge"] == 1.0
    assert hours(*reversed(paths))["p4d.24xlarge"] == 1.0


@pytest.mark.parametrize("sample", [FOCUS12, FOCUS10, CUR, AZURE], ids=lambda path: path.name)
def test_parquet_says_the_same(tmp_path: Path, sample: Path, hours: Callable[..., Any]) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    header, *rows = csv.reader(io.StringIO(sample.read_text()))
    columns = {name: [row[at] or None for row in rows] for at, name in enumerate(header)}
    table: dict[str, Any] = {name: pa.array(cells, pa.string()) for name, cells in columns.items()}
    for name in ("line_item_usage_amount", "ConsumedQuantity"):
        if name in table:
            table[name] = pa.array([float(cell) if cell else None for cell in columns[name]])
    if "resource_tags" in table:
        tags = [list(json.loads(cell).items()) if cell else None for cell in columns["resource_tags"]]
        table["resource_tags"] = pa.array(tags, pa.map_(pa.string(), pa.string()))
    path = tmp_path / "bill.snappy.parquet"
    pq.write_table(pa.table(table), path)
    if sample is AZURE:
        return  # Azure's names are told apart by case only where they are read
    assert hours(path) == hours(sample)


# --- bad input ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sample", "column"),
    [
        (FOCUS12, "ChargePeriodStart"),
        (FOCUS12, "ConsumedUnit"),
        (CUR, "line_item_usage_amount"),
        (CUR, "line_item_line_item_type"),
        (AZURE, "chargeType"),
        (AZURE, "unitOfMeasure"),
    ],
)
def test_a_missing_column_is_named(tmp_path: Path, sample: Path, column: str, read: Read) -> None:
    with pytest.raises(ImportFailed, match="the column is missing") as refused:
        read(changed(tmp_path, sample, (column, "something_else")))
    assert str(refused.value.field).casefold() == column.casefold()


def test_a_missing_field_of_googles_rows_is_named(tmp_path: Path, read: Read) -> None:
    with pytest.raises(ImportFailed, match="the field is missing") as refused:
        read(changed(tmp_path, GCP, ('"usage_end_time"', '"x"')))
    assert refused.value.field == "usage_end_time"


@pytest.mark.parametrize("wrong", ["<0.001", "n/a", "=1+1", '"1,5"', "NaN", "inf", "1e99", "-", "1_0"])
def test_what_is_no_number_of_hours_is_refused_with_its_line(tmp_path: Path, read: Read, wrong: str) -> None:
    path = changed(tmp_path, CUR, (",BoxUsage:p4d.24xlarge,1,", f",BoxUsage:p4d.24xlarge,{wrong},"))
    with pytest.raises(ImportFailed) as refused:
        read(path)
    assert (refused.value.line, refused.value.field) == (2, "line_item_usage_amount")


def test_a_charge_of_the_future_is_refused(tmp_path: Path, read: Read) -> None:
    with pytest.raises(ImportFailed, match="lies in the future"):
        read(changed(tmp_path, FOCUS12, ("2026-01-15T07:00:00Z", "2090-01-15T07:00:00Z")))


def test_a_charge_that_ends_before_it_begins_is_refused(tmp_path: Path, read: Read) -> None:
    with pytest.raises(ImportFailed, match="ends before it begins"):
        read(changed(tmp_path, FOCUS12, ("2026-01-15T08:00:00Z", "2026-01-15T06:00:00Z")))


def test_a_day_before_its_month_is_refused(tmp_path: Path, read: Read) -> None:
    with pytest.raises(ImportFailed, match="its month first"):
        read(changed(tmp_path, AZURE, ("01/15/2026", "15/01/2026")))


def test_currencies_and_costs_make_no_difference(tmp_path: Path, hours: Callable[..., Any]) -> None:
    assert hours(changed(tmp_path, FOCUS12, ("USD", "SGD"), ("55.04", "1.234,5x".replace(",", ".")))) == hours(FOCUS12)


def test_a_correction_of_a_use_that_is_not_here_is_told_and_no_negative_hours(
    tmp_path: Path, read: Read, hours: Callable[..., Any]
) -> None:
    path = changed(tmp_path, FOCUS12, ("07:00:00Z,2026-01-15T08:00:00Z,,1,", "07:00:00Z,2026-01-15T08:00:00Z,,0.1,"))
    assert "p5.48xlarge" not in hours(path)
    assert any("take back 0.15 hours of p5.48xlarge more" in getattr(item, "reason", "") for item in read(path))


def test_a_bill_without_use_is_refused(tmp_path: Path, read: Read) -> None:
    path = tmp_path / "bill.csv"
    path.write_text("".join(FOCUS12.read_text().splitlines(keepends=True)[:1]))
    with pytest.raises(ImportFailed, match="no hours of computing"):
        read(path)


def test_a_byte_order_mark_and_crlf_change_nothing(tmp_path: Path, hours: Callable[..., Any]) -> None:
    for sample in (FOCUS12, CUR, AZURE):
        path = tmp_path / sample.name
        path.write_bytes(b"\xef\xbb\xbf" + sample.read_bytes().replace(b"\n", b"\r\n"))
        assert hours(path) == hours(sample)


def test_tags_that_are_no_json_are_no_tags(tmp_path: Path, usages: Callable[..., list[Usage]]) -> None:
    path = changed(tmp_path, CUR, ('"{""user_project"":""vision""}"', '"{""user_project"": ["'))
    assert "" in {one.project for one in usages(path) if one.instance == "p4d.24xlarge"}


def test_the_older_report_spells_its_columns_otherwise(tmp_path: Path, hours: Callable[..., Any]) -> None:
    header, rest = CUR.read_text().split("\n", 1)
    older = {
        "line_item_": "lineItem/",
        "identity_": "identity/",
        "bill_": "bill/",
        "product_": "product/",
        "pricing_": "pricing/",
    }
    for new, old in older.items():
        header = header.replace(new, old)
    path = tmp_path / "cur.csv"
    path.write_text(header + "\n" + rest)
    assert hours(path) == hours(CUR)


def test_a_reserved_capacity_that_nobody_used_is_none(tmp_path: Path, hours: Callable[..., Any]) -> None:
    header, *rows = csv.reader(io.StringIO(FOCUS12.read_text()))
    path = tmp_path / "bill.csv"
    with path.open("w", newline="") as stream:
        unused = [[*row, "Unused" if "p5.48xlarge" in str(row) else "Used"] for row in rows]
        csv.writer(stream).writerows([[*header, "CapacityReservationStatus"], *unused])
    assert "p5.48xlarge" not in hours(path)


@pytest.mark.parametrize("name", ["x" * 201, "\x1b[31mred"])
def test_what_cannot_be_a_name_is_refused(tmp_path: Path, read: Read, name: str) -> None:
    path = changed(tmp_path, CUR, ("222222222222", name))
    with pytest.raises(ImportFailed, match="is no name"):
        read(path)


@pytest.mark.parametrize("text", ["A1 " * 40_000, "A1" + " b" * 60_000, "p4d.24xlarge " * 9_000, "(" * 120_000])
def test_a_description_without_end_takes_no_time(tmp_path: Path, read: Read, text: str) -> None:
    header, *rows = csv.reader(io.StringIO(FOCUS10.read_text()))
    at = header.index("ChargeDescription")
    path = tmp_path / "bill.csv"
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([header, *rows, *([*row[:at], text, *row[at + 1 :]] for row in rows)])
    assert read(path)


def test_an_account_that_is_said_does_not_take_the_place_of_those_that_are_named(
    usages: Callable[..., list[Usage]],
) -> None:
    assert {one.account for one in usages(FOCUS12, account="other")} == {one.account for one in usages(FOCUS12)}


def test_a_bill_without_accounts_asks_for_one(tmp_path: Path, read: Read, usages: Callable[..., list[Usage]]) -> None:
    path = changed(tmp_path, FOCUS12, ("SubAccountId", "Nobody"))
    with pytest.raises(ImportFailed, match="say it with --account"):
        read(path)
    assert {one.account for one in usages(path, account="333333333333")} == {"333333333333"}
