"""What a self-check found: watts and real intervals, judged against what a device can draw."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from attrs import evolve, frozen

from wattbook.model import Domain
from wattbook.selfcheck.watching import Trace, Watch
from wattbook.units import MAX_DEVICE_W

MAX_MACHINE_W = 100_000.0  #: of a whole machine or platform, which holds many devices
NEVER_IDLE = ("package", "board", "soc", "module", "platform", "host", "wall")  #: 0 W is no figure for these


@frozen(kw_only=True)
class Probed:
    """What one domain showed while its meter was open; ``reason`` says what is wrong with it."""

    domain: Domain
    chosen: bool
    power_w: float | None = None
    max_power_w: float | None = None
    energy_j: float | None = None
    interval_s: float | None = None  #: between two samples, as it really was
    longest_interval_s: float | None = None
    samples: int = 0
    missed: int = 0
    missed_s: float = 0.0
    notes: tuple[str, ...] = ()
    reason: str | None = None

    @property
    def ok(self) -> bool:
        return self.reason is None

    def as_dict(self) -> dict[str, Any]:
        return {
            "domain": self.domain.address, "chosen": self.chosen, "ok": self.ok, "reason": self.reason,
            "power_w": self.power_w, "max_power_w": self.max_power_w, "energy_j": self.energy_j,
            "interval_s": self.interval_s, "longest_interval_s": self.longest_interval_s,
            "samples": self.samples, "missed": self.missed, "missed_s": self.missed_s, "notes": list(self.notes),
        }  # fmt: skip

    def line(self) -> str:
        if self.power_w is None or self.interval_s is None:
            return f"{self.domain}: {self.reason}"
        missed = f", {self.missed} missed" if self.missed else ""
        shown = f"{self.domain}: {self.power_w:.4g} W, {self.samples} samples every {self.interval_s:.3g} s{missed}"
        return shown if self.ok else f"{shown}: {self.reason}"


@frozen(kw_only=True)
class ProbedMeter:
    """One chosen meter and its domains; ``reason`` says what is wrong with the meter as a whole."""

    plugin: str
    source: str
    domains: tuple[Probed, ...]
    reason: str | None = None

    @property
    def ok(self) -> bool:
        return self.reason is None and all(domain.ok for domain in self.domains)

    def as_dict(self) -> dict[str, Any]:
        return {
            "plugin": self.plugin, "source": self.source, "ok": self.ok, "reason": self.reason,
            "domains": [domain.as_dict() for domain in self.domains],
        }  # fmt: skip


@frozen(kw_only=True)
class SelfCheck:
    """Every chosen meter, and whether all of them can be believed."""

    seconds: float  #: asked for
    duration_s: float  #: with opening and closing
    meters: tuple[ProbedMeter, ...]

    @property
    def ok(self) -> bool:
        return all(meter.ok for meter in self.meters)

    def as_dict(self) -> dict[str, Any]:
        """What stands under ``probe`` in the document of ``wattbook doctor --json``."""
        meters = [meter.as_dict() for meter in self.meters]
        return {"seconds": self.seconds, "duration_s": self.duration_s, "ok": self.ok, "meters": meters}

    def as_lines(self) -> Iterator[str]:
        """The same for people."""
        yield f"probed for {self.seconds:g} s:" if self.meters else "nothing to probe: no meter is chosen here"
        for meter in self.meters:
            source = f"{meter.plugin}:{meter.source}"
            if meter.reason is not None:
                yield f"{'wrong':<12} {source:<24} {meter.reason}"
            for domain in meter.domains:
                yield f"{'fine' if domain.ok else 'wrong':<12} {source:<24} {domain.line()}"
                for note in domain.notes:
                    yield f"{'':<12} {'':<24} {note}"


def judge(trace: Trace, chosen: bool, watch: Watch) -> Probed:
    """One domain's figures, and what is wrong with them if anything."""
    blank = Probed(
        domain=trace.domain, chosen=chosen, samples=trace.samples, missed=trace.missed, missed_s=trace.missed_s,
        notes=(*trace.notes, *watch.notes),
    )  # fmt: skip
    if trace.first is None or trace.last is None or trace.samples < 2:
        return evolve(blank, reason=_too_little(trace, watch))
    length_s = trace.last.at_s - trace.first.at_s
    energy_j = trace.last.energy_j - trace.first.energy_j
    known_s = length_s - trace.missed_s if trace.missed_s < length_s else length_s
    power_w = energy_j / known_s if known_s > 0 else math.nan
    highest_w = power_w if trace.max_power_w is None else max(power_w, trace.max_power_w)
    return evolve(
        blank,
        power_w=_finite(power_w),
        max_power_w=_finite(highest_w),
        energy_j=_finite(energy_j),
        interval_s=_finite(length_s / (trace.samples - 1)),
        longest_interval_s=_finite(trace.longest_s),
        reason=_implausible(trace, chosen, power_w, highest_w),
    )


def _too_little(trace: Trace, watch: Watch) -> str:
    if trace.samples:
        return f"it gave one sample within {watch.seconds:g} s, and a power takes two; probe longer"
    why = f" ({watch.notes[0]})" if watch.notes else ""
    longer = "; probe longer" if watch.watched.interval_s > watch.seconds else ""
    return f"it gave nothing within {watch.seconds:g} s{why}{longer}"


def _implausible(trace: Trace, chosen: bool, power_w: float, highest_w: float) -> str | None:
    bound_w = MAX_MACHINE_W if trace.domain.device == "machine" else MAX_DEVICE_W
    if trace.backwards:
        return "its energy ran backwards"
    if not math.isfinite(power_w) or not math.isfinite(highest_w):
        return "its power is not a number"
    if power_w < 0:
        return f"{power_w:.4g} W is below zero"
    if highest_w > bound_w:
        return f"{highest_w:.4g} W is more than the {bound_w:g} W that a {trace.domain.name} can draw"
    if power_w == 0 and chosen and trace.domain.name in NEVER_IDLE:
        return "its energy stands still, and no powered device uses nothing"
    return None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
