"""Labels of time for what is recorded: they follow the wall clock, and never go back when it does."""

from __future__ import annotations

TOLERANCE_S = 1.0  #: a difference to the wall clock that nobody sees in a report
JUMP_S = 2.0  #: beyond this the clock was set, and did not merely drift
CATCHING_UP = 0.5  #: how fast labels go on while the wall clock is behind them


class Timeline:
    """One stretch after the other, each with a label at its start; seconds since 1970 and of the monotonic clock.

    A clock that was set back would label two stretches alike, and the second would count as told already.
    So the labels go on from where they are, at half speed, until the clock has caught up.  Energy and
    durations are not touched: only the labels are shorter for a while.
    """

    def __init__(self, at_s: float, wall_s: float, *, not_before_s: float = 0.0) -> None:
        self._end_s = not_before_s
        self.begin(at_s, wall_s)

    def begin(self, at_s: float, wall_s: float) -> float:
        """A stretch begins at *at_s* of the monotonic clock; answers with its label."""
        behind_s = self._end_s - wall_s
        self.start_s = self._end_s if abs(behind_s) <= TOLERANCE_S else max(self._end_s, wall_s)
        self.rate = CATCHING_UP if behind_s > TOLERANCE_S else 1.0
        self._at_s, self._wall_s = at_s, wall_s
        self._end_s = self.start_s
        return self.start_s

    def label(self, at_s: float) -> float:
        """The label of an instant of the running stretch."""
        return self.start_s + max(0.0, at_s - self._at_s) * self.rate

    def end(self, at_s: float) -> float:
        """The running stretch ends here; the next label is not before the answer."""
        self._end_s = max(self._end_s, self.label(at_s))
        return self._end_s

    def jump_s(self, at_s: float, wall_s: float) -> float:
        """How far the wall clock was set since the stretch began: forward above 0, back below."""
        return wall_s - (self._wall_s + at_s - self._at_s)
