"""Which model answers for which part of a machine: watts by utilisation, with formula, interval and cause."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from wattbook import Activity, Chip, Domain, Host, Load

from wattbook_tdp import constants as c
from wattbook_tdp import intervals, models
from wattbook_tdp.observed import summary
from wattbook_tdp.processors import Processors, processors
from wattbook_tdp.shapes import as_os, f, mean

SCALES = {"os": "of the operating system's CPU time", "throughput": "of the maximum throughput"}


class Piece(NamedTuple):
    """One summand: watts at a utilisation, and the formula in words."""

    what: str
    watts: Callable[[float], float]
    formula: str
    source: str
    uncertain: float = 0.0  #: relative uncertainty of the chip's figure, beside the model's own
    bounds: intervals.Factors | None = None  #: instead of the plan's
    family: str = ""  #: of the chips, where the model's error is theirs


class Plan(NamedTuple):
    """A model for one domain, ready to be integrated over what was observed."""

    pieces: tuple[Piece, ...]
    bounds: Callable[[float], intervals.Factors]
    cause: str
    method: str
    notes: tuple[str, ...] = ()
    upper: float = 1.0  #: factor on the upper end


def host(activity: Activity, loads: Sequence[Load]) -> Plan | str:
    """The whole machine at the wall, without accelerators; a reason where no model fits."""
    cpu = processors(activity.host)
    scale = activity.scale
    if cpu.tdp_w is not None and cpu.is_soc:
        return _soc_machine(activity, loads)
    used = _used(loads, scale)
    if cpu.tdp_w is not None:
        return _server(cpu, _memory(activity.host, cpu.memory_share), used, scale)
    if not cpu.threads:
        reason = cpu.reason or "no TDP is given"
        return f"no model fits: {reason}, and the number of threads is not known"
    count, maker = cpu.threads, cpu.maker
    idle, full = c.THREAD_IDLE_W[maker], c.THREAD_MAX_W[maker]
    piece = Piece(
        f"{count} hardware threads",
        lambda u: models.threads(count, maker, f(u, scale)),
        f"n x ({idle} + {full - idle:.2f} x f), n = {count}, {used}",
        c.SPEC,
    )
    notes = cpu.warnings
    if activity.host.virtual:
        notes += ("a virtual machine: its share of the host is counted, how others share it is not known",)
    return Plan(
        (piece,),
        lambda u: intervals.threads(u, scale),
        f"model:tdp.threads.{maker}",
        f"watts per hardware thread ({maker})",
        notes,
    )


def _memory(host: Host, share: float) -> float | None:
    """Gigabytes to count: those allocated to a container, else the same share of the machine's as of its threads."""
    if host.memory_limit_gb is not None:
        return host.memory_limit_gb
    return None if host.memory_gb is None else host.memory_gb * share


def _server(cpu: Processors, memory_gb: float | None, used: str, scale: str) -> Plan:
    tdp_w = cpu.tdp_w or 0.0
    source = f"{c.SPEC}; T: {cpu.source}"
    if memory_gb is None:
        only = Piece(
            cpu.label,
            lambda u: models.server_tdp_only(tdp_w, f(u, scale)),
            f"T x (0.22 + 0.86 x f), T = {tdp_w:g} W, memory unknown, {used}",
            source,
            cpu.uncertain,
            family=cpu.family,
        )
        return Plan(
            (only,),
            lambda u: intervals.server_tdp_only(u, scale),
            "model:tdp.server_tdp_only",
            "whole server from TDP",
            (*cpu.warnings, "memory is not known: the interval is wider"),
            cpu.upper,
        )
    chips = Piece(
        cpu.label,
        lambda u: models.server(tdp_w, 0.0, f(u, scale)),
        f"T x (0.15 + 0.70 x f), T = {tdp_w:g} W, {used}",
        source,
        cpu.uncertain,
        family=cpu.family,
    )
    memory = Piece(
        "memory",
        lambda u: models.server(0.0, memory_gb, f(u, scale)),
        f"M x (0.14 + 0.27 x f), M = {memory_gb:g} GB, {used}",
        c.SPEC,
    )
    return Plan(
        (chips, memory),
        lambda u: intervals.server(u, scale),
        "model:tdp.server",
        "whole server from TDP and memory",
        cpu.warnings,
        cpu.upper,
    )


def package(activity: Activity, loads: Sequence[Load]) -> Plan | str:
    """One processor's package, as RAPL sees it."""
    cpu = processors(activity.host)
    if cpu.tdp_w is None:
        return f"the package model needs a TDP: {cpu.reason}"
    tdp_w, scale = cpu.tdp_w / max(1, len(activity.host.cpus)), activity.scale
    piece = Piece(
        cpu.one,
        lambda u: models.package(tdp_w, as_os(u, scale)),
        f"T x (0.12 + 0.93 x u^0.69), T = {tdp_w:g} W, u = {summary(loads)} {SCALES[scale]}",
        f"{c.RAPL_FIT}; T: {cpu.source}",
        cpu.uncertain,
        family=cpu.family,
    )
    return Plan((piece,), lambda u: c.PACKAGE_Q, "model:tdp.package", "CPU package from TDP", cpu.warnings, cpu.upper)


def dram(activity: Activity, loads: Sequence[Load]) -> Plan | str:
    """The memory of one processor."""
    if activity.host.memory_gb is None:
        return "the memory model needs the size of the memory"
    memory_gb, scale = activity.host.memory_gb / max(1, len(activity.host.cpus)), activity.scale
    piece = Piece(
        "memory",
        lambda u: models.ram(memory_gb, f(u, scale)),
        f"M x (0.14 + 0.27 x f), M = {memory_gb:g} GB, {_used(loads, scale)}",
        f"{c.SPEC}; interval: Turbostress DRAM RAPL (CC0-1.0)",
    )
    return Plan((piece,), lambda u: intervals.ram(u, scale), "model:tdp.ram", "memory from its size")


def gpu(activity: Activity, loads: Sequence[Load], domain: Domain) -> Plan | str:
    """One accelerator's board."""
    from wattbook_tdp.accelerators import accelerator

    chip = next((chip for chip in activity.host.gpus if chip.device == domain.device), None)
    known = accelerator(chip or Chip(name=domain.model, device=domain.device))
    if known.limit_w is None:
        return known.reason if known.reason.startswith(known.label) else f"{known.label}: {known.reason}"
    limit_w = known.limit_w
    piece = Piece(
        known.label,
        lambda u: models.gpu(limit_w, u),
        f"L x (0.10 + 0.62 x u), L = {limit_w:g} W, u = {summary(loads)}",
        f"{c.GPU_FIT}; L: {known.source}",
        known.uncertain,
        family=known.family,
    )
    return Plan((piece,), lambda u: c.GPU_Q, "model:tdp.gpu", "GPU from power limit and utilisation", known.warnings)


def soc(activity: Activity, loads: Sequence[Load]) -> Plan | str:
    """A system on a chip, as in Apple's machines."""
    cpu = processors(activity.host)
    if cpu.tdp_w is None:
        return f"the model of a system on a chip needs its design power: {cpu.reason}"
    tdp_w, scale = cpu.tdp_w, activity.scale
    piece = Piece(
        cpu.label,
        lambda u: models.soc(tdp_w, f(u, scale)),
        f"T x (0.02 + 0.73 x f), T = {tdp_w:g} W, {_used(loads, scale)}",
        f"judgement held against recordings; T: {cpu.source}",
        cpu.uncertain,
        family=cpu.family,
    )
    return Plan((piece,), lambda u: c.SOC_Q, "model:tdp.soc", "system on a chip from design power", cpu.warnings)


def _soc_machine(activity: Activity, loads: Sequence[Load]) -> Plan | str:
    """A whole Apple machine: its chip, and what sits around it."""
    chip = soc(activity, loads)
    if isinstance(chip, str):
        return chip
    middle, low, high = c.SOC_BOARD_W
    around = Piece(
        "supply, board, memory, display",
        lambda u: middle,
        f"{middle:g} W, between {low:g} and {high:g} W",
        "judgement from Apple's published idle power of Mac mini and Mac Studio",
        bounds=(low / middle, high / middle),
    )
    return chip._replace(pieces=(*chip.pieces, around), method="system on a chip and what is around it")


def _used(loads: Sequence[Load], scale: str) -> str:
    """The mean share of the way from idle to full, and the utilisation that it comes from."""
    if len(loads) == 1:
        share = mean(lambda u: f(u, scale), loads[0].low, loads[0].high)
    else:
        seconds = sum(load.seconds for load in loads) or 1.0
        share = sum(mean(lambda u: f(u, scale), load.low, load.high) * load.seconds for load in loads) / seconds
    return f"f = {share:.3f} at {summary(loads)} {SCALES[scale]}"
