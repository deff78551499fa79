"""Whole recordings: sums, what lies inside what, and what is refused with which sentence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from wattbook import ImportFailed, Recording
from wattbook.testing import a_source
from wattbook_powermetrics.recording import importers

Data = Callable[[str], bytes]
Imported = Callable[..., Recording]

#: samples, outermost domain, and its joules added up from the rows that made the file
SUMS = {
    "synthetic_m4_sequoia.txt": (4, "soc", 0.852 * 1.00431 + 2.641 * 1.00296 + 1.853 * 1.00912 + 0.943 * 1.00355),
    "synthetic_m5_tahoe.txt": (4, "soc", 0.852 * 1.00431 + 2.641 * 1.00296 + 1.853 * 1.00912 + 0.943 * 1.00355),
    "synthetic_m1_monterey.txt": (3, "package", 1.010 * 1.00502 + 3.702 * 1.0034 + 1.490 * 1.01177),
    "synthetic_m1_bigsur_summary.txt": (3, "package", 1.010 * 1.00502 + 3.702 * 1.0034 + 1.490 * 1.01177),
    "synthetic_intel_catalina.txt": (3, "package", 7.41 * 1.00311 + 18.9 * 1.00205 + 9.05 * 1.0046),
    "synthetic_m1pro_sonoma.plist": (3, "soc", 0.85265 * 1.00431 + 2.64225 * 1.00296 + 1.8535 * 1.00912),
    "synthetic_m1pro_sonoma_cut.plist": (2, "soc", 0.85265 * 1.00431 + 2.64225 * 1.00296),
    "synthetic_m1_monterey.plist": (2, "package", 1.015 + 3.713),
    "synthetic_gpu_only.plist": (1, "gpu", 0.018),
    "synthetic_intel.plist": (1, "package", 8.2 * 1.006),
}


@pytest.mark.parametrize("name", SUMS)
def test_energy_is_the_sum_of_power_times_length(name: str, data: Data, imported: Imported) -> None:
    samples, outermost, joules = SUMS[name]
    recording = imported(data(name))
    assert recording.samples == samples
    assert recording.energy_j is not None
    assert recording.energy_j["total"] == pytest.approx(joules, rel=1e-6)
    assert recording.energy_j[outermost] == recording.energy_j["total"]
    booked = sum(r.energy_j for r in recording.readings if r.domain.name == outermost)
    assert booked == pytest.approx(joules, rel=1e-6)


def test_a_recording_says_what_printed_it_and_when(data: Data, imported: Imported) -> None:
    recording = imported(data("synthetic_m4_sequoia.txt"))
    assert (recording.hardware, recording.tool_version) == ("Mac16,8", "macOS 24F74")
    assert recording.start is not None
    assert abs(recording.start - datetime(2026, 10, 6, 1, 0, 0, tzinfo=UTC)) < timedelta(seconds=1)


def test_parts_lie_inside_the_total(data: Data, imported: Imported) -> None:
    recording = imported(data("synthetic_m1_monterey.txt"))
    within = {reading.domain.address: reading.domain.within for reading in recording.readings}
    assert within == {
        "soc:0/package": None,
        **dict.fromkeys(("soc:0/cpu", "soc:0/gpu", "soc:0/ane", "soc:0/dram"), "soc:0/package"),
    }


def test_two_runs_in_one_file_are_two_stretches(data: Data, imported: Imported) -> None:
    soc = [r for r in imported(data("synthetic_two_runs.txt")).readings if r.domain.name == "soc"]
    assert [round(r.window.duration_s, 2) for r in soc] == [1.0, 3.02, 2.01]  # and a full hour in between


def test_the_same_text_twice_is_counted_once(data: Data, imported: Imported) -> None:
    text = data("synthetic_m4_sequoia.txt")
    once, twice = imported(text), imported(text + text)
    assert twice.energy_j == once.energy_j
    assert len(twice.problems) == once.samples
    assert "the sample is printed twice" in {problem.reason for problem in twice.problems}


def test_a_sample_that_other_text_breaks_into_is_left_out(data: Data, imported: Imported) -> None:
    lines = data("synthetic_m4_sequoia.txt").splitlines(keepends=True)
    starts = [i for i, line in enumerate(lines) if line.startswith(b"*** Sampled")]
    body = starts[1] - starts[0]
    # the head of the third sample, and then the text again from the body of the second
    broken = lines[: starts[2] + body // 2] + lines[starts[1] + body // 2 :]
    recording = imported(b"".join(broken))
    reasons = [problem.reason for problem in recording.problems]
    assert reasons[0] == "other text breaks into this sample, so its figures may be another's"
    assert recording.samples == 3


def test_a_cpu_of_0_mw_with_active_cores_is_not_believed(data: Data, imported: Imported) -> None:
    with pytest.raises(ImportFailed, match="the CPU reads 0 mW although its cores were active"):
        imported(data("synthetic_macos27_beta_0mw.txt"))


def test_a_build_that_misreports_for_a_while_costs_only_those_samples(data: Data, imported: Imported) -> None:
    text = data("synthetic_m4_sequoia.txt").replace(b"CPU Power: 812 mW", b"CPU Power: 0 mW")
    recording = imported(text.replace(b"ANE): 852 mW", b"ANE): 40 mW"))
    assert recording.samples == 3
    assert recording.problems[0].line == 9


def test_a_total_that_is_not_the_sum_of_its_parts_is_not_believed(data: Data, imported: Imported) -> None:
    recording = imported(data("synthetic_m4_sequoia.txt").replace(b"CPU Power: 812 mW", b"CPU Power: 112 mW"))
    assert recording.samples == 3
    assert "not the sum of its parts" in recording.problems[0].reason


def test_a_missing_total_is_added_up_where_it_is_only_a_sum(data: Data, imported: Imported) -> None:
    text = data("synthetic_m4_sequoia.txt")
    without = b"".join(line for line in text.splitlines(keepends=True) if not line.startswith(b"Combined"))
    assert imported(without).energy_j == pytest.approx(imported(text).energy_j)


def test_a_sample_without_its_package_is_incomplete(data: Data, imported: Imported) -> None:
    recording = imported(data("synthetic_m1_monterey.txt").replace(b"Package Power: 3702 mW\n", b""))
    assert recording.samples == 2
    assert "has ane, cpu, dram, gpu but no total" in recording.problems[0].reason


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("synthetic_summary_only.txt", "only the summary of a run"),
        ("synthetic_thermal_only.txt", "no power in this sample"),
        ("synthetic_battery_only.plist", "no power in this sample"),
    ],
)
def test_a_recording_without_power_is_refused(name: str, sentence: str, data: Data, imported: Imported) -> None:
    with pytest.raises(ImportFailed, match=sentence) as refused:
        imported(data(name))
    assert refused.value.path == "recording"


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("powermetrics must be invoked as the superuser\n", "not run as root"),
        ("powermetrics: invalid option -- u\n", "other options"),
        ("powermetrics: unrecognized order: /tmp/x\n", "other options"),
        ("powermetrics: unrecognized sampler: bandwidth\n", "does not know one of the samplers"),
        ("ERROR: cannot find the IO registry entry for IODeviceTree:/arm-io/pmgr\n", "virtual machine"),
        ("Assertion failed: (x), function y, file cpu_power_arm.c, line 245.\n", "aborted"),
        ("Second underflow occured.\nproc_pidpath 88 failed(0)\n", "only harmless messages"),
        ("sudo: a password is required\n", "without a password"),
    ],
)
def test_an_error_message_in_place_of_a_recording_is_explained(said: str, sentence: str, imported: Imported) -> None:
    with pytest.raises(ImportFailed, match=sentence):
        imported(said.encode())


def test_the_gpu_alone_says_that_it_is_alone(data: Data, imported: Imported) -> None:
    recording = imported(data("synthetic_gpu_only.plist"))
    assert recording.warnings == ("only the GPU was recorded: the total is the GPU alone",)


def test_power_lines_alone_have_a_mean_and_no_energy(data: Data, imported: Imported) -> None:
    recording = imported(data("synthetic_power_lines_only.txt"))
    assert recording.samples == 4
    assert recording.mean_power_w["total"] == pytest.approx((0.852 + 2.641 + 1.853 + 0.943) / 4)
    assert recording.energy_j is None
    assert recording.readings == ()


def test_power_lines_alone_have_an_energy_where_the_user_says_when(data: Data, imported: Imported) -> None:
    start = datetime(2026, 10, 6, tzinfo=UTC)
    recording = imported(data("synthetic_power_lines_only.txt"), start=start, interval_s=5.0)
    assert recording.energy_j is not None
    assert recording.energy_j["total"] == pytest.approx((0.852 + 2.641 + 1.853 + 0.943) * 5)
    assert (recording.start, recording.end) == (start, start + timedelta(seconds=20))


def test_two_machines_in_one_file_are_refused(data: Data, imported: Imported) -> None:
    with pytest.raises(ImportFailed, match="two machines, Mac16,8 and Mac15,6") as refused:
        imported(data("synthetic_m4_sequoia.txt") + data("synthetic_laptop_day.txt"))
    assert refused.value.line


def test_two_kinds_of_total_in_one_file_are_refused(data: Data, imported: Imported) -> None:
    old = data("synthetic_m1_monterey.txt").replace(b"MacBookAir10,1", b"Mac16,8")
    with pytest.raises(ImportFailed, match="Combined Power and Package Power, which do not cover the same"):
        imported(data("synthetic_m4_sequoia.txt") + old)


def test_a_packed_recording_that_is_cut_is_refused(data: Data, tmp_path: Path) -> None:
    import gzip

    path = tmp_path / "day.txt.gz"
    path.write_bytes(gzip.compress(data("synthetic_laptop_day.txt") * 40)[:-2000])
    source = a_source(path)
    (importer,) = [offer for offer in importers() if offer.sniff(source.files[0])]
    with pytest.raises(ImportFailed, match="cannot be read to its end") as refused:
        list(importer.read(source))
    assert refused.value.path == str(path)


@pytest.mark.parametrize(
    "content", [b"", b"<plist><dict/></plist>", b"CPU Power is high\n", b"\0\0<?xml", b"PkgWatt\n4.2\n"]
)
def test_other_files_are_not_recognised(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "other.txt"
    path.write_bytes(content)
    (file,) = a_source(path).files
    assert not any(offer.sniff(file) for offer in importers())
