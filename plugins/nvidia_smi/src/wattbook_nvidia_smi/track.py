"""One domain's way through a recording: which stretch of time each figure stands for."""

from __future__ import annotations

from datetime import datetime

from attrs import define, field, frozen

MAX_HOLE_S = 60.0  #: a shorter silence is bridged in any case
HOLE_FACTOR = 10  #: a longer one only if it is no longer than this many usual intervals


@frozen(kw_only=True)
class Stretch:
    """The length that a sample stands for, ``None`` where it is not known, with the reason."""

    elapsed_s: float | None
    lost: tuple[datetime, datetime] | None = None
    reason: str = ""


@define
class Timeline:
    """Turns moments into lengths so that no second counts twice, whatever the order of the file.

    A recording that was doubled, interleaved or damaged never covers more time than lies between its
    first and its last moment.
    """

    counted_s: float = 0.0
    _last: datetime | None = None
    _covered: datetime | None = None
    _intervals: int = 0

    @property
    def usual_s(self) -> float | None:
        """The mean length counted so far."""
        return self.counted_s / self._intervals if self._intervals else None

    def advance(self, at: datetime) -> Stretch:
        """The stretch that ends at *at*."""
        last, self._last = self._last, at
        if last is None:
            self._covered = at
            return Stretch(elapsed_s=None)
        step_s = (at - last).total_seconds()
        if step_s <= 0:
            return Stretch(elapsed_s=None, reason="the time did not advance" if step_s == 0 else "the time ran back")
        if step_s > max(MAX_HOLE_S, HOLE_FACTOR * (self.usual_s or step_s)):
            return Stretch(elapsed_s=None, lost=(last, at), reason=f"nothing was recorded for {step_s:g} s")
        begin = max(last, self._covered or last)
        elapsed_s = (at - begin).total_seconds()
        if elapsed_s <= 0:
            return Stretch(elapsed_s=None, reason="this time was recorded before")
        self._covered = at
        self.counted_s += elapsed_s
        self._intervals += 1
        return Stretch(elapsed_s=elapsed_s)


@define
class Pending:
    """Figures of one domain that belong to the same poll, from one reporter or, for a module, several."""

    line: int = 0
    at: datetime | None = None
    _by_reporter: dict[str, list[float]] = field(factory=dict)
    _moments: dict[str, datetime | None] = field(factory=dict)

    def fits(self, reporter: str, at: datetime | None) -> bool:
        """Whether a figure of *reporter* belongs to this poll: it is new here, or has the same time."""
        return reporter not in self._moments or (at is not None and self._moments[reporter] == at)

    def put(self, reporter: str, at: datetime | None, watts: float | None, line: int) -> None:
        self._moments[reporter] = at
        self.at, self.line = at or self.at, line
        figures = self._by_reporter.setdefault(reporter, [])
        if watts is not None:
            figures.append(watts)
            if len(figures) > 64:  # thousands of polls within one printed second: keep their mean
                self._by_reporter[reporter] = [sum(figures) / len(figures)]

    @property
    def watts(self) -> float | None:
        """The mean over reporters of each one's mean."""
        means = [sum(figures) / len(figures) for figures in self._by_reporter.values() if figures]
        return sum(means) / len(means) if means else None
