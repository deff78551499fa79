"""A watch hands finished hours to a server, patiently, and never waits for it."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from wattbook.spool import SpoolWriter
from wattbook.testing.ledger import a_run, an_entry
from wattbook.watching.handing import LONGEST_S, SELDOM_S, SOON_S, Handover

URL = "postgresql://db/team"


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATTBOOK_STATE", str(tmp_path))


class Child:
    def __init__(self, code: int | None = 0) -> None:
        self.code = code
        self.killed = False

    def poll(self) -> int | None:
        return self.code

    def kill(self) -> None:
        self.killed, self.code = True, -9

    def wait(self, timeout: float | None = None) -> int:
        return self.code or 0


def finish_an_hour(name: str = "r1") -> None:
    writer = SpoolWriter.create(a_run(name), ledger=URL)
    writer.end(a_run(name), [an_entry(run_id=name)])
    writer.close()


def test_nothing_is_started_while_there_is_nothing_to_hand_over() -> None:
    started: list[str] = []
    handover = Handover(URL, start=lambda url: started.append(url) or Child())
    live = SpoolWriter.create(a_run("live"), ledger=URL)
    handover.poll(0)
    live.close()
    assert started == []


@pytest.mark.parametrize("ledger", [None, "/home/book.db", "sqlite:///book.db"])
def test_a_book_in_a_file_is_read_where_it_is(ledger: str | None) -> None:
    finish_an_hour()
    handover = Handover(ledger, start=lambda url: pytest.fail("started"))
    handover.poll(0)


def test_a_server_that_is_away_is_asked_seldomer_and_said_once() -> None:
    finish_an_hour()
    times: list[float] = []
    said: list[str] = []
    now = 0.0
    handover = Handover(URL, start=lambda url: times.append(now) or Child(1), say=said.append)
    while now < 12 * 3600:
        handover.poll(now)
        now += 5
    gaps = [b - a for a, b in pairwise(times)]
    assert 10 <= len(times) < 40
    assert gaps[0] < 2 * SOON_S
    assert max(gaps) <= 1.5 * SELDOM_S + 10
    assert said == ["the team's book is away; everything stays in the spool until it is back"]


def test_a_push_that_hangs_is_ended_and_tried_again() -> None:
    finish_an_hour()
    started: list[Child] = []
    handover = Handover(URL, start=lambda url: started.append(Child(0 if started else None)) or started[-1])
    for now in range(0, int(LONGEST_S) + 400, 10):
        handover.poll(now)
    assert started[0].killed
    assert len(started) >= 2


def test_after_it_is_back_that_is_said() -> None:
    finish_an_hour()
    said: list[str] = []
    codes = iter([1, 0, 0, 0, 0, 0, 0, 0])
    handover = Handover(URL, start=lambda url: Child(next(codes)), say=said.append)
    for now in range(0, 400, 5):
        handover.poll(now)
    assert said[1] == "the team's book is there again and has everything"
