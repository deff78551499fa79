"""The rule by which a machine counts as idle, and the account of what it draws then."""

from __future__ import annotations

import os
from collections.abc import Iterable

from wattbook.model import Reading
from wattbook.pipeline import idle
from wattbook.pipeline.pace import GPU_IDLE_W, IDLE_BELOW
from wattbook.records import Entry


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


class Keeper:
    """Keeps the idle account of a host: beside its spool, and where systemd lets a service tell all users.

    Runs read it to divide standing power (``wattbook run --idle reserved``); so it is measured here, where
    the machine is known to be idle, and nowhere else.
    """

    def __init__(self, host: str, folder: str) -> None:
        self.host = host
        shared = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
        self._folders = [folder, *([shared] if os.path.isabs(shared) else [])]
        self._account = idle.read([folder], host)
        self._told = False

    def take(self, entries: Iterable[Entry]) -> None:
        """The entries of an idle stretch that is over.  Raises ``OSError``, the first time that it cannot be kept."""
        grown = idle.grown(self._account, entries)
        if grown == self._account:
            return
        self._account = grown
        for folder in self._folders:
            try:
                idle.write(folder, self.host, grown)
            except OSError:
                if not self._told:
                    self._told = True
                    raise
