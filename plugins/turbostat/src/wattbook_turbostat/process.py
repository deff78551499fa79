"""The life of one turbostat process: started in a group of its own, nudged, ended and always reaped."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import IO, Protocol

from attrs import define

LOOK_S = 0.002


class Process(Protocol):
    """What the session needs of a running turbostat; tests hand in one that plays a recording."""

    @property
    def output(self) -> IO[bytes]: ...
    @property
    def errors(self) -> IO[bytes]: ...
    def wait_ready(self, limit_s: float) -> None: ...
    def nudge(self) -> bool: ...
    def interrupt(self) -> None: ...
    def reap(self, limit_s: float) -> int: ...


Start = Callable[[Sequence[str]], Process]


@define
class Turbostat:
    """A real turbostat.

    Its stdin is closed, so that nobody's keys reach it; under ``sudo``, where it cannot be signalled, stdin
    is a pipe and its two keys stand in: a newline ends the interval, ``q`` ends the program.
    """

    _child: subprocess.Popen[bytes]
    _keys: bool

    @classmethod
    def start(cls, command: Sequence[str]) -> Turbostat:
        """Start *command*; raises ``OSError`` where that fails."""
        keys = os.path.basename(command[0]) == "sudo"
        child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE if keys else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            env={**os.environ, "LC_ALL": "C"},
            bufsize=0,
        )
        return cls(child, keys)

    @property
    def output(self) -> IO[bytes]:
        assert self._child.stdout is not None
        return self._child.stdout

    @property
    def errors(self) -> IO[bytes]:
        assert self._child.stderr is not None
        return self._child.stderr

    def wait_ready(self, limit_s: float) -> None:
        """Return when turbostat has begun to count: it installs its handlers just before.

        Before that moment SIGUSR1 would end it.
        """
        until = time.monotonic() + limit_s
        while not self._keys and self._child.poll() is None and time.monotonic() < until:
            if _catches(self._child.pid, signal.SIGINT) and _catches(self._child.pid, signal.SIGUSR1):
                return
            time.sleep(LOOK_S)

    def nudge(self) -> bool:
        """Have it end the interval and print now; false where it would not understand."""
        if self._child.poll() is not None:
            return False
        if self._keys:
            return self._press(b"\n")
        return _catches(self._child.pid, signal.SIGUSR1) and self._signal(signal.SIGUSR1)

    def interrupt(self) -> None:
        """Have it print a last, partial interval and end."""
        if self._keys:
            self._press(b"q\n")
        else:
            self._signal(signal.SIGINT)

    def reap(self, limit_s: float) -> int:
        """Wait for its end, forcing it where it must be; answers with its exit status."""
        try:
            for force in (signal.SIGTERM, signal.SIGKILL):
                try:
                    return self._child.wait(limit_s)
                except subprocess.TimeoutExpired:
                    self._signal(force)
            return self._child.wait(limit_s)
        except subprocess.TimeoutExpired:
            return -signal.SIGKILL  # another user's process: it ends with its next write
        finally:
            if self._child.stdin is not None:
                self._child.stdin.close()

    def _signal(self, which: signal.Signals) -> bool:
        """Signal this process only; its number cannot be another's while it is not reaped."""
        try:
            self._child.send_signal(which)
        except OSError:
            return False
        return True

    def _press(self, keys: bytes) -> bool:
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(keys)
        except (OSError, ValueError):
            return False
        return True


def _catches(pid: int, which: signal.Signals) -> bool:
    """Whether a process has a handler for a signal (the bit mask ``SigCgt``, proc(5))."""
    try:
        with open(f"/proc/{pid}/status", "rb") as stream:
            for line in stream:
                if line.startswith(b"SigCgt:"):
                    return bool(int(line.split()[1], 16) >> (which - 1) & 1)
    except (OSError, ValueError, IndexError):
        pass
    return False
