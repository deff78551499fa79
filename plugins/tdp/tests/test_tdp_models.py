"""The models give the reference's figures and keep their order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wattbook import Load
from wattbook_tdp import intervals, models
from wattbook_tdp.observed import exposure
from wattbook_tdp.shapes import LOAD_SHAPE, OS_SHAPE, as_load, as_os, bent, f, inverse

SHARES = st.floats(0, 1)
SCALES = st.sampled_from(["os", "throughput"])


def test_a_server_idles_at_15_percent_of_tdp_and_a_seventh_of_a_watt_per_gigabyte() -> None:
    assert models.server(400, 256, 0.0) == pytest.approx(0.15 * 400 + 0.14 * 256)


def test_a_server_at_full_load_draws_85_percent_of_tdp_and_two_fifths_of_a_watt_per_gigabyte() -> None:
    assert models.server(400, 256, 1.0) == pytest.approx(0.85 * 400 + 0.41 * 256)


def test_half_a_cpu_of_the_operating_system_is_seven_tenths_of_the_way() -> None:
    assert f(0.5, "os") == pytest.approx(0.70)
    assert models.server(560, 512, f(0.5, "os")) == pytest.approx(560 * 0.64 + 512 * 0.329)


def test_half_the_throughput_is_less_than_half_of_the_way() -> None:
    assert f(0.5, "throughput") == pytest.approx(0.45)


def test_without_memory_a_server_draws_22_to_108_percent_of_tdp() -> None:
    assert models.server_tdp_only(100, 0.0) == pytest.approx(22)
    assert models.server_tdp_only(100, 1.0) == pytest.approx(108)


@pytest.mark.parametrize(("make", "idle", "full"), [("amd", 0.37, 1.75), ("intel", 0.74, 3.89)])
def test_threads_have_the_watts_of_their_maker(make: str, idle: float, full: float) -> None:
    assert models.threads(8, make, 0.0) == pytest.approx(8 * idle)
    assert models.threads(8, make, 1.0) == pytest.approx(8 * full)


def test_a_package_follows_the_operating_systems_share_to_the_power_of_0_69() -> None:
    assert models.package(200, 0.0) == pytest.approx(24)
    assert models.package(200, 1.0) == pytest.approx(210)
    assert models.package(200, 0.5) == pytest.approx(200 * (0.12 + 0.93 * 0.5**0.69))


def test_a_busy_gpu_draws_72_percent_of_its_limit_and_an_idle_one_10() -> None:
    assert models.gpu(700, 1.0) == pytest.approx(504)
    assert models.gpu(700, 0.0) == pytest.approx(70)


def test_memory_draws_between_an_idle_and_a_loaded_rate() -> None:
    assert models.ram(100, 0.0) == pytest.approx(14)
    assert models.ram(100, 1.0) == pytest.approx(41)


def test_a_workstation_at_the_wall_adds_a_fifth_and_a_constant() -> None:
    assert models.wall_from_components(500) == pytest.approx(630)


@given(SHARES, SHARES, SCALES)
def test_more_utilisation_never_draws_less(u: float, v: float, scale: str) -> None:
    low, high = sorted((u, v))
    assert models.server(250, 128, f(low, scale)) <= models.server(250, 128, f(high, scale)) + 1e-9
    assert models.package(250, as_os(low, scale)) <= models.package(250, as_os(high, scale)) + 1e-9


@given(SHARES, SCALES)
def test_the_inverse_of_a_shape_gives_the_utilisation_back(u: float, scale: str) -> None:
    assert inverse(f(u, scale), scale) == pytest.approx(u, abs=1e-9)


@given(SHARES)
def test_a_load_and_a_reading_with_the_same_share_stand_for_each_other(u: float) -> None:
    assert f(as_load(u, "os"), "throughput") == pytest.approx(f(u, "os"), abs=1e-9)
    assert f(as_os(u, "throughput"), "os") == pytest.approx(f(u, "throughput"), abs=1e-9)


@given(SHARES, SHARES)
def test_the_mean_over_a_range_lies_between_its_ends(u: float, v: float) -> None:
    low, high = sorted((u, v))
    over = exposure([Load(device="cpu", seconds=1.0, low=low, high=high)], "os", f, intervals.server)
    average = over.share
    assert f(low, "os") - 1e-9 <= average <= f(high, "os") + 1e-9


@given(SHARES, SCALES)
def test_a_model_over_seconds_is_its_watts_times_the_seconds(u: float, scale: str) -> None:
    loads = [Load(device="cpu", seconds=60.0, low=u, high=u)]
    server = exposure(loads, scale, f, intervals.server).joules(models.server(250, 128, 0), models.server(250, 128, 1))
    assert server[0] == pytest.approx(60 * models.server(250, 128, f(u, scale)))
    down, up = intervals.server(u, scale)
    assert server[1:] == pytest.approx((server[0] * down, server[0] * up))
    package = exposure(loads, scale, bent, intervals.package).joules(models.package(250, 0), models.package(250, 1))
    assert package[0] == pytest.approx(60 * models.package(250, as_os(u, scale)))


def test_the_shapes_run_from_idle_to_full() -> None:
    for shape in (OS_SHAPE, LOAD_SHAPE):
        assert shape[0] == 0
        assert shape[-1] == 1
        assert list(shape) == sorted(shape)
