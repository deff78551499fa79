"""The perf interface: the kernel keeps 64-bit counters of energy, one per package, read by system calls."""

from __future__ import annotations

import ctypes
import errno
import os
import re
import struct
from pathlib import Path
from typing import Protocol

from attrs import define, field, frozen
from wattbook import Unavailable

from wattbook_rapl.domains import Place
from wattbook_rapl.presence import PERF, absent

EVENTS = {
    "energy-pkg": "package",
    "energy-cores": "core",
    "energy-gpu": "gfx",
    "energy-ram": "dram",
    "energy-psys": "platform",
}
PERF_EVENT_OPEN = 298  #: number of the system call on x86-64
ATTR_BYTES = 64  #: PERF_ATTR_SIZE_VER0 of linux/perf_event.h
CLOSE_ON_EXEC = 8  #: PERF_FLAG_FD_CLOEXEC


class Kernel(Protocol):
    """The three calls that are needed; tests hand in their own."""

    def open(self, kind: int, config: int, processor: int) -> int: ...
    def read(self, fd: int) -> int: ...
    def close(self, fd: int) -> None: ...


class Linux:
    """The real kernel."""

    def open(self, kind: int, config: int, processor: int) -> int:
        """A counter of the whole processor; raises ``OSError``."""
        attr = struct.pack("=IIQ", kind, ATTR_BYTES, config).ljust(ATTR_BYTES, b"\0")
        libc = ctypes.CDLL(None, use_errno=True)
        fd: int = libc.syscall(PERF_EVENT_OPEN, attr, -1, processor, -1, ctypes.c_ulong(CLOSE_ON_EXEC))
        if fd < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return fd

    def read(self, fd: int) -> int:
        return int.from_bytes(os.read(fd, 8), "little")

    def close(self, fd: int) -> None:
        os.close(fd)


@frozen(kw_only=True)
class Event:
    """One energy event on the processor that answers for a package."""

    place: Place
    kind: int
    config: int
    processor: int
    unit_j: float


@define
class EventFile:
    """An opened event."""

    event: Event
    kernel: Kernel
    generation: int = field(default=0, init=False)
    _fd: int | None = field(default=None, init=False)

    def read(self) -> int:
        if self._fd is None:
            self._fd = self.kernel.open(self.event.kind, self.event.config, self.event.processor)
            self.generation += 1
        try:
            return self.kernel.read(self._fd)
        except (OSError, ValueError):
            self.close()
            raise

    @property
    def unit_j(self) -> float:
        return self.event.unit_j

    @property
    def range_counts(self) -> float | None:
        return None

    @property
    def place(self) -> Place:
        return self.event.place

    def close(self) -> None:
        if self._fd is not None:
            self.kernel.close(self._fd)
            self._fd = None


def events(root: Path) -> list[Event]:
    """One event per domain and package, as the files of the PMU say; psys once."""
    folder = root / PERF
    kind = _text(folder / "type")
    if not kind.isdigit():
        return []
    found: list[Event] = []
    for processor in processors(_text(folder / "cpumask")):
        package = _text(root / f"sys/devices/system/cpu/cpu{processor}/topology/physical_package_id")
        for file, name in EVENTS.items():
            config = re.match(r"event=(0x[0-9a-f]{1,8})$", _text(folder / "events" / file))
            scale = _scale(folder / "events" / f"{file}.scale")
            if config is None or scale is None or _text(folder / "events" / f"{file}.unit") != "Joules":
                continue
            if name == "platform" and any(event.place.name == name for event in found):
                continue
            if not package.isdigit():
                continue
            place = Place(package=None if name == "platform" else int(package), name=name)
            found.append(
                Event(place=place, kind=int(kind), config=int(config[1], 16), processor=processor, unit_j=scale)
            )
    return found


def processors(mask: str) -> list[int]:
    """The processors of a list such as ``0,28`` or ``0-1``."""
    found: list[int] = []
    for part in filter(None, mask.split(",")):
        first, _, last = part.partition("-")
        if not (first.isdigit() and (not last or last.isdigit())):
            return []
        found += range(int(first), min(int(last or first), int(first) + 4_096) + 1)
    return found


def explain(events_found: list[Event], error: OSError | None, root: Path) -> Unavailable:
    """Why no package can be read here."""
    if not events_found:
        return absent("perf")
    if error is not None and error.errno in (errno.EACCES, errno.EPERM):
        level = _text(root / "proc/sys/kernel/perf_event_paranoid") or "unknown"
        return Unavailable(
            f"perf denies counters of the whole machine (kernel.perf_event_paranoid is {level})",
            remedy="sysctl kernel.perf_event_paranoid=0, or the capability CAP_PERFMON; the powercap interface needs less",
        )
    return Unavailable(
        f"perf cannot open the package's counter: {error.strerror if error else 'unknown'}", remedy="see dmesg"
    )


def _scale(path: Path) -> float | None:
    try:
        scale = float(_text(path))
    except ValueError:
        return None
    return scale if 0 < scale < 1 else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
