"""Read meters while a command runs: each in a thread of its own, at its interval and whenever asked.

The classes are plain ones, because every run loads them before it can measure anything.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping

from wattbook.errors import ReadError
from wattbook.metering import Busy, Meter, Missed, Sample
from wattbook.model import Domain, Load
from wattbook.sampling import LoadHistogram

MAX_REASONS = 20


class Tally:
    """What one meter said about one domain in the running stretch."""

    def __init__(self, last: Sample | None = None) -> None:
        self.energy_j = self.covered_s = 0.0
        self.missed_s = self.missed_low_j = 0.0
        self.missed_high_j: float | None = 0.0
        self.variance_j2 = 0.0  #: of a gauge: how far the energy may be off because it was read only now and then
        self.steps = 0
        self.reasons: list[str] = []
        self.last = last
        self._pending_s = 0.0  #: missed since the last sample: not seen, though the next one ends it

    def take(self, item: Sample | Missed) -> None:
        if isinstance(item, Missed):
            lost_s = max(0.0, item.until_s - item.since_s)
            self.missed_s += lost_s
            self._pending_s += lost_s
            self.missed_low_j += item.low_j
            both = self.missed_high_j is not None and item.high_j is not None
            self.missed_high_j = (self.missed_high_j or 0.0) + (item.high_j or 0.0) if both else None
            self.say(item.reason)
            return
        last, self.last = self.last, item
        pending_s, self._pending_s = self._pending_s, 0.0
        if last is None:
            return
        if item.energy_j < last.energy_j:
            self.missed_s += max(0.0, item.at_s - last.at_s)
            self.missed_high_j = None
            self.say("the meter ran backwards")
            return
        self.energy_j += item.energy_j - last.energy_j
        self.variance_j2 += max(0.0, item.variance_j2 - last.variance_j2)
        self.steps += 1
        self.covered_s += max(0.0, item.at_s - last.at_s - pending_s)

    def say(self, reason: str) -> None:
        if reason not in self.reasons and len(self.reasons) < MAX_REASONS:
            self.reasons.append(reason)


class BusyTrack:
    """What one meter said about the utilisation of one device in the running stretch."""

    def __init__(self) -> None:
        self._loads = LoadHistogram()
        self._last_s: float | None = None

    def take(self, item: Busy) -> None:
        """It stands for the time since the one before; the first one only starts the clock."""
        last_s, self._last_s = self._last_s, item.at_s
        if last_s is not None and item.at_s > last_s:
            self._loads.add(item.at_s - last_s, item.share, item.share)

    def loads(self, device: str) -> tuple[Load, ...]:
        return self._loads.loads(device)

    def start_stretch(self) -> None:
        self._loads.clear()


class MeterThread(threading.Thread):
    """Opens one meter, reads it at its interval and whenever asked, and closes it; hangs alone if it hangs."""

    def __init__(self, source: str, meter: Meter, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(name=f"wattbook {source}", daemon=True)
        self.source, self.meter = source, meter
        self.broken = ""  #: why it stopped reading
        self.opened = False
        self.slower = 1  #: so many times less often than the meter asks for; whoever polls says so
        self.late = False  #: it did not answer when it was asked last
        self._clock = clock
        self._lock = threading.Lock()
        self._tallies: dict[str, tuple[Domain, Tally]] = {}
        self._busy: dict[str, BusyTrack] = {}  #: by device
        self._wake = threading.Condition()
        self._asked = self._done = 0
        self._stopping = False

    def run(self) -> None:
        try:
            with self.meter.open() as session:
                self.opened = True
                while True:
                    with self._wake:
                        answering = self._asked
                        stopping = self._stopping
                    try:
                        self._take(session.read())
                    except ReadError as error:
                        self._say(str(error))
                    with self._wake:
                        self._done = answering
                        self._wake.notify_all()
                        if stopping:
                            break
                        if self._asked == answering:
                            self._wake.wait(self.meter.interval_s * self.slower)
        except BaseException as error:
            text = str(error).strip().splitlines()
            self.broken = f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
        finally:
            with self._wake:
                self._done = sys.maxsize
                self._wake.notify_all()

    def ask(self, *, stop: bool = False) -> int:
        """Have it read now; answers with a ticket for ``answered``."""
        with self._wake:
            self._asked += 1
            self._stopping = self._stopping or stop
            self._wake.notify_all()
            return self._asked

    def answered(self, ticket: int, timeout_s: float) -> bool:
        with self._wake:
            return self._wake.wait_for(lambda: self._done >= ticket, timeout_s)

    def _take(self, items: Iterable[Sample | Missed | Busy]) -> None:
        for item in items:
            with self._lock:
                if isinstance(item, Busy):
                    self._busy.setdefault(item.domain.device, BusyTrack()).take(item)
                    continue
                _, tally = self._tallies.setdefault(item.domain.address, (item.domain, Tally()))
                tally.take(item)

    def _say(self, reason: str) -> None:
        with self._lock:
            for _, tally in self._tallies.values():
                tally.say(reason)

    def tallies(self) -> Mapping[str, tuple[Domain, Tally]]:
        """The running stretch so far, as copies."""
        import copy

        with self._lock:
            return {address: (domain, copy.copy(tally)) for address, (domain, tally) in self._tallies.items()}

    def busy(self) -> Mapping[str, tuple[Load, ...]]:
        """How busy devices were in the running stretch so far, as far as this meter tells."""
        with self._lock:
            return {device: track.loads(device) for device, track in self._busy.items()}

    def start_stretch(self) -> None:
        """Forget what was added up, and go on from the last samples."""
        with self._lock:
            for track in self._busy.values():
                track.start_stretch()
            for address, (domain, tally) in self._tallies.items():
                self._tallies[address] = (domain, Tally(last=tally.last))


def poll(threads: Iterable[MeterThread], *, stop: bool = False, timeout_s: float = 2.0) -> list[MeterThread]:
    """Have all opened meters read now, at once; answers with those that became late by *timeout_s*.

    One that is late already is asked, and not waited for.
    """
    asked = [(thread, thread.ask(stop=stop)) for thread in threads]
    until = time.monotonic() + timeout_s
    became_late = []
    for thread, ticket in asked:
        if not thread.opened:
            continue
        answered = thread.answered(ticket, 0.0 if thread.late else max(0.0, until - time.monotonic()))
        if not answered and not thread.late:
            became_late.append(thread)
        thread.late = not answered
    return became_late


def close(threads: Iterable[MeterThread], *, timeout_s: float = 2.0) -> list[MeterThread]:
    """Wait for stopped meters to close; answers with those that still hang."""
    until = time.monotonic() + timeout_s
    hanging = []
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
        if thread.is_alive():
            hanging.append(thread)
    return hanging
