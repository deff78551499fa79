"""Counters that wrap and gauges that must be integrated: both become cumulative joules at the edge."""

from __future__ import annotations

import enum
import math

from attrs import define, field, frozen


class Step(enum.StrEnum):
    """What happened between two readings of a counter."""

    FIRST = "first"
    OK = "ok"
    WRAPPED = "wrapped"
    AMBIGUOUS = "ambiguous"  #: it may have wrapped more than once
    RESET = "reset"
    SUSPENDED = "suspended"


@frozen(kw_only=True)
class Advance:
    """One step of a counter: its kind, the joules it is worth and, where those are unknown, bounds."""

    step: Step
    energy_j: float | None
    low_j: float = 0.0
    high_j: float | None = None


@define
class Counter:
    """Unwrap a counter of limited range into cumulative joules.

    ``unit_j`` is the joules of one count; ``range_counts`` the count at which it starts again at zero
    (``None`` never wraps); ``max_power_w`` the largest plausible power, which decides when a step may
    hide more than one wrap: if ``elapsed * max_power_w`` exceeds half the range, it is ambiguous.
    Steps are judged in the order first, reset, suspended, ambiguous, then wrapped or ok.
    """

    unit_j: float
    range_counts: float | None = None
    max_power_w: float = 5_000.0
    total_j: float = field(default=0.0, init=False)
    _raw: float | None = field(default=None, init=False)
    _at_s: float = field(default=0.0, init=False)
    _epoch: object = field(default=None, init=False)

    def update(self, raw: float, at_s: float, *, epoch: object = None, suspended_s: float = 0.0) -> Advance:
        """Take one reading at monotonic time *at_s*.

        ``epoch`` is anything that changes when the counter starts anew (boot id, driver load);
        ``suspended_s`` is how far the boot clock ran ahead of the monotonic clock since the last reading.
        """
        if not math.isfinite(raw) or raw < 0:
            raise ValueError(f"a counter is a finite number, 0 or more, not {raw!r}")
        before, before_s, before_epoch = self._raw, self._at_s, self._epoch
        self._raw, self._at_s, self._epoch = raw, at_s, epoch
        if before is None:
            return Advance(step=Step.FIRST, energy_j=None)
        if epoch != before_epoch or (self.range_counts is None and raw < before):
            return Advance(step=Step.RESET, energy_j=None)
        bound_j = max(0.0, at_s - before_s) * self.max_power_w
        if suspended_s > 1.0:
            return Advance(step=Step.SUSPENDED, energy_j=None)
        if self.range_counts is not None and bound_j > self.range_counts * self.unit_j / 2:
            low = (raw - before) % self.range_counts * self.unit_j
            return Advance(step=Step.AMBIGUOUS, energy_j=None, low_j=low, high_j=max(low, bound_j))
        step = Step.OK if raw >= before else Step.WRAPPED
        delta = raw - before + (0 if step is Step.OK else self.range_counts or 0)
        if delta < 0:  # a reading above the declared range: nothing can be said about this step
            return Advance(step=Step.RESET, energy_j=None)
        self.total_j += delta * self.unit_j
        return Advance(step=step, energy_j=delta * self.unit_j)


@define
class Integrator:
    """Add up a power gauge into cumulative joules by the trapezoid rule, and the error of looking only now and then.

    A hole longer than ``max_gap_s`` is not bridged: ``update`` then answers with the seconds lost.

    ``variance_j2`` is the variance of the sampling error so far.  Readings at a fixed interval are a
    systematic sample, whose mean has the variance ``mean(d^2) / 2 / n``, with ``d`` the differences of
    successive readings (J. von Neumann et al., "The Mean Square Successive Difference", Annals of
    Mathematical Statistics 12, 1941; K. M. Wolter, "Introduction to Variance Estimation", on systematic
    samples).  For joules that is ``(d x elapsed)^2 / 2`` for each step: exact for what jumps from reading to
    reading, too much for what moves slowly, and blind to what repeats with the interval itself.
    """

    max_gap_s: float = math.inf
    total_j: float = field(default=0.0, init=False)
    variance_j2: float = field(default=0.0, init=False)
    _last: tuple[float, float] | None = field(default=None, init=False)

    def update(self, power_w: float, at_s: float) -> float:
        """Take one reading at monotonic time *at_s*; answers the seconds that could not be bridged."""
        if not math.isfinite(power_w) or power_w < 0:
            raise ValueError(f"power is a finite number, 0 or more, not {power_w!r}")
        last, self._last = self._last, (at_s, power_w)
        if last is None or at_s <= last[0]:
            return 0.0
        elapsed_s = at_s - last[0]
        if elapsed_s > self.max_gap_s:
            return elapsed_s
        self.total_j += (power_w + last[1]) / 2 * elapsed_s
        self.variance_j2 += ((power_w - last[1]) * elapsed_s) ** 2 / 2
        return 0.0

    def restart(self) -> None:
        """The next reading is not bridged with the last one; what was added up stays."""
        self._last = None
