"""Parts of a machine's energy beside its record: the record keeps what they did not take, and both are the machine.

A part is what one run caused (``Entry.attribution``); a record is what the machine used in all, as a watch or
another run saw it.  A part inside another one, of a run that was started by a run, is taken out of that one first.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from attrs import define, field

from wattbook.accounting.split import apart
from wattbook.accounting.stated import NOISE, SCALED, Excess, Meets, address_of, bounded, key_of, scaled
from wattbook.records import Entry, RunRecord, utc_time

LEFT = "what runs caused in this time is counted with them"


def beside(
    parts: Iterable[Entry], records: Iterable[Entry], runs: Mapping[str, RunRecord], meets: Meets
) -> tuple[list[Entry], list[Excess]]:
    """Parts and what is left of the records; of one host, and records that do not overlap each other.

    The parts keep their energy, unless together they claim more than the records hold: then they are cut in
    proportion, and the excess is told.  Parts where there is no record are held against the machine's power
    that they state themselves.  The order of the entries makes no difference.
    """
    by_run: dict[str, list[Entry]] = defaultdict(list)
    for part in sorted(parts, key=key_of):
        by_run[part.run_id].append(part)
    records = sorted(records, key=key_of)
    above = {run_id: [run for run in _enclosing(run_id, runs) if run in by_run] for run_id in by_run}
    excess: list[Excess] = []
    kept: dict[str, list[Entry]] = {run_id: [] for run_id in by_run}
    for depth in sorted({len(runs_above) for runs_above in above.values()}):
        homes: dict[tuple[str, ...], list[Entry]] = defaultdict(list)
        for run_id in sorted(by_run):
            if len(above[run_id]) == depth:
                homes[tuple(above[run_id])] += by_run[run_id]
        alone: list[Entry] = []
        for home, left in homes.items():
            for holder in home:
                taken, left, kept[holder], more = _take(left, kept[holder], meets)
                excess += more
                _keep(taken, kept)
            alone += left
        taken, alone, records, more = _take(alone, records, meets)
        excess += more
        _keep(taken, kept)
        alone, more = bounded(alone, meets)
        excess += more
        _keep(alone, kept)
    found = [*(part for some in kept.values() for part in some), *records]
    return [entry for entry in found if entry.energy_j or LEFT not in entry.warnings], excess


def _keep(parts: Iterable[Entry], kept: Mapping[str, list[Entry]]) -> None:
    for part in parts:
        kept[part.run_id].append(part)


def _enclosing(run_id: str, runs: Mapping[str, RunRecord]) -> Iterator[str]:
    """The runs around this one, the nearest first; a circle of parents ends where it closes."""
    seen = {run_id}
    while (run := runs.get(run_id)) is not None and run.parent_id and run.parent_id not in seen:
        run_id = run.parent_id
        seen.add(run_id)
        yield run_id


# --- parts and records ---------------------------------------------------------------------------


@define
class _Pool:
    """Records that parts connect, with the parts of each entry that lie inside."""

    records: list[int] = field(factory=list)
    covered: list[Entry] = field(factory=list)
    #: joules of each covered piece by record
    claims: list[dict[int, float]] = field(factory=list)


def _take(
    parts: Sequence[Entry], records: Sequence[Entry], meets: Meets
) -> tuple[list[Entry], list[Entry], list[Entry], list[Excess]]:
    """The pieces of *parts* that the records cover, those that they do not, what is left of the records, the excess."""
    inside: list[tuple[Entry, dict[int, float]]] = []
    outside: list[Entry] = []
    records = sorted(records, key=key_of)
    first = 0
    for part in sorted(parts, key=key_of):
        while first < len(records) and records[first].end <= part.start:
            first += 1
        met = []
        for number in range(first, len(records)):
            record = records[number]
            if record.start >= part.end:
                break
            if part.start < record.end and meets(address_of(record), address_of(part)):
                met.append((number, record))
        if not met:
            outside.append(part)
            continue
        covered, rest = apart(part, [(record.start, record.end) for _, record in met])
        outside += rest
        weights = {number: _weight(record, part) for number, record in met}
        whole = math.fsum(weights.values())
        if whole <= 0:
            weights = dict.fromkeys(weights, 1.0)
            whole = float(len(weights))
        for piece in covered:
            inside.append((piece, {number: (piece.energy_j or 0.0) * w / whole for number, w in weights.items()}))
    kept: list[Entry] = []
    excess: list[Excess] = []
    remaining = list(records)
    for pool in _connected(inside):
        held_j = math.fsum(records[number].energy_j or 0.0 for number in pool.records)
        claimed_j = math.fsum(piece.energy_j or 0.0 for piece in pool.covered)
        cut = 1.0 if claimed_j <= held_j * (1 + NOISE) else held_j / claimed_j
        kept += pool.covered if cut == 1.0 else [scaled(piece, cut, SCALED) for piece in pool.covered]
        if cut < 1.0:
            names = tuple(sorted({records[number].run_id for number in pool.records}))
            excess += [
                Excess(run_id=piece.run_id, counted_in=names, energy_j=(piece.energy_j or 0.0) * (1 - cut))
                for piece in pool.covered
            ]
        spare = {
            number: max(
                0.0,
                (records[number].energy_j or 0.0) - cut * math.fsum(claim.get(number, 0.0) for claim in pool.claims),
            )
            for number in pool.records
        }
        rest_j, spare_j = max(0.0, held_j - claimed_j), math.fsum(spare.values())
        for number in pool.records:
            record = records[number]
            energy_j = record.energy_j or 0.0
            remains_j = 0.0 if spare_j <= 0 else spare[number] * (rest_j / spare_j)
            factor = 0.0 if remains_j <= NOISE * energy_j else min(1.0, remains_j / energy_j)
            remaining[number] = scaled(record, factor, LEFT)
    return kept, outside, remaining, excess


def _weight(record: Entry, part: Entry) -> float:
    """The record's energy in the time that it shares with the part."""
    start, end = max(record.start, part.start), min(record.end, part.end)
    whole_s = record.duration_s
    shared_s = (utc_time(end) - utc_time(start)).total_seconds()
    return (record.energy_j or 0.0) * (1.0 if whole_s <= 0 else shared_s / whole_s)


def _connected(inside: Sequence[tuple[Entry, dict[int, float]]]) -> Iterator[_Pool]:
    """Pieces and records that are connected through each other."""
    group: dict[int, int] = {}

    def root(number: int) -> int:
        while group[number] != number:
            group[number] = group[group[number]]
            number = group[number]
        return number

    for _, claim in inside:
        numbers = list(claim)
        for number in numbers:
            group.setdefault(number, number)
        for number in numbers[1:]:
            one, other = sorted((root(numbers[0]), root(number)))
            group[other] = one
    pools: dict[int, _Pool] = defaultdict(_Pool)
    for number in sorted(group):
        pools[root(number)].records.append(number)
    for piece, claim in inside:
        pool = pools[root(next(iter(claim)))]
        pool.covered.append(piece)
        pool.claims.append(claim)
    yield from (pools[number] for number in sorted(pools))
