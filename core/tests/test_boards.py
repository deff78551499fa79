"""Whose a board's energy is: by those who use it, asked with its readings."""

from __future__ import annotations

import contextlib
import math
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wattbook.model import Domain, Meter, Missed, Sample
from wattbook.pipeline.boards import Board, Boards, Seen, descends_from

BOARD = Domain(device="gpu:0", name="board")
OTHER = Domain(device="gpu:1", name="board")
PACKAGE = Domain(device="cpu:0", name="package")
OURS, THEIRS, ALSO_THEIRS = 10, 20, 30


class Fake:
    """A meter that counts 100 J from reading to reading, of boards used as it is told."""

    def __init__(self, *polls: Any, domains: tuple[Domain, ...] = (BOARD,)) -> None:
        self.polls, self.domains, self.reads = list(polls), domains, 0

    def read(self) -> Iterator[Sample | Missed]:
        self.reads += 1
        for domain in self.domains:
            yield Sample(at_s=float(self.reads), domain=domain, energy_j=100.0 * self.reads)

    def users(self) -> Mapping[str, Mapping[int, float | None]]:
        told = self.polls[self.reads - 1]
        if isinstance(told, Exception):
            raise told
        return told  # type: ignore[no-any-return]


def read_all(session: Any, polls: int) -> Boards:
    boards = Boards(lambda pid: pid == OURS)

    @contextlib.contextmanager
    def opened() -> Iterator[Any]:
        yield session

    meter = boards.watched(Meter(name="m", domains=session.domains, probe=lambda: None, open=opened))
    with meter.open() as watched:
        for _ in range(polls):
            assert len(list(watched.read())) == len(session.domains)
    return boards


def used(*pids: int, device: str = "gpu:0") -> dict[str, dict[int, float | None]]:
    return {device: dict.fromkeys(pids)}


def test_a_board_that_only_the_command_uses_is_its_own() -> None:
    share, reserved, _ = read_all(Fake(*[used(OURS)] * 3), 3).share("gpu:0/board")
    assert share is not None
    assert (share.value, share.low, share.high) == (1.0, 1.0, 1.0)
    assert reserved is not None
    assert reserved.value == 1.0


def test_a_board_that_others_use_is_not_the_commands() -> None:
    share, reserved, _ = read_all(Fake(*[used(THEIRS)] * 3), 3).share("gpu:0/board")
    assert share is not None
    assert (share.value, share.high) == (0.0, 0.0)
    assert share.told == "none of its processes used it"
    assert reserved is not None
    assert reserved.value == 0.0


def test_an_unused_board_is_not_the_commands() -> None:
    share, _, _ = read_all(Fake(*[used()] * 3), 3).share("gpu:0/board")
    assert share is not None
    assert share.value == 0.0


def test_a_shared_board_is_divided_evenly_and_anything_is_in_the_interval() -> None:
    share, _, _ = read_all(Fake(*[used(OURS, THEIRS, ALSO_THEIRS)] * 3), 3).share("gpu:0/board")
    assert share is not None
    assert share.value == pytest.approx(1 / 3)
    assert (share.low, share.high) == (0.0, 1.0)
    assert "evenly" in share.told


def test_a_shared_board_whose_users_busy_time_is_told_is_divided_by_it() -> None:
    told = {"gpu:0": {OURS: 0.6, THEIRS: 0.2, ALSO_THEIRS: 0.0}}
    share, _, _ = read_all(Fake(*[told] * 3), 3).share("gpu:0/board")
    assert share is not None
    assert share.value == pytest.approx(0.75)
    assert share.low == pytest.approx(0.375)
    assert share.high == 1.0
    assert "busy" in share.told


def test_time_in_which_the_command_was_not_there_is_not_its_own() -> None:
    share, reserved, _ = read_all(Fake(*[used()] * 3, *[used(OURS)] * 2, used()), 6).share("gpu:0/board")
    assert share is not None
    # five steps: none, none, it came, it was there, it went
    assert share.value == pytest.approx(3 / 5)
    assert share.low == pytest.approx((0.5 + 1 + 0.5) / 5)
    assert share.high == pytest.approx(3 / 5)
    assert reserved is not None
    assert reserved.value == pytest.approx(3 / 5)


def test_a_meter_that_does_not_tell_leaves_it_unknown_with_a_reason() -> None:
    class Mute(Fake):
        users = None  # type: ignore[assignment]

    share, reserved, why = read_all(Mute(), 0 + 1).share("gpu:0/board")
    assert (share, reserved) == (None, None)
    share, _, why = read_all(Mute(), 3).share("gpu:0/board")
    assert share is None
    assert why == "which processes used it is not known: its meter does not tell which processes use it"


@pytest.mark.parametrize("error", [RuntimeError("the driver is gone"), ValueError(), KeyError("x")])
def test_a_plugin_that_fails_to_tell_costs_no_reading(error: Exception) -> None:
    boards = read_all(Fake(*[error] * 3), 3)
    share, _, why = boards.share("gpu:0/board")
    assert share is None
    assert (str(error) or type(error).__name__) in why


def test_what_is_unknown_for_a_while_is_in_the_interval() -> None:
    fake = Fake(used(OURS), used(OURS), OSError("gone"), OSError("gone"), OSError("gone"))
    share, _, _ = read_all(fake, 5).share("gpu:0/board")
    assert share is not None
    assert share.value == 1.0
    assert share.low == pytest.approx(2 / 4)


def test_boards_are_told_apart_and_processors_are_not_asked_about() -> None:
    told = {**used(OURS), **used(THEIRS, device="gpu:1")}
    boards = read_all(Fake(*[told] * 2, domains=(BOARD, OTHER, PACKAGE)), 2)
    values = [boards.share(str(domain))[0] for domain in (BOARD, OTHER)]
    assert [share.value for share in values if share is not None] == [1.0, 0.0]
    assert boards.share("cpu:0/package")[0] is None


def test_a_new_stretch_begins_with_nothing() -> None:
    boards = read_all(Fake(*[used(OURS)] * 3), 3)
    boards.start_stretch()
    assert boards.share("gpu:0/board")[0] is None


seen = st.none() | st.builds(Seen, ours=st.booleans(), others=st.booleans(), part=st.floats(0, 1), even=st.booleans())


@given(st.lists(st.tuples(st.floats(0, 1e6), seen, seen), max_size=20))
def test_a_share_lies_in_its_interval_whatever_was_seen(steps: list[tuple[float, Any, Any]]) -> None:
    board = Board()
    for joules, before, now in steps:
        board.take(joules, before, now)
    share = board.share()
    if share is not None:
        assert 0 <= share.low <= share.value <= share.high <= 1


@given(st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=6), min_size=2, max_size=8))
def test_the_users_of_a_board_get_no_more_than_the_board(polls: list[list[int]]) -> None:
    steady = [polls[0]] * len(polls)
    parts = []
    for pid in sorted(set(polls[0])):
        boards = Boards(lambda one, pid=pid: one == pid)  # type: ignore[misc]
        for number, pids in enumerate(steady):
            sample = Sample(at_s=float(number), domain=BOARD, energy_j=10.0 * number)
            boards.take([sample], {"gpu:0": dict.fromkeys(pids)}, "")
        share = boards.share("gpu:0/board")[0]
        assert share is not None
        parts.append(share.value)
    assert math.fsum(parts) == pytest.approx(1.0)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_processes_belong_to_the_command_by_descent_or_by_their_environment() -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"
    shell = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
    marked = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env={**os.environ, "WATTBOOK_RUN_ID": "run-7"}
    )
    try:
        children = ""
        while not children:
            with open(f"/proc/{shell.pid}/task/{shell.pid}/children", encoding="utf-8") as stream:
                children = stream.read()
        is_ours = descends_from(shell.pid, "run-7")
        assert is_ours(shell.pid)
        assert is_ours(int(children.split()[0]))
        assert is_ours(marked.pid)
        assert not is_ours(os.getpid())
        assert not descends_from(shell.pid, "run-8")(marked.pid)
        assert not is_ours(2**22 + 1)
    finally:
        for process in (shell, marked):
            process.communicate(b"\n")
