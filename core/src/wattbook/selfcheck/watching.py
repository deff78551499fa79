"""Listen in on a meter's session: what came of each domain, how often, and what did not."""

from __future__ import annotations

import copy
import math
import threading
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager

from attrs import define, evolve, field, frozen

from wattbook.errors import ReadError
from wattbook.model import Busy, Domain, Meter, Missed, Sample, Session

READS = 5  #: at least, however seldom a meter wants to be read
STEP_S = 0.5  #: a counter that moves ten times a second means nothing over less
MAX_NOTES = 5


@define(kw_only=True)
class Trace:
    """One domain's samples as they come, in constant memory."""

    domain: Domain
    first: Sample | None = None
    last: Sample | None = None
    samples: int = 0
    longest_s: float = 0.0
    max_power_w: float | None = None  #: over steps of at least ``STEP_S``
    missed: int = 0  #: reads that brought no sample, or one after a stretch of unknown energy
    missed_s: float = 0.0
    backwards: bool = False
    notes: list[str] = field(factory=list)
    _anchor: Sample | None = None  #: where the present step began

    def take(self, item: Sample) -> None:
        last = self.last
        if last is None or self._anchor is None:
            self.first = self.last = self._anchor = item
            self.samples = 1
            return
        self.backwards = self.backwards or item.energy_j < last.energy_j or item.at_s < last.at_s
        if not item.at_s > last.at_s:  # the same again: the source had nothing new
            return
        self.samples += 1
        self.last = item
        self.longest_s = max(self.longest_s, item.at_s - last.at_s)
        if item.at_s - self._anchor.at_s >= STEP_S:
            power_w = (item.energy_j - self._anchor.energy_j) / (item.at_s - self._anchor.at_s)
            self.max_power_w = power_w if self.max_power_w is None else max(self.max_power_w, power_w)
            self._anchor = item

    def miss(self, item: Missed) -> None:
        lost_s = item.until_s - item.since_s
        if self.first is not None and math.isfinite(lost_s):  # what came before does not count
            self.missed_s += max(0.0, lost_s)
        self.note(item.reason)

    def note(self, reason: str) -> None:
        if reason not in self.notes and len(self.notes) < MAX_NOTES:
            self.notes.append(reason)


@define(kw_only=True)
class Watch:
    """Notes what a meter's session answers, while somebody reads it as in a run."""

    watched: Meter
    seconds: float
    reads: int = field(default=0, init=False)
    notes: list[str] = field(factory=list, init=False)  #: why reads failed
    _traces: dict[str, Trace] = field(factory=dict, init=False)
    _lock: threading.Lock = field(factory=threading.Lock, init=False)

    def meter(self) -> Meter:
        """The same meter, read often enough for a probe and overheard."""
        interval_s = min(self.watched.interval_s, self.seconds / READS)
        return evolve(self.watched, interval_s=interval_s, open=self._open)

    def copies(self) -> dict[str, Trace]:
        with self._lock:
            return {address: copy.copy(trace) for address, trace in self._traces.items()}

    def _open(self) -> AbstractContextManager[Session]:
        @contextmanager
        def opened() -> Iterator[Session]:
            with self.watched.open() as session:
                yield _Overheard(session, self)

        return opened()

    def overhear(self, session: Session) -> list[Sample | Missed | Busy]:
        """One read, noted; what came before a ``ReadError`` counts."""
        items: list[Sample | Missed | Busy] = []
        try:
            for item in session.read():
                items.append(item)
        except ReadError as error:
            if str(error) not in self.notes and len(self.notes) < MAX_NOTES:
                self.notes.append(str(error))
            raise
        finally:
            self._note(items)
        return items

    def _note(self, items: Iterable[Sample | Missed | Busy]) -> None:
        brought, lost = set(), set()
        with self._lock:
            self.reads += 1
            known = set(self._traces)
            for item in items:
                if isinstance(item, Busy):
                    continue
                trace = self._traces.setdefault(item.domain.address, Trace(domain=item.domain))
                if isinstance(item, Missed):
                    trace.miss(item)
                    lost.add(item.domain.address)
                else:
                    trace.take(item)
                    brought.add(item.domain.address)
            for address in (known - brought) | lost:
                self._traces[address].missed += 1


@frozen
class _Overheard:
    session: Session
    watch: Watch

    def read(self) -> Iterable[Sample | Missed | Busy]:
        return self.watch.overhear(self.session)
