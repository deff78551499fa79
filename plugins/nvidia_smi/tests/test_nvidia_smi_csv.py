"""The CSV of a query: which cell is what, and how long each row counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from wattbook import ImportFailed, Recording
from wattbook.testing import a_source
from wattbook_nvidia_smi.importers import importers

DATA = Path(__file__).parent / "data"
UUID = "GPU-5ea1f00d-0000-4000-8000-00000000000{}"


def read(tmp_path: Path, text: str | bytes, **said: object) -> Recording:
    path = tmp_path / "log.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    options = {"timezone": "UTC"} | dict(said.pop("options", {}))  # type: ignore[call-overload]
    source = a_source(path, options=options, **said)
    (fitting,) = [offer for offer in importers() if offer.sniff(source.files[0])]
    assert fitting.format == "nvidia-smi-csv"
    (recording,) = fitting.read(source)
    assert isinstance(recording, Recording)
    return recording


def table(*rows: str, header: str = "timestamp, uuid, power.draw [W]") -> str:
    return "\n".join((header, *rows)) + "\n"


def row(seconds: float, watts: str, gpu: int = 0) -> str:
    at = datetime(2026, 9, 14, 9) + timedelta(seconds=seconds)
    return f"{at:%Y/%m/%d %H:%M:%S}.{at.microsecond // 1000:03d}, {UUID.format(gpu)}, {watts}"


def test_energy_is_power_times_the_real_time_since_the_row_before(tmp_path: Path) -> None:
    recording = read(tmp_path, table(row(0, "90.00 W"), row(1, "100.00 W"), row(3.5, "200.00 W")))
    assert recording.samples == 3
    assert recording.energy_j is not None
    assert recording.energy_j["total"] == pytest.approx(100 * 1 + 200 * 2.5, rel=1e-9)
    assert recording.duration_s == pytest.approx(3.5)
    assert recording.start == datetime(2026, 9, 14, 9, tzinfo=UTC)
    assert recording.end == datetime(2026, 9, 14, 9, 0, 3, 500_000, tzinfo=UTC)


def test_the_mean_weighs_by_length_and_the_first_row_as_a_typical_one(tmp_path: Path) -> None:
    recording = read(tmp_path, table(row(0, "90.00 W"), row(1, "100.00 W"), row(4, "200.00 W")))
    typical = 4 / 2
    assert recording.mean_power_w["board"] == pytest.approx((90 * typical + 100 + 200 * 3) / (4 + typical))


def test_each_gpu_has_its_own_clock(tmp_path: Path) -> None:
    rows = (row(0, "100.00 W"), row(0.2, "50.00 W", 1), row(10, "100.00 W"), row(10.7, "50.00 W", 1))
    recording = read(tmp_path, table(*rows))
    assert recording.energy_j is not None
    assert recording.energy_j["board"] == pytest.approx(100 * 10 + 50 * 10.5)
    assert recording.samples == 2
    assert recording.duration_s == pytest.approx(10.5)
    assert {r.domain.device for r in recording.readings} == {f"gpu:{UUID.format(0)}", f"gpu:{UUID.format(1)}"}


@pytest.mark.parametrize("text", ["[N/A]", "[Unknown Error]", "ERR!", "[GPU is lost]", "N/A", "nan", "-5.00 W", "inf"])
def test_what_is_not_a_number_is_a_gap_and_never_zero(tmp_path: Path, text: str) -> None:
    recording = read(tmp_path, table(row(0, "100.00 W"), row(1, text), row(2, "100.00 W")))
    assert recording.energy_j == {"total": 100.0, "board": 100.0}
    assert recording.mean_power_w["board"] == 100.0
    (gap,) = recording.gaps
    assert gap.window.duration_s == 1
    assert recording.problems[0].line == 3
    assert text in recording.problems[0].reason


def test_a_gpu_without_any_power_is_named(tmp_path: Path) -> None:
    recording = read(tmp_path, table(row(0, "100.00 W"), row(0, "[N/A]", 1)))
    assert any(UUID.format(1) in warning and "missing" in warning for warning in recording.warnings)


def test_power_beyond_any_gpu_is_refused_sample_by_sample(tmp_path: Path) -> None:
    recording = read(tmp_path, table(row(0, "100.00 W"), row(1, "99999.00 W"), row(2, "100.00 W")))
    assert recording.mean_power_w["board"] == 100.0
    assert "plausible" in recording.problems[0].reason


def test_average_is_taken_before_instant_where_draw_is_missing(tmp_path: Path) -> None:
    header = "uuid, power.draw [W], power.draw.instant [W], power.draw.average [W]"
    text = table(f"{UUID.format(0)}, [N/A], 70.00 W, 60.00 W", header=header)
    assert read(tmp_path, text).mean_power_w["board"] == 60.0


def test_a_reading_says_which_field_it_came_from(tmp_path: Path) -> None:
    header = "timestamp, uuid, power.draw.instant [W]"
    recording = read(tmp_path, table(row(0, "70.00 W"), row(1, "70.00 W"), header=header))
    assert "power.draw.instant" in recording.readings[0].method


def test_units_may_be_left_out_and_columns_stand_in_any_order(tmp_path: Path) -> None:
    header = "power.draw [W], index, power.limit [W], timestamp"
    text = table(
        "65.10, 0, 300.00, 2026/09/14 09:00:00.000", "65.30, 0, 300.00, 2026/09/14 09:00:02.000", header=header
    )
    recording = read(tmp_path, text)
    assert recording.energy_j is not None
    assert recording.energy_j["total"] == pytest.approx(130.6)
    assert recording.readings[0].domain.device == "gpu:0"


def test_a_row_longer_or_shorter_than_the_header_is_not_read(tmp_path: Path) -> None:
    text = table(row(0, "100.00 W"), row(1, "100.00 W, 9"), row(2, "100.00 W").rpartition(",")[0], row(3, "100.00 W"))
    recording = read(tmp_path, text)
    assert recording.samples == 2
    assert [p.line for p in recording.problems] == [3, 4]


def test_a_cut_last_row_is_noted_and_not_read(tmp_path: Path) -> None:
    recording = read(tmp_path, table(row(0, "100.00 W"), row(1, "100.00 W"), row(2, "123.45 W"))[:-5])
    assert recording.samples == 2
    assert recording.problems[-1].reason == "the last line is cut"


def test_repeated_headers_blank_lines_and_noise_are_survived(tmp_path: Path) -> None:
    text = "$ nvidia-smi ...\n\n" + table(row(0, "100.00 W")) + "\n" + table(row(1, "100.00 W"))
    text += "Unable to determine the device handle for GPU 0000:02:00.0: GPU is lost.  Reboot the system\n"
    recording = read(tmp_path, text)
    assert recording.energy_j == {"total": 100.0, "board": 100.0}
    assert "fell off the bus" in recording.problems[-1].reason


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_files_of_windows_are_read(tmp_path: Path, encoding: str) -> None:
    text = table(row(0, "100.00 W"), row(1, "100.00 W")).replace("\n", "\r\n")
    assert read(tmp_path, text.encode(encoding)).energy_j == {"total": 100.0, "board": 100.0}


def test_a_doubled_recording_counts_no_second_twice(tmp_path: Path) -> None:
    once = table(*(row(s, "100.00 W") for s in range(5)))
    twice = read(tmp_path, once + once)
    assert twice.energy_j == read(tmp_path, once).energy_j


def test_a_pause_of_hours_between_two_runs_is_a_gap(tmp_path: Path) -> None:
    rows = [row(s, "100.00 W") for s in range(4)] + [row(7_200 + s, "100.00 W") for s in range(4)]
    recording = read(tmp_path, table(*rows))
    assert recording.energy_j == {"total": 600.0, "board": 600.0}
    (gap,) = recording.gaps
    assert gap.window.duration_s == 7_197


def test_times_are_local_and_their_zone_is_said(tmp_path: Path) -> None:
    text = table(row(0, "100.00 W"), row(1, "100.00 W"))
    recording = read(tmp_path, text, options={"timezone": "Asia/Singapore"})
    assert recording.start == datetime(2026, 9, 14, 1, tzinfo=UTC)
    assert not recording.warnings
    assert any("no zone" in w for w in read(tmp_path, text, options={"timezone": ""}).warnings)


def test_a_zone_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportFailed, match="Atlantis"):
        read(tmp_path, table(row(0, "1.00 W")), options={"timezone": "Europe/Atlantis"})


def test_the_hour_that_a_clock_passes_twice_is_counted_twice(tmp_path: Path) -> None:
    header = "timestamp, uuid, power.draw [W]"
    moments = ["02:30:00", "02:45:00", "02:00:00", "02:15:00"]
    rows = [f"2026/10/25 {moment}.000, {UUID.format(0)}, 100.00 W" for moment in moments]
    recording = read(tmp_path, table(*rows, header=header), options={"timezone": "Europe/Berlin"})
    assert recording.energy_j == {"total": 100.0 * 2_700, "board": 100.0 * 2_700}


def test_without_times_the_given_interval_makes_energy(tmp_path: Path) -> None:
    text = table("0, 100.00 W", "1, 50.00 W", "0, 200.00 W", "1, 50.00 W", header="index, power.draw [W]")
    assert read(tmp_path, text).energy_j is None
    start = datetime(2026, 9, 14, tzinfo=UTC)
    recording = read(tmp_path, text, interval_s=10.0, start=start)
    assert recording.energy_j == {"total": 4_000.0, "board": 4_000.0}
    assert (recording.start, recording.duration_s) == (start, 20.0)


@pytest.mark.parametrize("start", [datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC)])
def test_a_start_beyond_any_calendar_is_refused(tmp_path: Path, start: datetime) -> None:
    text = table("100.00 W", "100.00 W", "100.00 W", header="power.draw [W]")
    with pytest.raises(ImportFailed, match=r"is the start .* right|not a plausible day"):
        read(tmp_path, text, start=start, interval_s=60.0)


def test_digits_of_another_script_are_no_number(tmp_path: Path) -> None:
    recording = read(tmp_path, table(row(0, "100.00 W"), row(1, "\u0663\u0663 W"), row(2, "100.00 W")))
    assert recording.samples == 2
    assert recording.problems[0].line == 3


def test_one_row_counts_for_the_given_interval(tmp_path: Path) -> None:
    assert read(tmp_path, table(row(0, "100.00 W")), interval_s=60.0).energy_j == {"total": 6_000.0, "board": 6_000.0}


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("uuid, utilization.gpu [%]\nGPU-1, 5 %\n", "power.draw"),
        (f"{UUID.format(0)}, 65.10 W, 300.00 W\n", "2 cells carry watts"),
        (f"{UUID.format(0)}, 65.10, 300.00\n", "no cell carries watts"),
        ("0, 65.10 W\n1, 60.00 W\n", "index"),
        ("timestamp, power.draw [W]\n", "no power figure"),
        ("timestamp, power.draw [W]\nyesterday, 65.10 W\n", "not a time"),
        ("[N/A]\n[N/A]\n", "no power figure"),
    ],
)
def test_what_says_no_power_is_refused(tmp_path: Path, text: str, match: str) -> None:
    with pytest.raises(ImportFailed, match=match) as refused:
        read(tmp_path, text)
    assert refused.value.path is not None


def test_rows_without_a_header_are_read_where_they_explain_themselves(tmp_path: Path) -> None:
    recording = read(tmp_path, f"2026/09/14 09:00:00.000, {UUID.format(0)}, NVIDIA L4, 65.10 W, 12 %\n")
    assert recording.mean_power_w["board"] == 65.1
    assert recording.hardware == "NVIDIA L4"


def test_rows_of_several_gpus_that_do_not_say_which_are_refused(tmp_path: Path) -> None:
    rows = [f"2026/09/14 09:00:{second:02d}.{ms:03d}, 100.00 W" for second in range(10) for ms in (100, 102, 104, 107)]
    with pytest.raises(ImportFailed, match="uuid or index"):
        read(tmp_path, table(*rows, header="timestamp, power.draw [W]"))


def test_a_single_gpu_without_a_name_is_read_with_a_warning(tmp_path: Path) -> None:
    rows = [f"2026/09/14 09:00:{second:02d}.{second % 7:03d}, 100.00 W" for second in range(10)]
    recording = read(tmp_path, table(*rows, header="timestamp, power.draw [W]"))
    assert recording.energy_j is not None
    assert any("which GPU" in warning for warning in recording.warnings)


def test_modules_without_a_serial_number_are_left_out(tmp_path: Path) -> None:
    header = "uuid, name, power.draw [W], module.power.draw.average [W]"
    rows = [f"{UUID.format(i)}, NVIDIA GB200, 160.00 W, 46{i}.00 W" for i in range(2)]
    recording = read(tmp_path, table(*rows, header=header))
    assert recording.mean_power_w == {"total": 320.0, "board": 320.0}
    assert any("serial" in warning for warning in recording.warnings)


def test_modules_are_grouped_by_serial_number(tmp_path: Path) -> None:
    header = "uuid, name, serial, power.draw [W], module.power.draw.average [W]"
    rows = [f"{UUID.format(i)}, NVIDIA GB200, 165000000{i // 2}, 160.00 W, 46{i}.00 W" for i in range(4)]
    recording = read(tmp_path, table(*rows, header=header))
    assert recording.mean_power_w == {"total": 923.0, "module": 923.0, "board": 640.0}


def test_the_stats_of_the_driver_carry_absolute_times(tmp_path: Path) -> None:
    recording = read(
        tmp_path,
        "0, pwrDraw , 1515942330734500, 114\n0, gpuUtil , 1515942330734500, 9\n0, pwrDraw , 1515942332734500, 118\n",
    )
    assert recording.energy_j == {"total": 236.0, "board": 236.0}
    assert recording.start == datetime(2018, 1, 14, 15, 5, 30, 734_500, tzinfo=UTC)


def test_the_synthetic_server_gives_its_arithmetic() -> None:
    lines = (DATA / "server_4gpu_synthetic.csv").read_text().splitlines()
    source = a_source(DATA / "server_4gpu_synthetic.csv", options={"timezone": "Asia/Singapore"})
    (fitting,) = [offer for offer in importers() if offer.sniff(source.files[0])]
    (recording,) = fitting.read(source)
    assert isinstance(recording, Recording)
    energy, last = 0.0, {}
    for line in lines[1:]:
        cells = line.split(", ")
        at = datetime.strptime(cells[0], "%Y/%m/%d %H:%M:%S.%f")
        if cells[1] in last:
            energy += float(cells[5].removesuffix(" W")) * (at - last[cells[1]]).total_seconds()
        last[cells[1]] = at
    assert recording.energy_j is not None
    assert recording.energy_j["total"] == pytest.approx(energy, rel=1e-9)
    assert sum(r.energy_j for r in recording.readings) == pytest.approx(energy, rel=1e-9)
    assert (recording.hardware, recording.tool_version) == ("4 x NVIDIA A100-SXM4-80GB", "580.95.05")
    assert not recording.problems
    assert not recording.warnings
