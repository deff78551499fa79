"""Watch the machine while a command runs: its processor time and its sleep.

The classes are plain ones, because every run loads them before it can say anything.
"""

from __future__ import annotations

import os
import sys
import time
from typing import NamedTuple

from wattbook.model import Load

TICK_S = 0.01  #: Linux and macOS count processor time in hundredths of a second
STAT_BYTES = 1 << 20  #: more than the lines of a thousand processors, which come first
MAX_PROCESSES = 1_000  #: of one tree that are looked at in one poll


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


def asleep_s() -> float:
    """Seconds that this machine has been asleep since it started, counted from an arbitrary zero."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()
    if sys.platform == "darwin":  # there the monotonic clock of Python stands still, and the system's does not
        return time.clock_gettime(time.CLOCK_MONOTONIC) - time.monotonic()
    return 0.0
