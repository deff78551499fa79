"""The lifetime of one powermetrics process: started alone, ended with certainty, nobody else's touched."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from wattbook_powermetrics.text import lines_of

#: Gives the process its own terminal, then becomes the command.  Root's process cannot be signalled by a
#: user, but a terminal's interrupt key and its hang-up reach it: so it ends even when we are killed.
LAUNCH = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"
INTERRUPT, STATUS = b"\x03", b"\x14"  #: Ctrl-C and, on BSD terminals only, Ctrl-T, which sends SIGINFO
KEPT_LINES = 20
PATIENCE_S = 1.0


class Child(Protocol):
    """A started command."""

    def lines(self) -> Iterator[bytes]:
        """Its output, line by line, until it ends."""

    def poke(self) -> None:
        """Ask for a sample now."""

    def stop(self) -> None:
        """End it, and wait until it is gone."""

    def said(self) -> str:
        """The last lines of its error output."""


class Process:
    """A command in its own session, with its own terminal; output and errors are pipes."""

    def __init__(self, argv: Sequence[str]) -> None:
        master, slave = os.openpty()
        try:
            self._popen = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", LAUNCH, *argv],
                stdin=slave, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, cwd="/",
            )  # fmt: skip
        except BaseException:
            os.close(master)
            raise
        finally:
            os.close(slave)
        self._master: int | None = master
        self._pressing = threading.Lock()  # a closed descriptor's number may soon be somebody else's
        self._errors: deque[bytes] = deque(maxlen=KEPT_LINES)
        self._drain = threading.Thread(target=self._keep_errors, name="powermetrics errors", daemon=True)
        self._drain.start()

    @property
    def running(self) -> bool:
        return self._popen.poll() is None

    def lines(self) -> Iterator[bytes]:
        assert self._popen.stdout is not None
        with self._popen.stdout as output, contextlib.suppress(OSError):
            yield from lines_of(output)

    def poke(self) -> None:
        if hasattr(signal, "SIGINFO"):
            self._press(STATUS)

    def stop(self) -> None:
        steps: tuple[Callable[[], None], ...] = (
            lambda: self._press(INTERRUPT),
            lambda: self._signal("SIGTERM"),
            self._hang_up,
            lambda: self._signal("SIGKILL"),
        )
        for end in steps:
            with contextlib.suppress(OSError):
                end()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(timeout=PATIENCE_S)

    def said(self) -> str:
        self._drain.join(timeout=PATIENCE_S)
        return b"".join(self._errors).decode("utf-8", "replace")

    def _press(self, key: bytes) -> None:
        with self._pressing:
            if self._master is not None:
                os.write(self._master, key)

    def _hang_up(self) -> None:
        with self._pressing:
            master, self._master = self._master, None
        if master is not None:
            os.close(master)

    def _signal(self, name: str) -> None:
        if self.running:
            os.killpg(self._popen.pid, getattr(signal, name))

    def _keep_errors(self) -> None:
        assert self._popen.stderr is not None
        with self._popen.stderr as errors, contextlib.suppress(OSError):
            for line in lines_of(errors):
                self._errors.append(line[:400])


def answer(argv: Sequence[str], timeout_s: float = 1.5) -> bool:
    """Whether a command that asks nothing and changes nothing ends well."""
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True, timeout=timeout_s, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
