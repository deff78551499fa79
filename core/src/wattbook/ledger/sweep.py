"""Prove that no joule counts twice: sweep every host in the order of time, and check what the rule for overlaps leaves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from wattbook.accounting.overlaps import without_overlaps
from wattbook.accounting.totals import counts
from wattbook.ledger import view
from wattbook.ledger.faults import Faults, Runs
from wattbook.ledger.inserting import CHUNK, chunks
from wattbook.records import Entry, RunRecord, utc_time
from wattbook.resolve import Tree

if TYPE_CHECKING:
    from wattbook.ledger.store import Ledger

TOLERANCE = timedelta(milliseconds=1)  #: windows of neighbours may meet by rounding
BATCH = 2_000
MAX_TOLD = 100_000  #: pairs of runs that are remembered as told


def sweep(ledger: Ledger, runs: Runs, faults: Faults, resolved: Faults) -> None:
    """Every (host, domain) in the order of time, then the hosts where runs met, by the rule of reports."""
    met = _overlaps(ledger, runs, faults, resolved)
    for hosts in chunks(sorted(met), CHUNK):
        entries = (entry for _, entry in ledger.pairs(view.addends_of(hosts)) if entry is not None)
        for cluster in clusters(entries):
            run_ids = {entry.run_id for entry in cluster}
            if len(run_ids) > 1:
                prove(cluster, runs.of(run_ids), faults, resolved)


def _overlaps(ledger: Ledger, runs: Runs, faults: Faults, resolved: Faults) -> set[str]:
    """Overlaps inside a run are faults; answers with the hosts where runs meet or have parts of the machine's energy.

    A part that one run caused lies inside what the machine used, and beside the parts of others.
    """
    cell: tuple[str, str, str] | None = None
    holder: Any = None
    watching = False  #: whether the holder is the record of an agent
    parts: dict[str, Any] = {}  #: of this cell: the part of each run that ends last
    hosts: set[str] = set()
    told: set[tuple[str, str, str]] = set()
    for row, run in _with_runs(ledger.scan(view.addends()), runs):
        if run is not None and run.kind == "log":
            continue  # a figure by hand stands for a machine of its own
        here = (row.host, row.device, row.domain)
        if here != cell:
            cell, holder = here, None
            parts.clear()
        if row.attribution:
            hosts.add(row.host)
        before = parts.get(row.run_id) if row.attribution else holder
        if before is not None and utc_time(before.end_at) - utc_time(row.start_at) > TOLERANCE:
            where = f"{row.host} {row.device}/{row.domain} at {row.start_at}"
            pair = (row.host, min(row.run_id, before.run_id), max(row.run_id, before.run_id))
            if row.run_id == before.run_id:
                faults.add("overlap", row.entry_id, f"{where}: entry {before.entry_id} of the same run covers it too")
            elif pair not in told:
                hosts.add(row.host)
                if len(told) < MAX_TOLD:
                    told.add(pair)
                reason = f"{where}: run {before.run_id} covers it too; reports count it once"
                if run is not None and run.kind == "watch" and watching:
                    reason += f" (two agents on {row.host}, or two machines of that name, which need two names)"
                resolved.add("overlap", row.entry_id, reason)
        if before is None or row.end_at > before.end_at:
            if row.attribution:
                parts[row.run_id] = row
            else:
                holder, watching = row, run is not None and run.kind == "watch"
    return hosts


def _with_runs(found: Iterable[Any], runs: Runs) -> Iterator[tuple[Any, RunRecord | None]]:
    iterator = iter(found)
    while some := list(islice(iterator, BATCH)):
        known = runs.of({row.run_id for row in some})
        for row in some:
            yield row, known.get(row.run_id)


def clusters(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Groups of one host such that different groups do not meet in time; *entries* come host by host, in its order."""
    group: list[Entry] = []
    until = ""
    for entry in entries:
        if group and (entry.start >= until or entry.host != group[0].host):
            yield group
            group, until = [], ""
        group.append(entry)
        until = max(until, entry.end)
    if group:
        yield group


def prove(cluster: list[Entry], runs: dict[str, RunRecord], faults: Faults, resolved: Faults) -> None:
    """What the rule for overlaps keeps of a cluster must not overlap; what it cuts of parts is told."""
    kept, lost = without_overlaps(cluster, runs)
    claiming = {entry.run_id for entry in cluster if entry.attribution}
    for one in lost:
        if one.run_id in claiming:
            reason = (
                f"{one.host}: run {one.run_id} claims {one.energy_j:.6g} J more than the machine used beside "
                f"{', '.join(one.counted_in)}; reports cut it"
            )
            resolved.add("overlap", None, reason)
    for first, second in _twice(kept, runs):
        where = f"{second.host} {second.device}/{second.domain} at {second.start}"
        faults.add("overlap", None, f"{where}: runs {first.run_id} and {second.run_id} are both counted there")


def _twice(kept: Iterable[Entry], runs: dict[str, RunRecord]) -> Iterator[tuple[Entry, Entry]]:
    """Pairs of entries of different runs that cover the same at the same time and would both be added."""
    tree = Tree((), None)
    active: list[Entry] = []
    whole = [e for e in kept if counts(e) and not e.attribution and not _by_hand(runs.get(e.run_id))]
    for entry in sorted(whole, key=lambda e: (e.start, e.end, e.run_id)):
        begin = utc_time(entry.start) + TOLERANCE
        active = [other for other in active if utc_time(other.end) > begin]
        for other in active:
            if other.run_id != entry.run_id and tree.overlap(_address(other), _address(entry)):
                yield other, entry
        active.append(entry)


def _by_hand(run: RunRecord | None) -> bool:
    return run is not None and run.kind == "log"


def _address(entry: Entry) -> str:
    return f"{entry.device}/{entry.domain}"
