"""Real processes on this system: they end with us, they end alone, and they never ask anybody."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from wattbook_powermetrics import process
from wattbook_powermetrics.process import Process, answer

pytestmark = pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no terminals to open")

SAYS_ITS_PID = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
#: ignores what a signal from outside would do, as a process of root does
DEAF = "import signal; [signal.signal(s, signal.SIG_IGN) for s in (signal.SIGINT, signal.SIGTERM)]; " + SAYS_ITS_PID


@pytest.fixture(autouse=True)
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "PATIENCE_S", 0.5)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def until_gone(pid: int) -> None:
    end = time.monotonic() + 60
    while alive(pid):
        assert time.monotonic() < end, "the process did not end"
        time.sleep(0.01)


def first_line(lines: Iterator[bytes]) -> int:
    return int(next(lines))


def test_its_output_arrives_line_by_line_and_ends() -> None:
    child = Process([sys.executable, "-c", "print('one'); print('two')"])
    assert list(child.lines()) == [b"one\n", b"two\n"]
    child.stop()


def test_its_last_errors_are_kept() -> None:
    child = Process(["/bin/sh", "-c", "for i in $(seq 1 500); do echo line $i >&2; done"])
    assert list(child.lines()) == []
    assert child.said().splitlines()[-1] == "line 500"
    assert len(child.said().splitlines()) == 20
    child.stop()


def test_it_ends_by_the_interrupt_key() -> None:
    child = Process([sys.executable, "-c", SAYS_ITS_PID])
    lines = child.lines()
    pid = first_line(lines)
    child.stop()
    assert not alive(pid)
    assert list(lines) == []


def test_one_that_ignores_the_key_ends_when_its_terminal_goes() -> None:
    child = Process([sys.executable, "-c", DEAF])
    lines = child.lines()
    pid = first_line(lines)
    child.stop()
    assert not alive(pid)
    assert list(lines) == []


def test_stopping_twice_is_stopping_once() -> None:
    child = Process([sys.executable, "-c", SAYS_ITS_PID])
    lines = child.lines()
    first_line(lines)
    child.stop()
    child.stop()
    child.poke()
    list(lines)


def test_it_ends_even_when_we_are_killed() -> None:
    ours = (
        "import sys, time; from wattbook_powermetrics.process import Process; "
        f"c = Process([sys.executable, '-c', {DEAF!r}]); print(int(next(c.lines())), flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", ours], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    with parent.stdout as output:
        pid = int(output.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait(timeout=60)
    until_gone(pid)


def test_a_neighbour_of_the_same_name_is_left_alone() -> None:
    neighbour = subprocess.Popen([sys.executable, "-c", SAYS_ITS_PID], stdout=subprocess.DEVNULL)
    child = Process([sys.executable, "-c", SAYS_ITS_PID])
    lines = child.lines()
    first_line(lines)
    child.stop()
    list(lines)
    assert neighbour.poll() is None
    neighbour.kill()
    neighbour.wait(timeout=60)


def test_it_cannot_read_from_our_terminal() -> None:
    child = Process(["/bin/sh", "-c", "exec 3</dev/tty; echo terminal of its own; test -t 0 && echo yes"])
    assert list(child.lines()) == [b"terminal of its own\n", b"yes\n"]
    child.stop()


def test_a_question_that_hangs_is_a_no() -> None:
    assert answer([sys.executable, "-c", "import time; time.sleep(600)"], timeout_s=0.2) is False
    assert answer(["/nonexistent/sudo", "-n", "-l"]) is False
    assert answer(["/bin/sh", "-c", "exit 1"]) is False
    assert answer(["/bin/sh", "-c", "exit 0"]) is True
