"""One gap in, one reading out: which model answers it, with its terms, interval and cause."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from wattbook import Activity, Basis, Chip, Domain, Gap, Load, Reading, Term

from wattbook_tdp import constants as c
from wattbook_tdp import intervals, models
from wattbook_tdp.parts import Joules, integrate, observed, summary
from wattbook_tdp.shapes import as_os, f
from wattbook_tdp.subject import accelerator, processors

Piece = tuple[str, Callable[[float], float], str, str]  #: what, watts at utilisation, formula, source
SCALES = {"os": "of the operating system's CPU time", "throughput": "of the maximum throughput"}


def answer(gap: Gap, activity: Activity) -> Reading | Gap | None:
    """A reading for *gap*, the gap with a better reason, or ``None`` where there is nothing to say."""
    domain = gap.domain
    device, _, number = domain.device.partition(":")
    if domain.address == "machine/host":
        return _host(gap, activity)
    if device == "cpu" and domain.name == "package":
        return _package(gap, activity)
    if device == "dram" and domain.name == "dram":
        return _dram(gap, activity)
    if device == "gpu" and domain.name == "board":
        return _gpu(gap, activity)
    if device == "soc" and domain.name == "soc" and number:
        return _soc(gap, activity)
    return None


def _host(gap: Gap, activity: Activity) -> Reading | Gap:
    host = activity.host
    cpu = processors(host)
    scale = activity.scale
    loads, notes = observed(activity, "cpu")
    notes += cpu.warnings
    used = f"f = {_mean_f(loads, scale):.3f} at {summary(loads)} {SCALES[scale]}"
    if cpu.tdp_w is not None and _is_soc(activity):
        return _soc(gap, activity)
    if cpu.tdp_w is not None:
        tdp_w = cpu.tdp_w
        if host.memory_gb is not None:
            memory_gb = host.memory_gb
            pieces: list[Piece] = [
                (
                    cpu.label,
                    lambda u: models.server(tdp_w, 0.0, f(u, scale)),
                    f"T x (0.15 + 0.70 x f), T = {tdp_w:g} W, {used}",
                    f"{c.SPEC}; T: {cpu.source}",
                ),
                (
                    "memory",
                    lambda u: models.server(0.0, memory_gb, f(u, scale)),
                    f"M x (0.14 + 0.27 x f), M = {memory_gb:g} GB, {used}",
                    c.SPEC,
                ),
            ]
            bounds, method, cause = intervals.server, "whole server from TDP and memory", "model:tdp.server"
        else:
            pieces = [
                (
                    cpu.label,
                    lambda u: models.server_tdp_only(tdp_w, f(u, scale)),
                    f"T x (0.22 + 0.86 x f), T = {tdp_w:g} W, memory unknown, {used}",
                    f"{c.SPEC}; T: {cpu.source}",
                )
            ]
            bounds, method, cause = intervals.server_tdp_only, "whole server from TDP", "model:tdp.server_tdp_only"
            notes += ("memory is not known: the interval is wider",)
    elif cpu.threads:
        count, maker = cpu.threads, cpu.maker
        pieces = [
            (
                f"{count} hardware threads",
                lambda u: models.threads(count, maker, f(u, scale)),
                f"n x ({c.THREAD_IDLE_W[maker]} + {c.THREAD_MAX_W[maker] - c.THREAD_IDLE_W[maker]:.2f} x f), "
                f"n = {count}, {used}",
                c.SPEC,
            )
        ]
        bounds, method, cause = intervals.threads, f"watts per hardware thread ({maker})", f"model:tdp.threads.{maker}"
        if host.virtual:
            notes += ("a virtual machine: its share of the host is counted, how others share it is not known",)
    else:
        return _open(gap, f"no model fits: {cpu.reason or 'no TDP'}, and the number of threads is not known")
    return _reading(
        gap, activity, loads, pieces, lambda u: bounds(u, scale), cause, method, notes, cpu.uncertain, cpu.upper
    )


def _package(gap: Gap, activity: Activity) -> Reading | Gap:
    host = activity.host
    cpu = processors(host)
    if cpu.tdp_w is None:
        return _open(gap, f"the package model needs a TDP: {cpu.reason}")
    sockets = max(1, len(host.cpus))
    tdp_w, scale = cpu.tdp_w / sockets, activity.scale
    loads, notes = observed(activity, "cpu")
    piece: Piece = (
        cpu.label,
        lambda u: models.package(tdp_w, as_os(u, scale)),
        f"T x (0.12 + 0.93 x u^0.69), T = {tdp_w:g} W a socket, u = {summary(loads)} {SCALES[scale]}",
        f"{c.RAPL_FIT}; T: {cpu.source}",
    )
    return _reading(
        gap, activity, loads, [piece], lambda u: c.PACKAGE_Q, "model:tdp.package", "CPU package from TDP",
        notes + cpu.warnings, cpu.uncertain, cpu.upper,
    )  # fmt: skip


def _dram(gap: Gap, activity: Activity) -> Reading | Gap:
    host = activity.host
    if host.memory_gb is None:
        return _open(gap, "the memory model needs the size of the memory")
    memory_gb, scale = host.memory_gb / max(1, len(host.cpus)), activity.scale
    loads, notes = observed(activity, "cpu")

    def bounds(u: float) -> intervals.Factors:
        share = f(u, scale)
        middle = models.ram(1.0, share)
        low = c.RAM_LOW_W_PER_GB[0] + (c.RAM_LOW_W_PER_GB[1] - c.RAM_LOW_W_PER_GB[0]) * share
        high = c.RAM_HIGH_W_PER_GB[0] + (c.RAM_HIGH_W_PER_GB[1] - c.RAM_HIGH_W_PER_GB[0]) * share
        return low / middle, high / middle

    piece: Piece = (
        "memory",
        lambda u: models.ram(memory_gb, f(u, scale)),
        f"M x (0.14 + 0.27 x f), M = {memory_gb:g} GB, f = {_mean_f(loads, scale):.3f} at {summary(loads)} {SCALES[scale]}",
        f"{c.SPEC}; interval: Turbostress DRAM RAPL (CC0-1.0)",
    )
    return _reading(gap, activity, loads, [piece], bounds, "model:tdp.ram", "memory from its size", notes)


def _gpu(gap: Gap, activity: Activity) -> Reading | Gap:
    chip = next((chip for chip in activity.host.gpus if chip.device == gap.domain.device), None)
    if chip is None:
        chip = Chip(name=gap.domain.model, device=gap.domain.device)
    known = accelerator(chip)
    if known.limit_w is None:
        return _open(gap, f"{known.label}: {known.reason}")
    limit_w = known.limit_w
    loads, notes = observed(activity, gap.domain.device)
    piece: Piece = (
        known.label,
        lambda u: models.gpu(limit_w, u),
        f"L x (0.10 + 0.62 x u), L = {limit_w:g} W, u = {summary(loads)}",
        f"{c.GPU_FIT}; L: {known.source}",
    )
    return _reading(
        gap, activity, loads, [piece], lambda u: c.GPU_Q, "model:tdp.gpu", "GPU from power limit and utilisation",
        notes + known.warnings, known.uncertain,
    )  # fmt: skip


def _is_soc(activity: Activity) -> bool:
    host = activity.host
    return bool(host.cpus) and host.cpus[0].name.lower().startswith("apple ")


def _soc(gap: Gap, activity: Activity) -> Reading | Gap:
    cpu = processors(activity.host)
    if cpu.tdp_w is None:
        return _open(gap, f"the model of a system on a chip needs its design power: {cpu.reason}")
    tdp_w, scale = cpu.tdp_w, activity.scale
    loads, notes = observed(activity, "cpu")
    piece: Piece = (
        cpu.label,
        lambda u: models.soc(tdp_w, f(u, scale)),
        f"T x (0.02 + 0.73 x f), T = {tdp_w:g} W, f = {_mean_f(loads, scale):.3f} at {summary(loads)} {SCALES[scale]}",
        f"judgement from powermetrics recordings; T: {cpu.source}",
    )
    return _reading(
        gap, activity, loads, [piece], lambda u: c.SOC_Q, "model:tdp.soc", "system on a chip from design power",
        notes + cpu.warnings, cpu.uncertain,
    )  # fmt: skip


def _mean_f(loads: Sequence[Load], scale: str) -> float:
    seconds = sum(load.seconds for load in loads)
    if not seconds:
        return f(loads[0].middle, scale) if loads else 0.0
    from wattbook_tdp.shapes import mean

    return sum(mean(lambda u: f(u, scale), load.low, load.high) * load.seconds for load in loads) / seconds


def _open(gap: Gap, reason: str) -> Gap:
    return Gap(domain=gap.domain, window=gap.window, reason=reason, low_j=gap.low_j, high_j=gap.high_j)


def _reading(
    gap: Gap,
    activity: Activity,
    loads: Sequence[Load],
    pieces: Sequence[Piece],
    bounds: Callable[[float], intervals.Factors],
    cause: str,
    method: str,
    warnings: tuple[str, ...],
    uncertain: float = 0.0,
    upper: float = 1.0,
) -> Reading:
    seconds = activity.window.duration_s
    terms: list[Term] = []
    energy = low = high = 0.0
    for what, watts, formula, source in pieces:
        joules = integrate(loads, watts, bounds, uncertain=uncertain, upper=upper)
        power = joules if not seconds else Joules(joules.middle / seconds, joules.low / seconds, joules.high / seconds)
        terms.append(
            Term(what=what, power_w=power.middle, low_w=power.low, high_w=power.high, formula=formula, source=source)
        )
        energy, low, high = energy + joules.middle, low + joules.low, high + joules.high
    return Reading(
        domain=Domain(device=gap.domain.device, name=gap.domain.name, within=gap.domain.within, model=gap.domain.model),
        window=activity.window,
        energy_j=energy,
        low_j=low,
        high_j=high,
        basis=Basis.ESTIMATED,
        source="tdp",
        cause=cause,
        method=method,
        terms=tuple(terms),
        warnings=tuple(dict.fromkeys(warnings)),
    )
