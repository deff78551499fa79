"""Labels come from anybody and end up in terminals, pages and spreadsheets: none of them is markup there."""

from __future__ import annotations

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wattbook.config import Config
from wattbook.report import Period, Report, build
from wattbook.report.as_csv import as_csv, safe
from wattbook.report.as_markdown import as_markdown
from wattbook.report.as_table import as_table, columns_of, folded
from wattbook.testing.entries import a_gap_entry, a_run, an_entry

OCTOBER = Period.from_month("2026-10", "UTC")
texts = st.text(max_size=30)


def report(project: str, *, runs: int = 1, reason: str = "off") -> Report:
    entries = [an_entry(project=project, run_id=f"r{i}", host=f"h{i}") for i in range(runs)]
    records = [a_run(f"r{i}", host=f"h{i}", command=project) for i in range(runs)]
    return build([*entries, a_gap_entry(reason)], [], records, Config(), OCTOBER)


@given(texts, texts)
def test_no_label_reaches_a_terminal_with_control_characters(project: str, reason: str) -> None:
    text = as_table(report(project, runs=2, reason=reason))
    assert all(letter == "\n" or letter.isprintable() or not letter.isascii() for letter in text)
    assert "\x1b" not in text


@given(texts)
def test_a_label_never_changes_the_number_of_lines_or_columns(project: str) -> None:
    plain = report("ner")
    strange = report(project)
    assert len(as_table(strange).splitlines()) <= len(as_table(plain).splitlines()) + 1
    columns = [len(row) for row in csv.reader(io.StringIO(as_csv(strange)))]
    assert set(columns) == {len(next(csv.reader(io.StringIO(as_csv(plain)))))}


@pytest.mark.parametrize("text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", " =1", "\t=1", "\r=1"])
def test_a_formula_in_a_label_is_text_in_a_spreadsheet(text: str) -> None:
    assert safe(text).startswith("'")


@pytest.mark.parametrize("text", ["ner", "a=b", "2026-10", "(unallocated)", ""])
def test_a_harmless_label_stays_as_it_is(text: str) -> None:
    assert safe(text) == text


def test_markup_in_a_label_is_escaped() -> None:
    text = as_markdown(report("<b>|x|</b> [a](http://b) `c`"))
    assert "<b>" not in text.replace("\\<b\\>", "")
    assert "\\<b\\>\\|x\\|\\</b\\> \\[a\\](http://b) \\`c\\`" in text


def test_headings_are_bold_only_where_asked() -> None:
    made = report("ner")
    assert "\x1b[1mTotal\x1b[0m" in as_table(made, bold=True)
    assert "\x1b" not in as_table(made)


def test_wide_letters_keep_columns_straight() -> None:
    assert columns_of("東京") == 4
    assert columns_of("Zu\u0308rich") == 6


@pytest.mark.parametrize("width", [80, 200])
def test_a_table_fits_the_terminal_and_loses_no_word(width: int) -> None:
    made = report("a project with a long name " * 5, runs=2, reason="a long reason that goes on and on " * 9)
    text = as_table(made, width=width)
    assert max(columns_of(line) for line in text.splitlines()) <= width
    whole = as_table(made)
    assert max(columns_of(line) for line in whole.splitlines()) > 200
    assert set(whole.split()) - set(text.split()) <= {"location-based", "market-based", "(unallocated)"}


@given(texts, st.integers(2, 20))
def test_a_folded_cell_is_narrow_and_has_all_its_letters(text: str, most: int) -> None:
    lines = folded(text, most)
    assert max(map(columns_of, lines)) <= most
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_a_summary_leaves_rows_out_and_says_how_many() -> None:
    entries = [an_entry(project=f"p{i}", host=f"h{i}") for i in range(30)]
    text = as_markdown(build(entries, [], [], Config(), OCTOBER), most=10)
    assert "20 more are not shown here." in text
    assert len(re.findall(r"^\| p\d+ ", text, re.MULTILINE)) == 10


def test_an_empty_report_is_written_in_every_format() -> None:
    made = build([], [], [], Config(), OCTOBER)
    assert "none" in as_table(made)
    assert "none" in as_markdown(made)
    rows = list(csv.DictReader(io.StringIO(as_csv(made))))
    assert rows[0]["energy_j"] == ""


def test_a_word_that_must_be_broken_is_broken_after_a_hyphen_or_slash() -> None:
    assert folded("location-based", 10) == ["location-", "based"]
    assert folded("aws/222222222222", 12) == ["aws/", "222222222222"]
    assert folded("abcdefghij", 4) == ["abcd", "efgh", "ij"]


def test_a_terminal_gets_the_largest_rows_and_is_told_how_many_more_there_are() -> None:
    entries = [an_entry(3.6e6, project=f"p{n:02}", host=f"h{n}") for n in range(12)]
    made = build(entries, [], [a_run()], Config(), OCTOBER)
    short = as_table(made, width=80, most=5)
    assert "7 more are not shown here: --format csv, or a pipe, has all of them" in short
    assert ("p04" in short, "p05" in short) == (True, False)
    assert "p11" in as_table(made, width=80)
