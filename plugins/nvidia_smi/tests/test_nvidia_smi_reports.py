"""XML, the text of -q, dmon and the table: the same GPUs in four other dresses."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from wattbook import ImportFailed, Recording
from wattbook.testing import a_source
from wattbook_nvidia_smi.importers import importers

DATA = Path(__file__).parent / "data"


def read(path: Path, **said: object) -> Recording:
    source = a_source(path, options={"timezone": "UTC"}, **said)
    (fitting,) = [offer for offer in importers() if offer.sniff(source.files[0])]
    (recording,) = fitting.read(source)
    assert isinstance(recording, Recording)
    return recording


def write(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "log.txt"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def xml(power: str = "<power_readings><power_draw>25.31 W</power_draw></power_readings>", more: str = "") -> str:
    return (
        '<?xml version="1.0" ?>\n<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device.dtd">\n<nvidia_smi_log>\n'
        "<timestamp>Mon Sep 14 09:00:00 2026</timestamp><driver_version>470.10</driver_version>\n"
        f'<gpu id="00000000:01:00.0"><product_name>Tesla T4</product_name>{power}{more}</gpu>\n</nvidia_smi_log>\n'
    )


# --- XML ---------------------------------------------------------------------------------------


def test_documents_that_follow_one_another_are_polls_of_one_recording() -> None:
    recording = read(DATA / "loop_synthetic.xml")
    assert recording.format == "nvidia-smi-xml"
    assert recording.energy_j == {"total": 3_000.0, "board": 3_000.0}
    assert recording.samples == 2
    assert recording.hardware == "2 x NVIDIA L40S"
    assert recording.start == datetime(2026, 9, 14, 9, tzinfo=UTC)
    assert [p.reason for p in recording.problems] == [
        "no power of gpu:GPU-5ea1f00d-0000-4000-8000-0000000000a1: GPU is lost"
    ]
    assert [gap.window.duration_s for gap in recording.gaps] == [10]


@pytest.mark.parametrize(
    "power",
    [
        "<power_readings><power_draw>25.31 W</power_draw></power_readings>",
        "<gpu_power_readings><power_draw>25.31 W</power_draw></gpu_power_readings>"
        "<module_power_readings><power_draw>N/A</power_draw></module_power_readings>",
        "<gpu_power_readings><average_power_draw>25.31 W</average_power_draw>"
        "<instant_power_draw>27.00 W</instant_power_draw></gpu_power_readings>",
        "<gpu_power_readings><average_power_draw>N/A</average_power_draw>"
        "<instant_power_draw>25.31 W</instant_power_draw></gpu_power_readings>",
    ],
)
def test_every_generation_of_the_xml_gives_the_board(tmp_path: Path, power: str) -> None:
    assert read(write(tmp_path, xml(power))).mean_power_w == {"total": 25.31, "board": 25.31}


def test_power_elements_elsewhere_are_no_reading(tmp_path: Path) -> None:
    text = xml("<other><power_draw>99.00 W</power_draw></other><power_draw>98.00 W</power_draw>")
    with pytest.raises(ImportFailed, match="no power figure"):
        read(write(tmp_path, text))


def test_a_document_cut_at_its_end_gives_what_was_whole(tmp_path: Path) -> None:
    whole = xml()
    recording = read(write(tmp_path, whole + xml()[:250]))
    assert recording.samples == 1
    assert "cut" in recording.problems[-1].reason


def test_a_damaged_document_does_not_spoil_the_next(tmp_path: Path) -> None:
    recording = read(write(tmp_path, xml().replace("</gpu>", "</gpv>") + "noise\n" + xml()))
    assert recording.samples == 1
    assert "not well-formed" in recording.problems[0].reason


def test_messages_between_documents_are_named(tmp_path: Path) -> None:
    recording = read(write(tmp_path, xml() + "Failed to initialize NVML: Driver/library version mismatch\n" + xml()))
    assert "different versions" in recording.problems[0].reason


def test_entities_are_refused(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE nvidia_smi_log [<!ENTITY a "xxxxxxxxxx"><!ENTITY b "&a;&a;&a;">]>'
    text = xml().replace('<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device.dtd">', bomb).replace("Tesla T4", "&b;")
    with pytest.raises(ImportFailed, match="entities"):
        read(write(tmp_path, text))


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportFailed, match="nest deeper"):
        read(write(tmp_path, xml(more="<a>" * 10_000)))


def test_a_token_without_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportFailed, match="4 MiB"):
        read(write(tmp_path, xml(more="<a b='" + "x" * 12_000_000)))


def test_a_mark_that_falls_between_two_blocks_of_the_file_is_found(tmp_path: Path) -> None:
    for padding in range(65_500, 65_560, 7):
        one = xml(more="<!-- -->" + " " * (padding - len(xml())))
        assert read(write(tmp_path, one + xml())).samples == 1  # the same second twice is one moment
        assert not read(write(tmp_path, one + xml())).problems


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_xml_that_powershell_redirected_is_read(tmp_path: Path, encoding: str) -> None:
    assert read(write(tmp_path, xml().encode(encoding))).mean_power_w["board"] == 25.31


# --- text of -q --------------------------------------------------------------------------------


def test_a_loop_of_q_gives_board_and_memory() -> None:
    recording = read(DATA / "loop_synthetic_q.txt")
    assert recording.format == "nvidia-smi-text"
    assert recording.energy_j == {"total": 3_000.0, "board": 3_000.0, "memory": 400.0}
    assert not recording.problems


def test_headings_count_and_indentation_does_not(tmp_path: Path) -> None:
    text = (DATA / "loop_synthetic_q.txt").read_text()
    flat = "\n".join(line.strip() for line in text.splitlines())
    assert read(write(tmp_path, flat)).energy_j == read(DATA / "loop_synthetic_q.txt").energy_j


def test_the_driver_s_buffer_is_no_reading(tmp_path: Path) -> None:
    text = "    Power Samples\n        Duration : 2.36 sec\n        Avg  : 11.93 W\n"
    with pytest.raises(ImportFailed, match="Power Samples"):
        read(write(tmp_path, text))


def test_a_module_that_is_not_there_does_not_hide_the_board(tmp_path: Path) -> None:
    text = "GPU Power Readings\n  Power Draw : 7.82 W\nModule Power Readings\n  Power Draw : N/A\n"
    assert read(write(tmp_path, text)).mean_power_w == {"total": 7.82, "board": 7.82}


# --- dmon --------------------------------------------------------------------------------------


def test_dmon_with_date_and_time_gives_energy_over_midnight() -> None:
    recording = read(DATA / "dmon_synthetic.txt")
    assert recording.format == "nvidia-smi-dmon"
    assert recording.energy_j == {"total": 320.0, "board": 320.0}
    assert [gap.window.duration_s for gap in recording.gaps] == [1]


def test_dmon_with_the_time_alone_counts_over_midnight(tmp_path: Path) -> None:
    text = "#Time        gpu    pwr\n#HH:MM:SS    Idx      W\n 23:59:58      0    100\n 00:00:03      0    110\n"
    recording = read(write(tmp_path, text))
    assert recording.energy_j == {"total": 550.0, "board": 550.0}
    assert recording.readings == ()
    start = datetime(2026, 9, 14, 23, 59, 58, tzinfo=UTC)
    assert read(write(tmp_path, text), start=start).readings[0].window.start == start


def test_dmon_without_times_needs_the_interval(tmp_path: Path) -> None:
    text = "# gpu   pwr gtemp\n# Idx     W     C\n    0    70    48\n    0     -    48\n    0    90    48\n"
    assert read(write(tmp_path, text)).energy_j is None
    start = datetime(2026, 9, 14, tzinfo=UTC)
    recording = read(write(tmp_path, text), interval_s=2.0, start=start)
    assert recording.energy_j == {"total": 320.0, "board": 320.0}
    assert recording.end is not None
    assert (recording.end - start).total_seconds() == 6


def test_dmon_as_csv_is_read(tmp_path: Path) -> None:
    text = "#gpu, pwr, gtemp, mtemp\n#Idx, W, C, C\n0, 631, 63, 57\n0, 633, 63, 57\n"
    assert read(write(tmp_path, text)).mean_power_w["board"] == 632.0


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("# gpu    sm   mem\n# Idx     %     %\n    0     5     1\n", "no pwr column"),
        ("# gpu     pid  type    sm\n# Idx       #   C/G     %\n    0    2056     C     3\n", "dmon -s p"),
        ("# gpu   pwr gtemp\n# Idx     W     C\n    0     -     -\n", "no power figure"),
    ],
)
def test_dmon_without_power_is_refused_with_what_to_run(tmp_path: Path, text: str, match: str) -> None:
    with pytest.raises(ImportFailed, match=match):
        read(write(tmp_path, text))


def test_a_row_cut_within_its_power_is_not_read(tmp_path: Path) -> None:
    text = "# gpu   pwr gtemp\n# Idx     W     C\n    0    270    48\n    0    27"
    assert read(write(tmp_path, text)).mean_power_w["board"] == 270.0


# --- table, messages, mixtures -----------------------------------------------------------------

TABLE = """\
Mon Sep 14 09:00:{:02d} 2026
+-----------------------------------------------------------------------------------------+
| NVIDIA-SMI 580.95.05              Driver Version: 580.95.05      CUDA Version: 13.0     |
| Fan  Temp   Perf          Pwr:Usage/Cap |           Memory-Usage | GPU-Util  Compute M. |
|=========================================+========================+======================|
|   0  NVIDIA L4                      On  |   00000000:01:00.0 Off |                    0 |
| N/A   52C    P0             {:>3}W /   72W |   11125MiB /  23034MiB |     99%      Default |
|   1  NVIDIA L4                      On  |   00000000:02:00.0 Off |                    0 |
| N/A   52C    P0             ERR! /   72W |   11125MiB /  23034MiB |     99%      Default |
+-----------------------------------------------------------------------------------------+
"""


def test_tables_of_a_loop_give_whole_watts(tmp_path: Path) -> None:
    recording = read(write(tmp_path, TABLE.format(0, 60) + TABLE.format(5, 70)))
    assert recording.energy_j == {"total": 350.0, "board": 350.0}
    assert any("whole watts" in warning for warning in recording.warnings)
    assert any("ERR!" in problem.reason for problem in recording.problems)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n", "modprobe"),
        ("No devices were found\n", "no GPU"),
        ("Failed to initialize NVML: Insufficient Permissions\n", "NVML"),
        ('Field "power.draw.x" is not a valid field to query.\n', "help-query-gpu"),
    ],
)
def test_a_message_is_explained(tmp_path: Path, text: str, match: str) -> None:
    with pytest.raises(ImportFailed, match=match):
        read(write(tmp_path, text))


def test_several_outputs_in_one_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportFailed, match="several outputs"):
        read(write(tmp_path, TABLE.format(0, 60) + (DATA / "dmon_synthetic.txt").read_text()))


def test_a_long_line_without_end_is_read_in_bounded_pieces(tmp_path: Path) -> None:
    text = "# gpu   pwr gtemp\n# Idx     W     C\n    0    270    48\n" + "x" * 3_000_000
    assert read(write(tmp_path, text)).samples == 1
