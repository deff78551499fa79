"""Parquet exports of every shape that a writer may choose, and without pyarrow."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from wattbook import ImportFailed
from wattbook.testing import a_source
from wattbook_csp import aws_data_export, parquet

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

DATA = Path(__file__).parent / "data"
FILE = next((DATA / "aws/data_export").rglob("*v3.0.1*/*2025-10/*.parquet"))


def recast(tmp_path: Path, types: dict[str, Any], **writing: Any) -> Path:
    table = pq.read_table(FILE)
    for name, kind in types.items():
        place = table.column_names.index(name)
        column = table.column(name)
        table = table.set_column(place, name, column.dictionary_encode() if kind == "dictionary" else column.cast(kind))
    path = tmp_path / "part-00001.snappy.parquet"
    pq.write_table(table, path, **writing)
    return path


@pytest.mark.parametrize(
    "types",
    [
        {"product_code": "dictionary", "model_version": "dictionary", "region_code": "dictionary"},
        {"usage_account_id": pa.large_string(), "location": pa.large_string()},
        {"total_lbm_emissions_value": pa.decimal128(18, 6)},
        {"usage_period_start": pa.timestamp("us", tz="UTC"), "last_refresh_timestamp": pa.timestamp("ns")},
        {"usage_period_start": pa.string(), "usage_period_end": pa.string()},
    ],
    ids=["dictionaries", "large strings", "decimals", "zones", "texts"],
)
def test_the_types_of_a_writer_do_not_matter(tmp_path: Path, totals: Callable[..., Any], types: dict[str, Any]) -> None:
    assert totals(recast(tmp_path, types)) == totals(FILE)


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_the_packing_does_not_matter(tmp_path: Path, totals: Callable[..., Any], compression: str) -> None:
    assert totals(recast(tmp_path, {}, compression=compression)) == totals(FILE)


def test_row_groups_do_not_matter(tmp_path: Path, totals: Callable[..., Any]) -> None:
    assert totals(recast(tmp_path, {}, row_group_size=1)) == totals(FILE)


def test_a_float_keeps_the_digits_it_has(tmp_path: Path, statements: Callable[..., Any]) -> None:
    found = statements(recast(tmp_path, {"total_mbm_emissions_value": pa.float32()}))
    raws = {s.value_raw for s in found if (s.scope, s.method) == ("total", "market")}
    assert raws == {s.value_raw for s in statements(FILE) if (s.scope, s.method) == ("total", "market")}


def test_a_large_file_is_known_by_its_footer(tmp_path: Path) -> None:
    table = pq.read_table(FILE)
    rows = 20_000
    refreshed = [datetime(2026, 4, 20, tzinfo=UTC)] * rows
    many = {name: pa.array([None] * rows, type=table.schema.field(name).type) for name in table.column_names}
    many["usage_account_id"] = pa.array([f"{n:012}" for n in range(rows)])
    many["last_refresh_timestamp"] = pa.array(refreshed, type=pa.timestamp("ms"))
    path = tmp_path / "large.parquet"
    pq.write_table(pa.table(many), path, compression="none")
    (file,) = a_source(path).files
    assert b"total_mbm_emissions_value" not in file.head
    assert aws_data_export.sniff(file)


def test_another_parquet_file_is_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "other.parquet"
    pq.write_table(pa.table({"line_item_usage_amount": [1.0]}), path)
    (file,) = a_source(path).files
    assert not aws_data_export.sniff(file)


def test_a_missing_column_is_named(tmp_path: Path, read: Callable[..., Any]) -> None:
    path = tmp_path / "short.parquet"
    pq.write_table(pq.read_table(FILE).drop_columns(["payer_account_id"]), path)
    with pytest.raises(ImportFailed, match="the column is missing") as refused:
        read(path)
    assert refused.value.field == "payer_account_id"


def test_nan_is_refused_with_its_row(tmp_path: Path, read: Callable[..., Any]) -> None:
    table = pq.read_table(FILE)
    place = table.column_names.index("total_lbm_emissions_value")
    values = [float("nan"), *table.column(place).to_pylist()[1:]]
    path = tmp_path / "nan.parquet"
    pq.write_table(table.set_column(place, "total_lbm_emissions_value", pa.array(values)), path)
    with pytest.raises(ImportFailed, match="'nan' is not a number") as refused:
        read(path)
    assert (refused.value.line, refused.value.field) == (1, "total_lbm_emissions_value")


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.9])
def test_a_cut_file_is_refused(tmp_path: Path, read: Callable[..., Any], keep: float) -> None:
    content = FILE.read_bytes()
    path = tmp_path / FILE.name
    path.write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(ImportFailed, match="is no whole Parquet file"):
        read(path, as_format="aws-data-export")


def test_without_pyarrow_the_remedy_is_said(monkeypatch: pytest.MonkeyPatch, read: Callable[..., Any]) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportFailed, match=r"pip install 'wattbook-csp\[parquet\]'"):
        read(FILE)


def test_batches_bound_the_rows_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "BATCH_ROWS", 2)
    (file,) = a_source(FILE).files
    names = ("usage_account_id", "no_such_column")
    batches = list(parquet.batches(file, names, names[:1]))
    assert [(list(lines), len(columns[0])) for lines, columns in batches] == [([1, 2], 2), ([3, 4], 2), ([5, 6], 2)]
    assert batches[0][1][1] == ["", ""]


def test_values_are_the_doubles_shortest_digits(statements: Callable[..., Any]) -> None:
    assert {s.co2e_kg for s in statements(FILE) if s.service == "AmazonCloudFront" and s.scope == "total"} == {
        Decimal("0.002"),
        Decimal("0.001"),
    }
