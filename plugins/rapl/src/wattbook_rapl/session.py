"""Read counters and hand out joules: every step of a counter is judged, and what is unsure is said."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from attrs import define, field
from wattbook import Counter, Domain, Missed, ReadError, Sample, Step

from wattbook_rapl.domains import MAX_W, Place

MAX_DEVICE_W = 5_000.0
TOO_SHORT_S = 0.05  #: counters tick every millisecond, so shorter steps say nothing about power

REASONS = {
    Step.AMBIGUOUS: "the counter may have wrapped more than once since the last poll",
    Step.RESET: "the counter started anew",
    Step.SUSPENDED: "the machine slept",
}


class CounterFile(Protocol):
    """One opened counter of either interface."""

    @property
    def place(self) -> Place: ...
    @property
    def unit_j(self) -> float: ...
    @property
    def range_counts(self) -> float | None: ...
    @property
    def generation(self) -> int: ...
    def read(self) -> int: ...
    def close(self) -> None: ...


@define
class _Track:
    """A counter and where it stood."""

    file: CounterFile
    counter: Counter
    at_s: float | None = None
    asleep_s: float = 0.0


@define
class Session:
    """Cumulative joules of each domain; counters of several dies of one package are added."""

    files: Mapping[Domain, Sequence[CounterFile]]
    clock: Callable[[], float] = time.monotonic
    asleep: Callable[[], float] = field(default=lambda: _asleep_s())
    _tracks: dict[Domain, list[_Track]] = field(factory=dict, init=False)
    _totals: dict[Domain, float] = field(factory=dict, init=False)

    def start(self) -> None:
        for domain, files in self.files.items():
            self._tracks[domain] = [
                _Track(f, Counter(f.unit_j, f.range_counts, MAX_W[f.place.name])) for f in files
            ]  # fmt: skip
            self._totals[domain] = 0.0

    def read(self) -> Iterator[Sample | Missed]:
        """One sample per domain that answers; raises ``ReadError`` where none does."""
        failures: list[str] = []
        answered = False
        for domain, tracks in self._tracks.items():
            try:
                items = [item for track in tracks for item in self._step(domain, track)]
            except (OSError, ValueError) as error:
                failures.append(f"{domain}: {getattr(error, 'strerror', None) or error}")
                continue
            answered = True
            if items:
                yield _as_one(items)
            yield Sample(at_s=max(track.at_s or 0.0 for track in tracks), domain=domain, energy_j=self._totals[domain])
        if failures and not answered:
            raise ReadError(f"no counter can be read ({failures[0]})")

    def _step(self, domain: Domain, track: _Track) -> Iterator[Missed]:
        raw = track.file.read()
        since_s, now_s, asleep_s = track.at_s, self.clock(), self.asleep()
        advance = track.counter.update(
            raw, now_s, epoch=track.file.generation, suspended_s=asleep_s - track.asleep_s
        )  # fmt: skip
        track.at_s, track.asleep_s = now_s, asleep_s
        if since_s is None or advance.step is Step.FIRST:
            return
        elapsed_s = now_s - since_s
        energy_j = advance.energy_j
        if energy_j is not None and energy_j > MAX_DEVICE_W * max(elapsed_s, TOO_SHORT_S):
            yield Missed(since_s=since_s, until_s=now_s, domain=domain, reason="the counter jumped by more than can be")
        elif energy_j is None:
            yield Missed(
                since_s=since_s, until_s=now_s, domain=domain, reason=REASONS[advance.step],
                low_j=advance.low_j, high_j=advance.high_j,
            )  # fmt: skip
        else:
            self._totals[domain] += energy_j

    def close(self) -> None:
        for files in self.files.values():
            for file in files:
                file.close()


def _as_one(items: Sequence[Missed]) -> Missed:
    """What several dies of one package lost in the same poll."""
    highs = [item.high_j for item in items]
    return Missed(
        since_s=min(item.since_s for item in items),
        until_s=max(item.until_s for item in items),
        domain=items[0].domain,
        reason="; ".join(dict.fromkeys(item.reason for item in items)),
        low_j=sum(item.low_j for item in items),
        high_j=None if None in highs else sum(high for high in highs if high is not None),
    )


def _asleep_s() -> float:
    """How long the machine slept since it started."""
    if not hasattr(time, "CLOCK_BOOTTIME"):
        return 0.0
    return time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()
