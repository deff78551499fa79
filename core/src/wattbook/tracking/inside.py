"""Observe the process that one is part of: only what it used since the stretch began is its own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from wattbook.pipeline.events import Event
from wattbook.pipeline.observe import Observer
from wattbook.sampling import tree_cpu_s

if TYPE_CHECKING:
    from wattbook.pipeline.causing import Clock


class InProcess(Observer):
    """The observer of ``wattbook run`` with this process in the place of the command."""

    def _poll(self) -> None:
        super()._poll()
        ready: Any = getattr(self.box, "ready", None)
        if ready is not None:
            ready.set()

    def _loaded(self) -> None:
        """Whether garbage is collected is the user's business."""

    def _own_cpu_s(self, ended: Event) -> float | None:
        """One process's time cannot be told apart by threads after the fact."""
        return None

    def _clock(self) -> Clock:
        return OwnTime(self.order["cpu_before_s"])


class OwnTime:
    """Processor time of this process and of those that it started, since the stretch began."""

    source = "of this process and those that it started"

    def __init__(self, before_s: float | None) -> None:
        self._before_s = before_s

    def so_far_s(self) -> float | None:
        now_s = tree_cpu_s(os.getpid())
        return None if now_s is None or self._before_s is None else max(0.0, now_s - self._before_s)

    def in_all_s(self, waited_s: float | None, run_id: str, *, leftovers: bool) -> float | None:
        return waited_s
