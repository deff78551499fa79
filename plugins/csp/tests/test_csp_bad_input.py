"""Files that are cut, hostile or not what they seem: a sentence with file, line and field, never a figure."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from wattbook import ImportFailed
from wattbook_csp import json_rows, pages, shelves

DATA = Path(__file__).parent / "data"
CONSOLE = DATA / "aws/console_2026-09.csv"
EXPORT = DATA / "example/aws_carbon_2026-09_v3.0.1.csv"
NESTED = DATA / "gcp/carbon_footprint.bq.ndjson"
FLAT = DATA / "gcp/carbon_footprint.flat_dot.csv"
SUMMARY = DATA / "azure/monthlysummary.allscopes.json"

HEADER = CONSOLE.read_text().splitlines()[0]
ROW = "2026-09,AmazonEC2,Asia Pacific (Singapore),{},0.412706,0.001504,0.331002,0.331002,0.0802,0.0802,0,v3.1.0"


def written(tmp_path: Path, content: str | bytes, name: str = "console.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    "figure",
    [
        "NaN",
        "nan",
        "inf",
        "-Infinity",
        "<0.001",
        "-",
        "n/a",
        "1_000",
        " ",
        "٣",
        "0x1",
        "--1",
        "1e400",
        "1e-400",
        "1" * 60,
    ],
)
def test_what_is_no_plausible_number_is_refused_with_its_place(
    tmp_path: Path, read: Callable[..., Any], figure: str
) -> None:
    with pytest.raises(ImportFailed) as refused:
        read(written(tmp_path, f"{HEADER}\n{ROW.format(figure)}\n"))
    assert (refused.value.line, refused.value.field) == (2, "total_lbm_emissions")


def test_a_negative_emission_is_refused(tmp_path: Path, read: Callable[..., Any]) -> None:
    with pytest.raises(ImportFailed, match="is negative"):
        read(written(tmp_path, f"{HEADER}\n{ROW.format('-0.412706')}\n"))


@pytest.mark.parametrize("figure", ['"0,412706"', '"1,234.5"', '"1.234,5"'])
def test_a_comma_in_a_number_is_not_guessed(tmp_path: Path, read: Callable[..., Any], figure: str) -> None:
    with pytest.raises(ImportFailed, match="say --decimal comma or --decimal point"):
        read(written(tmp_path, f"{HEADER}\n{ROW.format(figure)}\n"))


def test_a_decimal_comma_that_was_said_is_read(tmp_path: Path, totals: Callable[..., Any]) -> None:
    text = CONSOLE.read_text().replace(",", ";").replace(".", ",").replace("v3,1,0", "v3.1.0")
    path = written(tmp_path, text)
    assert totals(path, options={"decimal": ","}) == totals(CONSOLE)
    assert totals(path, options={"decimal": "comma"}) == totals(CONSOLE)


def test_a_semicolon_file_without_its_decimal_mark_is_refused(tmp_path: Path, read: Callable[..., Any]) -> None:
    text = CONSOLE.read_text().replace(",", ";").replace(".", ",").replace("v3,1,0", "v3.1.0")
    with pytest.raises(ImportFailed, match="--decimal"):
        read(written(tmp_path, text))


@pytest.mark.parametrize("month", ["2026-13", "2026-00", "Sep-26", "2026-09-15", "26-09", "0001-01", "2026", ""])
def test_what_is_no_month_is_refused_with_its_place(tmp_path: Path, read: Callable[..., Any], month: str) -> None:
    path = written(tmp_path, CONSOLE.read_text().replace("2026-09,AmazonS3", f"{month},AmazonS3"))
    with pytest.raises(ImportFailed) as refused:
        read(path)
    assert (refused.value.line, refused.value.field) == (4, "usage_month")


def test_a_version_that_is_none_is_refused_with_its_place(tmp_path: Path, read: Callable[..., Any]) -> None:
    path = written(tmp_path, EXPORT.read_text().replace('"v3.0.1"', '"latest"', 1))
    with pytest.raises(ImportFailed, match="is not a model version") as refused:
        read(path)
    assert (refused.value.line, refused.value.field) == (2, "model_version")


def test_a_period_that_is_no_month_is_refused_with_its_place(tmp_path: Path, read: Callable[..., Any]) -> None:
    path = written(tmp_path, EXPORT.read_text().replace("2026-10-01 00:00:00Z", "2026-11-01 00:00:00Z", 1))
    with pytest.raises(ImportFailed, match="neither a calendar month nor a calendar year") as refused:
        read(path)
    assert (refused.value.line, refused.value.field) == (2, "usage_period_end")


@pytest.mark.parametrize("cut", [",", ',"extra"'])
def test_a_row_of_another_length_is_refused_with_its_line(tmp_path: Path, read: Callable[..., Any], cut: str) -> None:
    lines = CONSOLE.read_text().splitlines()
    lines[2] = lines[2] + cut if "extra" in cut else lines[2].rsplit(",", 1)[0]
    with pytest.raises(ImportFailed, match="cells than the header") as refused:
        read(written(tmp_path, "\n".join(lines) + "\n"))
    assert refused.value.line == 3


def test_a_last_line_without_an_end_is_told(tmp_path: Path, reasons: Callable[..., Any]) -> None:
    assert "the last line has no end: was the file cut?" in reasons(written(tmp_path, CONSOLE.read_text().rstrip("\n")))


def test_a_header_alone_is_refused(tmp_path: Path, read: Callable[..., Any]) -> None:
    with pytest.raises(ImportFailed, match="holds no row of figures"):
        read(written(tmp_path, HEADER + "\n"))


def test_utf_16_is_refused_by_name(tmp_path: Path, read: Callable[..., Any]) -> None:
    with pytest.raises(ImportFailed, match="is UTF-16 text; save it as UTF-8"):
        read(written(tmp_path, CONSOLE.read_text().encode("utf-16")))


def test_another_encoding_is_refused_with_its_line(tmp_path: Path, read: Callable[..., Any]) -> None:
    content = CONSOLE.read_bytes() + b"2026-09,Caf\xe9,x,0,0,0,0,0,0,0,0,v3.1.0\n"
    with pytest.raises(ImportFailed, match="is not UTF-8 text"):
        read(written(tmp_path, content))


def test_binary_after_a_good_header_is_refused(tmp_path: Path, read: Callable[..., Any]) -> None:
    with pytest.raises(ImportFailed, match="is not text"):
        read(written(tmp_path, CONSOLE.read_bytes() + bytes(100)))


def test_a_line_without_an_end_is_refused_before_it_is_read(tmp_path: Path, read: Callable[..., Any]) -> None:
    with pytest.raises(ImportFailed, match="a line has no end"):
        read(written(tmp_path, (HEADER + "\n").encode() + b"x" * (3 << 20)))


def test_a_gzip_bomb_ends_at_its_first_endless_line(tmp_path: Path, read: Callable[..., Any]) -> None:
    path = tmp_path / "bomb.csv.gz"
    with gzip.open(path, "wb") as packed:
        packed.write(HEADER.encode() + b"\n")
        for _ in range(64):
            packed.write(bytes([ord("0")]) * (1 << 20))
    with pytest.raises(ImportFailed, match="a line has no end"):
        read(path)


def test_a_cut_gzip_is_refused(tmp_path: Path, read: Callable[..., Any]) -> None:
    lines = "".join(f"2026-09,S{n},R,0,0,0,0,0,0,0,0,v3.1.0\n" for n in range(20_000))
    whole = gzip.compress(f"{HEADER}\n{lines}".encode())
    path = written(tmp_path, whole[: len(whole) * 3 // 4], "console.csv.gz")
    with pytest.raises(ImportFailed, match="cannot be read to its end"):
        read(path)


def test_a_formula_in_a_cell_stays_text(tmp_path: Path, statements: Callable[..., Any]) -> None:
    text = CONSOLE.read_text().replace("2026-09,AmazonS3", "2026-09,\"=cmd|'/c calc'!A1\"")
    assert "=cmd|'/c calc'!A1" in {s.service for s in statements(written(tmp_path, text))}


def test_cut_json_is_refused_with_its_line(tmp_path: Path, read: Callable[..., Any]) -> None:
    lines = SUMMARY.read_text().splitlines(keepends=True)
    with pytest.raises(ImportFailed, match="is not whole JSON") as refused:
        read(written(tmp_path, "".join(lines[:-4]), SUMMARY.name))
    assert refused.value.line
    assert refused.value.line >= len(lines) - 5


def test_a_cut_line_of_json_is_refused_with_its_line(tmp_path: Path, read: Callable[..., Any]) -> None:
    lines = NESTED.read_text().splitlines(keepends=True)
    with pytest.raises(ImportFailed, match="is not whole JSON") as refused:
        read(written(tmp_path, "".join(lines[:3]) + lines[3][:100], "rows.ndjson"))
    assert refused.value.line == 4


def test_json_that_is_nested_too_deeply_is_refused(tmp_path: Path, read: Callable[..., Any]) -> None:
    text = SUMMARY.read_text().rstrip().rstrip("}") + ', "x": ' + "[" * 100_000 + "]" * 100_000 + "}"
    with pytest.raises(ImportFailed, match="nested too deeply"):
        read(written(tmp_path, text, SUMMARY.name))


def test_nan_in_json_is_refused(tmp_path: Path, read: Callable[..., Any]) -> None:
    with pytest.raises(ImportFailed, match="NaN is not a number"):
        read(written(tmp_path, SUMMARY.read_text().replace("2.1836", "NaN"), SUMMARY.name))


def test_an_error_of_an_api_is_no_figure(tmp_path: Path, read: Callable[..., Any]) -> None:
    error = '{"error": {"code": "AuthorizationFailed"}, "note": "latestMonthEmissions"}'
    with pytest.raises(ImportFailed, match="is no answer of the carbon API"):
        read(written(tmp_path, error, "itemdetails.2026-01.Scope1.json"))


def test_an_azure_answer_without_its_question_is_refused(tmp_path: Path, read: Callable[..., Any]) -> None:
    items = (DATA / "azure/itemdetails.resource.2026-01.Scope1.page2.json").read_text()
    with pytest.raises(ImportFailed, match="does not say for which scopes it was asked"):
        read(written(tmp_path, items, "answer.json"))
    with pytest.raises(ImportFailed, match="does not say for which month it was asked"):
        read(written(tmp_path, items, "answer.scope1.json"))


def test_what_was_asked_may_be_said(tmp_path: Path, totals: Callable[..., Any]) -> None:
    items = (DATA / "azure/itemdetails.resource.2026-01.Scope1.page2.json").read_text()
    path = written(tmp_path, items, "answer.json")
    assert totals(path, options={"scope": "1", "month": "2026-01"}) == {("2026-01", "1", "unsplit"): Decimal("0.003")}


def test_a_folder_may_name_month_and_scope(tmp_path: Path, totals: Callable[..., Any]) -> None:
    folder = tmp_path / "2026-01" / "Scope1"
    folder.mkdir(parents=True)
    items = (DATA / "azure/itemdetails.resource.2026-01.Scope1.page2.json").read_bytes()
    (folder / "page2.json").write_bytes(items)
    assert totals(folder) == {("2026-01", "1", "unsplit"): Decimal("0.003")}


def test_a_request_kept_beside_its_answer_is_understood(tmp_path: Path, totals: Callable[..., Any]) -> None:
    items = (DATA / "azure/itemdetails.resource.2026-01.Scope1.page2.json").read_text()
    asked = '{"carbonScopeList": ["Scope1"], "dateRange": {"start": "2026-01-01", "end": "2026-01-01"}}'
    path = written(tmp_path, f'{{"request": {asked}, "response": {items}}}', "answer.json")
    assert totals(path) == {("2026-01", "1", "unsplit"): Decimal("0.003")}


def test_reports_that_are_no_month_are_left_out_by_name(tmp_path: Path, read: Callable[..., Any]) -> None:
    top = SUMMARY.read_text().replace("MonthlySummaryData", "TopItemsSummaryData")
    with pytest.raises(ImportFailed, match="holds no emissions"):
        read(written(tmp_path, top, "top.allscopes.json"))


def test_a_summary_of_several_subscriptions_needs_a_name(tmp_path: Path, statements: Callable[..., Any]) -> None:
    path = written(tmp_path, SUMMARY.read_text().replace('"Denied"', '"Allowed"'), SUMMARY.name)
    with pytest.raises(ImportFailed, match="adds 2 subscriptions up; name them together with --account NAME"):
        statements(path)
    assert {s.account for s in statements(path, account="ml-team")} == {"ml-team"}


# --- one long list -----------------------------------------------------------------------------


def as_list(indent: int | None = None) -> str:
    return json.dumps([json.loads(line) for line in NESTED.read_text().splitlines()], indent=indent)


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("chunk", [7, 64, 1 << 18])
def test_a_list_is_read_member_by_member(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, totals: Callable[..., Any], indent: int | None, chunk: int
) -> None:
    monkeypatch.setattr(json_rows, "_CHUNK", chunk)
    assert totals(written(tmp_path, as_list(indent), "rows.json")) == totals(NESTED)


def test_numbers_in_quotes_are_numbers(tmp_path: Path, totals: Callable[..., Any]) -> None:
    """``bq query --format=json`` writes every value as a text."""
    quoted = re.sub(r"(?<=: )(\d[\d.]*)", r'"\1"', as_list())
    assert totals(written(tmp_path, quoted, "rows.json")) == totals(NESTED)


@pytest.mark.parametrize("keep", [0.2, 0.5, 0.99])
def test_a_cut_list_is_refused(tmp_path: Path, read: Callable[..., Any], keep: float) -> None:
    text = as_list()
    with pytest.raises(ImportFailed, match="is not whole JSON"):
        read(written(tmp_path, text[: int(len(text) * keep)], "rows.json"))


def test_a_list_of_other_things_is_refused(tmp_path: Path, read: Callable[..., Any]) -> None:
    with pytest.raises(ImportFailed, match="is no row of a table"):
        read(written(tmp_path, as_list()[:-1] + ", 5]", "rows.json"))


def test_an_endless_member_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Callable[..., Any]
) -> None:
    monkeypatch.setattr(json_rows, "MAX_ROW", 1000)
    monkeypatch.setattr(json_rows, "_CHUNK", 100)
    endless = as_list()[:-1] + ', {"a": "' + "x" * 5000
    with pytest.raises(ImportFailed, match="a row has no end"):
        read(written(tmp_path, endless, "rows.json"))


def test_a_page_larger_than_any_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Callable[..., Any]
) -> None:
    monkeypatch.setattr(pages, "MAX_PAGE", 100)
    with pytest.raises(ImportFailed, match="which no page of this format is"):
        read(SUMMARY)


def test_more_rows_than_an_import_takes_are_refused(monkeypatch: pytest.MonkeyPatch, read: Callable[..., Any]) -> None:
    monkeypatch.setattr(shelves, "MAX_ROWS", 2)
    with pytest.raises(ImportFailed, match="split the import by month"):
        read(CONSOLE)
