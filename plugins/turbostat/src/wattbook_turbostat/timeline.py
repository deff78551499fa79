"""How long each interval of a recording was, and when it ended: only what the recording or the user says."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import median

from attrs import define, field, frozen

from wattbook_turbostat.parse import Interval

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST_US = 946_684_800 * 1_000_000  #: 2000-01-01; a time outside these is damaged
LATEST_US = 4_102_444_800 * 1_000_000  #: 2100-01-01
LEAD = 5  #: intervals that are read ahead to learn the usual length
MEMORY = 4_096  #: printed lengths that are remembered to recognise a table that is there twice


@frozen(kw_only=True)
class Timed:
    """An interval with its length and end, as far as they are known.

    ``assumed_s`` stands in for a length that is not known: the usual one.
    """

    interval: Interval
    length_s: float | None
    end: datetime | None
    assumed_s: float | None = None


@define
class Timeline:
    """Gives intervals their lengths in the order of the file; answers late by up to ``LEAD`` intervals.

    A time that does not move on is a repetition and left out.  A step much longer than usual is a hole
    (another run, a machine asleep): what that interval covers is not known.
    """

    start: datetime | None = None  #: the user's, for recordings that do not say when they began
    interval_s: float | None = None  #: the user's, for recordings without times
    problem: Callable[[str, int | None], None] = field(default=lambda reason, line: None)
    _ahead: list[Interval] = field(factory=list, init=False)
    _recent_s: deque[float] = field(factory=lambda: deque(maxlen=9), init=False)
    _last_us: int | None = field(default=None, init=False)
    _before_jump_us: int | None = field(default=None, init=False)
    _lost: bool = field(default=False, init=False)
    _elapsed_s: float | None = field(default=0.0, init=False)  #: since ``start``; ``None`` once unknown
    _seen: dict[tuple[object, ...], None] = field(factory=dict, init=False)

    def put(self, interval: Interval) -> list[Timed]:
        if interval.time_us is None or interval.length_s is not None:
            return [*self.drain(), *self._without_time(interval)]
        if self._recent_s:
            return self._with_time(interval)
        self._ahead.append(interval)
        return self.drain() if len(self._ahead) >= LEAD else []

    def drain(self) -> list[Timed]:
        """What is still held back."""
        ahead, self._ahead = self._ahead, []
        times = [i.time_us for i in ahead if i.time_us is not None]
        steps_s = [(b - a) / 1e6 for a, b in pairwise(times) if b > a]
        if steps_s and not self._recent_s:
            self._recent_s.append(median(steps_s))
        return [timed for interval in ahead for timed in self._with_time(interval)]

    def lose(self) -> None:
        """A row could not be read: the next interval's beginning is not known."""
        self._lost = True

    @property
    def usual_s(self) -> float | None:
        return median(self._recent_s) if self._recent_s else None

    def _with_time(self, interval: Interval) -> list[Timed]:
        time_us, last_us = interval.time_us, self._last_us
        assert time_us is not None
        if not EARLIEST_US <= time_us <= LATEST_US:
            self.problem("the row's time is not in this century", interval.line)
            self._lost = True
            return []
        end = EPOCH + timedelta(microseconds=time_us)
        usual_s = self.usual_s
        assumed_s = usual_s or self.interval_s
        lost, self._lost = self._lost, False
        if last_us is None:
            self._last_us = time_us
            return [Timed(interval=interval, length_s=self._first_s(end, usual_s), end=end, assumed_s=assumed_s)]
        if time_us <= last_us:
            if self._before_jump_us is None or time_us <= self._before_jump_us:
                self.problem("the row's time is not later than the one before: it is left out", interval.line)
                return []
            last_us, lost = self._before_jump_us, True  # the jump was the damaged time
        length_s = (time_us - last_us) / 1e6
        self._before_jump_us, self._last_us = None, time_us
        if usual_s is not None and length_s > 2.5 * usual_s + 1:
            self._before_jump_us = last_us
            if not interval.first:
                self.problem(f"{length_s:.0f} s passed before this row, {usual_s:.1f} s are usual", interval.line)
        elif not lost and not interval.first:
            self._recent_s.append(length_s)
            return [Timed(interval=interval, length_s=length_s, end=end)]
        return [Timed(interval=interval, length_s=None, end=end, assumed_s=assumed_s)]

    def _first_s(self, end: datetime, usual_s: float | None) -> float | None:
        """The first interval began at a moment that only the user can know."""
        if self.start is not None and end > self.start:
            length_s = (end - self.start).total_seconds()
            if usual_s is None or length_s <= 2.5 * usual_s + 1:
                return length_s
        return self.interval_s

    def _without_time(self, interval: Interval) -> list[Timed]:
        length_s = interval.length_s
        if length_s is not None:
            key = (length_s, interval.time_us, *interval.figures.items())
            if key in self._seen:
                self.problem("this table is there twice: it is left out", interval.line)
                return []
            self._seen[key] = None
            if len(self._seen) > MEMORY:
                del self._seen[next(iter(self._seen))]
        else:
            length_s = self.interval_s
        if self._elapsed_s is not None:
            self._elapsed_s = None if length_s is None else self._elapsed_s + length_s
        end = None
        if interval.time_us is not None:
            end = EPOCH + timedelta(microseconds=interval.time_us)
        elif self.start is not None and self._elapsed_s is not None:
            end = self.start + timedelta(seconds=self._elapsed_s)
        return [Timed(interval=interval, length_s=length_s, end=end)]
