"""What is offered: NVML's energy counters, its gauges, nvidia-smi, and how busy the GPUs are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from wattbook import Domain, Host, Meter, Unavailable

from wattbook_nvidia_smi.architecture import sensor_error
from wattbook_nvidia_smi.busy import offer
from wattbook_nvidia_smi.presence import executable, library_here

if TYPE_CHECKING:
    from wattbook_nvidia_smi.session import EnergySession, PowerSession
    from wattbook_nvidia_smi.smi_session import SmiSession

ENERGY_INTERVAL_S = 5.0  #: a 64-bit counter could wait for years; a killed run loses what is unread
POWER_INTERVAL_S = 1.0  #: the length of NVML's average


def meters(host: Host) -> Iterator[Meter]:
    """Offers in the order of their merit; nothing is loaded or started for them."""
    names = [chip.name for chip in host.gpus]
    yield Meter(
        name="energy", domains=(), error=sensor_error("energy", names), interval_s=ENERGY_INTERVAL_S,
        probe=_probe_energy, open=_open_energy,
    )  # fmt: skip
    yield Meter(
        name="power", domains=(), error=sensor_error("power", names), interval_s=POWER_INTERVAL_S,
        probe=_probe_power, open=_open_power,
    )  # fmt: skip
    yield Meter(
        name="smi", domains=(), error=sensor_error("smi", names), interval_s=POWER_INTERVAL_S,
        probe=_probe_smi, open=_open_smi,
    )  # fmt: skip
    yield offer()


def _probe_energy() -> Sequence[Domain]:
    library_here()
    from wattbook_nvidia_smi.nvml import cards, library
    from wattbook_nvidia_smi.session import counters

    with library() as lib:
        found, silent = cards(lib)
        domains = tuple(counters(found))
    if not domains:
        raise _nothing(
            "has an energy counter", silent, found, "Volta and newer have one; the gauge (power) serves older ones"
        )
    return domains


@contextmanager
def _open_energy() -> Iterator[EnergySession]:
    from wattbook_nvidia_smi.nvml import cards, library
    from wattbook_nvidia_smi.session import EnergySession, counters

    with library() as lib:
        yield EnergySession(counters(cards(lib)[0]))


def _probe_power() -> Sequence[Domain]:
    library_here()
    from wattbook_nvidia_smi.nvml import cards, library
    from wattbook_nvidia_smi.session import gauges

    with library() as lib:
        found, silent = cards(lib)
        domains = tuple(gauges(found))
    if not domains:
        raise _nothing("shows its power", silent, found, "virtual and small laptop GPUs have no sensor")
    return domains


@contextmanager
def _open_power() -> Iterator[PowerSession]:
    from wattbook_nvidia_smi.nvml import cards, library
    from wattbook_nvidia_smi.session import PowerSession, gauges

    with library() as lib:
        yield PowerSession(gauges(cards(lib)[0]))


def _probe_smi() -> Sequence[Domain]:
    executable()
    from wattbook_nvidia_smi.smi import probe

    return probe()


def _open_smi() -> AbstractContextManager[SmiSession]:
    from wattbook_nvidia_smi.smi import stream

    return stream()


def _nothing(what: str, silent: Sequence[str], found: Sequence[object], remedy: str) -> Unavailable:
    if silent:
        return Unavailable("; ".join(silent), remedy="look for Xid messages in dmesg, reset the GPU or reboot")
    if not found:
        return Unavailable("the NVIDIA driver sees no GPU", remedy="pass the GPU through to this machine or container")
    return Unavailable(f"no GPU here {what}", remedy=remedy)
