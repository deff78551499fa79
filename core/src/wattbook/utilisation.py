"""What a run saw of its machine: processors, stolen time, accelerators and memory, over all its stretches."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from wattbook.model import Load
from wattbook.sampling import LoadHistogram

MEMORY_S = 5.0  #: memory is looked at so often; it moves slowly, and a poll is to be cheap
GIB = 1 << 30


class MemoryUse:
    """Gigabytes in use, weighted by time, and their peak."""

    def __init__(self, root: str = "/") -> None:
        self._root = root
        self._looked_s: float | None = None
        self._used: float | None = None
        self._seconds = self._gb_s = 0.0
        self.peak_gb: float | None = None

    @property
    def mean_gb(self) -> float | None:
        return self._gb_s / self._seconds if self._seconds else self._used

    def look(self, at_s: float) -> None:
        """See what is in use, where the last look is old enough."""
        if self._looked_s is not None and at_s - self._looked_s < MEMORY_S:
            return
        used_gb = memory_used_gb(self._root)
        if self._looked_s is not None and self._used is not None and used_gb is not None:
            seconds = at_s - self._looked_s
            self._seconds += seconds
            self._gb_s += seconds * (self._used + used_gb) / 2
        if used_gb is not None:
            self.peak_gb = max(used_gb, self.peak_gb or 0.0)
        self._looked_s, self._used = at_s, used_gb


def memory_used_gb(root: str = "/") -> float | None:
    """What the system could not give to a new program, in units of 2^30 bytes; ``None`` where nothing tells."""
    if sys.platform.startswith("linux"):
        try:
            with open(os.path.join(root, "proc/meminfo"), "rb") as stream:
                text = stream.read(512)  # the first lines; making the others up costs the kernel nothing less
            kib = {
                name: int(rest.split()[0]) for name, _, rest in (line.partition(b":") for line in text.splitlines()[:3])
            }
            return (kib[b"MemTotal"] - kib[b"MemAvailable"]) * 1024 / GIB
        except (OSError, ValueError, KeyError, IndexError):
            return None
    try:
        import psutil

        memory = psutil.virtual_memory()
        return float(memory.total - memory.available) / GIB
    except Exception:  # a platform that psutil does not know
        return None


class _Device(NamedTuple):
    seconds: float = 0.0
    busy_s: float = 0.0


class Utilisation:
    """Adds up the stretches of a run; bounded however long it is."""

    def __init__(self) -> None:
        self.memory = MemoryUse()
        self._seconds = self._busy_s = self._total_s = self._stolen_s = 0.0
        self._threads = 0
        self._devices: dict[str, _Device] = {}

    def add(self, loads: LoadHistogram, busy: Iterable[Load]) -> None:
        """A stretch that is over: its processors' loads and those of its devices."""
        self._seconds += sum(load.seconds for load in loads.loads())
        self._busy_s += loads.busy_s
        self._total_s += loads.total_s
        self._stolen_s += loads.stolen_s
        self._threads = max(self._threads, loads.processors)
        for load in busy:
            old = self._devices.get(load.device, _Device())
            self._devices[load.device] = _Device(old.seconds + load.seconds, old.busy_s + load.middle * load.seconds)

    def as_dict(self, memory_gb: float | None = None) -> dict[str, Any]:
        """What was seen, as plain JSON values; what nothing told is left out."""
        seen: dict[str, Any] = {}
        if self._seconds > 0 and self._total_s > 0:
            share = self._busy_s / self._total_s
            seen |= {
                "seconds": round(self._seconds, 3),
                "cpu_utilisation": round(share, 4),
                "cpu_steal": round(self._stolen_s / self._total_s, 4),
                "busy_threads": round(share * self._threads, 3),
                "threads": self._threads,
            }
        gpus = {name: round(d.busy_s / d.seconds, 4) for name, d in sorted(self._devices.items()) if d.seconds > 0}
        if gpus:
            seen["gpu_utilisation"] = gpus
        if self.memory.mean_gb is not None and self.memory.peak_gb is not None:
            seen |= {"memory_used_gb": round(self.memory.mean_gb, 2), "memory_peak_gb": round(self.memory.peak_gb, 2)}
            if memory_gb is not None:
                seen["memory_gb"] = memory_gb
        return seen


def in_words(seen: Mapping[str, Any]) -> str:
    """``processors 43 % busy (3.4 of 8 threads), 2 % stolen; gpu:0 80 % busy; memory 12.3 of 64 GB, at most 20``"""
    said: list[str] = []
    if "cpu_utilisation" in seen:
        threads = f" ({seen['busy_threads']:.3g} of {seen['threads']} threads)" if seen.get("threads") else ""
        stolen = f", {seen['cpu_steal']:.1%} stolen by other guests" if seen.get("cpu_steal") else ""
        said.append(f"processors {seen['cpu_utilisation']:.1%} busy{threads}{stolen}")
    said += [f"{name} {share:.1%} busy" for name, share in (seen.get("gpu_utilisation") or {}).items()]
    if "memory_used_gb" in seen:
        of = f" of {seen['memory_gb']:g}" if seen.get("memory_gb") else ""
        said.append(f"memory {seen['memory_used_gb']:.3g}{of} GB in use, at most {seen.get('memory_peak_gb', 0):.3g}")
    return "; ".join(said)
