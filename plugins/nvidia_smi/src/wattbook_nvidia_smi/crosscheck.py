"""Compare an energy counter with the gauge beside it, once: some counters are known to be far off. No I/O."""

from __future__ import annotations

from attrs import define, field
from wattbook import Integrator

AFTER_S = 60.0  #: polled every 5 s under a changing load, the two need time to agree
LEAST_J = 600.0
FACTOR = 1.5  #: Zeus issue 181 saw 187 J by the counter against 327 J by polling


@define
class CrossCheck:
    """One GPU's counter and gauge side by side."""

    done: bool = False
    _integrator: Integrator = field(factory=Integrator)
    _begun: tuple[float, float] | None = None

    def take(self, counted_j: float, gauge_w: float | None, at_s: float) -> str | None:
        """One reading of both; answers with a sentence where they disagree after a minute, and only then."""
        if self.done or gauge_w is None:
            return None
        self._integrator.update(gauge_w, at_s)
        if self._begun is None:
            self._begun = (counted_j, at_s)
            return None
        counter_j, gauge_j = counted_j - self._begun[0], self._integrator.total_j
        if at_s - self._begun[1] < AFTER_S or max(counter_j, gauge_j) < LEAST_J:
            return None
        self.done = True
        if max(counter_j, gauge_j) <= FACTOR * min(counter_j, gauge_j):
            return None
        return f"its energy counter says {counter_j:.0f} J where its power gauge says {gauge_j:.0f} J"
