"""What of the machine's energy a command caused: its part by processor time, and the rest; together the machine."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from attrs import frozen


@frozen(kw_only=True)
class Attributed:
    """Joules of one window divided; the three parts are the machine.

    ``idle`` names the policy: with ``used``, standing power is divided like the rest, by use, so a command
    on a machine that does nothing else gets nearly all of it, and one among many its part.
    """

    process_j: float  #: processors, memory and the rest of the machine, in proportion to processor time
    rest_j: float  #: what everybody else on the machine used
    accelerators_j: float  #: of boards, not divided: whose processes used them is not known here
    share: float
    idle: str = "used"

    def as_dict(self) -> dict[str, Any]:
        return {
            "process_j": self.process_j, "rest_j": self.rest_j, "accelerators_j": self.accelerators_j,
            "share": self.share, "idle": self.idle,
            "method": "processor time of the command's processes over the machine's busy time, times its energy",
        }  # fmt: skip


def attributed(addends: Iterable[tuple[str, float | None]], share: float | None) -> Attributed | None:
    """Divide *addends* (device, joules) by *share*; ``None`` where the share or the energy is not known."""
    known = [(device, joules) for device, joules in addends if joules is not None]
    if share is None or not known:
        return None
    boards_j = sum(joules for device, joules in known if device.startswith("gpu:"))
    machine_j = sum(joules for device, joules in known if not device.startswith("gpu:"))
    process_j = machine_j * min(1.0, max(0.0, share))
    return Attributed(process_j=process_j, rest_j=machine_j - process_j, accelerators_j=boards_j, share=share)
