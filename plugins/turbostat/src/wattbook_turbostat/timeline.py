"""How long each interval of a recording was, and when it ended: only what the recording or the user says."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from statistics import median

from attrs import define, field

from wattbook_turbostat.interval import Interval

EARLIEST_US = 946_684_800 * 1_000_000  #: 2000-01-01; a time outside these is damaged
LATEST_US = 4_102_444_800 * 1_000_000  #: 2100-01-01
LONGEST_S = 366 * 86_400.0
LEAD = 5  #: intervals that are read ahead to learn the usual length
MEMORY = 4_096  #: printed lengths that are remembered to recognise a table that is there twice


@define
class Timeline:
    """Gives intervals their lengths in the order of the file; answers late by up to ``LEAD`` intervals.

    A time that does not move on is a repetition and left out.  A step much longer than usual is a hole
    (another run, a machine asleep): how much of it the interval covers is not known.
    """

    start: datetime | None = None  #: the user's, for recordings that do not say when they began
    interval_s: float | None = None  #: the user's, for recordings without times
    problem: Callable[[str, int | None], None] = field(default=lambda reason, line: None)
    usual_s: float | None = field(default=None, init=False)
    _ahead: list[Interval] = field(factory=list, init=False)
    _recent_s: deque[float] = field(factory=lambda: deque(maxlen=9), init=False)
    _last_us: int | None = field(default=None, init=False)
    _before_jump_us: int | None = field(default=None, init=False)
    _lost: bool = field(default=False, init=False)
    _elapsed_s: float | None = field(default=0.0, init=False)  #: since ``start``; ``None`` once unknown
    _seen: dict[tuple[object, ...], None] = field(factory=dict, init=False)

    def put(self, interval: Interval) -> list[Interval]:
        if interval.time_us is None or interval.length_s is not None:
            return [*self.drain(), *self._without_time(interval)]
        if self.usual_s is not None:
            return self._with_time(interval, interval.time_us)
        self._ahead.append(interval)
        return self.drain() if len(self._ahead) >= LEAD else []

    def drain(self) -> list[Interval]:
        """What is still held back."""
        if not self._ahead:
            return []
        ahead, self._ahead = self._ahead, []
        times = [(i, i.time_us) for i in ahead if i.time_us is not None]
        steps_s = [(after - before) / 1e6 for (_, before), (_, after) in pairwise(times) if after > before]
        if steps_s and self.usual_s is None:
            self.usual_s = median(steps_s)
        return [timed for interval, time_us in times for timed in self._with_time(interval, time_us)]

    def lose(self) -> None:
        """A row could not be read: when the next interval began is not known."""
        self._lost = True

    def _with_time(self, interval: Interval, time_us: int) -> list[Interval]:
        if not EARLIEST_US <= time_us <= LATEST_US:
            self.problem("the row's time is not in this century", interval.line)
            self._lost = True
            return []
        last_us, lost, self._lost = self._last_us, self._lost, False
        if last_us is None:
            self._last_us = time_us
            interval.length_s = self._first_s(time_us)
        elif time_us <= last_us and (self._before_jump_us is None or time_us <= self._before_jump_us):
            self.problem("the row's time is not later than the one before: it is left out", interval.line)
            return []
        else:
            if time_us <= last_us:  # the time before this one was the damaged one
                assert self._before_jump_us is not None
                last_us, lost = self._before_jump_us, True
            self._last_us, self._before_jump_us = time_us, None
            length_s = (time_us - last_us) / 1e6
            if self.usual_s is not None and length_s > 2.5 * self.usual_s + 1:
                self._before_jump_us = last_us
                if not interval.first:
                    reason = f"{length_s:.0f} s passed before this row, {self.usual_s:.1f} s are usual"
                    self.problem(reason, interval.line)
                    self._lost = False
            elif not lost and not interval.first:
                interval.length_s = length_s
                self._learn(length_s)
        if interval.length_s is None:
            interval.assumed_s = self.usual_s or self.interval_s
        return [interval]

    def _learn(self, length_s: float) -> None:
        self._recent_s.append(length_s)
        if self.usual_s is None or abs(length_s - self.usual_s) > 0.2 * self.usual_s:
            self.usual_s = median(self._recent_s)

    def _first_s(self, time_us: int) -> float | None:
        """The first interval began at a moment that only the user can know."""
        if self.start is not None:
            length_s = time_us / 1e6 - self.start.timestamp()
            if length_s > 0 and (self.usual_s is None or length_s <= 2.5 * self.usual_s + 1):
                return length_s
        return self.interval_s

    def _without_time(self, interval: Interval) -> list[Interval]:
        if interval.length_s is not None and not 0 < interval.length_s < LONGEST_S:
            self.problem(f"{interval.length_s:g} s is not the length of an interval", interval.line)
            interval.length_s = None
        if interval.length_s is None:
            interval.length_s = self.interval_s
        else:
            key = (interval.length_s, interval.time_us, *interval.figures.items())
            if key in self._seen:
                self.problem("this table is there twice: it is left out", interval.line)
                return []
            self._seen[key] = None
            if len(self._seen) > MEMORY:
                del self._seen[next(iter(self._seen))]
        if self._elapsed_s is not None:
            self._elapsed_s = None if interval.length_s is None else self._elapsed_s + interval.length_s
        if interval.time_us is None and self.start is not None and self._elapsed_s is not None:
            start = self.start.astimezone(UTC).timestamp()
            interval.time_us = round((start + self._elapsed_s) * 1e6)
        return [interval]
