"""Levers on the machines: a power cap, a chip of the right size, a laptop in place of a server."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from wattbook.report.atoms import Atom
from wattbook.report.levers.model import (
    AMOUNT,
    HERE,
    LITERATURE,
    MODEL,
    PER_HOUR,
    Effect,
    Evidence,
    Lever,
    Options,
    Share,
)
from wattbook.report.numbers import digits

#: McDonald and others: caps of 60 % of a V100's limit took 13.7 % of the energy, on average over three trainings;
#: on a whole cluster the effect may vanish, because people answer with more jobs (Zhao and others)
CAPPED = Share(value=0.137, low=0.0, high=0.20)
CAPPED_SOURCE = (
    "13.7 % less energy with a cap of 150 W on a 250 W GPU, 15 % in the best case: McDonald et al., Great Power, "
    "Great Responsibility, arXiv:2205.09646; on a whole cluster it is less clear: Zhao et al., arXiv:2402.18593; "
    "the range from 0 to 20 % is our judgement"
)
FEWEST = 2  #: runs at each limit before their means are compared
#: what an accelerator draws at rest, as a share of its rating, in published reports
AT_REST = (0.09, 0.2)
#: a laptop at work, in watts, where this book has measured none; our judgement
LAPTOP_W = Share(value=20.0, low=8.0, high=45.0)
LEAST_J, LEAST_W = 1.0, 0.01  #: below, there is nothing to compare
DESK = ("dev", "eval")  #: phases whose work could sit on a laptop


def power_cap(evidence: Evidence, options: Options) -> Lever:
    """GPUs at work under a lower limit: by runs of this book that name one, else by what others measured."""
    busy = [number for number, atom in enumerate(evidence.atoms) if _is_gpu(atom) and atom.phase != "idle"]
    told: dict[str, Any] = {
        "name": "power-cap",
        "title": "Cap the power of the GPUs",
        "what": "A GPU at 60 to 80 % of its limit does nearly the same work.",
        "caution": "joules for each run must fall, not watts; faster answers may be worth more, and saved time is "
        "often filled with more jobs; set it with 'nvidia-smi -pl WATTS', wattbook never does",
        "later": PER_HOUR,
        "acts_on": frozenset(busy),
    }
    if not busy:
        return Lever(unknown="no GPU at work has a figure of its own in this period", **told)
    measured = _compared_caps(evidence)
    if measured is not None:
        share, lines = measured
        return Lever(
            confidence=HERE, source="runs of one command at several limits (tag power_cap) in this book",
            effects=dict.fromkeys(busy, Effect(less=share.times(options.part))), arithmetic=lines, **told,
        )  # fmt: skip
    return Lever(
        confidence=LITERATURE,
        source=CAPPED_SOURCE,
        effects=dict.fromkeys(busy, Effect(less=CAPPED.times(options.part))),
        arithmetic=("energy of GPUs at work x 13.7 % (0 to 20 %)",),
        notes=("runs of one command with --tag power_cap=WATTS at two limits let this book say it by itself",),
        **told,
    )


def _is_gpu(atom: Atom) -> bool:
    return atom.line.device.partition(":")[0] in ("gpu", "accelerator")


def _compared_caps(evidence: Evidence) -> tuple[Share, tuple[str, ...]] | None:
    """The share that the best limit saves of the highest one, for the command with most such runs."""
    series: dict[tuple[str, str | None], dict[float, list[float]]] = defaultdict(lambda: defaultdict(list))
    for run in evidence.runs:
        watts = evidence.caps.get(run.run_id)
        if watts is not None and run.total.energy is not None and run.name:
            series[run.name, run.project][watts].append(run.total.energy.value)
    best = None
    for key in sorted(series, key=lambda key: (key[0], key[1] or "")):
        means = {w: some for w, some in series[key].items() if len(some) >= FEWEST}
        if len(means) > 1 and (best is None or sum(map(len, means.values())) > sum(map(len, best.values()))):
            best = means
    if best is None:
        return None
    highest = max(best)
    lowest = min((w for w in best if w != highest), key=lambda w: _mean(best[w]))
    old, new = best[highest], best[lowest]
    share = 1 - _mean(new) / _mean(old)
    # the error of a ratio of two means, each of few runs
    spread = 1.645 * (1 - share) * math.hypot(_error(new) / _mean(new), _error(old) / _mean(old))
    lines = tuple(
        f"{digits(watts)} W: {len(some)} runs, {digits(_mean(some))} J on average"
        for watts, some in sorted(best.items())
    )
    return Share(value=share, low=share - spread, high=min(1.0, share + spread)), lines


def _mean(some: Iterable[float]) -> float:
    some = list(some)
    return math.fsum(some) / len(some)


def _error(some: list[float]) -> float:
    mean = _mean(some)
    return math.sqrt(math.fsum((x - mean) ** 2 for x in some) / (len(some) - 1) / len(some))


def chip(evidence: Evidence, options: Options) -> Lever:
    """The same work on another accelerator, by ratings alone: power at rest and in proportion to the work."""
    told: dict[str, Any] = {
        "name": "chip",
        "title": "Use a chip of the right size",
        "what": "Work that leaves a large chip waiting could run on a smaller one.",
        "caution": "a model by ratings, not a benchmark: it takes a watt of either chip to do as much work; memory "
        "that does not fit is not seen",
        "later": PER_HOUR,
    }
    if options.chip is None or options.instead_of is None:
        why = "name both chips: wattbook whatif chip T4 --instead-of A100-SXM4-40GB"
        return Lever(unknown=why, **told)
    (name, watts), (present, rating) = options.chip, options.instead_of
    busy = [number for number, atom in enumerate(evidence.atoms) if _is_gpu(atom) and atom.hours > 0]
    told |= {"argument": name, "acts_on": frozenset(busy)}
    effects = {
        number: Effect(less=_sized(evidence.atoms[number], rating, watts).times(options.part))
        for number in busy
    }  # fmt: skip
    if not effects:
        return Lever(unknown="no GPU has a figure of its own in this period", **told)
    mean = sum(evidence.atoms[n].tally.energy.value for n in busy) / 3600 / sum(evidence.atoms[n].hours for n in busy)
    return Lever(
        confidence=MODEL,
        source=f"{present} {digits(rating)} W and {name} {digits(watts)} W by the catalogue; 9 to 20 % of it at rest",
        effects=effects,
        arithmetic=(
            f"mean power now {digits(mean)} W of {digits(rating)} W; work = (mean - rest) / (rating - rest)",
            "power then = rest + work x (rating - rest) of the other chip, longer where its work exceeds it",
        ),
        **told,
    )


def _sized(atom: Atom, rating: float, watts: float) -> Share:
    """The share of energy that goes, at the ends of what chips draw at rest."""
    mean = atom.tally.energy.value / (atom.hours * 3600)

    def gone(rest: float) -> float:
        work = min(1.0, max(0.0, (mean / rating - rest) / (1 - rest))) * rating / watts
        power = watts * (rest + (1 - rest) * min(1.0, work)) * max(1.0, work)
        return 1 - power / mean if mean > LEAST_W else 0.0

    low, high = sorted(gone(rest) for rest in AT_REST)
    return Share(value=min(high, max(low, gone(sum(AT_REST) / 2))), low=low, high=high)


def laptop(evidence: Evidence, options: Options) -> Lever:
    """Desk work of servers on a laptop for longer: what laptops of this book draw, against what the servers did."""
    servers: dict[str, list[int]] = defaultdict(list)
    own: list[Atom] = []
    for number, atom in enumerate(evidence.atoms):
        if _is_laptop(atom):
            own.append(atom)
        elif atom.phase in DESK and atom.line.host:
            servers[atom.line.host].append(number)
    told: dict[str, Any] = {
        "name": "laptop",
        "title": "Work on a laptop in place of a server",
        "what": "Development and evaluation of servers could sit on a laptop.",
        "caution": "only what fits a laptop; how much longer it takes is an assumption (--slower), and a server that "
        "stays on draws its idle power all the same",
        "later": AMOUNT,
        "acts_on": frozenset(number for some in servers.values() for number in some),
    }
    # work on an accelerator does not fit
    servers = {h: some for h, some in servers.items() if not any(_is_gpu(evidence.atoms[n]) for n in some)}
    if not servers:
        return Lever(unknown="no work of dev or eval on a server without a GPU is in this period", **told)
    power, source = options.laptop_w or _power_of(own) or LAPTOP_W, ""
    if options.laptop_w is not None:
        confidence, source = "assumed", f"a laptop of {digits(power.value)} W, as you said"
    elif own and power is not LAPTOP_W:
        confidence, source = HERE, f"laptops of this book draw {digits(power.value)} W on average"
    else:
        confidence, source = "assumed", "a laptop of 8 to 45 W (our judgement); this book has measured none"
    effects: dict[int, Effect] = {}
    lines = []
    slower = options.slower
    for host, some in sorted(servers.items()):
        joules = math.fsum(evidence.atoms[n].tally.energy.value for n in some)
        hours = _host_hours(evidence.atoms[n] for n in some)
        if joules < LEAST_J or hours <= 0:
            continue
        then = power.times(slower)
        share = Share(
            value=1 - then.value * hours * 3600 / joules, low=1 - then.high * hours * 3600 / joules,
            high=1 - then.low * hours * 3600 / joules,
        )  # fmt: skip
        effects |= dict.fromkeys(some, Effect(less=share.times(options.part)))
        lines.append(
            f"{host}: {digits(joules / hours / 3600)} W for {digits(hours)} h, against {digits(power.value)} W for "
            f"{digits(slower.value)} times as long ({digits(slower.low)} to {digits(slower.high)})"
        )
    return Lever(
        confidence=confidence, source=f"{source}; {digits(slower.low)} to {digits(slower.high)} times as long is assumed",
        effects=effects, arithmetic=tuple(lines), **told,
    )  # fmt: skip


def _is_laptop(atom: Atom) -> bool:
    return "laptop" in f"{atom.platform or ''} {atom.line.host}".lower()


def _host_hours(atoms: Iterable[Atom]) -> float:
    """Hours of a host: those of the domain that was seen longest."""
    hours: dict[str, float] = defaultdict(float)
    for atom in atoms:
        hours[atom.line.address] += atom.hours
    return max(hours.values(), default=0.0)


def _power_of(atoms: list[Atom]) -> Share | None:
    """Mean watts of hosts at work, with the lowest and the highest of them."""
    hosts: dict[str, list[Atom]] = defaultdict(list)
    for atom in atoms:
        if atom.phase != "idle":
            hosts[atom.line.host].append(atom)
    means = []
    for some in hosts.values():
        hours = _host_hours(some)
        if hours > 0:
            means.append(math.fsum(atom.tally.energy.value for atom in some) / hours / 3600)
    return Share(value=_mean(means), low=min(means), high=max(means)) if means else None
