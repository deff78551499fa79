"""Two runs on one host at one time saw the same joules: count them once, and say so."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache

from attrs import frozen

from wattbook.accounting.parts import beside
from wattbook.accounting.split import apart
from wattbook.accounting.stated import Excess, Meets
from wattbook.accounting.totals import counts
from wattbook.records import Entry, RunRecord
from wattbook.resolve import Tree

MOST_PAIRS = 65_536  #: of addresses whose overlap is remembered
_BASES = {"measured": 0, "estimated": 1}

#: a figure by hand or a billing row stands for a machine of its own, even where it names the same host
ALONE = ("log",)


@frozen(kw_only=True)
class Overlap:
    """Energy of one run that another one on the same host already counts."""

    host: str
    run_id: str
    counted_in: tuple[str, ...]  #: the runs that keep it
    energy_j: float


def without_overlaps(
    entries: Iterable[Entry], runs: Mapping[str, RunRecord], containment: Mapping[str, str] | None = None
) -> tuple[list[Entry], list[Overlap]]:
    """Drop, in proportion to time, what another run of the same host already covers.

    Measured goes before estimated, a run before the watch of its host, an enclosing run before the run
    inside it, the earlier before the later.  Entries of one run never overlap each other: ``resolve`` saw to that.
    What runs caused of the machine's energy stands beside what is left of the machine's record.
    """
    entries = list(entries)
    tree = Tree((), containment)
    meets = lru_cache(maxsize=MOST_PAIRS)(tree.overlap)
    kept: list[Entry] = []
    by_host: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        run = runs.get(entry.run_id)
        alone = not counts(entry) or not entry.host or (run is not None and run.kind in ALONE)
        (kept if alone else by_host[entry.host]).append(entry)
    overlaps: list[Overlap] = []
    for host in sorted(by_host):
        for cluster in _clusters(by_host[host]):
            if len({entry.run_id for entry in cluster}) == 1:
                kept += cluster
                continue
            parts = [entry for entry in cluster if entry.attribution]
            remains, lost = _settle(host, [entry for entry in cluster if not entry.attribution], runs, tree, meets)
            overlaps += lost
            if parts:
                remains, excess = beside(parts, remains, runs, meets)
                overlaps += _told(host, excess)
            kept += remains
    return kept, overlaps


def _told(host: str, excess: Iterable[Excess]) -> list[Overlap]:
    """What runs claimed beyond the machine, a line for each run."""
    by_run: dict[str, tuple[list[float], set[str]]] = defaultdict(lambda: ([], set()))
    for one in excess:
        by_run[one.run_id][0].append(one.energy_j)
        by_run[one.run_id][1].update(one.counted_in)
    return [
        Overlap(host=host, run_id=run, counted_in=tuple(sorted(by)), energy_j=math.fsum(joules))
        for run, (joules, by) in sorted(by_run.items())
    ]


def _clusters(entries: list[Entry]) -> list[list[Entry]]:
    """Groups of entries such that those of different groups do not meet in time."""
    groups: list[list[Entry]] = []
    until = ""
    for entry in sorted(entries, key=lambda e: (e.start, e.end)):
        if groups and entry.start < until:
            groups[-1].append(entry)
        else:
            groups.append([entry])
        until = max(until, entry.end)
    return groups


def _settle(
    host: str, cluster: list[Entry], runs: Mapping[str, RunRecord], tree: Tree, meets: Meets
) -> tuple[list[Entry], list[Overlap]]:
    def rank(entry: Entry) -> tuple[int, bool, int, int, str, str, str, str]:
        address = f"{entry.device}/{entry.domain}"
        outer = len(tree.ancestors(address))
        run = runs.get(entry.run_id)
        start = run.start if run is not None else entry.start
        return (
            _BASES.get(entry.basis or "", 2),
            run is not None and run.kind == "watch",  # whose joules those are, the run knows better
            _depth(entry.run_id, runs),
            outer,
            start,
            entry.run_id,
            address,
            entry.start,
        )

    taken: dict[str, list[tuple[str, str, str]]] = defaultdict(list)  # address -> (start, end, run)
    kept: list[Entry] = []
    lost: dict[str, tuple[list[float], set[str]]] = defaultdict(lambda: ([], set()))
    for entry in sorted(cluster, key=rank):
        address = f"{entry.device}/{entry.domain}"
        rivals = [
            (start, end, run)
            for other, windows in taken.items()
            if meets(other, address)
            for start, end, run in windows
            if run != entry.run_id and start < entry.end and entry.start < end
        ]
        _, pieces = apart(entry, ((start, end) for start, end, _ in rivals))
        if rivals:
            assert entry.energy_j is not None
            lost[entry.run_id][0].extend([entry.energy_j, *(-(piece.energy_j or 0.0) for piece in pieces)])
            lost[entry.run_id][1].update(run for _, _, run in rivals)
        for piece in pieces:
            taken[address].append((piece.start, piece.end, piece.run_id))
        kept += pieces
    return kept, [
        Overlap(host=host, run_id=run, counted_in=tuple(sorted(by)), energy_j=max(0.0, sum(joules)))
        for run, (joules, by) in sorted(lost.items())
    ]


def _depth(run_id: str, runs: Mapping[str, RunRecord]) -> int:
    """How many runs enclose this one; a circle of parents ends where it closes."""
    seen = {run_id}
    depth = 0
    while (run := runs.get(run_id)) is not None and run.parent_id and run.parent_id not in seen:
        run_id = run.parent_id
        seen.add(run_id)
        depth += 1
    return depth
