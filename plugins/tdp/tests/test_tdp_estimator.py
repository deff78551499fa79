"""From gaps and activity to readings: the right model, its interval, its terms and what it leaves open."""

from __future__ import annotations

from datetime import timedelta

import pytest
import wattbook_tdp
from hypothesis import given
from hypothesis import strategies as st
from wattbook import Activity, Chip, Gap, Host, Load, Reading, Window
from wattbook.testing import an_activity
from wattbook.testing.builders import START, a_gap

EPYC = Chip(name="AMD EPYC 7763 64-Core Processor")
SERVER = Host(cpus=(EPYC, EPYC), memory_gb=512)


def answers(activity: Activity, *addresses: str) -> dict[str, Reading | Gap]:
    gaps = [a_gap(activity, address) for address in addresses]
    return {str(a.domain): a for a in wattbook_tdp.estimate(gaps=gaps, activity=activity, config=None)}


def reading(activity: Activity, address: str = "machine/host") -> Reading:
    answer = answers(activity, address)[address]
    assert isinstance(answer, Reading), answer
    return answer


def reason(activity: Activity, address: str) -> str:
    answer = answers(activity, address)[address]
    assert isinstance(answer, Gap)
    return answer.reason


def test_a_known_server_is_estimated_from_tdp_and_memory() -> None:
    found = reading(an_activity(SERVER, {"cpu": 0.5}))
    assert found.energy_j == pytest.approx((560 * 0.64 + 512 * 0.329) * 3600)
    assert found.cause == "model:tdp.server"


def test_terms_add_up_to_the_reading() -> None:
    found = reading(an_activity(SERVER, {"cpu": (0.1, 0.7)}))
    assert sum(term.power_w for term in found.terms) * 3600 == pytest.approx(found.energy_j)
    assert sum(term.low_w for term in found.terms) * 3600 == pytest.approx(found.low_j)
    assert sum(term.high_w for term in found.terms) * 3600 == pytest.approx(found.high_j)
    assert all(term.formula and term.source for term in found.terms)


def test_unknown_memory_is_another_model_and_says_so() -> None:
    found = reading(an_activity(Host(cpus=(EPYC,)), {"cpu": 0.5}))
    assert found.cause == "model:tdp.server_tdp_only"
    assert any("memory" in warning for warning in found.warnings)


def test_a_virtual_machine_counts_its_threads_and_never_the_whole_chip() -> None:
    host = Host(cpus=(EPYC,), virtual=True, threads=4, memory_gb=16)
    found = reading(an_activity(host, {"cpu": 1.0}))
    assert found.cause == "model:tdp.threads.amd"
    assert found.energy_j == pytest.approx(4 * 1.75 * 3600)


def test_an_unknown_processor_counts_its_threads() -> None:
    host = Host(cpus=(Chip(name="Intel(R) Xeon(R) CPU @ 2.20GHz"),), threads=8)
    found = reading(an_activity(host, {"cpu": 1.0}))
    assert found.cause == "model:tdp.threads.intel"
    assert any("2.20GHz" in warning for warning in found.warnings)


def test_nothing_known_leaves_the_gap_with_a_reason() -> None:
    assert "threads" in reason(an_activity(Host(), {"cpu": 0.5}), "machine/host")


def test_a_quota_counts_the_same_share_of_the_machine() -> None:
    chip = Chip(name=EPYC.name, device="cpu:0", threads=128)
    whole = reading(an_activity(Host(cpus=(chip,), threads=128, memory_gb=256), {"cpu": 0.5}))
    part = reading(an_activity(Host(cpus=(chip,), threads=32, memory_gb=256), {"cpu": 0.5}))
    assert part.energy_j == pytest.approx(whole.energy_j / 4)
    assert any("32 of 128" in warning for warning in part.warnings)


def test_watts_given_by_a_person_need_no_catalogue() -> None:
    found = reading(an_activity(Host(cpus=(Chip(name="a chip of our own", tdp_w=100.0),), memory_gb=0.0), {"cpu": 1.0}))
    assert found.energy_j == pytest.approx(85 * 3600)


def test_a_package_is_one_socket() -> None:
    found = reading(an_activity(SERVER, {"cpu": 1.0}), "cpu:0/package")
    assert found.energy_j == pytest.approx(280 * 1.05 * 3600)


def test_memory_is_split_among_the_sockets() -> None:
    found = reading(an_activity(SERVER, {"cpu": 1.0}), "dram:1/dram")
    assert found.energy_j == pytest.approx(256 * 0.41 * 3600)


def test_a_gpu_takes_the_drivers_limit_before_the_catalogue() -> None:
    host = Host(gpus=(Chip(name="NVIDIA A100-SXM4-40GB", device="gpu:0", power_limit_w=300.0),))
    assert reading(an_activity(host, {"gpu:0": 1.0}), "gpu:0/board").energy_j == pytest.approx(0.72 * 300 * 3600)


def test_an_unknown_gpu_stays_open_with_its_name() -> None:
    host = Host(gpus=(Chip(name="NVIDIA X9000", device="gpu:0"),))
    assert "NVIDIA X9000" in reason(an_activity(host, {"gpu:0": 1.0}), "gpu:0/board")


def test_a_mig_slice_stays_open() -> None:
    host = Host(gpus=(Chip(name="NVIDIA A100-SXM4-40GB MIG 1g.5gb", device="gpu:0"),))
    assert "MIG" in reason(an_activity(host, {"gpu:0": 1.0}), "gpu:0/board")


def test_a_family_of_gpus_spans_its_forms() -> None:
    named = Host(gpus=(Chip(name="NVIDIA A100-SXM4-40GB", device="gpu:0"),))
    family = Host(gpus=(Chip(name="A100", device="gpu:0"),))
    one, many = (reading(an_activity(host, {"gpu:0": 1.0}), "gpu:0/board") for host in (named, family))
    assert many.low_j is not None
    assert many.high_j is not None
    assert one.low_j is not None
    assert one.high_j is not None
    assert many.high_j / many.low_j > one.high_j / one.low_j


def test_a_device_without_a_reading_may_be_anything_from_idle_to_full() -> None:
    host = Host(gpus=(Chip(name="Tesla T4", device="gpu:0"),))
    found = reading(an_activity(host, {}), "gpu:0/board")
    assert found.low_j == pytest.approx(0.21 * 0.10 * 70 * 3600)
    assert found.high_j == pytest.approx(1.36 * 0.72 * 70 * 3600)
    assert found.warnings


def test_an_apple_machine_is_its_chip_and_what_is_around_it() -> None:
    found = reading(an_activity(Host(cpus=(Chip(name="Apple M1"),), os="darwin", arch="arm64"), {"cpu": 0.0}))
    assert found.cause == "model:tdp.soc"
    assert found.energy_j == pytest.approx((4 + 0.02 * 20) * 3600)


def test_what_it_knows_nothing_about_is_left_out() -> None:
    assert answers(an_activity(SERVER, {"cpu": 0.5}), "machine/other", "machine/facility") == {}


def test_the_mean_of_the_curve_is_not_the_curve_of_the_mean() -> None:
    half = an_activity(SERVER, {"cpu": 0.5})
    loads = (Load(device="cpu", seconds=1800, low=0, high=0), Load(device="cpu", seconds=1800, low=1, high=1))
    halves = Activity(window=half.window, host=SERVER, loads=loads)
    assert reading(halves).energy_j < 0.9 * reading(half).energy_j


def test_throughput_and_the_operating_systems_reading_are_never_one_for_the_other() -> None:
    os = an_activity(SERVER, {"cpu": 0.5})
    throughput = Activity(window=os.window, host=SERVER, loads=os.loads, scale="throughput")
    assert reading(throughput).energy_j < reading(os).energy_j


HOSTS = st.builds(
    lambda tdp, memory, threads: Host(
        cpus=(Chip(tdp_w=tdp),) if tdp else (), memory_gb=memory, threads=threads, virtual=not tdp
    ),
    st.one_of(st.none(), st.floats(5, 1000)),
    st.one_of(st.none(), st.floats(0, 4096)),
    st.integers(1, 512),
)
RANGES = st.tuples(st.floats(0, 1), st.floats(0, 1)).map(lambda pair: tuple(sorted(pair)))
SCALES = st.sampled_from(["os", "throughput"])


def at(host: Host, util: tuple[float, float], scale: str, hours: float = 1.0) -> Reading:
    activity = an_activity(host, {"cpu": util}, hours=hours)
    return reading(Activity(window=activity.window, host=host, loads=activity.loads, scale=scale))


@given(HOSTS, RANGES, SCALES)
def test_the_interval_holds_the_estimate(host: Host, util: tuple[float, float], scale: str) -> None:
    found = at(host, util, scale)
    assert found.low_j is not None
    assert found.high_j is not None
    assert 0 < found.low_j < found.energy_j < found.high_j


@given(HOSTS, RANGES, SCALES)
def test_more_utilisation_never_costs_less(host: Host, util: tuple[float, float], scale: str) -> None:
    low, high = at(host, (util[0], util[0]), scale), at(host, (util[1], util[1]), scale)
    assert low.energy_j <= high.energy_j * (1 + 1e-9)


@given(HOSTS, RANGES, SCALES)
def test_a_range_spans_the_intervals_of_its_ends(host: Host, util: tuple[float, float], scale: str) -> None:
    whole, low, high = at(host, util, scale), at(host, (util[0],) * 2, scale), at(host, (util[1],) * 2, scale)
    assert whole.low_j == pytest.approx(low.low_j)
    assert whole.high_j == pytest.approx(high.high_j)
    assert low.energy_j * (1 - 1e-9) <= whole.energy_j <= high.energy_j * (1 + 1e-9)


@given(HOSTS, RANGES, SCALES, st.floats(0.01, 1000))
def test_energy_is_linear_in_hours(host: Host, util: tuple[float, float], scale: str, hours: float) -> None:
    one, many = at(host, util, scale), at(host, util, scale, hours=hours)
    assert many.energy_j == pytest.approx(one.energy_j * hours, rel=1e-6)
    assert many.high_j == pytest.approx((one.high_j or 0) * hours, rel=1e-6)


@given(st.lists(st.tuples(st.floats(1, 1000), st.floats(0, 1)), min_size=1, max_size=8), st.integers(1, 7), SCALES)
def test_splitting_a_window_preserves_energy(samples: list[tuple[float, float]], cut: int, scale: str) -> None:
    def over(part: list[tuple[float, float]]) -> float:
        seconds = sum(s for s, _ in part)
        if not part:
            return 0.0
        window = Window(start=START, end=START + timedelta(seconds=seconds))
        loads = tuple(Load(device="cpu", seconds=s, low=u, high=u) for s, u in part)
        return reading(Activity(window=window, host=SERVER, loads=loads, scale=scale)).energy_j

    assert over(samples[:cut]) + over(samples[cut:]) == pytest.approx(over(samples), rel=1e-6)


@given(st.lists(st.tuples(HOSTS, RANGES, SCALES), max_size=5))
def test_many_questions_have_the_answers_of_each_alone(some: list[tuple[Host, tuple[float, float], str]]) -> None:
    questions = []
    for host, util, scale in some:
        one = an_activity(host, {"cpu": util})
        activity = Activity(window=one.window, host=host, loads=one.loads, scale=scale)
        questions.append(
            ([a_gap(activity, name) for name in ("machine/host", "cpu:0/package", "gpu:0/board")], activity)
        )
    alone = [list(wattbook_tdp.estimate(gaps=gaps, activity=activity, config=None)) for gaps, activity in questions]
    assert list(wattbook_tdp.estimate_many(questions=questions, config=None)) == alone
