"""What powermetrics printed for one interval, and the judgement whether it is a figure to believe."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime

from attrs import field, frozen
from wattbook import Domain

SOC = Domain(device="soc:0", name="soc")  #: CPU + GPU + ANE, macOS 13 and newer
PACKAGE = Domain(device="soc:0", name="package")  #: SoC with memory, up to macOS 12
INTEL = Domain(device="cpu:0", name="package")  #: cores, graphics and system agent of an Intel Mac
PARTS = ("cpu", "gpu", "ane", "dram")
W_PER_MW = 1e-3
MAX_W = 1_000.0  #: no Mac's processor comes near
ROUNDING_MW = 5.0  #: every figure is rounded to 1 mW, so that a sum of three may miss by a few


MIXED = "figures of two samples are mixed up in this one"


class Invalid(Exception):
    """A block that holds no figure to believe, with the reason."""


class Taken(Invalid):
    """A block whose time is recorded already."""


@frozen(kw_only=True)
class Block:
    """Powers of one interval in milliwatts, keyed ``cpu gpu ane dram package combined intel``.

    ``date`` is the end of the interval, cut to a second; ``busy`` says that some core was active;
    ``digest`` tells a block from another one; ``joined`` says that nothing but its header parts it from
    the text above; ``fault`` is why the block cannot be used.
    """

    power_mw: Mapping[str, float]
    date: datetime | None = None
    elapsed_s: float | None = None
    busy: bool = False
    line: int | None = None
    digest: int | None = None
    joined: bool = False
    hardware: str = ""
    build: str = ""
    fault: str = field(default="", eq=False)


def part(name: str, outer: Domain = SOC) -> Domain:
    """A part of the chip, inside the total that the system prints."""
    return Domain(device="soc:0", name=name, within=outer.address)


def watts(block: Block) -> dict[Domain, float]:
    """Watts by domain; raises ``Invalid`` where the block is incomplete, impossible or known to be wrong."""
    mw = block.power_mw
    if block.fault:
        raise Invalid(block.fault)
    if not mw:
        raise Invalid("no power in this sample")
    for name, value in mw.items():
        if not math.isfinite(value) or value < 0:
            raise Invalid(f"{value:g} mW is not a power of {name}")
        if value * W_PER_MW > MAX_W:
            raise Invalid(f"{value * W_PER_MW:g} W is more than a Mac's {name} can draw")
    if "intel" in mw:
        return {INTEL: mw["intel"] * W_PER_MW}
    if mw.get("cpu") == 0 and block.busy:
        # betas of macOS 27 print this; the total then lacks the CPU as well
        raise Invalid("the CPU reads 0 mW although its cores were active, so this build misreports it")
    if "package" in mw and "combined" not in mw:
        return _with_parts(PACKAGE, mw["package"], mw, PARTS)
    if {"cpu", "gpu", "ane"} <= mw.keys() and ("combined" in mw or "dram" not in mw):
        added = mw["cpu"] + mw["gpu"] + mw["ane"]
        total = mw.get("combined", added)
        if abs(total - added) > ROUNDING_MW + 0.01 * added:
            raise Invalid(f"the total of {total:g} mW is not the sum of its parts, {added:g} mW")
        return _with_parts(SOC, total, mw, ("cpu", "gpu", "ane"))
    if "combined" in mw:
        return _with_parts(SOC, mw["combined"], mw, ("cpu", "gpu", "ane"))
    if mw.keys() == {"gpu"}:
        return {part("gpu"): mw["gpu"] * W_PER_MW}
    raise Invalid(f"the sample is incomplete: it has {', '.join(sorted(mw))} but no total")


def _with_parts(outer: Domain, total_mw: float, mw: Mapping[str, float], names: tuple[str, ...]) -> dict[Domain, float]:
    parts = {part(name, outer): mw[name] * W_PER_MW for name in names if name in mw}
    return {outer: total_mw * W_PER_MW, **parts}
