"""Which counters a machine has: names say it, numbers do not, and nothing is there twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from wattbook import Host
from wattbook_rapl import perf, powercap

if TYPE_CHECKING:
    MachineOf = Callable[[], Any]

HOST = Host(os="linux", arch="x86_64")


def addresses(machine: Any, *, amd: bool = False) -> dict[str, list[str]]:
    """Domain to the zones that make it up."""
    found: dict[str, list[str]] = {}
    for zone in powercap.zones(machine.root, amd=amd):
        found.setdefault(str(zone.place.domain(HOST)), []).append(zone.folder.name)
    return found


def test_a_client_has_a_package_with_parts_dram_and_psys(a_machine: MachineOf) -> None:
    machine = a_machine().zone("intel-rapl:0", "package-0").zone("intel-rapl:0:0", "core")
    machine.zone("intel-rapl:0:1", "uncore").zone("intel-rapl:0:2", "dram").zone("intel-rapl:1", "psys")
    assert addresses(machine) == {
        "cpu:0/package": ["intel-rapl:0"],
        "cpu:0/core": ["intel-rapl:0:0"],
        "cpu:0/gfx": ["intel-rapl:0:1"],
        "dram:0/dram": ["intel-rapl:0:2"],
        "machine/platform": ["intel-rapl:1"],
    }


def test_the_number_of_a_zone_is_not_the_number_of_its_package(a_machine: MachineOf) -> None:
    machine = a_machine()
    for zone, package in enumerate((3, 1, 0, 2)):
        machine.zone(f"intel-rapl:{zone}", f"package-{package}").zone(f"intel-rapl:{zone}:0", "dram")
    found = addresses(machine)
    assert found["cpu:3/package"] == ["intel-rapl:0"]
    assert found["dram:3/dram"] == ["intel-rapl:0:0"]
    assert len(found) == 8


def test_the_mirror_of_a_package_is_not_counted_twice(a_machine: MachineOf) -> None:
    machine = a_machine().zone("intel-rapl-mmio:0", "package-0").zone("intel-rapl:0", "package-0")
    machine.zone("intel-rapl-mmio:0:0", "dram")
    assert addresses(machine) == {"cpu:0/package": ["intel-rapl:0"]}


def test_a_package_that_only_the_mirror_shows_is_taken_from_there(a_machine: MachineOf) -> None:
    machine = a_machine().zone("intel-rapl-mmio:0", "package-0").zone("intel-rapl-mmio:0:0", "dram")
    assert addresses(machine) == {"cpu:0/package": ["intel-rapl-mmio:0"], "dram:0/dram": ["intel-rapl-mmio:0:0"]}


def test_dies_of_one_package_belong_together(a_machine: MachineOf) -> None:
    machine = a_machine()
    for zone, name in enumerate(("package-0-die-0", "package-0-die-1", "package-1-die-0", "package-1-die-1")):
        machine.zone(f"intel-rapl:{zone}", name).zone(f"intel-rapl:{zone}:0", "dram")
    found = addresses(machine)
    assert found["cpu:0/package"] == ["intel-rapl:0", "intel-rapl:1"]
    assert found["dram:1/dram"] == ["intel-rapl:2:0", "intel-rapl:3:0"]


def test_two_zones_called_psys_contradict_each_other(a_machine: MachineOf) -> None:
    machine = a_machine().zone("intel-rapl:0", "package-0").zone("intel-rapl:1", "psys").zone("intel-rapl:2", "psys")
    assert addresses(machine) == {"cpu:0/package": ["intel-rapl:0"]}


def test_the_core_zone_of_amd_is_one_core_of_many(a_machine: MachineOf) -> None:
    machine = a_machine().zone("intel-rapl:0", "package-0").zone("intel-rapl:0:0", "core")
    assert addresses(machine, amd=True) == {"cpu:0/package": ["intel-rapl:0"]}


def test_what_is_not_a_zone_is_passed_over(a_machine: MachineOf) -> None:
    machine = a_machine().zone("intel-rapl:0", "package-0").zone("intel-rapl:7", "mystery").zone("dtpm:0", "package-1")
    (machine.root / "sys/class/powercap/intel-rapl").mkdir()
    assert addresses(machine) == {"cpu:0/package": ["intel-rapl:0"]}


def test_a_range_of_0_is_no_range(a_machine: MachineOf) -> None:
    machine = a_machine().zone("intel-rapl:0", "package-0", range_uj=0)
    assert powercap.zones(machine.root, amd=False)[0].range_uj is None


def test_perf_has_one_event_for_each_package_and_psys_once(a_machine: MachineOf) -> None:
    machine = a_machine().pmu("0,28", packages={0: 0, 28: 1})
    machine.event("energy-pkg", 2).event("energy-ram", 3).event("energy-psys", 5)
    found = [(str(e.place.domain(HOST)), e.processor, e.config) for e in perf.events(machine.root)]
    assert found == [
        ("cpu:0/package", 0, 2), ("dram:0/dram", 0, 3), ("machine/platform", 0, 5),
        ("cpu:1/package", 28, 2), ("dram:1/dram", 28, 3),
    ]  # fmt: skip
    assert all(event.unit_j == 2**-32 and event.kind == 23 for event in perf.events(machine.root))


def test_an_event_without_a_scale_or_in_another_unit_is_not_used(a_machine: MachineOf) -> None:
    machine = a_machine().pmu().event("energy-pkg", 2).event("energy-ram", 3, scale="nan").event("energy-gpu", 4)
    (machine.root / "sys/bus/event_source/devices/power/events/energy-gpu.unit").write_text("Watts\n")
    assert [event.place.name for event in perf.events(machine.root)] == ["package"]


@pytest.mark.parametrize(
    ("mask", "expected"), [("0", [0]), ("0,28", [0, 28]), ("0-2", [0, 1, 2]), ("", []), ("x", []), ("0-x", [])]
)
def test_a_cpu_mask_is_a_list_of_numbers_and_ranges(mask: str, expected: list[int]) -> None:
    assert perf.processors(mask) == expected
