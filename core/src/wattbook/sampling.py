"""Watch the machine while a command runs: processor time, and meters polled each at its own interval.

The classes are plain ones, because every run loads them before it can say anything.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from wattbook.errors import ReadError
from wattbook.model import Busy, Domain, Load, Meter, Missed, Sample

TICK_S = 0.01  #: Linux and macOS count processor time in hundredths of a second
STAT_BYTES = 1 << 20  #: more than the lines of a thousand processors, which come first
MAX_PROCESSES = 1_000  #: of one tree that are looked at in one poll
MAX_REASONS = 20


# --- processor time ----------------------------------------------------------------------------


class CpuTimes(NamedTuple):
    """Seconds of all processors together since the machine started; ``stolen_s`` were given to other guests."""

    busy_s: float
    total_s: float
    stolen_s: float = 0.0
    processors: int = 1

    @classmethod
    def from_proc_stat(cls, text: bytes) -> CpuTimes:
        """The content of ``/proc/stat``: user, nice, system, idle, iowait, irq, softirq, steal, guest, guest_nice.

        Guest time is part of user time and not counted again.
        """
        numbers = [int(word) for word in text.split(b"\n", 1)[0].split()[1:9]]
        user, nice, system, idle, iowait, irq, softirq, steal = numbers + [0] * (8 - len(numbers))
        busy = user + nice + system + irq + softirq
        hertz = os.sysconf("SC_CLK_TCK")
        return cls(
            busy_s=busy / hertz,
            total_s=(busy + idle + iowait + steal) / hertz,
            stolen_s=steal / hertz,
            processors=text.count(b"\ncpu") or 1,
        )

    @classmethod
    def now(cls) -> CpuTimes | None:
        """The machine's counters as they stand, ``None`` where nothing tells."""
        if sys.platform.startswith("linux"):
            try:
                fd = os.open("/proc/stat", os.O_RDONLY | os.O_CLOEXEC)
                try:
                    return cls.from_proc_stat(os.read(fd, STAT_BYTES))
                finally:
                    os.close(fd)
            except (OSError, ValueError):
                return None
        try:
            import psutil

            times = psutil.cpu_times()
            idle = times.idle + getattr(times, "iowait", 0.0)
            return cls(busy_s=sum(times) - idle, total_s=sum(times), processors=psutil.cpu_count() or 1)
        except Exception:  # a platform that psutil does not know
            return None


class LoadHistogram:
    """Seconds by utilisation, a bin for each percent: bounded however long the run is."""

    def __init__(self) -> None:
        self._bins: dict[int, list[float]] = {}
        self._last: CpuTimes | None = None
        self.busy_s = self.stolen_s = self.total_s = 0.0
        self.processors = 0

    def take(self, times: CpuTimes | None, elapsed_s: float) -> None:
        """The counters *elapsed_s* after the last ones; the first call only starts the clock."""
        last, self._last = self._last, times
        if last is None or elapsed_s <= 0:
            return
        if times is None or times.total_s <= last.total_s:
            self.add(elapsed_s, 0.0, 1.0)
            return
        total, busy = times.total_s - last.total_s, max(0.0, times.busy_s - last.busy_s)
        self.busy_s += busy
        self.total_s += total
        self.processors = max(self.processors, times.processors)
        self.stolen_s += max(0.0, times.stolen_s - last.stolen_s)
        share = min(1.0, busy / total)
        unsure = min(1.0, TICK_S * times.processors / total) if elapsed_s < 1 else 0.0
        self.add(elapsed_s, max(0.0, share - unsure), min(1.0, share + unsure))

    def skip(self, times: CpuTimes | None) -> None:
        """Go on from these counters without counting what lies before them."""
        self._last = times

    def add(self, seconds: float, low: float, high: float) -> None:
        """Seconds at a utilisation between two bounds."""
        sums = self._bins.setdefault(round((low + high) * 50) * 1000 + round((high - low) * 100), [0.0, 0.0, 0.0])
        for i, part in enumerate((seconds, low * seconds, high * seconds)):
            sums[i] += part

    def loads(self, device: str = "cpu") -> tuple[Load, ...]:
        return tuple(
            Load(device=device, seconds=seconds, low=min(1.0, low / seconds), high=min(1.0, max(low, high) / seconds))
            for _, (seconds, low, high) in sorted(self._bins.items())
        )

    def clear(self) -> None:
        """Start a new stretch at the counters of the last call."""
        self._bins.clear()
        self.busy_s = self.stolen_s = self.total_s = 0.0


def tree_cpu_s(pid: int) -> float | None:
    """Processor seconds of a living process, its living descendants and all that they have reaped."""
    if not sys.platform.startswith("linux"):
        return _tree_cpu_by_psutil(pid)
    total, queue, seen = 0.0, [pid], 0
    hertz = os.sysconf("SC_CLK_TCK")
    while queue and seen < MAX_PROCESSES:
        one = queue.pop()
        seen += 1
        try:
            with open(f"/proc/{one}/stat", "rb") as stream:
                numbers = stream.read().rpartition(b")")[2].split()
            total += sum(map(int, numbers[11:15])) / hertz  # utime, stime, cutime, cstime
            for task in os.listdir(f"/proc/{one}/task"):
                with open(f"/proc/{one}/task/{task}/children", "rb") as stream:
                    queue += map(int, stream.read().split())
        except (OSError, ValueError, IndexError):
            if one == pid:
                return None
    return total


def _tree_cpu_by_psutil(pid: int) -> float | None:
    import psutil

    try:
        parent = psutil.Process(pid)
        return float(sum(sum(process.cpu_times()[:4]) for process in [parent, *parent.children(recursive=True)]))
    except psutil.Error:
        return None


def stragglers_cpu_s(run_id: str) -> float:
    """Processor seconds of processes that outlived the command; they carry its run in their environment."""
    if not sys.platform.startswith("linux"):
        return 0.0
    mark = f"WATTBOOK_RUN_ID={run_id}".encode()
    total = 0.0
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/environ", "rb") as stream:
                    ours = mark in stream.read().split(b"\0")
            except OSError:
                continue
            total += (tree_cpu_s(int(name)) or 0.0) if ours else 0.0
    return total


# --- meters ------------------------------------------------------------------------------------


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
                            self._wake.wait(self.meter.interval_s)
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


def asleep_s() -> float:
    """Seconds that this machine has been asleep since it started, counted from an arbitrary zero."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()
    if sys.platform == "darwin":  # there the monotonic clock of Python stands still, and the system's does not
        return time.clock_gettime(time.CLOCK_MONOTONIC) - time.monotonic()
    return 0.0
