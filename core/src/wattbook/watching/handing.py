"""Hand finished hours to a team's server while the watch goes on; the server may be away for as long as it likes."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Protocol

from wattbook import spool

SOON_S = 60.0  #: after a push that failed; doubled until
SELDOM_S = 3_600.0
LONGEST_S = 900.0  #: a push that hangs for so long is ended
SERVERS = ("postgresql", "postgres")


class Child(Protocol):
    """The part of ``subprocess.Popen`` that is used."""

    def poll(self) -> int | None: ...

    def kill(self) -> None: ...

    def wait(self, timeout: float | None = None) -> int: ...


def _start(ledger: str) -> Child:
    """A push in a process of its own: it may hang, and needs what the watch should not have in memory.

    The URL goes by the environment, for it may hold a password and command lines are public.
    """
    command = [sys.executable, "-m", "wattbook", "ledger", "push", "--quiet", "--patience", "20"]
    environment: Mapping[str, str] = {**os.environ, "WATTBOOK_LEDGER": ledger}
    silent: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
    return subprocess.Popen(command, env=environment, **silent)


class Handover:
    """Asked at every poll of a watch; begins a push when there is something to hand over."""

    def __init__(
        self, ledger: str | None, *, start: Callable[[str], Child] = _start, say: Callable[[str], None] = lambda _: None
    ) -> None:
        self.ledger = ledger if ledger and ledger.partition("://")[0].partition("+")[0] in SERVERS else None
        self._start, self._say = start, say
        self._child: Child | None = None
        self._since_s = self._due_s = 0.0
        self._wait_s = SOON_S
        self._away = False

    def poll(self, now_s: float) -> None:
        """Never waits; *now_s* is monotonic."""
        if self.ledger is None:
            return
        if self._child is not None:
            self._look(now_s)
        elif now_s >= self._due_s:
            self._due_s = now_s + SOON_S
            if any(not spool.is_live(path) for path in spool.paths()):
                with suppress(OSError):  # no process to be had just now
                    self._child, self._since_s = self._start(self.ledger), now_s

    def _look(self, now_s: float) -> None:
        assert self._child is not None
        code = self._child.poll()
        if code is None:
            if now_s - self._since_s > LONGEST_S:
                self._child.kill()
            return
        self._child = None
        if code == 0:
            if self._away:
                self._say("the team's book is there again and has everything")
            self._away, self._wait_s = False, SOON_S
            self._due_s = now_s + SOON_S
            return
        if not self._away:
            self._say("the team's book is away; everything stays in the spool until it is back")
        self._away = True
        self._due_s = now_s + self._wait_s * random.uniform(0.5, 1.5)  # a fleet should not come back as one
        self._wait_s = min(2 * self._wait_s, SELDOM_S)

    def end(self) -> None:
        """A push that is under way goes on by itself; it belongs to nobody any more."""
        if self._child is not None and self._child.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                self._child.wait(timeout=5)
        self._child = None
