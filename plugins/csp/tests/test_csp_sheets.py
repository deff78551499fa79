"""Large exports as sheets: the same as their statements, in bounded memory, whatever the order of the rows."""

from __future__ import annotations

import csv
import io
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import wattbook_csp
import wattbook_csp.gcp_bigquery
import wattbook_csp.parquet
from hypothesis import example, given
from hypothesis import strategies as st
from wattbook import Importer, Problem, Sheet
from wattbook.testing import a_source
from wattbook_csp import csv_rows, figures, shelves

DATA = Path(__file__).parent / "data"
SAMPLES = (
    ("aws-data-export", "aws/data_export"),
    ("aws-data-export", "aws/data_export_csv"),
    ("aws-console-csv", "aws/console_2026-09.csv"),
    ("gcp-bigquery", "gcp/carbon_footprint.bq.ndjson"),
    ("gcp-bigquery", "gcp/carbon_footprint.flat_dot.csv"),
    ("ovh-csv", "ovh/carbon_footprint_202409_202608.csv"),
)


def importer(form: str) -> Importer:
    offers = wattbook_csp.import_provided(source=a_source(), config=None)
    (found,) = (one for one in offers if isinstance(one, Importer) and one.format == form)
    assert found.sheets is not None
    return found


def told(form: str, *paths: Path) -> tuple[Counter[Any], list[Problem]]:
    """What the sheets say, figure by figure."""
    found = importer(form)
    assert found.sheets is not None
    items = list(found.sheets(a_source(*paths)))
    sheets = [one for one in items if isinstance(one, Sheet)]
    return Counter(s for sheet in sheets for s in sheet.statements()), [p for p in items if isinstance(p, Problem)]


@pytest.mark.parametrize(("form", "sample"), SAMPLES)
def test_sheets_say_what_statements_say(form: str, sample: str) -> None:
    items = list(importer(form).read(a_source(DATA / sample)))
    assert told(form, DATA / sample)[0] == Counter(one for one in items if not isinstance(one, Problem))


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_pieces_of_any_size_say_the_same(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    whole = [told(form, DATA / sample) for form, sample in SAMPLES]
    monkeypatch.setattr(csv_rows, "CHUNK", 200 * rows)
    monkeypatch.setattr(csv_rows, "BATCH_ROWS", rows)
    monkeypatch.setattr(wattbook_csp.gcp_bigquery, "BATCH_ROWS", rows)
    monkeypatch.setattr(wattbook_csp.parquet, "BATCH_ROWS", rows)
    monkeypatch.setattr(shelves, "IN_MEMORY", 100)
    assert [told(form, DATA / sample) for form, sample in SAMPLES] == whole


def test_rows_of_many_accounts_in_any_order_are_put_together(tmp_path: Path) -> None:
    lines = (DATA / "example/aws_carbon_2026-09_v3.1.0.csv").read_text().splitlines()
    many = [line.replace("200000000001", f"{200_000_000_000 + n}") for n in range(40) for line in lines[1:]]
    here, there = tmp_path / "here.csv", tmp_path / "there.csv"
    here.write_text("\n".join([lines[0], *many]) + "\n")
    random.Random(1).shuffle(many)
    there.write_text("\n".join([lines[0], *many]) + "\n")
    assert told("aws-data-export", here)[0] == told("aws-data-export", there)[0]


cells = st.text(st.sampled_from('ab,;" \n\r\t\x0b\u2028.0'), max_size=4)


@given(
    st.lists(st.lists(cells, min_size=1, max_size=3), max_size=12),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.integers(1, 40),
)
def test_rows_are_what_the_csv_module_reads(rows: list[list[str]], quoting: int, end: str, chunk: int) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, quoting=quoting, lineterminator=end).writerows(rows)  # type: ignore[arg-type]
    same_as_the_csv_module(out.getvalue(), chunk)


@example('"","\n"\n', 7)
@example("\n\n", 2)
@example("a,b\n\na,b\n", 20)
@example("a\nb,a,b\n", 20)
@given(st.text(st.sampled_from('ab,"\n\r'), max_size=60), st.integers(1, 20))
def test_rows_of_any_text_are_what_the_csv_module_reads(text: str, chunk: int) -> None:
    same_as_the_csv_module(text, chunk)


def same_as_the_csv_module(text: str, chunk: int) -> None:
    reader = csv.reader(io.StringIO(text, newline=""))
    wanted = [(reader.line_num, row) for row in reader if any(row)]
    for width in (1, 2, 3):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(csv_rows, "CHUNK", chunk)
            words = io.TextIOWrapper(io.BytesIO(text.encode()), "utf-8", newline="")
            found = [
                one
                for numbers, rows in csv_rows.bulk(words, ",", width, 0)
                for one in zip(numbers, rows, strict=True)
                if any(one[1])
            ]
        assert found == wanted


numbers = st.text(st.sampled_from("0123456789.e-+_| \nN"), max_size=12) | st.floats(0, 1e12).map(repr)


@given(st.lists(numbers, min_size=1, max_size=5))
def test_a_column_is_plain_only_if_each_of_its_figures_is_taken(column: list[str]) -> None:
    table = figures.Figures(views=(("total", "unsplit"),), fields=("kg",), unit="kg", unit_kg=figures.Decimal(1))
    if table._is_plain(column):
        assert list(table.wrong([column])) == []
        assert [kg for text in column if (kg := table.kilograms(text)) is not None and kg < 0] == []
    for text in column:
        if text and table._is_plain([text]):
            assert table.kilograms(text) == figures.Decimal(text)
