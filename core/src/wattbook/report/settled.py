"""Bundles of which none sees the same joules twice: only hosts and times where several runs meet are looked at in full."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from wattbook.accounting.overlaps import ALONE, Overlap, without_overlaps
from wattbook.records import Entry, RunRecord
from wattbook.report.bundles import Bundle, bundles_of, entries_in
from wattbook.report.period import Period


def settled(
    bundles: Iterable[Bundle],
    runs: Mapping[str, RunRecord],
    containment: Mapping[str, str],
    period: Period,
    timed: Sequence[Callable[[Entry], str | None]],
) -> tuple[list[Bundle], list[Overlap]]:
    """Readings without what another run of the same host already covers, and what was left out.

    Where the runs of a host do not meet in time, no entries of different runs do, and all of them stay.
    """
    kept: list[Bundle] = []
    by_host: dict[str, dict[str, list[Bundle]]] = defaultdict(lambda: defaultdict(list))
    for bundle in bundles:
        one = bundle.first
        run = runs.get(one.run_id)
        if not bundle.counts or not one.host or (run is not None and run.kind in ALONE):
            kept.append(bundle)
        else:
            by_host[one.host][one.run_id].append(bundle)
    meeting: list[Bundle] = []
    for by_run in by_host.values():
        for together in _groups(by_run):
            some = [bundle for run_id in together for bundle in by_run[run_id]]
            (kept if len(together) == 1 else meeting).extend(some)
    if not meeting:
        return kept, []
    readings, overlaps = without_overlaps(entries_in(meeting), runs, containment)
    return [*kept, *bundles_of(readings, period, timed)], overlaps


def _groups(by_run: Mapping[str, Sequence[Bundle]]) -> list[list[str]]:
    """Runs such that those of different groups do not meet in time."""
    spans = sorted(
        (min(bundle.start for bundle in some), max(bundle.end for bundle in some), run_id)
        for run_id, some in by_run.items()
    )
    groups: list[list[str]] = []
    until = ""
    for start, end, run_id in spans:
        if groups and start < until:
            groups[-1].append(run_id)
        else:
            groups.append([run_id])
        until = max(until, end)
    return groups
