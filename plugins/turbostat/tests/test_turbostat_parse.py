"""From lines to intervals: no column is guessed, no summary is missed, nothing is counted twice."""

from __future__ import annotations

import pytest
from wattbook_turbostat.header import Header
from wattbook_turbostat.interval import Interval
from wattbook_turbostat.parse import Parser
from wattbook_turbostat.preamble import misreads_dram, version_key

FULL = "Package\tCore\tCPU\tBusy%\tPkgWatt\tRAMWatt\n"


def parse(text: str, *, per_package: bool = False) -> tuple[list[Interval], list[str]]:
    """The intervals in a text, and what was skipped."""
    problems: list[str] = []
    parser = Parser(problem=lambda reason, line: problems.append(f"{line}: {reason}"), per_package=per_package)
    found = []
    for number, line in enumerate(text.encode().splitlines(keepends=True), start=1):
        found += parser.feed(line, number)
    return found + parser.flush(), problems


def watts(text: str) -> list[dict[str, float]]:
    intervals, problems = parse(text)
    assert problems == []
    return [interval.figures for interval in intervals]


def test_the_row_of_dashes_is_the_summary() -> None:
    text = FULL + "-\t-\t-\t1.59\t84.00\t10.00\n0\t0\t0\t1.5\t42.00\t5.00\n1\t0\t1\t1.6\t42.00\t5.00\n"
    (interval,) = parse(text)[0]
    assert interval.figures == {"package": 84.0, "dram": 10.0}
    assert interval.packages == 2


def test_packages_are_kept_apart_where_asked_and_cores_add_up_in_them() -> None:
    text = "Package\tCor_J\tPkg_J\n-\t2.10\t14.00\n0\t0.70\t8.00\n0\t0.70\n1\t0.70\t6.00\n"
    (interval,) = parse(text, per_package=True)[0]
    assert interval.by_package == {0: {"core": 1.4, "package": 8.0}, 1: {"core": 0.7, "package": 6.0}}


def test_core_numbers_may_be_hexadecimal() -> None:
    assert watts("Core\tCPU\tPkgWatt\n-\t-\t42.00\n0x0\t0\t42.00\n0x1\t1\n") == [{"package": 42.0}]


def test_no_package_column_means_one_package() -> None:
    (interval,) = parse("Core\tCPU\tPkgWatt\n-\t-\t42.00\n0\t0\t42.00\n1\t1\n")[0]
    assert interval.packages == 1


def test_a_column_name_may_hold_blanks() -> None:
    assert watts("CPU\thaltpoll idle%\tPkgWatt\n-\t99.00\t42.00\n0\t98.00\t42.00\n") == [{"package": 42.0}]


def test_columns_separated_by_runs_of_blanks_are_read() -> None:
    text = (
        "Package Core    CPU     Busy%   PkgWatt\n-       -       -       9.41    431.32\n0       0       0       5.1\n"
    )
    assert watts(text) == [{"package": 431.32}]


def test_a_name_with_a_blank_in_a_table_of_blanks_is_not_guessed() -> None:
    intervals, problems = parse("CPU haltpoll idle% PkgWatt\n- 99.00 42.00\n")
    assert intervals == []
    assert problems == ["2: the summary row has 3 cells for 4 columns"]


def test_the_summary_of_2014_is_the_row_with_blank_topology() -> None:
    text = (
        "pk cor CPU    %c0  GHz  Pkg_W RAM_W\n"
        "             5.54 3.44  94.04 32.70\n"
        " 0   0   0   0.12 3.26  48.12 18.88\n"
        " 0   0  18   0.12 3.26\n"
        "10.002556 sec\n"
    )
    (interval,) = parse(text)[0]
    assert interval.figures == {"package": 94.04, "dram": 32.7}
    assert interval.length_s == 10.002556


def test_the_length_of_a_forked_command_stands_before_its_table() -> None:
    intervals, _ = parse("2.5 sec\nPkgWatt\n42.00\n42.00\n3.5 sec\nPkgWatt\n40.00\n40.00\n")
    assert [(i.length_s, i.figures) for i in intervals] == [(2.5, {"package": 42.0}), (3.5, {"package": 40.0})]


def test_the_first_row_below_a_header_without_labels_is_the_sum() -> None:
    block = "CorWatt\tPkgWatt\n7.00\t84.00\n3.50\t42.00\n3.50\t42.00\n"
    assert watts(block * 3) == [{"core": 7.0, "package": 84.0}] * 3


def test_rows_of_cores_without_labels_are_not_samples() -> None:
    block = "CorWatt\tPkgWatt\n133.13\t169.82\n7.54\t169.82\n7.54\n7.54\n"
    assert watts(block * 2) == [{"core": 133.13, "package": 169.82}] * 2


def test_with_one_header_and_many_rows_every_row_is_a_sample() -> None:
    rows = "".join(f"{40 + i % 3}.00\n" for i in range(200))
    assert len(watts("PkgWatt\n" + rows)) == 200


def test_times_tell_samples_from_packages() -> None:
    text = "Time_Of_Day_Seconds\tPkgWatt\n10.5\t84.00\n10.4\t42.00\n10.5\t42.00\n11.5\t84.00\n11.4\t42.00\n"
    assert [i.time_us for i in parse(text)[0]] == [10_500_000, 11_500_000]


def test_headers_may_repeat_before_every_sample_or_never() -> None:
    rows = "-\t-\t-\t1.0\t42.00\t5.00\n0\t0\t0\t1.0\t42.00\t5.00\n"
    assert watts((FULL + rows) * 2) == watts(FULL + rows * 2) == [{"package": 42.0, "dram": 5.0}] * 2


def test_columns_may_change_in_the_middle() -> None:
    text = "CPU\tPkgWatt\n-\t42.00\n0\t42.00\nCPU\tIRQ\tPkgWatt\n-\t7\t43.00\n0\t7\t43.00\n"
    assert watts(text) == [{"package": 42.0}, {"package": 43.0}]


@pytest.mark.parametrize("noise", ["\n", "TIME: 15:04:05\n", "INTERVAL: 2\n", "\r\n"])
def test_blank_lines_and_wrapper_lines_are_passed_over(noise: str) -> None:
    assert watts(noise + FULL + noise + "-\t-\t-\t1.0\t42.00\t5.00\n" + noise) == [{"package": 42.0, "dram": 5.0}]


def test_lines_of_other_programs_are_named_and_passed_over() -> None:
    intervals, problems = parse(FULL + "stress: info: done\n-\t-\t-\t1.0\t42.00\t5.00\n10 errors found\n")
    assert [i.figures for i in intervals] == [{"package": 42.0, "dram": 5.0}]
    assert problems == ["2: this line is not part of a table", "4: this line is not part of a table"]


def test_a_row_longer_than_its_header_stops_the_table() -> None:
    long = "-\t-\t-\t1.0\t42.00\t5.00\t1.00\n"
    fine = "-\t-\t-\t1.0\t43.00\t5.00\n"
    intervals, problems = parse(FULL + long + fine + FULL + fine)
    assert [i.line for i in intervals] == [5]
    assert problems == ["2: a row is longer than its header"]


def test_a_summary_row_that_is_too_short_stops_the_table() -> None:
    intervals, problems = parse(FULL + "-\t-\t-\t1.0\t42.00\n-\t-\t-\t1.0\t43.00\t5.00\n")
    assert intervals == []
    assert problems == ["2: the summary row has 5 cells for 6 columns"]


def test_a_row_that_ends_before_its_labels_is_no_summary() -> None:
    text = "usec\tTime_Of_Day_Seconds\tCPU\tPkgWatt\n5\t10.5\n5\n5\t10.5\t-\t42.00\n"
    assert watts(text) == [{"package": 42.0}]


def test_a_wrapped_header_is_refused() -> None:
    text = "Core CPU Busy%\nCorWatt PkgWatt\n- - 1.59\n7.00 42.00\n"
    intervals, problems = parse(text)
    assert intervals == []
    assert "wrapped" in problems[0]


@pytest.mark.parametrize(
    "header", ["CPU\tBusy%\tCorWattPkgWatt\n", "CPU\tgarbagePkgWatt\tCorWatt\n", "CPU\tPkgWatt\tPkgWatt\n"]
)
def test_a_garbled_header_is_refused(header: str) -> None:
    columns = header.count("\t")
    intervals, problems = parse(header + "-" + "\t42.00" * columns + "\n")
    assert intervals == []
    assert "header" in problems[0]


@pytest.mark.parametrize("cell", ["nan", "-nan", "-", "", "-1.00", "inf", "1e9", "4_2.00", "٤٢.00", "42", "42**"])
def test_what_is_not_a_number_is_never_zero(cell: str) -> None:
    intervals, problems = parse(f"CPU\tPkgWatt\tRAMWatt\n-\t42.00\t{cell}\n0\t42.00\t{cell}\n")
    assert [i.figures for i in intervals] == [{"package": 42.0}]
    assert "is not a number (RAMWatt)" in problems[0]


@pytest.mark.parametrize("end", ["42.0", "42.", "4.1"])
def test_a_last_line_that_is_cut_is_not_a_sample(end: str) -> None:
    intervals, problems = parse(f"CPU\tPkgWatt\n-\t{end}")
    assert intervals == []
    assert problems == ["2: the last line is cut"]


def test_a_last_line_without_its_line_end_counts_when_it_is_whole() -> None:
    assert watts("CPU\tPkgWatt\n-\t42.00") == [{"package": 42.0}]


def test_the_header_of_the_system_is_provenance() -> None:
    parser = Parser()
    for number, line in enumerate(
        (
            b"turbostat version 2024.12.03 - Len Brown <lenb@kernel.org>\n",
            b"CPUID(0): GenuineIntel 0x20 CPUID levels\n",
            b"CPUID(1): family:model:stepping 0x6:9a:3 (6:154:3) microcode 0x423\n",
        ),
        start=1,
    ):
        parser.feed(line, number)
    assert (parser.preamble.version, parser.preamble.hardware) == ("2024.12.03", "GenuineIntel 6:154:3")


@pytest.mark.parametrize(
    "line",
    [
        b"a sentence about the CPU",
        b"1 2 3",
        b"user,CPU,Core",
        b"time\tCPU\tNode",
        b"cpu0: Guessing tjMax 100 C",
        b"",
        b"\tRun as root",
    ],
)
def test_a_sentence_is_not_a_header(line: bytes) -> None:
    assert Header.from_line(line) is None


def test_versions_sort_by_their_year() -> None:
    versions = ["2022.10.04", "20.09.30", "4.12", "2026.04.21", "17.06.23", "21.05.04"]
    assert sorted(versions, key=version_key) == ["4.12", "17.06.23", "20.09.30", "21.05.04", "2022.10.04", "2026.04.21"]


@pytest.mark.parametrize(
    ("version", "vendor", "signature", "wrong"),
    [
        ("20.09.30", "GenuineIntel", "6:85:4", True),
        ("20.09.30", "GenuineIntel", "6:106:6", True),
        ("20.09.30", "GenuineIntel", "6:63:2", False),
        ("20.09.30", None, None, True),
        ("20.09.30", "AuthenticAMD", "23:49:0", False),
        ("21.05.04", "GenuineIntel", "6:85:4", False),
        (None, None, None, False),
    ],
)
def test_the_dram_unit_is_wrong_before_2105_on_skylake_servers(
    version: str | None, vendor: str | None, signature: str | None, wrong: bool
) -> None:
    assert misreads_dram(version, vendor, signature) is wrong
