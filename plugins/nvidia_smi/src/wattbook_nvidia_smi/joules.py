"""From what a GPU shows, a counter or a gauge, to cumulative joules with every doubt named. No I/O."""

from __future__ import annotations

from attrs import define, field
from wattbook import Counter, Domain, Integrator, Missed, Sample, Step

MAX_W = 5_000.0  #: no GPU and no module draws more; a figure beyond it is damage
MAX_BRIDGE_S = 30.0  #: a gauge that was silent for longer says nothing about the time between
_JITTER_S = 0.2  #: NVML refreshes the counter every 20 to 100 ms, so two readings may lie that far apart
_STANDSTILL_S = 2.0
_STANDSTILL_W = 10.0


@define(kw_only=True)
class CounterTrack:
    """NVML's total energy in millijoules since the driver was loaded; a decrease means that it began anew."""

    domain: Domain
    _counter: Counter = field(factory=lambda: Counter(unit_j=1e-3, max_power_w=MAX_W))
    _seen_s: float | None = None  #: up to here everything is accounted for, as energy or as missed
    _epoch: int = 0
    _lost: bool = False

    def take(self, millijoules: int, at_s: float, *, gauge_w: float | None = None) -> list[Sample | Missed]:
        """One reading; *gauge_w* is what the power gauge says, to notice a counter that stands still."""
        before, self._seen_s = self._seen_s, at_s
        before_j = self._counter.total_j
        advance = self._counter.update(millijoules, at_s, epoch=self._epoch)
        sample = Sample(at_s=at_s, domain=self.domain, energy_j=self._counter.total_j)
        if before is None or advance.step is Step.FIRST:
            self._lost = False
            return [sample]
        elapsed_s = at_s - before
        reason, low_j = "", 0.0
        if self._lost:
            reason, self._lost = "the GPU did not answer", False
        elif advance.step is Step.RESET:
            reason = "the energy counter began anew (driver reload, GPU reset or suspend)"
            low_j = min(millijoules * 1e-3, elapsed_s * MAX_W)
        elif advance.energy_j is not None and advance.energy_j > (elapsed_s + _JITTER_S) * MAX_W:
            reason = f"the energy counter jumped by {advance.energy_j:g} J"
            self._counter.total_j = before_j
            sample = Sample(at_s=at_s, domain=self.domain, energy_j=before_j)
        elif advance.energy_j == 0 and elapsed_s >= _STANDSTILL_S and (gauge_w or 0.0) >= _STANDSTILL_W:
            reason = f"the energy counter stands still while the gauge shows {gauge_w:g} W"
        missed = [Missed(since_s=before, until_s=at_s, domain=self.domain, reason=reason, low_j=low_j)]
        return [*(missed if reason else []), sample]

    def lose(self, reason: str, at_s: float) -> list[Sample | Missed]:
        """The GPU is gone for this reading; what its counter does meanwhile is not trusted."""
        before, self._seen_s = self._seen_s, at_s
        if not self._lost:
            self._epoch, self._lost = self._epoch + 1, True
        if before is None:
            return []
        return [Missed(since_s=before, until_s=at_s, domain=self.domain, reason=reason)]


@define(kw_only=True)
class GaugeTrack:
    """A power gauge, integrated by the trapezoid rule on the monotonic clock."""

    domain: Domain
    _integrator: Integrator = field(factory=lambda: Integrator(max_gap_s=MAX_BRIDGE_S))
    _seen_s: float | None = None
    _lost: bool = False

    def take(self, power_w: float, at_s: float) -> list[Sample | Missed]:
        """One reading in watts."""
        if power_w > MAX_W:
            return self.lose(f"{power_w:g} W is no plausible power", at_s)
        before, self._seen_s = self._seen_s, at_s
        missed: list[Sample | Missed] = []
        if self._lost:
            self._integrator.restart()
        lost_s = self._integrator.update(power_w, at_s)
        if before is not None and (self._lost or lost_s > 0):
            reason = "the GPU did not answer" if self._lost else f"the gauge was not read for {lost_s:.0f} s"
            missed.append(Missed(since_s=before, until_s=at_s, domain=self.domain, reason=reason))
        self._lost = False
        return [*missed, self.sample(at_s)]

    def sample(self, at_s: float) -> Sample:
        return Sample(
            at_s=at_s, domain=self.domain, energy_j=self._integrator.total_j, variance_j2=self._integrator.variance_j2
        )  # fmt: skip

    def lose(self, reason: str, at_s: float) -> list[Sample | Missed]:
        """There is no figure for this reading, and none will be invented for the time around it."""
        before, self._seen_s = self._seen_s, at_s
        self._lost = True
        if before is None:
            return []
        return [Missed(since_s=before, until_s=at_s, domain=self.domain, reason=reason)]
