"""Live samples, added up into joules; what they do not cover is told as a loss."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import define, field, frozen
from wattbook import Domain, Missed, Sample

from wattbook_powermetrics.block import Block, Invalid, watts

HOLE_S = 0.5  #: less than this between two samples is a late delivery, not a loss
LONGEST_S = 3_600.0  #: no sample is longer than this


@frozen(kw_only=True)
class Loss:
    """Time without a figure; ``printed`` are the domains that have one all the same."""

    since_s: float
    until_s: float
    reason: str
    printed: frozenset[Domain] = frozenset()

    def missed(self, domains: tuple[Domain, ...], since_s: float) -> Iterator[Missed]:
        """For someone who measures *domains* from *since_s* on."""
        for domain in domains:
            if domain not in self.printed and since_s < self.until_s:
                start_s = max(self.since_s, since_s)
                yield Missed(since_s=start_s, until_s=self.until_s, domain=domain, reason=self.reason)


@define
class Sums:
    """Joules by domain, known up to ``last_s`` on the monotonic clock."""

    last_s: float
    samples: int = 0
    blocks: int = 0
    _joules: dict[Domain, float] = field(factory=dict)

    def take(self, block: Block, now_s: float) -> list[Loss]:
        """A sample that ended at *now_s*; answers with what is lost before or with it."""
        since_s, self.last_s = self.last_s, now_s
        self.blocks += 1
        try:
            power_w = watts(block)
            if block.elapsed_s is None or not 0 < block.elapsed_s < LONGEST_S:
                raise Invalid("the length of a sample is not known")
        except Invalid as why:
            return [Loss(since_s=since_s, until_s=now_s, reason=str(why))]
        losses = []
        if now_s - block.elapsed_s - since_s > HOLE_S:
            reason = "no sample of powermetrics covers this time"
            losses.append(Loss(since_s=since_s, until_s=now_s - block.elapsed_s, reason=reason))
        if not self.samples:
            reason = "powermetrics does not print it here"
            losses.append(Loss(since_s=since_s, until_s=now_s, reason=reason, printed=frozenset(power_w)))
        self.samples += 1
        for domain, power in power_w.items():
            self._joules[domain] = self._joules.get(domain, 0.0) + power * block.elapsed_s
        return losses

    def look(self, domains: tuple[Domain, ...], since_s: float) -> Iterator[Sample]:
        """The sums for someone who measures from *since_s* on: nothing yet before the first sample."""
        at_s = self.last_s if self.samples else since_s
        for domain in domains:
            if domain in self._joules or not self.samples:
                yield Sample(at_s=at_s, domain=domain, energy_j=self._joules.get(domain, 0.0))
