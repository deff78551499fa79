"""Processor time becomes loads, meters become joules, and nothing is lost where a stretch is cut."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wattbook.errors import ReadError
from wattbook.model import Domain, Load, Meter, Missed, Sample, Session
from wattbook.polling import MeterThread, Tally, close, poll
from wattbook.sampling import CpuTimes, LoadHistogram, stragglers_cpu_s, tree_cpu_s

WALL = Domain(device="machine", name="wall")
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


# --- processor time ----------------------------------------------------------------------------


def times(busy_s: float, total_s: float, stolen_s: float = 0.0) -> CpuTimes:
    return CpuTimes(busy_s=busy_s, total_s=total_s, stolen_s=stolen_s, processors=2)


def test_proc_stat_is_read_with_guest_time_once_and_steal_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sysconf", lambda name: 100)
    text = b"cpu  1000 200 300 5000 400 50 60 700 900 100\ncpu0 1 2 3\ncpu1 1 2 3\nintr 7\n"
    read = CpuTimes.from_proc_stat(text)
    assert read.busy_s == pytest.approx(16.10)  # user, nice, system, irq, softirq; guest is part of user
    assert read.stolen_s == pytest.approx(7.0)
    assert read.total_s == pytest.approx(16.10 + 54.00 + 7.0)
    assert read.processors == 2


def test_an_old_kernel_without_steal_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sysconf", lambda name: 100)
    assert CpuTimes.from_proc_stat(b"cpu  100 0 0 300\n").total_s == pytest.approx(4.0)


def test_this_machines_counters_advance() -> None:
    first = CpuTimes.now()
    assert first is not None
    time.sleep(0.1)
    second = CpuTimes.now()
    assert second is not None
    assert second.total_s > first.total_s
    assert second.busy_s >= first.busy_s


def test_the_first_counters_only_start_the_clock() -> None:
    loads = LoadHistogram()
    loads.take(times(100, 1000), 0.0)
    assert loads.loads() == ()


def test_a_load_is_the_busy_share_of_all_processors() -> None:
    loads = LoadHistogram()
    loads.take(times(100, 1000), 0.0)
    loads.take(times(101, 1004, 1), 2.0)
    assert loads.loads() == (Load(device="cpu", seconds=2.0, low=0.25, high=0.25),)
    assert (loads.busy_s, loads.stolen_s) == (1, 1)


def test_a_moment_shorter_than_the_clocks_ticks_is_a_range() -> None:
    loads = LoadHistogram()
    loads.take(times(100, 1000), 0.0)
    loads.take(times(100, 1000), 0.002)
    (load,) = loads.loads()
    assert (load.low, load.high) == (0, 1)


def test_a_short_stretch_is_as_unsure_as_its_ticks() -> None:
    loads = LoadHistogram()
    loads.take(times(100, 1000), 0.0)
    loads.take(times(100.1, 1000.2), 0.1)
    (load,) = loads.loads()
    assert load.low == pytest.approx(0.4)
    assert load.high == pytest.approx(0.6)


@pytest.mark.parametrize("later", [None, times(90, 900)])
def test_counters_that_vanish_or_run_backwards_make_the_load_unknown(later: CpuTimes | None) -> None:
    loads = LoadHistogram()
    loads.take(times(100, 1000), 0.0)
    loads.take(later, 3.0)
    assert loads.loads() == (Load(device="cpu", seconds=3.0, low=0.0, high=1.0),)


def test_what_lies_before_a_skip_is_not_counted() -> None:
    loads = LoadHistogram()
    loads.take(times(100, 1000), 0.0)
    loads.skip(times(200, 2000))
    loads.take(times(201, 2002), 1.0)
    (load,) = loads.loads()
    assert (load.seconds, load.low) == (1.0, 0.5)


@given(st.lists(st.tuples(st.floats(1, 1e4), st.floats(0, 1)), min_size=1, max_size=500))
def test_the_histogram_keeps_time_and_work_and_stays_small(steps: list[tuple[float, float]]) -> None:
    loads = LoadHistogram()
    busy = total = 0.0
    loads.take(times(busy, total), 0.0)
    for seconds, share in steps:
        total += 2 * seconds
        busy += 2 * seconds * share
        loads.take(times(busy, total), seconds)
    binned = loads.loads()
    assert len(binned) <= 101
    assert sum(load.seconds for load in binned) == pytest.approx(sum(s for s, _ in steps))
    assert sum(load.seconds * load.middle for load in binned) == pytest.approx(
        sum(s * u for s, u in steps), rel=1e-6, abs=1e-6
    )


def test_a_cleared_histogram_goes_on_from_the_last_counters() -> None:
    loads = LoadHistogram()
    loads.take(times(0, 0), 0.0)
    loads.take(times(1, 2), 1.0)
    loads.clear()
    assert loads.loads() == ()
    assert loads.busy_s == 0
    loads.take(times(2, 4), 1.0)
    assert loads.busy_s == 1


@LINUX
def test_the_tree_counts_children_that_live_and_that_were_reaped() -> None:
    code = """
import subprocess, sys, time
burn = "import time\\nwhile time.process_time() < 0.3: pass\\n"
subprocess.run([sys.executable, "-c", burn])
alive = subprocess.Popen([sys.executable, "-c", burn + "print('burnt', flush=True)\\ntime.sleep(60)"])
alive.wait()
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        counted = tree_cpu_s(process.pid)
        os.killpg(process.pid, 9)
    assert counted is not None
    assert counted >= 0.55
    assert tree_cpu_s(process.pid) is None


@LINUX
def test_processes_that_outlived_the_command_are_known_by_their_run() -> None:
    code = "import time\nwhile time.process_time() < 0.2: pass\nprint(1, flush=True)\ntime.sleep(60)"
    env = {**os.environ, "WATTBOOK_RUN_ID": "stragglers-test"}
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=env) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert stragglers_cpu_s("stragglers-test") >= 0.15
        assert stragglers_cpu_s("stragglers") == 0
        process.kill()


# --- what a meter adds up ----------------------------------------------------------------------


def a_sample(at_s: float, energy_j: float) -> Sample:
    return Sample(at_s=at_s, domain=WALL, energy_j=energy_j)


def test_the_zero_of_a_counter_does_not_matter() -> None:
    tally = Tally()
    for at_s, energy_j in ((5, 1000), (6, 1010), (9, 1100)):
        tally.take(a_sample(at_s, energy_j))
    assert (tally.energy_j, tally.covered_s) == (100, 4)


def test_what_was_missed_keeps_its_bounds_and_reasons() -> None:
    tally = Tally()
    tally.take(Missed(since_s=0, until_s=2, domain=WALL, reason="asleep", low_j=1, high_j=5))
    tally.take(Missed(since_s=2, until_s=3, domain=WALL, reason="asleep", low_j=2, high_j=7))
    assert (tally.missed_s, tally.missed_low_j, tally.missed_high_j, tally.reasons) == (3, 3, 12, ["asleep"])
    tally.take(Missed(since_s=3, until_s=4, domain=WALL, reason="reset"))
    assert tally.missed_high_j is None


def test_a_meter_that_runs_backwards_makes_a_hole_and_no_negative_energy() -> None:
    tally = Tally()
    for at_s, energy_j in ((0, 100), (1, 110), (2, 5), (3, 15)):
        tally.take(a_sample(at_s, energy_j))
    assert (tally.energy_j, tally.covered_s, tally.missed_s, tally.missed_high_j) == (20, 2, 1, None)


@given(st.lists(st.tuples(st.floats(0.01, 100), st.floats(0, 1e4)), min_size=2, max_size=30), st.data())
def test_cutting_a_stretch_anywhere_keeps_every_joule(steps: list[tuple[float, float]], data: st.DataObject) -> None:
    at, energy, samples = 0.0, 0.0, []
    for seconds, joules in steps:
        at, energy = at + seconds, energy + joules
        samples.append(a_sample(at, energy))
    cut = data.draw(st.integers(1, len(samples) - 1))
    whole, first = Tally(), Tally()
    for sample in samples:
        whole.take(sample)
    for sample in samples[:cut]:
        first.take(sample)
    second = Tally(first.last)
    for sample in samples[cut:]:
        second.take(sample)
    assert first.energy_j + second.energy_j == pytest.approx(whole.energy_j)
    assert first.covered_s + second.covered_s == pytest.approx(whole.covered_s)


# --- a meter in its thread ---------------------------------------------------------------------


class FakeSession:
    def __init__(self, read: Callable[[], Iterable[Sample | Missed]]) -> None:
        self.read = read


def a_meter(read: Callable[[], Iterable[Sample | Missed]], closed: list[str] | None = None) -> Meter:
    @contextlib.contextmanager
    def opened() -> Iterator[Session]:
        yield FakeSession(read)
        if closed is not None:
            closed.append("closed")

    def opening() -> AbstractContextManager[Session]:
        return opened()

    return Meter(name="m", domains=(WALL,), interval_s=60, probe=lambda: None, open=opening)


def started(meter: Meter) -> MeterThread:
    """A thread that has read its meter exactly once."""
    thread = MeterThread("fake:m", meter)
    ticket = thread.ask()
    thread.start()
    assert thread.answered(ticket, 10)
    return thread


def test_a_meter_is_read_when_asked_and_closed_when_stopped() -> None:
    closed: list[str] = []
    count = iter(range(1000))
    thread = started(a_meter(lambda: [a_sample(float(n := next(count)), 10.0 * n)], closed))
    assert poll([thread]) == []
    assert poll([thread], stop=True) == []
    assert close([thread]) == []
    assert closed == ["closed"]
    _, tally = thread.tallies()["machine/wall"]
    assert tally.energy_j == 10 * tally.covered_s > 0


def test_one_bad_poll_is_noted_and_the_next_one_counts() -> None:
    answers: Iterator[Iterable[Sample] | None] = iter([[a_sample(0, 0)], None, [a_sample(2, 20)], [a_sample(3, 30)]])

    def read() -> Iterable[Sample]:
        answer = next(answers)
        if answer is None:
            raise ReadError("the sensor was busy")
        return answer

    thread = started(a_meter(read))
    for stop in (False, False, True):
        poll([thread], stop=stop)
    close([thread])
    _, tally = thread.tallies()["machine/wall"]
    assert tally.reasons == ["the sensor was busy"]
    assert tally.energy_j >= 20
    assert not thread.broken


def test_a_meter_that_raises_is_broken_and_keeps_what_it_said() -> None:
    answers = iter([[a_sample(0, 0)], [a_sample(1, 10)]])

    def read() -> Iterable[Sample]:
        for answer in answers:
            return answer
        raise KeyError("power1_average")

    thread = started(a_meter(read))
    for _ in range(3):
        poll([thread])
    assert close([thread]) == []
    assert thread.broken == "KeyError: 'power1_average'"
    assert thread.tallies()["machine/wall"][1].energy_j == 10


def test_a_meter_that_hangs_holds_nobody_up() -> None:
    never = threading.Event()
    answers = iter([[a_sample(0, 0)]])

    def read() -> Iterable[Sample]:
        for answer in answers:
            return answer
        never.wait(60)
        return []

    thread = started(a_meter(read))
    quick = started(a_meter(lambda: [a_sample(time.monotonic(), 1.0)]))
    assert poll([thread, quick], timeout_s=0.2) == [thread]
    assert poll([thread, quick], timeout_s=0.2) == [], "what is late already is not waited for"
    assert close([thread], timeout_s=0.1) == [thread]
    never.set()
    poll([thread, quick], stop=True)
    assert close([thread, quick]) == []


def test_a_meter_that_is_not_open_yet_is_not_waited_for() -> None:
    never = threading.Event()

    def opening() -> AbstractContextManager[Session]:
        never.wait(60)
        raise RuntimeError("too late")

    thread = MeterThread("fake:m", Meter(name="m", domains=(WALL,), probe=lambda: None, open=opening))
    thread.start()
    before = time.monotonic()
    assert poll([thread], timeout_s=30) == []
    assert time.monotonic() - before < 20
    never.set()
    close([thread])


def test_a_new_stretch_starts_from_the_last_sample() -> None:
    count = iter(range(1000))
    thread = started(a_meter(lambda: [a_sample(float(n := next(count)), 10.0 * n)]))
    poll([thread])
    before = thread.tallies()["machine/wall"][1]
    thread.start_stretch()
    poll([thread], stop=True)
    close([thread])
    after = thread.tallies()["machine/wall"][1]
    assert before.last is not None
    assert after.last is not None
    assert after.energy_j == after.last.energy_j - before.last.energy_j


def test_missed_seconds_do_not_dilute_the_power_that_was_seen() -> None:
    """10 W for 10 s with 3 s of it lost: 70 J in 7 s, a mean of 10 W."""
    domain = Domain(device="cpu:0", name="package")
    tally = Tally()
    tally.take(Sample(at_s=0.0, domain=domain, energy_j=0.0))
    tally.take(Sample(at_s=4.0, domain=domain, energy_j=40.0))
    tally.take(Missed(since_s=4.0, until_s=7.0, domain=domain, reason="reset"))
    tally.take(Sample(at_s=7.0, domain=domain, energy_j=40.0))
    tally.take(Sample(at_s=10.0, domain=domain, energy_j=70.0))
    assert (tally.energy_j, tally.covered_s, tally.missed_s) == (70.0, 7.0, 3.0)
