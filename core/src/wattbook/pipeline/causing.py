"""What a run's command caused of the machine's energy, stretch by stretch; everything heavy is loaded when it is needed.

A plain class: what every run loads is kept small.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from wattbook.config import Defaults
    from wattbook.metering import Meter
    from wattbook.pipeline import Survey
    from wattbook.pipeline.boards import Boards
    from wattbook.pipeline.dividing import Divider, Line
    from wattbook.plugins import Plugins
    from wattbook.records import Entry
    from wattbook.resolve import Verdict

LEAST_BUSY_S = 0.05  #: below this, the machine's clock ticks are too coarse for a share
BOARDS = ("gpu:", "module:")  #: devices that processors do not stand for: they are divided by their users


class Clock(Protocol):
    """Processor time of whatever is observed, in seconds since it began; ``None`` where nobody tells."""

    @property
    def source(self) -> str: ...
    def so_far_s(self) -> float | None: ...
    def in_all_s(self, waited_s: float | None, run_id: str, *, leftovers: bool) -> float | None: ...


def share_of(cpu_s: float | None, busy_s: float) -> float | None:
    """Processor time of some processes over the machine's."""
    return None if cpu_s is None or busy_s < LEAST_BUSY_S else min(1.0, cpu_s / busy_s)


class Causing:
    """One run's energy, divided into what the command caused and the rest.

    ``parts`` says that only the first is recorded; else the machine's is, and this is told beside it.
    """

    def __init__(self, order: Mapping[str, Any], defaults: Defaults, clock: Clock) -> None:
        self.parts = (order.get("attribute") or defaults.attribute) == "process"
        self.policy = order.get("idle") or defaults.idle or "used"
        self.clock = clock
        self.machine: list[Entry] = []  #: of stretches that are over: what the machine used
        self.lines: list[Line] = []  #: of stretches that are over: what of each domain the command caused
        self._order = order
        self._sealed_s: float | None = 0.0  #: processor time of the command in stretches that are over
        self._boards: Boards | None = None
        self._divider: Divider | None = None
        self._seen: tuple[str, Plugins, Survey] | None = None

    # --- while it runs --------------------------------------------------------------------------

    def surveyed(self, host: str, plugins: Plugins, survey: Survey) -> None:
        """What standing power is looked up in."""
        self._seen = host, plugins, survey

    def watched(self, verdict: Verdict) -> Meter:
        """The chosen meter; where it reads boards, it is also asked who uses them."""
        assert verdict.meter is not None
        if not any(domain.device.startswith(BOARDS) for domain in verdict.domains):
            return verdict.meter
        from wattbook.pipeline.boards import Boards, descends_from

        if self._boards is None:
            self._boards = Boards(descends_from(self._order["pid"], self._order["run_id"]))
        return self._boards.watched(verdict.meter)

    def recorded(self, entries: list[Entry], cpu_s: float | None, busy_s: float) -> list[Entry]:
        """What is recorded of the running stretch so far, of which *entries* are the machine's."""
        return self._caused(self._divided(entries, cpu_s, busy_s), entries) if self.parts else entries

    def seal(self, entries: list[Entry], cpu_s: float | None, busy_s: float) -> list[Entry]:
        """The running stretch is over; answers with what is recorded of it."""
        lines = self._divided(entries, cpu_s, busy_s)
        self._sealed_s = cpu_s
        self.lines += lines
        self.machine += entries
        return self._caused(lines, entries) if self.parts else entries

    def start_stretch(self) -> None:
        if self._boards is not None:
            self._boards.start_stretch()

    def _divided(self, entries: list[Entry], cpu_s: float | None, busy_s: float) -> list[Line]:
        if self._divider is None:
            from wattbook.pipeline.dividing import Divider, standing_power

            known = {} if self.policy == "used" or self._seen is None else {"standing": standing_power(*self._seen)}
            self._divider = Divider(
                policy=self.policy, pid=self._order["pid"], boards=self._boards,
                processors=self._order["stat"].count(b"\ncpu") or os.cpu_count() or 1, **known,
            )  # fmt: skip
        spent_s = None if cpu_s is None or self._sealed_s is None else max(0.0, cpu_s - self._sealed_s)
        return self._divider.lines(entries, cpu_s=spent_s, busy_s=busy_s, source=self.clock.source)

    def _caused(self, lines: list[Line], entries: list[Entry]) -> list[Entry]:
        from wattbook.pipeline.dividing import parts_of

        return [*parts_of(lines), *(entry for entry in entries if entry.kind != "reading")]

    # --- afterwards -----------------------------------------------------------------------------

    def finish(self, entries: list[Entry], cpu_s: float | None, busy_s: float, *, known: bool) -> list[Entry]:
        """The last stretch is over; where nothing can be divided (not *known*) and nothing must be, nothing is."""
        if not (known or self.parts or self.lines):
            self.machine += entries
            return entries
        return self.seal(entries, cpu_s, busy_s)

    def reasons(self) -> list[str]:
        """Which policies could not be applied, and which were."""
        return [line.reason for line in self.lines if line.reason and line.divided is not None]

    def attributed(self, share: float | None) -> dict[str, Any] | None:
        """What the document says of it; ``None`` where nothing was divided."""
        if not self.lines:
            return None
        from wattbook.pipeline.dividing import attributed

        mode = "process" if self.parts else "machine"
        return attributed(self.lines, mode=mode, policy=self.policy, share=share, source=self.clock.source)
