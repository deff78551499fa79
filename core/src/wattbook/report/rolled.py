"""A period of the book before anything is asked of it: batches of what counts, gaps, overlaps, largest entries, runs."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain

from attrs import evolve, field, frozen

from wattbook.accounting.claims import billed_account
from wattbook.accounting.overlaps import Overlap
from wattbook.accounting.split import MARK
from wattbook.records import Entry, RunRecord, utc_text
from wattbook.report.batches import ENERGY, Batch, batch_of, merged, place_of
from wattbook.report.bundles import Bundle, bundles_of, joined
from wattbook.report.period import Period
from wattbook.report.settled import settled

LARGEST = 25  #: entries of most energy that a page shows
WATCH = "watch"  #: kind of runs that are stretches of a host's record, an hour each

Timed = Sequence[Callable[[Entry], str | None]]
Tops = Mapping[tuple[str, ...], tuple[Entry, ...]]


@frozen(kw_only=True)
class Rolled:
    """What a report of a period needs to know of its entries and runs, however many there are.

    What is known of different hosts, or of different times, adds up with ``together``, and nothing depends on
    the order or the grouping.
    """

    readings: tuple[Batch, ...] = field(default=(), repr=False)  #: addends, of which no two see the same joules
    gaps: tuple[Batch, ...] = field(default=(), repr=False)
    overlaps: tuple[Overlap, ...] = ()
    #: addends of most energy of each month, host, platform and bill, which are claimed together or not at all
    tops: Tops = field(factory=dict, repr=False)
    runs: tuple[RunRecord, ...] = field(default=(), repr=False)  #: without stretches of a watch that were ended well
    unknown: frozenset[str] = field(default=frozenset(), repr=False)  #: runs of entries that no record tells of
    cut: int = 0  #: how many readings were cut at the edge of a month or of another run
    synthetic: bool = False
    until: str = ""  #: when the last of the addends ends: what begins later cannot meet them


def roll(
    entries: Iterable[Entry],
    runs: Iterable[RunRecord],
    containment: Mapping[str, str],
    period: Period,
    timed: Timed = (),
) -> Rolled:
    """Add up *entries* inside the period, month by month; pure.

    *runs* are all that is known: those that the entries belong to, and those that touch the period.
    *timed* read the keys in dimensions of time that are shorter than a month.
    """
    known = {run.run_id: run for run in runs}
    bundles = bundles_of(entries, period, timed)
    by_month: dict[str, list[Bundle]] = defaultdict(list)
    gaps: list[Bundle] = []
    for bundle in bundles:
        if bundle.first.kind == "gap":
            gaps.append(bundle)
        elif bundle.first.kind == "reading":
            by_month[bundle.month].append(bundle)
    overlaps: list[Overlap] = []
    readings: list[Bundle] = []
    for month in sorted(by_month):
        kept, lost = settled(by_month[month], known, containment, period, timed)
        readings += kept
        overlaps += lost
    addends = [bundle for bundle in readings if bundle.counts]
    ids = {bundle.first.run_id for bundle in bundles}
    return Rolled(
        readings=tuple(_summed(addends, known)),
        gaps=tuple(_summed(gaps, known)),
        overlaps=tuple(sorted(overlaps, key=_of_overlap)),
        tops=_tops(addends),
        runs=tuple(_told(known, ids, period)),
        unknown=frozenset(ids - known.keys()),
        cut=sum(len(bundle.entries) for bundle in readings if MARK in bundle.first.warnings),
        synthetic=any(bundle.first.synthetic for bundle in bundles),
        until=max((b.end for some in by_month.values() for b in some if b.counts), default=""),
    )


def together(parts: Sequence[Rolled]) -> Rolled:
    """What parts add up to of which none holds an entry of another, and none an overlap with another."""
    if len(parts) == 1:
        return parts[0]
    tops: dict[tuple[str, ...], list[Entry]] = defaultdict(list)
    for part in parts:
        for key, some in part.tops.items():
            tops[key] += some
    runs = {run.run_id: run for part in parts for run in part.runs}
    return Rolled(
        readings=tuple(merged(chain.from_iterable(part.readings for part in parts))),
        gaps=tuple(merged(chain.from_iterable(part.gaps for part in parts))),
        overlaps=tuple(sorted(chain.from_iterable(part.overlaps for part in parts), key=_of_overlap)),
        tops={key: tuple(largest_of(some)) for key, some in sorted(tops.items())},
        runs=tuple(run for _, run in sorted(runs.items())),
        unknown=frozenset().union(*(part.unknown for part in parts)),
        cut=sum(part.cut for part in parts),
        synthetic=any(part.synthetic for part in parts),
        until=max((part.until for part in parts), default=""),
    )


def largest_of(entries: Iterable[Entry]) -> list[Entry]:
    """The entries of most energy, of equal ones the first."""
    return heapq.nsmallest(LARGEST, entries, key=lambda entry: (-(entry.energy_j or 0.0), *place_of(entry)))


def group_of(entry: Entry, month: str) -> tuple[str, ...]:
    """What decides whose figure contains an entry."""
    return (month, entry.host, entry.labels.platform or "", *(billed_account(entry) or ()))


def touches(run: RunRecord, period: Period) -> bool:
    return run.start < utc_text(period.end) and utc_text(period.start) < run.end


def _summed(bundles: Sequence[Bundle], runs: Mapping[str, RunRecord]) -> list[Batch]:
    watched = {id(bundle) for bundle in bundles if _is_watched(bundle.first, runs)}
    stretches = joined(bundle for bundle in bundles if id(bundle) in watched)
    others = (batch_of(bundle) for bundle in bundles if id(bundle) not in watched)
    return merged([*others, *(batch_of(bundle, watched=True) for bundle in stretches)])


def is_told(run: RunRecord) -> bool:
    """Whether a report looks at the run itself: not at the hours of a watch, unless one was cut short."""
    return not (run.kind == WATCH and run.complete)


def bare(run: RunRecord) -> RunRecord:
    """What a report looks at."""
    return evolve(run, activity={}, verdicts=(), warnings=())


def _is_watched(entry: Entry, runs: Mapping[str, RunRecord]) -> bool:
    run = runs.get(entry.run_id)
    return bool(entry.host) and run is not None and run.kind == WATCH


def _told(runs: Mapping[str, RunRecord], ids: set[str], period: Period) -> Iterable[RunRecord]:
    for run_id in sorted(runs):
        run = runs[run_id]
        if (run_id in ids or touches(run, period)) and is_told(run):
            yield bare(run)


def _tops(bundles: Iterable[Bundle]) -> Tops:
    groups: dict[tuple[str, ...], list[Entry]] = defaultdict(list)
    for bundle in bundles:
        groups[group_of(bundle.first, bundle.month)] += bundle.entries
    return {key: tuple(_largest_in(groups[key])) for key in sorted(groups)}


def _largest_in(entries: Sequence[Entry]) -> list[Entry]:
    """Most entries are left alone as soon as their energy is known."""
    energies = [energy or 0.0 for energy in map(ENERGY, entries)]
    least = heapq.nlargest(LARGEST, energies)[-1]
    return largest_of(entry for entry, energy in zip(entries, energies, strict=True) if energy >= least)


def _of_overlap(one: Overlap) -> tuple[object, ...]:
    return one.host, one.run_id, one.counted_in, one.energy_j
