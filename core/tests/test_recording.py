"""Adding up a recording: constant memory, exact energy, honest means."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wattbook import Domain, ImportFailed, RecordingBuilder

T0 = datetime(2026, 10, 31, 22, 30, tzinfo=UTC)
PACKAGE = Domain(device="cpu:0", name="package")
CORE = Domain(device="cpu:0", name="core", within="cpu:0/package")
DRAM = Domain(device="dram:0", name="dram")


def a_builder(**kw: object) -> RecordingBuilder:
    return RecordingBuilder(format="test", source="test", **kw)  # type: ignore[arg-type]


def test_the_total_is_the_outermost_domains_only() -> None:
    builder = a_builder()
    builder.add({PACKAGE: 40.0, CORE: 30.0, DRAM: 5.0}, elapsed_s=2.0)
    recording = builder.build()
    assert recording.mean_power_w == {"total": 45.0, "package": 40.0, "core": 30.0, "dram": 5.0}
    assert recording.energy_j == {"total": 90.0, "package": 80.0, "core": 60.0, "dram": 10.0}


def test_the_mean_is_weighted_by_time() -> None:
    builder = a_builder()
    builder.add({PACKAGE: 10.0}, elapsed_s=1.0)
    builder.add({PACKAGE: 20.0}, elapsed_s=3.0)
    assert builder.build().mean_power_w["package"] == 17.5


def test_a_first_sample_of_unknown_length_counts_in_the_mean_and_not_in_the_energy() -> None:
    builder = a_builder()
    builder.add({PACKAGE: 10.0}, end=T0)
    builder.add({PACKAGE: 20.0}, end=T0 + timedelta(seconds=5), elapsed_s=5.0)
    recording = builder.build()
    assert recording.mean_power_w["package"] == 15.0
    assert recording.energy_j == {"total": 100.0, "package": 100.0}


def test_without_times_there_is_a_mean_and_no_energy() -> None:
    builder = a_builder()
    builder.add({PACKAGE: 10.0})
    builder.add({PACKAGE: 30.0})
    recording = builder.build()
    assert (recording.samples, recording.mean_power_w["total"], recording.energy_j) == (2, 20.0, None)
    assert recording.readings == ()


def test_a_recording_without_power_is_refused() -> None:
    builder = a_builder()
    builder.problem("no column names a power", line=3)
    with pytest.raises(ImportFailed, match=r"line 3.*no power figure"):
        builder.build()


@pytest.mark.parametrize("watts", [float("nan"), float("inf"), -1.0, 1.1e15])
def test_an_implausible_sample_is_a_problem_and_not_counted(watts: float) -> None:
    builder = a_builder()
    assert not builder.add({PACKAGE: watts}, elapsed_s=1.0, line=7)
    builder.add({PACKAGE: 10.0}, elapsed_s=1.0)
    recording = builder.build()
    assert (recording.samples, recording.problems[0].line) == (1, 7)


def test_joules_replace_power_times_length() -> None:
    builder = a_builder()
    builder.add({PACKAGE: 10.0}, elapsed_s=1.0, energy_j={PACKAGE: 10.5})
    assert builder.build().energy_j == {"total": 10.5, "package": 10.5}


def test_readings_end_with_the_hour_so_that_a_month_can_be_cut() -> None:
    builder = a_builder()
    for i in range(1, 181):
        builder.add({PACKAGE: 60.0}, end=T0 + timedelta(minutes=i), elapsed_s=60.0)
    readings = builder.build().readings
    assert [r.window.start.hour for r in readings] == [22, 23, 0, 1]
    assert all(r.window.duration_s <= 3_660 for r in readings)


def test_problems_are_bounded() -> None:
    builder = a_builder()
    builder.add({PACKAGE: 1.0}, elapsed_s=1.0)
    for i in range(10_000):
        builder.problem("odd", line=i)
    recording = builder.build()
    assert len(recording.problems) == 100
    assert "9900 further problems" in recording.warnings[0]


@given(st.lists(st.tuples(st.floats(0, 1_000), st.floats(0.1, 600)), min_size=1, max_size=60))
def test_the_readings_hold_the_recordings_energy(samples: list[tuple[float, float]]) -> None:
    builder, end = a_builder(error=0.05), T0
    for watts, seconds in samples:
        end += timedelta(seconds=seconds)
        builder.add({PACKAGE: watts}, end=end, elapsed_s=seconds)
    recording = builder.build()
    assert recording.energy_j is not None
    assert sum(r.energy_j for r in recording.readings) == pytest.approx(recording.energy_j["package"], abs=1e-6)
    assert recording.energy_j["package"] == pytest.approx(sum(w * s for w, s in samples), abs=1e-6)


def test_a_domain_can_be_forgotten() -> None:
    builder = a_builder()
    builder.add({PACKAGE: 10.0, DRAM: 0.0}, end=T0, elapsed_s=5.0)
    assert builder.means_w() == {PACKAGE: 10.0, DRAM: 0.0}
    builder.forget(DRAM)
    recording = builder.build()
    assert recording.mean_power_w == {"total": 10.0, "package": 10.0}
    assert {reading.domain for reading in recording.readings} == {PACKAGE}


def test_many_samples_of_unknown_length_weigh_as_typical_ones() -> None:
    builder = a_builder()
    for _ in range(300):
        builder.add({PACKAGE: 10.0})
    for _ in range(100):
        builder.add({PACKAGE: 20.0}, elapsed_s=2.0)
    assert builder.build().mean_power_w["package"] == pytest.approx((300 * 10 + 100 * 20) / 400)


def test_samples_in_a_row_can_be_handed_over_as_one() -> None:
    one_by_one, at_once = a_builder(), a_builder()
    for i, watts in enumerate((10.0, 20.0, 30.0), start=1):
        one_by_one.add({PACKAGE: watts}, end=T0 + timedelta(seconds=i), elapsed_s=1.0)
    at_once.add({PACKAGE: 20.0}, end=T0 + timedelta(seconds=3), elapsed_s=3.0, samples=3)
    assert at_once.build() == one_by_one.build()


def test_times_that_jump_about_are_refused_before_they_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wattbook.recording.MAX_PIECES", 50)
    builder = a_builder()
    for i in range(50):
        builder.add({PACKAGE: 1.0}, end=T0 + timedelta(hours=2 * i), elapsed_s=1.0)
    with pytest.raises(ImportFailed, match="jump about"):
        builder.add({PACKAGE: 1.0}, end=T0 + timedelta(hours=100), elapsed_s=1.0)


@pytest.mark.parametrize("year", [1, 1969, 2200, 9999])
def test_a_day_that_no_clock_shows_is_a_problem(year: int) -> None:
    builder = a_builder()
    assert not builder.add({PACKAGE: 10.0}, end=datetime(year, 1, 1, tzinfo=UTC), elapsed_s=60.0)
    assert builder.add({PACKAGE: 10.0}, end=T0, elapsed_s=60.0)
    recording = builder.build()
    assert recording.energy_j == {"total": 600.0, "package": 600.0}
    assert "is not a plausible day" in recording.problems[0].reason
