"""Which model answers for which part of a machine: watts idle and busy, with formula, interval and cause."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from wattbook import Activity, Chip, Domain, Host

from wattbook_tdp import constants as c
from wattbook_tdp import intervals, models
from wattbook_tdp.processors import Processors, processors
from wattbook_tdp.shapes import bent, f, straight


class Piece(NamedTuple):
    """One summand: watts at both ends of the plan's curve, and the formula in words."""

    what: str
    idle_w: float
    full_w: float
    formula: str
    source: str
    uncertain: float = 0.0  #: relative uncertainty of the chip's figure, beside the model's own
    bounds: intervals.Factors | None = None  #: instead of the plan's
    family: str = ""  #: of the chips, where the model's error is theirs


class Plan(NamedTuple):
    """A model for one domain, ready to be integrated over what was observed."""

    pieces: tuple[Piece, ...]
    curve: Callable[[float, str], float]  #: share of the way from idle to full power, by utilisation and its scale
    bounds: Callable[[float, str], intervals.Factors]
    cause: str
    method: str
    notes: tuple[str, ...] = ()
    upper: float = 1.0  #: factor on the upper end


def host(activity: Activity) -> Plan | str:
    """The whole machine at the wall, without accelerators; a reason where no model fits."""
    cpu = processors(activity.host)
    if cpu.tdp_w is not None and cpu.is_soc:
        return _soc_machine(activity)
    if cpu.tdp_w is not None:
        return _server(cpu, _memory(activity.host, cpu.memory_share))
    if not cpu.threads:
        reason = cpu.reason or "no TDP is given"
        return f"no model fits: {reason}, and the number of threads is not known"
    count, maker = cpu.threads, cpu.maker
    idle, full = c.THREAD_IDLE_W[maker], c.THREAD_MAX_W[maker]
    piece = Piece(
        f"{count} hardware threads",
        models.threads(count, maker, 0.0),
        models.threads(count, maker, 1.0),
        f"n x ({idle} + {full - idle:.2f} x f), n = {count}",
        c.SPEC,
    )
    notes = cpu.warnings
    if activity.host.virtual:
        notes += ("a virtual machine: its share of the host is counted, how others share it is not known",)
    return Plan(
        (piece,),
        f,
        intervals.threads,
        f"model:tdp.threads.{maker}",
        f"watts per hardware thread ({maker})",
        notes,
    )


def _memory(host: Host, share: float) -> float | None:
    """Gigabytes to count: those allocated to a container, else the same share of the machine's as of its threads."""
    if host.memory_limit_gb is not None:
        return host.memory_limit_gb
    return None if host.memory_gb is None else host.memory_gb * share


def _server(cpu: Processors, memory_gb: float | None) -> Plan:
    tdp_w = cpu.tdp_w or 0.0
    source = f"{c.SPEC}; T: {cpu.source}"
    if memory_gb is None:
        only = Piece(
            cpu.label,
            models.server_tdp_only(tdp_w, 0.0),
            models.server_tdp_only(tdp_w, 1.0),
            f"T x (0.22 + 0.86 x f), T = {tdp_w:g} W, memory unknown",
            source,
            cpu.uncertain,
            family=cpu.family,
        )
        return Plan(
            (only,),
            f,
            intervals.server_tdp_only,
            "model:tdp.server_tdp_only",
            "whole server from TDP",
            (*cpu.warnings, "memory is not known: the interval is wider"),
            cpu.upper,
        )
    chips = Piece(
        cpu.label,
        models.server(tdp_w, 0.0, 0.0),
        models.server(tdp_w, 0.0, 1.0),
        f"T x (0.15 + 0.70 x f), T = {tdp_w:g} W",
        source,
        cpu.uncertain,
        family=cpu.family,
    )
    memory = Piece(
        "memory",
        models.server(0.0, memory_gb, 0.0),
        models.server(0.0, memory_gb, 1.0),
        f"M x (0.14 + 0.27 x f), M = {memory_gb:g} GB",
        c.SPEC,
    )
    return Plan(
        (chips, memory),
        f,
        intervals.server,
        "model:tdp.server",
        "whole server from TDP and memory",
        cpu.warnings,
        cpu.upper,
    )


def package(activity: Activity) -> Plan | str:
    """One processor's package, as RAPL sees it."""
    cpu = processors(activity.host)
    if cpu.tdp_w is None:
        return f"the package model needs a TDP: {cpu.reason}"
    tdp_w = cpu.tdp_w / max(1, len(activity.host.cpus))
    piece = Piece(
        cpu.one,
        models.package(tdp_w, 0.0),
        models.package(tdp_w, 1.0),
        f"T x (0.12 + 0.93 x u^0.69), T = {tdp_w:g} W",
        f"{c.RAPL_FIT}; T: {cpu.source}",
        cpu.uncertain,
        family=cpu.family,
    )
    return Plan((piece,), bent, intervals.package, "model:tdp.package", "CPU package from TDP", cpu.warnings, cpu.upper)


def dram(activity: Activity) -> Plan | str:
    """The memory of one processor."""
    if activity.host.memory_gb is None:
        return "the memory model needs the size of the memory"
    memory_gb = activity.host.memory_gb / max(1, len(activity.host.cpus))
    piece = Piece(
        "memory",
        models.ram(memory_gb, 0.0),
        models.ram(memory_gb, 1.0),
        f"M x (0.14 + 0.27 x f), M = {memory_gb:g} GB",
        f"{c.SPEC}; interval: Turbostress DRAM RAPL (CC0-1.0)",
    )
    return Plan((piece,), f, intervals.ram, "model:tdp.ram", "memory from its size")


def gpu(activity: Activity, domain: Domain) -> Plan | str:
    """One accelerator's board."""
    from wattbook_tdp.accelerators import accelerator

    chip = next((chip for chip in activity.host.gpus if chip.device == domain.device), None)
    known = accelerator(chip or Chip(name=domain.model, device=domain.device))
    if known.limit_w is None:
        return known.reason if known.reason.startswith(known.label) else f"{known.label}: {known.reason}"
    limit_w = known.limit_w
    piece = Piece(
        known.label,
        models.gpu(limit_w, 0.0),
        models.gpu(limit_w, 1.0),
        f"L x (0.10 + 0.62 x u), L = {limit_w:g} W",
        f"{c.GPU_FIT}; L: {known.source}",
        known.uncertain,
        family=known.family,
    )
    return Plan(
        (piece,), straight, intervals.gpu, "model:tdp.gpu", "GPU from power limit and utilisation", known.warnings
    )


def soc(activity: Activity) -> Plan | str:
    """A system on a chip, as in Apple's machines."""
    cpu = processors(activity.host)
    if cpu.tdp_w is None:
        return f"the model of a system on a chip needs its design power: {cpu.reason}"
    piece = Piece(
        cpu.label,
        models.soc(cpu.tdp_w, 0.0),
        models.soc(cpu.tdp_w, 1.0),
        f"T x (0.02 + 0.73 x f), T = {cpu.tdp_w:g} W",
        f"judgement held against recordings; T: {cpu.source}",
        cpu.uncertain,
        family=cpu.family,
    )
    return Plan((piece,), f, intervals.soc, "model:tdp.soc", "system on a chip from design power", cpu.warnings)


def _soc_machine(activity: Activity) -> Plan | str:
    """A whole Apple machine: its chip, and what sits around it."""
    chip = soc(activity)
    if isinstance(chip, str):
        return chip
    middle, low, high = c.SOC_BOARD_W
    around = Piece(
        "supply, board, memory, display",
        middle,
        middle,
        f"{middle:g} W, between {low:g} and {high:g} W",
        "judgement from Apple's published idle power of Mac mini and Mac Studio",
        bounds=(low / middle, high / middle),
    )
    return chip._replace(pieces=(*chip.pieces, around), method="system on a chip and what is around it")
