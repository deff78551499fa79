"""What of one domain's energy a command caused, what others did, and what nobody did: together the machine's.

The values are named tuples, because every run makes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any, NamedTuple

from wattbook.pipeline.causing import BOARDS, LEAST_BUSY_S

TICK_S = 0.01  #: the kernel counts the processors' busy time in hundredths of a second
LONGEST_FORMULA = 400


class Share(NamedTuple):
    """A part between 0 and 1 with its 90 % interval, and the words that say how it is known."""

    value: float
    low: float
    high: float
    told: str


NOTHING = Share(value=0.0, low=0.0, high=0.0, told="nothing")


class Standing(NamedTuple):
    """What a domain draws while it does nothing, and where that figure comes from."""

    power_w: float
    low_w: float
    high_w: float
    source: str


class Divided(NamedTuple):
    """Joules of one domain over one window; ``process_j``, ``rest_j`` and ``unallocated_j`` are ``machine_j``."""

    machine_j: float
    process_j: float
    low_j: float | None
    high_j: float | None
    rest_j: float  #: what everybody else used or reserved
    unallocated_j: float  #: standing energy that the policy gives to nobody
    policy: str
    terms: tuple[Mapping[str, Any], ...] = ()


def is_board(device: str) -> bool:
    """Whether a device is an accelerator, which is divided by its users."""
    return device.startswith(BOARDS)


def processor_share(cpu_s: float | None, busy_s: float, processors: int, source: str) -> Share | None:
    """Processor time of the command over the machine's; ``None`` where the kernel's ticks are too coarse for it."""
    if cpu_s is None or busy_s < LEAST_BUSY_S:
        return None
    value = min(1.0, max(0.0, cpu_s / busy_s))
    unsure_s = TICK_S * max(1, processors)
    return Share(
        value=value,
        low=min(value, max(0.0, cpu_s - TICK_S) / (busy_s + unsure_s)),
        high=max(value, min(1.0, (cpu_s + TICK_S) / max(busy_s - unsure_s, TICK_S))),
        told=f"{cpu_s:.4g} s of {max(busy_s, cpu_s):.4g} s of processor time, {source}",
    )


def divide(
    machine_j: float,
    interval: tuple[float, float] | None,
    duration_s: float,
    use: Share,
    *,
    policy: str = "used",
    standing: Standing | None = None,
    reserved: Share | None = None,
    machine: str = "",
) -> Divided:
    """Divide the energy of one domain.

    ``used``: all of it by use.  ``reserved``: standing energy by what the command reserved, the rest by use.
    ``none``: standing energy is nobody's, the rest is divided by use.  The last two need *standing*, and
    ``reserved`` needs *reserved* too.  *machine* is the formula behind the domain's energy, if there is one.

    The bounds are the least and the most over the ends of every figure that enters.
    """
    idle_j, kept, idle = 0.0, NOTHING, (0.0, 0.0)
    if policy != "used":
        assert standing is not None
        idle_j = min(machine_j, standing.power_w * duration_s)
        idle = standing.low_w * duration_s, standing.high_w * duration_s
    if policy == "reserved":
        assert reserved is not None
        kept = reserved

    def caused(whole_j: float, standing_j: float, used: float) -> float:
        still_j = min(whole_j, standing_j)
        return still_j * kept.value + (whole_j - still_j) * used

    process_j = min(machine_j, caused(machine_j, idle_j, use.value))
    unallocated_j = idle_j if policy == "none" else 0.0
    low_j = high_j = None
    if interval is not None:
        corners = [caused(*corner) for corner in product(interval, idle, (use.low, use.high))]
        low_j, high_j = max(0.0, min(process_j, *corners)), max(process_j, *corners)
    return Divided(
        machine_j=machine_j,
        process_j=process_j,
        low_j=low_j,
        high_j=high_j,
        rest_j=max(0.0, machine_j - process_j - unallocated_j),
        unallocated_j=unallocated_j,
        policy=policy,
        terms=tuple(_terms(machine_j, interval, duration_s, use, policy, idle_j, idle, standing, kept, machine)),
    )


def _terms(
    machine_j: float, interval: tuple[float, float] | None, duration_s: float, use: Share, policy: str,
    idle_j: float, idle: tuple[float, float], standing: Standing | None, kept: Share, machine: str,
) -> Iterable[dict[str, Any]]:  # fmt: skip
    """The arithmetic as summands of the part; ``of_w`` of the first is the machine's own mean power."""
    if duration_s <= 0:
        return
    whole_w, idle_w = machine_j / duration_s, idle_j / duration_s
    low_w, high_w = (joules / duration_s for joules in interval or (machine_j, machine_j))
    because = f"; {whole_w:.5g} W = {machine}" if machine else ""
    source = f"wattbook: what the command caused, idle {policy}"
    first: dict[str, Any] = {"of_w": whole_w}
    if policy == "used":
        formula = f"machine {machine_j:.5g} J = {whole_w:.5g} W, x {use.value:.4g} ({use.told}){because}"
    else:
        assert standing is not None
        formula = (
            f"(machine {machine_j:.5g} J = {whole_w:.5g} W - standing {idle_w:.5g} W) x {use.value:.4g} "
            f"({use.told}){because}"
        )
        if policy == "reserved":
            yield {
                **first, "what": "standing power, by what was reserved", "power_w": idle_w * kept.value,
                "low_w": min(idle_w, standing.low_w) * kept.value, "high_w": max(idle_w, standing.high_w) * kept.value,
                "formula": f"{idle_w:.5g} W x {kept.value:.4g} ({kept.told})"[:LONGEST_FORMULA],
                "source": standing.source,
            }  # fmt: skip
            first = {}
        else:
            source += f"; standing {idle_j:.5g} J stay unallocated, {standing.source}"
    moved_w = whole_w - idle_w
    yield {
        **first, "what": "energy, by use" if policy == "used" else "power above standing, by use",
        "power_w": moved_w * use.value,
        "low_w": max(0.0, min(moved_w, low_w - idle[1] / duration_s)) * use.low,
        "high_w": max(moved_w, high_w - idle[0] / duration_s) * use.high,
        "formula": formula[:LONGEST_FORMULA], "source": source,
    }  # fmt: skip
