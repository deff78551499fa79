"""The rule by which a machine counts as idle."""

from __future__ import annotations

from collections.abc import Iterable

from wattbook.model import Reading

IDLE_BELOW = 0.05  #: the busy share of all processors together
GPU_IDLE_W = 80.0  #: what the largest accelerators draw while they wait (an H100 about 70 W)


def is_idle(busy_s: float, total_s: float, readings: Iterable[Reading], *, below: float = IDLE_BELOW) -> bool:
    """Whether a stretch was idle: its processors were busy for less than *below*, and no accelerator worked.

    An accelerator works when its measured mean power is above ``GPU_IDLE_W``; one whose power nobody
    measures cannot say.  Unknown processor time is not idle.
    """
    if total_s <= 0 or busy_s / total_s >= below:
        return False
    return not any(
        reading.domain.device.startswith("gpu:")
        and reading.basis == "measured"
        and reading.window.duration_s > 0
        and reading.energy_j / reading.window.duration_s > GPU_IDLE_W
        for reading in readings
    )
