"""When a run is looked at: often enough that a crash costs one interval, and no more often while the machine idles."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wattbook.polling import MeterThread
    from wattbook.sampling import LoadHistogram

EARLIEST = 0.75  #: of an interval, the soonest that a poll follows another, however long polls take
CALMER = 0.9  #: how much of the longest delay is still expected at the next poll
IDLE_BELOW = 0.05  #: the busy share of all processors below which a machine idles
GPU_IDLE_W = 80.0  #: what the largest accelerators draw while they wait (an H100 about 70 W)
STILL = 3  #: so many polls of an idle machine in a row before its meters rest
SLOWER = 5  #: a resting meter reads itself so many times less often than it asks for


class Pace:
    """Says when a poll is due, so that the one before it is written down no longer than an interval ago.

    A poll speaks of the moment at which it reads, and counts when its line is written.  So the next one is
    due an interval after that moment, less the time that polls took lately from being due to being written.
    """

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._takes_s = 0.0
        self.due_s = 0.0  #: of the monotonic clock; the first poll is due at once

    def polled(self, at_s: float, written_s: float) -> None:
        """The poll that was due has read at *at_s*, and its line stands since *written_s*."""
        took_s = min(written_s - (self.due_s or at_s), self._interval_s * (1 - EARLIEST))
        self._takes_s = max(took_s, self._takes_s * CALMER)
        self.due_s = max(written_s, at_s + self._interval_s - self._takes_s)


class Rest:
    """Lets the meters of an idle machine rest: then they read at the polls, and hardly between them.

    A poll still reads all of them, so a crash costs no more.  A gauge that is read less often has a larger
    sampling error, which comes from its own readings and stands in its interval as always.
    """

    def __init__(self) -> None:
        self._still = 0
        self._at_s = self._busy_s = self._total_s = 0.0
        self._boards_j: float | None = None

    @property
    def resting(self) -> bool:
        return self._still >= STILL

    def look(self, at_s: float, loads: LoadHistogram, threads: Iterable[MeterThread]) -> None:
        """A poll was taken at *at_s*: say to every meter how long it may rest."""
        threads = list(threads)
        boards_j = _boards_j(threads)
        seconds, busy_s, total_s = at_s - self._at_s, loads.busy_s - self._busy_s, loads.total_s - self._total_s
        idle = seconds > 0 and total_s > 0 and 0 <= busy_s < IDLE_BELOW * total_s
        if idle and boards_j is not None:
            before_j = self._boards_j
            idle = before_j is not None and 0 <= boards_j - before_j <= GPU_IDLE_W * seconds
        self._still = self._still + 1 if idle else 0
        self._at_s, self._busy_s, self._total_s, self._boards_j = at_s, loads.busy_s, loads.total_s, boards_j
        for thread in threads:
            thread.slower = SLOWER if self.resting else 1


def _boards_j(threads: Iterable[MeterThread]) -> float | None:
    """Joules of all accelerators in the running stretch, ``None`` where no meter reads any."""
    found = [
        tally.energy_j
        for thread in threads
        for domain, tally in thread.tallies().values()
        if domain.device.startswith("gpu:") and domain.is_energy
    ]
    return sum(found) if found else None
