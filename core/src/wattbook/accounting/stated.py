"""Parts of a machine's energy where nobody recorded the machine: held against the power that they state themselves."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from attrs import evolve, frozen

from wattbook.records import Entry, utc_time

Meets = Callable[[str, str], bool]  #: whether two addresses cover something in common
SCALED = "cut to what the machine used"
NOISE = 1e-9  #: sums of floating-point numbers differ by less


@frozen(kw_only=True)
class Excess:
    """What parts claim beyond the record in which they lie."""

    run_id: str
    counted_in: tuple[str, ...]
    energy_j: float


def key_of(entry: Entry) -> tuple[str, ...]:
    return (entry.start, entry.end, entry.device, entry.domain, entry.run_id, entry.source)


def address_of(entry: Entry) -> str:
    return f"{entry.device}/{entry.domain}"


def scaled(entry: Entry, factor: float, mark: str) -> Entry:
    """An entry with all its joules times *factor*, and a warning that says why."""
    low, middle, high = (
        None if joules is None else joules * factor for joules in (entry.low_j, entry.energy_j, entry.high_j)
    )
    if middle is not None:  # a last digit must not turn the interval inside out
        low = None if low is None else min(low, middle)
        high = None if high is None else max(high, middle)
    warnings = entry.warnings if mark in entry.warnings else (*entry.warnings, mark)
    return evolve(entry, energy_j=middle, low_j=low, high_j=high, warnings=warnings)


def _machine_w(part: Entry) -> float | None:
    """The machine's mean power that a part states as what it is a part of."""
    for term in part.terms:
        told = term.get("of_w")
        if isinstance(told, (int, float)) and math.isfinite(told) and told >= 0:
            return float(told)
    return None


def bounded(parts: Sequence[Entry], meets: Meets) -> tuple[list[Entry], list[Excess]]:
    """Parts of several runs at one time are together no more than the machine that they state."""
    kept: list[Entry] = []
    excess: list[Excess] = []
    for some in _meeting(sorted(parts, key=key_of), meets):
        names = {part.run_id for part in some}
        machine_j = _union_j(some) if len(names) > 1 else None
        claimed_j = math.fsum(part.energy_j or 0.0 for part in some)
        if machine_j is None or claimed_j <= machine_j * (1 + NOISE):
            kept += some
            continue
        for part in some:
            kept.append(scaled(part, machine_j / claimed_j, SCALED))
            others = tuple(sorted(names - {part.run_id}))
            lost_j = (part.energy_j or 0.0) * (1 - machine_j / claimed_j)
            excess.append(Excess(run_id=part.run_id, counted_in=others, energy_j=lost_j))
    return kept, excess


def _meeting(parts: Sequence[Entry], meets: Meets) -> Iterator[list[Entry]]:
    """Groups of parts, in the order of time, such that those of different groups share no domain or no time."""
    groups: list[tuple[list[Entry], str]] = []
    for part in parts:
        mine = [part]
        until = part.end
        apart = []
        for group, end in groups:
            if part.start < end and any(meets(address_of(part), address_of(other)) for other in group):
                mine = [*group, *mine]
                until = max(until, end)
            elif part.start >= end:
                yield group
            else:
                apart.append((group, end))
        groups = [*apart, (mine, until)]
    yield from (group for group, _ in groups)


def _union_j(parts: Sequence[Entry]) -> float | None:
    """The energy of the machine while any of the parts lasted; ``None`` where one of them does not state its power."""
    edges = sorted({moment for part in parts for moment in (part.start, part.end)})
    total = []
    for start, end in pairwise(edges):
        powers = [_machine_w(part) for part in parts if part.start <= start and end <= part.end]
        if any(power is None for power in powers):
            return None
        if powers:
            total.append(max(p for p in powers if p is not None) * (utc_time(end) - utc_time(start)).total_seconds())
    return math.fsum(total)
