"""A second meter for Apple Silicon that needs no root: IOReport, through the library zeus-apple-silicon."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from attrs import define, field
from wattbook import Counter, Domain, Meter, Missed, ReadError, Sample, Step, Unavailable

from wattbook_powermetrics.block import SOC, part

MODULE = "zeus_apple_silicon"
J_PER_MJ = 1e-3
FIELDS = {"cpu": "cpu_total_mj", "gpu": "gpu_mj", "ane": "ane_mj"}  #: what ``soc`` is made of
#: memory lies outside the three, as it does outside the Combined Power of powermetrics
DRAM = Domain(device="soc:0", name="dram", within="machine/host")


class Monitor(Protocol):
    """The part of ``zeus_apple_silicon.AppleEnergyMonitor`` that is used here."""

    def get_cumulative_energy(self) -> Any:
        """Millijoules since the start of the system, ``None`` for what the chip does not report."""


def _monitor() -> Monitor:
    try:
        module = importlib.import_module(MODULE)
    except ImportError as error:
        raise Unavailable(
            "zeus-apple-silicon is not installed",
            remedy="pip install zeus-apple-silicon (it reads IOReport and needs no root)",
        ) from error
    try:
        monitor: Monitor = module.AppleEnergyMonitor()
    except Exception as error:  # whatever the extension raises: RuntimeError, ValueError
        raise Unavailable(f"IOReport gives no energy here: {error}", remedy="use powermetrics") from error
    return monitor


def read_mj(monitor: Monitor) -> dict[str, int]:
    """Millijoules by part, of those that the chip reports; raises ``ReadError``."""
    try:
        metrics = monitor.get_cumulative_energy()
    except Exception as error:
        raise ReadError(f"IOReport could not be read: {error}") from error
    names = {**FIELDS, "dram": "dram_mj"}
    values = {part: getattr(metrics, name, None) for part, name in names.items()}
    return {part: value for part, value in values.items() if value is not None}


def domains_of(parts: dict[str, int]) -> tuple[Domain, ...]:
    total = (SOC,) if {"cpu", "gpu"} <= parts.keys() else ()
    return (*total, *(part(name) for name in FIELDS if name in parts), *((DRAM,) if "dram" in parts else ()))


@define
class Session:
    """Counters since the start of the system, unwrapped part by part; ``soc`` is their sum."""

    monitor: Monitor
    clock: Callable[[], float]
    _counters: dict[str, Counter] = field(factory=dict)
    _at_s: float | None = None

    def read(self) -> Iterator[Sample | Missed]:
        parts = read_mj(self.monitor)
        at_s, before_s = self.clock(), self._at_s
        self._at_s = at_s
        for name, value in parts.items():
            counter = self._counters.setdefault(name, Counter(unit_j=J_PER_MJ))
            if value < 0 or counter.update(value, at_s).step is Step.RESET:
                since_s = at_s if before_s is None else before_s
                for domain in (part(name), SOC) if name in FIELDS else (DRAM,):
                    yield Missed(since_s=since_s, until_s=at_s, domain=domain, reason="the counter started again")
        for domain in domains_of(parts):
            names = [name for name in FIELDS if name in parts] if domain == SOC else [domain.name]
            yield Sample(at_s=at_s, domain=domain, energy_j=sum(self._counters[name].total_j for name in names))


def meter(*, clock: Callable[[], float] = time.monotonic) -> Meter:
    """The offer; the library is loaded when it is probed or opened."""

    def probe() -> tuple[Domain, ...]:
        try:
            parts = read_mj(_monitor())
        except ReadError as error:
            raise Unavailable(str(error), remedy="use powermetrics") from error
        found = domains_of(parts)
        if SOC not in found:
            raise Unavailable("IOReport does not report CPU and GPU on this chip", remedy="use powermetrics")
        if parts["cpu"] == 0:  # betas of macOS 27
            raise Unavailable(
                "IOReport says that the CPU has used nothing since the start of the system, which cannot be",
                remedy="update macOS; some betas misreport the CPU",
            )
        return found

    @contextmanager
    def open() -> Iterator[Session]:
        yield Session(_monitor(), clock)

    declared = (SOC, *(part(name) for name in FIELDS))
    return Meter(name="ioreport", domains=declared, interval_s=1.0, probe=probe, open=open)
