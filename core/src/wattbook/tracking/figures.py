"""What a tracked stretch used, as values: empty while it goes on, filled when it has ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import define, field, frozen


@frozen(kw_only=True)
class TrackedReading:
    """Joules of one domain, with their 90 % interval; an addend where ``outermost``, else a breakdown."""

    device: str
    domain: str
    basis: str
    plugin: str
    source: str
    energy_j: float | None
    low_j: float | None
    high_j: float | None
    outermost: bool


@frozen(kw_only=True)
class TrackedGap:
    """A domain that nothing covered, and why."""

    domain: str
    reason: str


@define(kw_only=True)
class TrackedRun:
    """One tracked stretch; what is not known is ``None``, never 0.

    The machine's energy while it went on, or what this process caused of it (``attribute="process"``);
    ``process_share`` is its part of the machine's processor time.  ``complete`` says that the figures are there.
    """

    run_id: str = ""
    units: float | None = None  #: set it inside: how much work the stretch does
    unit: str = ""  #: of what, such as ``token``
    parent_id: str | None = None
    complete: bool = False
    start: str | None = None
    end: str | None = None
    duration_s: float | None = None
    energy_j: float | None = None
    energy_low_j: float | None = None
    energy_high_j: float | None = None
    co2e_g: float | None = None
    co2e_low_g: float | None = None
    co2e_high_g: float | None = None
    process_share: float | None = None
    attributed: Mapping[str, Any] | None = None  #: joules of this process, of the others, of nobody
    readings: tuple[TrackedReading, ...] = ()
    gaps: tuple[TrackedGap, ...] = ()
    by_basis_j: Mapping[str, float | None] = field(factory=dict)
    factor: Mapping[str, Any] | None = None
    warnings: tuple[str, ...] = ()

    def take(self, document: Mapping[str, Any]) -> None:
        """Fill in the figures of the document that ``wattbook run --json`` would print."""
        for name in (
            "parent_id", "start", "end", "duration_s", "energy_j", "energy_low_j", "energy_high_j", "co2e_g", "co2e_low_g",
            "co2e_high_g", "process_share", "attributed", "by_basis_j", "factor",
        ):  # fmt: skip
            setattr(self, name, document[name])
        self.readings = tuple(TrackedReading(**reading) for reading in document["readings"])
        self.gaps = tuple(TrackedGap(**gap) for gap in document["gaps"])
        self.warnings = tuple(dict.fromkeys([*self.warnings, *document["warnings"]]))
        self.complete = True
