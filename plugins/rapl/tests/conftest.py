"""A machine made of files: zones of powercap and events of perf with visible values."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import define, field

INTEL_RANGE_UJ = 262_143_328_850


@define
class Machine:
    """The folder in which ``sys`` and ``proc`` lie; energy flows when ``run`` is told so."""

    root: Path
    now_s: float = 1_000.0
    asleep_s: float = 0.0
    watts: dict[str, float] = field(factory=dict)  #: zone folder or (event, processor) to power
    joules: dict[str, float] = field(factory=dict)
    ranges: dict[str, int] = field(factory=dict)
    open_events: dict[int, str] = field(factory=dict)
    denied: bool = False

    # --- powercap

    def zone(
        self, folder: str, name: str, *, watts: float = 0.0, start_uj: int = 1_000_000, range_uj: int = INTEL_RANGE_UJ
    ) -> Machine:
        path = self.root / "sys/class/powercap" / folder
        path.mkdir(parents=True)
        (path / "name").write_text(f"{name}\n")
        (path / "max_energy_range_uj").write_text(f"{range_uj}\n")
        self.watts[folder], self.joules[folder], self.ranges[folder] = watts, start_uj / 1e6, range_uj
        self._write(folder)
        return self

    def energy_uj(self, folder: str) -> Path:
        return self.root / "sys/class/powercap" / folder / "energy_uj"

    def _write(self, folder: str) -> None:
        uj = round(self.joules[folder] * 1e6)
        if self.ranges[folder]:
            uj %= self.ranges[folder]
        path = self.energy_uj(folder)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT)
        os.write(fd, b"%-24d\n" % uj)
        os.close(fd)

    # --- perf

    def pmu(self, cpumask: str = "0", kind: int = 23, packages: dict[int, int] | None = None) -> Machine:
        folder = self.root / "sys/bus/event_source/devices/power"
        (folder / "events").mkdir(parents=True)
        (folder / "type").write_text(f"{kind}\n")
        (folder / "cpumask").write_text(f"{cpumask}\n")
        for processor, package in (packages or {0: 0}).items():
            topology = self.root / f"sys/devices/system/cpu/cpu{processor}/topology"
            topology.mkdir(parents=True)
            (topology / "physical_package_id").write_text(f"{package}\n")
        return self

    def event(self, name: str, config: int, *, scale: str = "2.3283064365386962890625e-10", **watts: float) -> Machine:
        """``event("energy-pkg", 2, cpu0=42)``"""
        folder = self.root / "sys/bus/event_source/devices/power/events"
        (folder / name).write_text(f"event=0x{config:02x}\n")
        (folder / f"{name}.scale").write_text(f"{scale}\n")
        (folder / f"{name}.unit").write_text("Joules\n")
        for processor, power_w in watts.items():
            self.watts[f"{config}:{processor}"], self.joules[f"{config}:{processor}"] = power_w, 10.0
        return self

    def open(self, kind: int, config: int, processor: int) -> int:
        if self.denied:
            raise PermissionError(13, "Permission denied")
        fd = 1_000 + len(self.open_events)
        self.open_events[fd] = f"{config}:cpu{processor}"
        return fd

    def read(self, fd: int) -> int:
        return int(self.joules[self.open_events[fd]] * 2**32)

    def close(self, fd: int) -> None:
        self.open_events[fd] += " closed"

    # --- time

    def clock(self) -> float:
        return self.now_s

    def run(self, seconds: float) -> None:
        """Let time pass and energy flow."""
        self.now_s += seconds
        for key, power_w in self.watts.items():
            self.joules[key] += power_w * seconds
            if key in self.ranges:
                self._write(key)


@pytest.fixture
def a_machine(tmp_path: Path) -> Callable[[], Machine]:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text("processor\t: 0\nvendor_id\t: GenuineIntel\n")
    return lambda: Machine(tmp_path)
