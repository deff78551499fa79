"""When a run is polled, and when its meters may rest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wattbook.metering import Meter, Sample
from wattbook.model import Domain
from wattbook.pipeline.pace import EARLIEST, GPU_IDLE_W, SLOWER, STILL, Pace, Rest
from wattbook.polling import MeterThread, Tally, poll
from wattbook.sampling import CpuTimes, LoadHistogram

BOARD = Domain(device="gpu:0", name="board")


@given(interval_s=st.floats(0.05, 60), late=st.floats(0, 0.1), work=st.floats(0.001, 0.1), start_s=st.floats(1, 1e6))
def test_a_line_is_never_older_than_an_interval_where_polls_take_what_they_took(
    interval_s: float, late: float, work: float, start_s: float
) -> None:
    pace = Pace(interval_s)
    at_s, lines = start_s, []
    for _ in range(20):
        written_s = at_s + work * interval_s
        lines.append((at_s, written_s))
        pace.polled(at_s, written_s)
        at_s = pace.due_s + late * interval_s
    ages = [later - at_s for (at_s, _), (_, later) in pairwise(lines[1:])]
    assert max(ages) <= interval_s * (1 + 1e-6)


@given(st.lists(st.floats(0, 30), min_size=1, max_size=30))
def test_polls_are_never_closer_than_promised_and_never_pile_up(delays: list[float]) -> None:
    pace = Pace(2.0)
    at_s = 100.0
    for delay_s in delays:
        pace.polled(at_s, at_s + delay_s)
        assert pace.due_s >= at_s + delay_s
        assert pace.due_s >= at_s + EARLIEST * 2.0
        assert pace.due_s <= at_s + max(2.0, delay_s)
        at_s = pace.due_s


def test_the_first_poll_is_due_at_once() -> None:
    assert Pace(2.0).due_s == 0.0


class Machine:
    """Two processors, and a meter thread that reads a board."""

    def __init__(self, *, board: bool = False) -> None:
        self.loads, self.at_s, self.busy_s = LoadHistogram(), 0.0, 0.0
        self.loads.take(CpuTimes(0.0, 0.0), 0.0)
        self.tally = Tally()
        said = {BOARD.address: (BOARD, self.tally)} if board else {}
        self.thread: Any = SimpleNamespace(slower=1, tallies=lambda: said)

    def polls(self, rest: Rest, count: int, *, load: float, board_w: float = 0.0) -> int:
        for _ in range(count):
            self.at_s += 2.0
            self.busy_s += 4.0 * load
            self.loads.take(CpuTimes(self.busy_s, 2 * self.at_s), 2.0)
            self.tally.energy_j += 2.0 * board_w
            rest.look(self.at_s, self.loads, [self.thread])
        return int(self.thread.slower)


def test_the_meters_of_an_idle_machine_rest() -> None:
    assert Machine().polls(Rest(), STILL, load=0.01) == SLOWER


def test_a_short_lull_is_no_idleness() -> None:
    assert Machine().polls(Rest(), STILL - 1, load=0.01) == 1


def test_the_first_busy_poll_wakes_the_meters() -> None:
    machine, rest = Machine(), Rest()
    machine.polls(rest, STILL, load=0.01)
    assert machine.polls(rest, 1, load=0.5) == 1


@pytest.mark.parametrize(("board_w", "slower"), [(GPU_IDLE_W - 10, SLOWER), (GPU_IDLE_W + 10, 1)])
def test_a_board_that_works_keeps_the_meters_awake(board_w: float, slower: int) -> None:
    assert Machine(board=True).polls(Rest(), STILL + 1, load=0.01, board_w=board_w) == slower


def test_a_new_stretch_is_looked_at_afresh() -> None:
    machine, rest = Machine(board=True), Rest()
    machine.polls(rest, STILL + 1, load=0.01)
    machine.loads.clear()
    machine.tally.energy_j = 0.0
    assert machine.polls(rest, STILL + 2, load=0.01) == SLOWER


class Gauge:
    """A session that counts how often it is read."""

    def __init__(self) -> None:
        self.reads = 0

    def read(self) -> Iterator[Sample]:
        self.reads += 1
        yield Sample(at_s=float(self.reads), domain=BOARD, energy_j=float(self.reads))


def test_a_resting_meter_is_still_read_at_every_poll() -> None:
    gauge = Gauge()

    @contextmanager
    def opened() -> Iterator[Gauge]:
        yield gauge

    thread = MeterThread("t:g", Meter(name="g", domains=(BOARD,), interval_s=60.0, probe=lambda: None, open=opened))
    thread.slower = SLOWER
    thread.start()
    while not thread.opened:
        thread.join(0.001)
    before = gauge.reads
    for _ in range(5):
        assert poll([thread]) == []
    assert gauge.reads >= before + 4
    poll([thread], stop=True)
    thread.join(5)
    assert not thread.is_alive()
