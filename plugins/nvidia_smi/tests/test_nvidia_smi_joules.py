"""Counters and gauges: cumulative joules that never run back, and every doubt named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wattbook import Domain, Missed, Sample
from wattbook_nvidia_smi.architecture import sensor_error
from wattbook_nvidia_smi.joules import MAX_BRIDGE_S, CounterTrack, GaugeTrack

BOARD = Domain(device="gpu:0", name="board")

readings = st.lists(
    st.tuples(st.floats(0.01, 60.0), st.one_of(st.none(), st.integers(0, 10**9)), st.booleans()), max_size=40
)


def energies(items: list[Sample | Missed]) -> list[float]:
    return [item.energy_j for item in items if isinstance(item, Sample)]


@given(readings)
def test_a_counter_never_runs_back_whatever_it_shows(steps: list[tuple[float, int | None, bool]]) -> None:
    track, at_s, seen = CounterTrack(domain=BOARD), 0.0, []
    for elapsed_s, counted, _ in steps:
        at_s += elapsed_s
        items = track.lose("gone", at_s) if counted is None else track.take(counted, at_s)
        seen += energies(items)
        assert all(item.until_s >= item.since_s for item in items if isinstance(item, Missed))
    assert seen == sorted(seen)


@given(readings)
def test_no_stretch_is_both_measured_and_missed(steps: list[tuple[float, int | None, bool]]) -> None:
    track, at_s, energy_j, missed_s, begun_s = GaugeTrack(domain=BOARD), 0.0, 0.0, 0.0, None
    for elapsed_s, watts, _ in steps:
        at_s += elapsed_s
        items = track.lose("gone", at_s) if watts is None else track.take(100.0, at_s)
        begun_s = at_s if begun_s is None else begun_s
        missed_s += sum(item.until_s - item.since_s for item in items if isinstance(item, Missed))
        energy_j = max([energy_j, *energies(items)])
    if begun_s is not None:
        assert energy_j / 100.0 + missed_s == pytest.approx(at_s - begun_s, abs=1e-6)


def test_a_silence_of_the_gauge_is_not_bridged() -> None:
    track = GaugeTrack(domain=BOARD)
    track.take(100.0, 0.0)
    missed, sample = track.take(100.0, MAX_BRIDGE_S + 1)
    assert isinstance(missed, Missed)
    assert isinstance(sample, Sample)
    assert sample.energy_j == 0.0


def test_a_jump_that_no_gpu_can_make_is_missed() -> None:
    track = CounterTrack(domain=BOARD)
    track.take(0, 0.0)
    missed, sample = track.take(10**9, 1.0)
    assert isinstance(missed, Missed)
    assert energies([sample]) == [0.0]
    assert energies(track.take(10**9 + 50_000, 2.0)) == [50.0]


def test_a_gpu_that_comes_back_starts_anew() -> None:
    track = CounterTrack(domain=BOARD)
    track.take(1_000, 0.0)
    track.lose("the GPU fell off the bus", 1.0)
    missed, sample = track.take(90_000, 2.0)
    assert isinstance(missed, Missed)
    assert energies([sample]) == [0.0]
    assert energies(track.take(91_000, 3.0)) == [1.0]


def test_a_watt_beyond_reason_is_missed() -> None:
    track = GaugeTrack(domain=BOARD)
    track.take(100.0, 0.0)
    (missed,) = track.take(1e9, 1.0)
    assert isinstance(missed, Missed)
    assert "plausible" in missed.reason


def test_sensors_that_look_a_quarter_of_the_time_are_less_exact() -> None:
    assert sensor_error("power", ["NVIDIA H100 80GB HBM3"]) > sensor_error("power", ["NVIDIA L40S"])
    assert sensor_error("power", ["NVIDIA L40S", "NVIDIA A100-SXM4-40GB"]) == sensor_error("power", ["NVIDIA H200"])
    assert sensor_error("power", ["NVIDIA A10"]) == sensor_error("power", ["Tesla T4"])


@pytest.mark.parametrize("names", [[], ["NVIDIA L40S"], ["NVIDIA H100 PCIe"]])
def test_the_counter_is_ranked_before_the_gauge_and_the_gauge_before_the_tool(names: list[str]) -> None:
    assert sensor_error("energy", names) < sensor_error("power", names) < sensor_error("smi", names)
