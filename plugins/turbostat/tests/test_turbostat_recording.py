"""From a file to a recording: lengths that are known, energy that is exact, refusals that say why."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from wattbook import ImportFailed, Recording
from wattbook.testing import a_source
from wattbook_turbostat.recording import read, sniff

T0 = 1_795_404_568
START = datetime.fromtimestamp(T0, UTC)
TIMED = "Time_Of_Day_Seconds\tCPU\tPkgWatt\n"
VERSION = "turbostat version {} - Len Brown <lenb@kernel.org>\n"
SKYLAKE_SP = (
    "CPUID(0): GenuineIntel 0x16 CPUID levels\nCPUID(1): family:model:stepping 0x6:55:4 (6:85:4) microcode 0x0\n"
)


def record(folder: Path, text: str | bytes, **said: object) -> Recording:
    path = folder / "turbostat.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    (recording,) = read(a_source(path, **said))
    assert isinstance(recording, Recording)
    return recording


def timed(*rows: tuple[float, float]) -> str:
    """A log of (seconds after T0, watts)."""
    return "".join(f"{TIMED}{T0 + s:.6f}\t-\t{watts:.2f}\n{T0 + s:.6f}\t0\t{watts:.2f}\n" for s, watts in rows)


def test_energy_is_watts_times_the_real_intervals(tmp_path: Path) -> None:
    recording = record(tmp_path, timed((5, 10), (10.5, 20), (15.5, 30)))
    assert recording.energy_j == pytest.approx({"total": 20 * 5.5 + 30 * 5, "package": 20 * 5.5 + 30 * 5})
    assert recording.samples == 3
    assert recording.end == START + timedelta(seconds=15.5)


def test_the_users_start_gives_the_first_interval_its_length(tmp_path: Path) -> None:
    recording = record(tmp_path, timed((5, 10), (10, 20)), start=START)
    assert recording.energy_j is not None
    assert recording.energy_j["package"] == pytest.approx(150)
    assert recording.start == START


def test_a_start_long_before_the_recording_is_not_believed(tmp_path: Path) -> None:
    recording = record(tmp_path, timed((5, 10), (10, 20), (15, 20)), start=START - timedelta(days=1))
    assert recording.energy_j is not None
    assert recording.energy_j["package"] == pytest.approx(200)


def test_joules_are_added_up_as_they_are(tmp_path: Path) -> None:
    text = "Time_Of_Day_Seconds\tPkg_J\n" + "".join(f"{T0 + 5 * i}.000000\t50.00\n" for i in range(1, 5))
    recording = record(tmp_path, text)
    assert recording.energy_j is not None
    assert recording.energy_j["package"] == pytest.approx(200), "the first row's joules are known, its length is not"
    assert recording.mean_power_w["package"] == pytest.approx(10)


def test_joules_without_times_need_an_interval(tmp_path: Path) -> None:
    text = "CPU\tPkg_J\n-\t50.00\n0\t50.00\n"
    with pytest.raises(ImportFailed, match="--interval-s"):
        record(tmp_path, text)
    assert record(tmp_path, text, interval_s=5.0).mean_power_w["package"] == 10


def test_without_times_there_is_a_mean_and_no_energy(tmp_path: Path) -> None:
    text = "CPU\tPkgWatt\n-\t50.00\n0\t50.00\n"
    recording = record(tmp_path, text * 3)
    assert (recording.samples, recording.energy_j, recording.readings) == (3, None, ())
    recording = record(tmp_path, text * 3, interval_s=2.0, start=START)
    assert recording.energy_j == {"total": 300.0, "package": 300.0}
    assert recording.end == START + timedelta(seconds=6)


def test_a_forked_command_has_a_length_and_no_end(tmp_path: Path) -> None:
    recording = record(tmp_path, "2.000000 sec\nCPU\tPkgWatt\n-\t50.00\n0\t50.00\n")
    assert (recording.duration_s, recording.end, recording.energy_j) == (2.0, None, {"total": 100.0, "package": 100.0})
    recording = record(tmp_path, "2.000000 sec\nCPU\tPkgWatt\n-\t50.00\n0\t50.00\n", start=START)
    assert recording.end == START + timedelta(seconds=2)


@pytest.mark.parametrize("length", ["0.000000", "999999999999.0"])
def test_a_length_that_cannot_be_is_not_used(tmp_path: Path, length: str) -> None:
    recording = record(tmp_path, f"{length} sec\nCPU\tPkgWatt\n-\t50.00\n0\t50.00\n")
    assert (recording.samples, recording.energy_j) == (1, None)
    assert "is not the length of an interval" in recording.problems[0].reason


@pytest.mark.parametrize("interval_s", [0.0, -1.0, float("nan"), float("inf")])
def test_an_interval_that_cannot_be_is_refused(tmp_path: Path, interval_s: float) -> None:
    with pytest.raises(ImportFailed, match="is not a sampling interval"):
        record(tmp_path, "CPU\tPkgWatt\n-\t50.00\n", interval_s=interval_s)


def test_a_hole_is_not_bridged(tmp_path: Path) -> None:
    recording = record(tmp_path, timed((5, 10), (10, 10), (15, 10), (4_000, 10), (4_005, 10)))
    assert recording.energy_j is not None
    assert recording.energy_j["package"] == pytest.approx(150)
    assert "3985 s passed" in recording.problems[0].reason


def test_the_same_times_again_are_left_out(tmp_path: Path) -> None:
    once = timed((5, 10), (10, 10), (15, 10))
    assert record(tmp_path, once + once).energy_j == record(tmp_path, once).energy_j


def test_one_damaged_time_costs_no_more_than_its_neighbours(tmp_path: Path) -> None:
    rows = [(5.0 * i, 10.0) for i in range(1, 20)]
    whole = record(tmp_path, timed(*rows)).energy_j
    rows[9] = (100_000_000.0, 10.0)
    damaged = record(tmp_path, timed(*rows)).energy_j
    assert whole is not None
    assert damaged is not None
    assert whole["package"] - 100 - 1e-6 <= damaged["package"] <= whole["package"]


def test_another_run_in_the_same_file_begins_with_an_unknown_length(tmp_path: Path) -> None:
    version = VERSION.format("2024.12.03")
    recording = record(tmp_path, version + timed((5, 10), (10, 10)) + version + timed((17, 10), (22, 10)))
    assert recording.energy_j is not None
    assert recording.energy_j["package"] == pytest.approx(100)
    assert recording.problems == ()


def test_counters_read_while_they_change_are_no_sample(tmp_path: Path) -> None:
    text = timed((5, 10), (10, 10)).replace("\t10.00\n", "\t1125899906842624.00\n", 2)
    recording = record(tmp_path, text)
    assert recording.samples == 1
    assert "is not plausible for cpu:0/package" in recording.problems[0].reason


def test_a_domain_that_is_implausible_leaves_the_others(tmp_path: Path) -> None:
    header = "CPU\tPkgWatt\tRAMWatt\n"
    recording = record(tmp_path, f"{header}-\t40.00\t1125899906842624.00\n{header}-\t40.00\t5.00\n")
    assert recording.mean_power_w == {"total": 45.0, "package": 40.0, "dram": 5.0}


def test_a_column_that_is_always_zero_is_not_a_measured_zero(tmp_path: Path) -> None:
    recording = record(tmp_path, "CPU\tPkgWatt\tGFXWatt\n" + "-\t42.00\t0.00\n" * 3)
    assert "gfx" not in recording.mean_power_w
    assert recording.warnings == ("cpu:0/gfx is 0.00 in every sample: taken as not reported, not as a measured zero",)


def test_a_column_that_is_sometimes_zero_is_measured(tmp_path: Path) -> None:
    recording = record(tmp_path, "CPU\tPkgWatt\tGFXWatt\n" + "-\t42.00\t0.00\n" * 3 + "-\t42.00\t1.00\n")
    assert recording.mean_power_w["gfx"] == 0.25


def test_cores_and_graphics_are_inside_the_package_and_dram_is_beside_it(tmp_path: Path) -> None:
    recording = record(tmp_path, "CPU\tPkgWatt\tCorWatt\tGFXWatt\tRAMWatt\n-\t40.00\t20.00\t5.00\t3.00\n")
    assert recording.mean_power_w["total"] == 43.0


def test_the_platform_contains_packages_and_dram(tmp_path: Path) -> None:
    recording = record(tmp_path, "CPU\tPkgWatt\tRAMWatt\tSysWatt\n-\t40.00\t3.00\t80.00\n")
    assert recording.mean_power_w["total"] == 80.0


def test_one_package_is_named_and_several_are_named_together(tmp_path: Path) -> None:
    one = record(tmp_path, timed((5, 10), (10, 10)))
    assert {str(r.domain) for r in one.readings} == {"cpu:0/package"}
    header = "Time_Of_Day_Seconds\tPackage\tPkgWatt\n"
    rows = "".join(f"{header}{T0 + s}.0\t-\t20.00\n{T0 + s}.0\t0\t10.00\n{T0 + s}.0\t1\t10.00\n" for s in (5, 10))
    several = record(tmp_path, rows)
    assert {str(r.domain) for r in several.readings} == {"cpu:all/package"}


def test_dram_of_an_old_version_on_a_xeon_is_not_used(tmp_path: Path) -> None:
    table = "CPU\tPkgWatt\tRAMWatt\n-\t40.00\t20.00\n"
    old = record(tmp_path, VERSION.format("20.09.30") + SKYLAKE_SP + table)
    assert (old.mean_power_w, old.hardware) == ({"total": 40.0, "package": 40.0}, "GenuineIntel 6:85:4")
    assert "misreads the DRAM energy unit" in old.warnings[0]
    new = record(tmp_path, VERSION.format("21.05.04") + SKYLAKE_SP + table)
    assert new.mean_power_w["dram"] == 20.0


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "the file is empty"),
        ("\n\n", "no table"),
        (FULL := "Core\tCPU\tTSC_MHz\n-\t-\t2596\n", "no power column"),
        ("CPU\tPkgWatt\n", "no summary row"),
        ("CPU\tPkgWatt\n-\t0.00\n", "every power column is 0.00"),
        ("CPU\tPkgWatt\n-\t1.00\t2.00\n", "longer than its header"),
        (
            'turbostat: no /dev/cpu/0/msr, Try "# modprobe msr" : No such file\n',
            "it says: turbostat: no /dev/cpu/0/msr",
        ),
        ("C\0P\0U\0", "no table"),
    ],
)
def test_a_file_without_power_is_refused_with_the_reason(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(ImportFailed, match=r"turbostat\.txt") as refused:
        record(tmp_path, text)
    assert why in str(refused.value)


@pytest.mark.parametrize("change", [lambda b: b.replace(b"\n", b"\r\n"), lambda b: b"\xef\xbb\xbf" + b])
def test_line_ends_of_windows_and_a_byte_order_mark_change_nothing(tmp_path: Path, change) -> None:  # type: ignore[no-untyped-def]
    text = timed((5, 10), (10, 20)).encode()
    assert record(tmp_path, change(text)).energy_j == record(tmp_path, text).energy_j


def test_a_compressed_recording_that_is_cut_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "turbostat.txt.gz"
    packed = gzip.compress((timed(*((5.0 * i, 10.0) for i in range(1, 20_000)))).encode())
    path.write_bytes(packed)
    (recording,) = read(a_source(path))
    assert isinstance(recording, Recording)
    assert recording.samples == 19_999
    path.write_bytes(packed[: len(packed) - 100])
    with pytest.raises(ImportFailed, match="to its end"):
        list(read(a_source(path)))


def test_a_line_without_end_does_not_fill_the_memory(tmp_path: Path) -> None:
    recording = record(tmp_path, timed((5, 10)) + "9" * 1_000_000 + "\n" + timed((10, 10)))
    assert recording.samples == 2
    assert "too long" in recording.problems[0].reason


def test_a_long_recording_goes_to_the_book_hour_by_hour(tmp_path: Path) -> None:
    recording = record(tmp_path, timed(*((60.0 * i, 10.0) for i in range(1, 200))))
    assert recording.energy_j is not None
    assert sum(r.energy_j for r in recording.readings) == pytest.approx(recording.energy_j["package"])
    assert all(r.window.duration_s <= 3_660 for r in recording.readings)


def test_tables_and_version_lines_are_recognised(tmp_path: Path) -> None:
    for text, fits in (
        (TIMED, True),
        (VERSION.format("2024.12.03"), True),
        ("PkgWatt\n42.00\n", True),
        ("a,b\n1,2\n", False),
    ):
        path = tmp_path / "log"
        path.write_text(text, encoding="utf-8")
        assert sniff(a_source(path).files[0]) is fits
