"""Descriptions of work: what is read, what is refused, and with which words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wattbook.jobs import COLUMNS, PRESETS, TEMPLATE, Job, Wrong, job_from_fields, read_jobs

SINGAPORE = timezone(timedelta(hours=8))


def job(**fields: str) -> Job:
    read = job_from_fields({"hours": "1", **fields})
    assert isinstance(read, Job), read
    return read


def refusal(**fields: str) -> Wrong:
    read = job_from_fields({"hours": "1", **fields})
    assert isinstance(read, list), read
    (wrong,) = read
    return wrong


def table(text: str) -> list[Job | Wrong]:
    return list(read_jobs(text.splitlines(keepends=True), zone=SINGAPORE))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("60", (0.6, 0.6)),
        ("60%", (0.6, 0.6)),
        ("60 %", (0.6, 0.6)),
        ("60..80", (0.6, 0.8)),
        ("60-80", (0.6, 0.8)),
        ("60 to 80", (0.6, 0.8)),
        ("60%..80%", (0.6, 0.8)),
        ("60–80 %", (0.6, 0.8)),
        ("12.5..20.5", (0.125, 0.205)),
        ("0", (0.0, 0.0)),
        ("100", (1.0, 1.0)),
        ("1e1", (0.1, 0.1)),
    ],
)
def test_utilisation_is_a_percentage_or_a_range(text: str, expected: tuple[float, float]) -> None:
    assert job(util=text).util == pytest.approx(expected)


@pytest.mark.parametrize(
    "text", ["101", "-1", "150..160", "0..101", "nan", "inf", "sixty", "..", "60..", "..80", "-5..10"]
)
def test_utilisation_outside_0_to_100_is_refused(text: str) -> None:
    assert refusal(util=text).field == "util"


def test_a_range_given_backwards_is_refused() -> None:
    assert "backwards" in refusal(util="80..60").reason


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_has_an_interval(name: str) -> None:
    util = job(util=name.upper()).util
    assert util is not None
    assert 0 <= util[0] < util[1] <= 1


def test_a_preset_covers_the_accelerator_too() -> None:
    described = job(util="training", gpu="NVIDIA A40", threads="8")
    assert described.gpu_util == (0.5, 0.95)
    assert described.util == (0.1, 0.5)


def test_a_fraction_instead_of_a_percentage_is_noticed() -> None:
    assert any("percent" in warning for warning in job(util="0.6").warnings)


@pytest.mark.parametrize("hours", ["-1", "x", "nan", "inf", "1e9", "1_000"])
def test_impossible_hours_are_refused(hours: str) -> None:
    read = job_from_fields({"hours": hours})
    assert isinstance(read, list)
    assert read[0].field == "hours"


def test_hours_are_needed() -> None:
    assert isinstance(job_from_fields({"threads": "4"}), list)


@pytest.mark.parametrize("watts", ["0", "-5", "5000", "1e999", "many"])
def test_an_impossible_tdp_is_refused(watts: str) -> None:
    assert refusal(tdp_w=watts).field == "tdp_w"


@pytest.mark.parametrize("column", ["sockets", "threads", "gpu_count", "count"])
@pytest.mark.parametrize("number", ["1.5", "-1", "two", "1e99"])
def test_counts_are_whole_and_plausible(column: str, number: str) -> None:
    assert refusal(**{column: number, "gpu": "NVIDIA A40", "cpu": "AMD EPYC 7763"}).field == column


def test_a_count_may_be_written_as_a_whole_float() -> None:
    assert job(threads="4.0").threads == 4


@pytest.mark.parametrize(
    ("fields", "column"),
    [
        ({"gpu_count": "4"}, "gpu_count"),
        ({"gpu_util": "50"}, "gpu_util"),
        ({"gpu": "NVIDIA A40", "gpu_count": "0"}, "gpu_count"),
        ({"boundary": "package", "threads": "4"}, "boundary"),
        ({"boundary": "roof"}, "boundary"),
        ({"load": "cpu"}, "load"),
        ({"phase": "lunch"}, "phase"),
        ({"start": "yesterday"}, "start"),
        ({"start": "0001-01-01"}, "start"),
        ({"cpu": "x" * 500}, "cpu"),
        ({"gpu": "NVIDIA \x07 A40"}, "gpu"),
    ],
)
def test_contradictions_and_nonsense_are_refused(fields: dict[str, str], column: str) -> None:
    assert refusal(**fields).field == column


def test_everything_that_is_wrong_is_told_at_once() -> None:
    read = job_from_fields({"hours": "-1", "util": "120", "tdp_w": "0"})
    assert isinstance(read, list)
    assert {wrong.field for wrong in read} == {"hours", "util", "tdp_w"}


def test_a_start_without_a_zone_takes_the_given_one() -> None:
    read = job_from_fields({"hours": "1", "start": "2026-10-05T10:00:00"}, zone=SINGAPORE)
    assert isinstance(read, Job)
    assert read.start == datetime(2026, 10, 5, 2, tzinfo=UTC)


def test_columns_come_in_any_order_and_unknown_ones_are_tags() -> None:
    (read,) = table("util,team,hours,threads\n50,blue,2,4\n")
    assert isinstance(read, Job)
    assert (read.hours, read.threads, read.util) == (2.0, 4, (0.5, 0.5))
    assert read.labels.tags == {"team": "blue"}


def test_an_empty_field_is_not_given() -> None:
    (read,) = table("hours,threads,cpu,util\n2,4,,\n")
    assert isinstance(read, Job)
    assert read.cpu is None
    assert read.util is None


def test_a_byte_order_mark_and_windows_line_ends_do_not_matter() -> None:
    (read,) = table("\ufeffhours,threads,util\r\n2,4,50\r\n")
    assert isinstance(read, Job)
    assert read.hours == 2


def test_semicolons_and_decimal_commas_are_understood() -> None:
    (read,) = table("hours;threads;util\n2,5;4;50\n")
    assert isinstance(read, Job)
    assert read.hours == 2.5


def test_a_bad_line_is_named_with_its_field() -> None:
    first, second, third = table("hours,threads,util\n1,4,50\n-1,4,50\n1,4,500\n")
    assert isinstance(first, Job)
    assert isinstance(second, Wrong)
    assert (second.line, second.field) == (3, "hours")
    assert isinstance(third, Wrong)
    assert (third.line, third.field) == (4, "util")


def test_lines_are_counted_through_quoted_line_breaks_and_blank_lines() -> None:
    good, bad = table('hours,project,threads\n1,"two\nlines",4\n\n-1,x,4\n')[-2:]
    assert isinstance(bad, Wrong)
    assert bad.line == 5
    assert isinstance(good, Wrong)  # a line break is no part of a name
    assert good.line == 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "hours,threads\n",
        "threads,util\n4,50\n",
        "hours,hours\n1,1\n",
        "hours,threads\n1,2,3\n",
        "hours,threads\n1\n",
        'hours,threads\n1,"4\n',
        "\x00\x01\x02",
        "just some words\nand more of them\n",
    ],
)
def test_what_is_no_jobs_csv_is_refused(text: str) -> None:
    found = table(text)
    assert len(found) == 1
    assert isinstance(found[0], Wrong)
    assert found[0].reason


def test_trailing_empty_cells_are_no_error() -> None:
    (read,) = table("hours,threads,util\n1,4,50,,\n")
    assert isinstance(read, Job)


def test_the_template_is_read_back_without_complaint() -> None:
    jobs = table(TEMPLATE)
    assert TEMPLATE.splitlines()[0].split(",") == list(COLUMNS)
    assert all(isinstance(read, Job) for read in jobs)
    assert len(jobs) == 3


@given(st.text(max_size=200))
def test_any_text_gives_jobs_or_reasons(text: str) -> None:
    for found in read_jobs(text.splitlines(keepends=True)):
        assert isinstance(found, Job) or found.reason


@given(st.dictionaries(st.sampled_from(COLUMNS), st.text(max_size=30)))
def test_any_fields_give_a_job_or_reasons(fields: dict[str, str]) -> None:
    read = job_from_fields(fields)
    assert isinstance(read, Job) or all(wrong.reason for wrong in read)


def test_where_only_accelerators_are_described_util_is_theirs() -> None:
    described = job(gpu="NVIDIA A40", util="60..80")
    assert described.gpu_util == (0.6, 0.8)
    assert any("accelerators" in warning for warning in described.warnings)


def test_beside_a_processor_util_is_the_processors() -> None:
    assert job(gpu="NVIDIA A40", threads="8", util="60..80").gpu_util is None


def test_the_help_of_log_shows_every_preset_as_it_is() -> None:
    from click.testing import CliRunner
    from wattbook.cli import main

    printed = CliRunner().invoke(main, ["log", "--help"]).stdout
    for name, ranges in PRESETS.items():
        (line,) = [line for line in printed.splitlines() if line.split()[:1] == [name]]
        assert [part.strip() for part in line.replace(name, "").split("%")[:3]] == [
            f"{low:g}..{high:g}" for low, high in ranges
        ]
