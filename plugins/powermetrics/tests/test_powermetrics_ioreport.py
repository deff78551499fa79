"""IOReport through zeus-apple-silicon, here a stand-in with the signatures of version 1.1.0."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from wattbook import Host, Meter, Missed, Sample, Unavailable
from wattbook.testing import MeasureContract
from wattbook_powermetrics import ioreport, measure

MAC = Host(name="mac", os="darwin", arch="arm64", virtual=False)


class AppleEnergyMetrics:
    """Whole millijoules, ``None`` for what a chip does not report; lists are one number a core or cluster."""

    def __init__(self) -> None:
        self.cpu_total_mj: int | None = None
        self.efficiency_cores_mj: list[int] | None = None
        self.performance_cores_mj: list[int] | None = None
        self.efficiency_cluster_mj: list[int] | None = None
        self.performance_cluster_mj: list[int] | None = None
        self.efficiency_core_manager_mj: int | None = None
        self.performance_core_manager_mj: int | None = None
        self.dram_mj: int | None = None
        self.gpu_mj: int | None = None
        self.gpu_sram_mj: int | None = None
        self.ane_mj: int | None = None


class AppleEnergyMonitor:
    """Counts up from large numbers, as counters since the start of the system do."""

    series: Any = ()

    def __init__(self) -> None:
        self._series = iter(self.series)
        self._last: dict[str, int | None] = {}

    def get_cumulative_energy(self) -> AppleEnergyMetrics:
        self._last = next(self._series, self._last)
        metrics = AppleEnergyMetrics()
        for name, value in self._last.items():
            setattr(metrics, name, value)
        return metrics

    def begin_window(self, key: str, restart: bool = False) -> None:
        raise AssertionError("windows are for code that is measured in between")

    def end_window(self, key: str) -> AppleEnergyMetrics:
        raise AssertionError("windows are for code that is measured in between")


def since_boot(cpu: int, gpu: int, ane: int | None, dram: int | None) -> dict[str, int | None]:
    return {"cpu_total_mj": cpu, "gpu_mj": gpu, "ane_mj": ane, "dram_mj": dram, "gpu_sram_mj": 7}


GROWING = (since_boot(9_000_000, 500_000, 20_000, 800_000), since_boot(9_001_500, 500_250, 20_000, 800_300))


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Install the stand-in with a series of counters."""

    def install(*series: dict[str, int | None]) -> None:
        module = ModuleType("zeus_apple_silicon")
        monitor = type("AppleEnergyMonitor", (AppleEnergyMonitor,), {"series": series})
        module.AppleEnergyMonitor = monitor  # type: ignore[attr-defined]
        module.AppleEnergyMetrics = AppleEnergyMetrics  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "zeus_apple_silicon", module)

    return install


class TestContract(MeasureContract):
    @pytest.fixture
    def plugin_name(self) -> str:
        return "powermetrics"

    @pytest.fixture
    def host(self) -> Host:
        return MAC

    @pytest.fixture
    def working(self, library: Callable[..., None]) -> Meter:
        library(*GROWING)
        return ioreport.meter()


def test_it_is_offered_on_apple_silicon_only() -> None:
    assert [m.name for m in measure(host=MAC, config=None)] == ["powermetrics", "ioreport"]
    assert [m.name for m in measure(host=Host(os="darwin", arch="x86_64"), config=None)] == ["powermetrics"]
    assert [m.name for m in measure(host=Host(os="linux", arch="arm64"), config=None)] == ["powermetrics"]


def test_without_the_library_it_says_how_to_get_it() -> None:
    with pytest.raises(Unavailable, match="not installed") as no:
        ioreport.meter().probe()
    assert no.value.remedy.startswith("pip install zeus-apple-silicon")


def test_the_total_is_cpu_gpu_and_ane_without_memory(library: Callable[..., None]) -> None:
    library(*GROWING)
    with ioreport.meter().open() as session:
        list(session.read())
        joules = {str(s.domain): s.energy_j for s in session.read() if isinstance(s, Sample)}
    assert joules == {
        "soc:0/soc": 1.75, "soc:0/cpu": 1.5, "soc:0/gpu": 0.25, "soc:0/ane": 0.0, "soc:0/dram": pytest.approx(0.3)
    }  # fmt: skip


def test_what_a_chip_does_not_report_is_not_offered(library: Callable[..., None]) -> None:
    library(since_boot(9_000_000, 500_000, None, None))
    assert [str(domain) for domain in ioreport.meter().probe() or ()] == ["soc:0/soc", "soc:0/cpu", "soc:0/gpu"]


def test_a_cpu_that_never_used_anything_is_not_believed(library: Callable[..., None]) -> None:
    library(since_boot(0, 500_000, 20_000, 800_000))
    with pytest.raises(Unavailable, match="which cannot be"):
        ioreport.meter().probe()


def test_a_chip_without_a_cpu_counter_is_unavailable(library: Callable[..., None]) -> None:
    library({"gpu_mj": 5})
    with pytest.raises(Unavailable, match="does not report CPU and GPU"):
        ioreport.meter().probe()


def test_a_library_that_fails_is_unavailable_with_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("zeus_apple_silicon")

    def fail() -> None:
        raise RuntimeError("Failed to create IOReport subscription.")

    module.AppleEnergyMonitor = fail  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "zeus_apple_silicon", module)
    with pytest.raises(Unavailable, match="Failed to create IOReport subscription"):
        ioreport.meter().probe()


def test_a_counter_that_starts_again_is_missed_and_never_negative(library: Callable[..., None]) -> None:
    library(*GROWING, since_boot(10, 500_300, 20_000, 800_400), since_boot(510, 500_300, 20_000, 800_400))
    with ioreport.meter().open() as session:
        polls = [list(session.read()) for _ in range(4)]
    missed = [str(i.domain) for i in polls[2] if isinstance(i, Missed)]
    assert missed == ["soc:0/cpu", "soc:0/soc"]
    cpu = [i.energy_j for poll in polls for i in poll if isinstance(i, Sample) and i.domain.name == "cpu"]
    assert cpu == [0.0, 1.5, 1.5, 2.0]
