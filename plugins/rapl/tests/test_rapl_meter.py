"""The two offers: contracts, rights with remedies, and the check of one interface against the other."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest
from wattbook import Chip, Host, Meter, Sample, Unavailable
from wattbook.testing import MeasureContract
from wattbook_rapl import measure, perf
from wattbook_rapl.meter import Config, Offer

if TYPE_CHECKING:
    MachineOf = Callable[[], Any]

HOST = Host(os="linux", arch="x86_64", cpus=(Chip(name="Xeon"),))


def an_offer(machine: Any, interface: str = "both") -> Offer:
    config = Config(interface=interface, root=str(machine.root))
    return Offer(HOST, config, machine, machine.clock, machine.run)


def found(machine: Any, interface: str = "powercap", *, use: str = "both") -> list[str]:
    return [str(domain) for domain in an_offer(machine, use).probe(interface)]


def both(machine: Any, *, perf_w: float = 42.0, dram_w: float = 5.0) -> Any:
    """A machine on which both interfaces show a package of 42 W and DRAM of 5 W, unless perf says otherwise."""
    machine.zone("intel-rapl:0", "package-0", watts=42).zone("intel-rapl:0:0", "dram", watts=5)
    return machine.pmu().event("energy-pkg", 2, cpu0=perf_w).event("energy-ram", 3, cpu0=dram_w)


class TestPowercap(MeasureContract):
    @pytest.fixture
    def plugin_name(self) -> str:
        return "rapl"

    @pytest.fixture
    def host(self) -> Host:
        return HOST

    @pytest.fixture
    def working(self, a_machine: MachineOf) -> Meter:
        return next(meter for meter in an_offer(both(a_machine())).meters() if meter.name == "powercap")


class TestPerf(MeasureContract):
    @pytest.fixture
    def plugin_name(self) -> str:
        return "rapl"

    @pytest.fixture
    def host(self) -> Host:
        return HOST

    @pytest.fixture
    def working(self, a_machine: MachineOf) -> Meter:
        return next(meter for meter in an_offer(both(a_machine())).meters() if meter.name == "perf")


def test_it_offers_nothing_elsewhere() -> None:
    for host in (Host(os="darwin", arch="x86_64"), Host(os="linux", arch="aarch64")):
        assert list(measure(host=host, config=Config())) == []


def test_both_interfaces_find_the_same_domains(a_machine: MachineOf) -> None:
    machine = both(a_machine())
    assert found(machine, "powercap") == found(machine, "perf") == ["cpu:0/package", "dram:0/dram"]


def test_the_machines_own_counter_may_contain_accelerators(a_machine: MachineOf) -> None:
    machine = a_machine().zone("intel-rapl:0", "package-0", watts=42).zone("intel-rapl:1", "psys", watts=80)
    package, platform = an_offer(machine).probe("powercap")
    assert (str(package), package.model) == ("cpu:0/package", "Xeon")
    assert (str(platform), platform.may_contain) == ("machine/platform", ("gpu:*",))


def test_a_part_that_never_counted_is_not_offered(a_machine: MachineOf) -> None:
    machine = a_machine().zone("intel-rapl:0", "package-0", watts=42).zone("intel-rapl:0:0", "uncore", start_uj=0)
    assert found(machine) == ["cpu:0/package"]


def test_a_package_that_stands_still_is_refused(a_machine: MachineOf) -> None:
    with pytest.raises(Unavailable, match="stands still") as no:
        found(a_machine().zone("intel-rapl:0", "package-0", watts=0))
    assert "virtual machine" in no.value.remedy


def test_a_machine_without_counters_is_explained(a_machine: MachineOf) -> None:
    with pytest.raises(Unavailable, match="no RAPL counters") as no:
        found(a_machine(), "powercap")
    assert "modprobe" in no.value.remedy
    with pytest.raises(Unavailable, match="no perf events"):
        found(a_machine(), "perf")


def test_a_permission_error_is_explained_with_the_smallest_remedy(
    a_machine: MachineOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = a_machine().zone("intel-rapl:0", "package-0", watts=42)
    real = os.open

    def refuse(path: Any, *args: Any, **kw: Any) -> int:
        if str(path).endswith("energy_uj"):
            raise PermissionError(13, "Permission denied")
        return real(path, *args, **kw)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(Unavailable, match=r"root only, as it is since Linux 5\.10") as no:
        found(machine)
    assert "0440 root power" in no.value.remedy
    assert "chmod" not in no.value.remedy, "it would be lost at the next boot"


def test_a_strict_kernel_is_explained(a_machine: MachineOf) -> None:
    machine = both(a_machine())
    machine.denied = True
    level = machine.root / "proc/sys/kernel/perf_event_paranoid"
    level.parent.mkdir(parents=True)
    level.write_text("4\n")
    with pytest.raises(Unavailable, match="perf_event_paranoid is 4") as no:
        found(machine, "perf")
    assert "CAP_PERFMON" in no.value.remedy
    assert found(machine, "powercap") == ["cpu:0/package", "dram:0/dram"], "the other interface does not suffer"


def test_interfaces_that_contradict_each_other_on_a_package_are_refused(a_machine: MachineOf) -> None:
    machine = both(a_machine(), perf_w=21.0)
    for interface in ("powercap", "perf"):
        with pytest.raises(Unavailable, match="one of them is wrong") as no:
            found(machine, interface)
        assert "plugins.rapl.interface" in no.value.remedy
    assert found(machine, "powercap", use="powercap") == ["cpu:0/package", "dram:0/dram"]


def test_a_part_on_which_the_interfaces_contradict_each_other_is_not_offered(a_machine: MachineOf) -> None:
    machine = both(a_machine(), dram_w=20.0)
    assert found(machine, "powercap") == found(machine, "perf") == ["cpu:0/package"]


def test_one_interface_can_be_chosen(a_machine: MachineOf) -> None:
    machine = both(a_machine())
    assert [meter.name for meter in an_offer(machine, "perf").meters()] == ["perf"]
    assert [meter.name for meter in an_offer(machine).meters()] == ["powercap", "perf"]


def test_counters_are_polled_at_least_every_minute(a_machine: MachineOf) -> None:
    assert all(meter.interval_s <= 60 for meter in an_offer(both(a_machine())).meters())


def test_every_file_is_closed(a_machine: MachineOf) -> None:
    machine = both(a_machine())
    before = set(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else set()
    for meter in an_offer(machine).meters():
        meter.probe()
        with meter.open() as session:
            list(session.read())
    assert all(name.endswith("closed") for name in machine.open_events.values())
    if before:
        assert set(os.listdir("/proc/self/fd")) == before


def test_the_real_system_call_counts(a_machine: MachineOf) -> None:
    """The kernel's clock of processor 0, scaled to 42 W, stands in for an energy counter."""
    machine = a_machine().pmu(kind=1).event("energy-pkg", 0, scale="42e-9")
    try:
        linux = perf.Linux()
        linux.close(linux.open(1, 0, 0))
    except OSError as error:
        pytest.skip(f"perf is not allowed here: {error.strerror}")
    offer = Offer(HOST, Config(root=str(machine.root)))
    assert [str(domain) for domain in offer.probe("perf")] == ["cpu:0/package"]
    meter = next(meter for meter in offer.meters() if meter.name == "perf")
    with meter.open() as session:
        (first,) = session.read()
        offer.sleep(0.3)
        (second,) = session.read()
    assert isinstance(first, Sample)
    assert isinstance(second, Sample)
    assert (second.energy_j - first.energy_j) / (second.at_s - first.at_s) == pytest.approx(42, rel=0.05)


def test_where_the_kernel_shows_no_counters_nothing_is_loaded_that_reads_them(tmp_path: Path) -> None:
    code = f"""
        import sys
        from wattbook import Host, Unavailable
        import wattbook_rapl
        host = Host(os="linux", arch="x86_64")
        for meter in wattbook_rapl.measure(host, wattbook_rapl.Config(root={str(tmp_path)!r})):
            try:
                meter.probe()
            except Unavailable as no:
                print(meter.name, no.remedy.split()[1])
        print(*sorted(name for name in sys.modules if name.startswith("wattbook_rapl.")))
        """
    done = subprocess.run([sys.executable, "-c", dedent(code)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "powercap intel_rapl_msr",
        "perf rapl",
        "wattbook_rapl.domains wattbook_rapl.meter wattbook_rapl.presence wattbook_rapl.settings",
    ]
