"""Whether the kernel shows an interface at all, which is answered before anything is loaded that reads it."""

from __future__ import annotations

import os

from wattbook import Unavailable

POWERCAP = "sys/class/powercap"
PERF = "sys/bus/event_source/devices/power"
ABSENT = {
    "powercap": (
        "the kernel shows no RAPL counters through powercap",
        "modprobe intel_rapl_msr on a real machine; a virtual machine has none",
    ),
    "perf": (
        "the kernel has no perf events for energy",
        "modprobe rapl on a real machine; a virtual machine has none",
    ),
}


def absent(interface: str) -> Unavailable:
    """Why an interface that the kernel does not show cannot be used."""
    reason, remedy = ABSENT[interface]
    return Unavailable(reason, remedy=remedy)


def shown(interface: str, root: str) -> bool:
    """Whether there is anything to look at; what it is, and whether it may be read, is another question."""
    if interface == "perf":
        return os.path.exists(os.path.join(root, PERF, "type"))
    try:
        return any(name.startswith("intel-rapl") for name in os.listdir(os.path.join(root, POWERCAP)))
    except OSError:
        return False
