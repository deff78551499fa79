"""Add up a period of the book: entries, provided figures, claims, coverage, gaps."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain

from attrs import evolve

from wattbook.accounting import Claim, MonthTotals, account_totals, claim
from wattbook.accounting.hours import by_hour
from wattbook.accounting.split import MARK
from wattbook.config import Config
from wattbook.model import Statement
from wattbook.records import Entry, RunRecord, utc_text
from wattbook.report.atoms import Keys, atoms_of, largest_of
from wattbook.report.batches import Batch, batched, batches_of, entries_in
from wattbook.report.budgets import budgets_of
from wattbook.report.change import change_between
from wattbook.report.dimensions import OF_TIME, check_dimension, key_of
from wattbook.report.fates import fates_of
from wattbook.report.model import Report, RunUse, Stated
from wattbook.report.notes import SYNTHETIC, warnings_of
from wattbook.report.parts import coverage_of, factors_of, gaps_of
from wattbook.report.people import group_of, keyed, together
from wattbook.report.period import Period
from wattbook.report.reductions import reductions_of
from wattbook.report.runs import use_of
from wattbook.report.scopes import scopes_of
from wattbook.report.settled import settled
from wattbook.report.sums import BASES, Whole, rows_of, shares_by_key, undivided

DEFAULT_DIMENSIONS = ("platform", "phase", "project")
TOP_RUNS = 5
LARGEST = 25  #: entries that a page shows

#: (provider, account, month) -> hashes of the figures as they were imported
Evidence = Mapping[tuple[str, str, str], tuple[str, ...]]


def build(
    entries: Iterable[Entry],
    statements: Iterable[Statement],
    runs: Iterable[RunRecord],
    config: Config,
    period: Period,
    dims: Sequence[str] = DEFAULT_DIMENSIONS,
    as_of: str | None = None,
    watermark: str | None = None,
    previous: Report | None = None,
    evidence: Evidence | None = None,
) -> Report:
    """The report of *period*; pure, so that the same input gives the same report.

    *entries* that reach across an edge of a month are cut there in proportion to time; a provider's
    figure belongs to its whole month or year and is left out where that is not inside the period.
    *previous* is the report of the period before, to say what changed.
    """
    for dim in dims:
        check_dimension(dim)
    timed = _timed(dims, period)
    batches = batches_of(by_hour(entries, config.factors.hours, period.edges()), period, timed)
    known_runs = {run.run_id: run for run in runs}
    gaps = [batch for batch in batches if batch.first.kind == "gap"]
    found = (batch for batch in batches if batch.first.kind == "reading")
    readings, overlaps = settled(found, known_runs, config.containment, period, timed)
    stated = [s for s in statements if period.touches_month(s.month)]
    inside = [s for s in stated if period.holds_month(s.month)]
    addends = [batch for batch in readings if batch.counts]
    free, claims = _claimed(addends, gaps, account_totals(inside), config)
    here = [run for run in known_runs.values() if _touches(run, period)]
    told = chain((batch.first for batch in free), (entry for one in claims for entry in one.entries))
    people = group_of(dims, told, config.privacy.minimum_group)
    atoms = atoms_of(free, _keys(dims, period, people), fates_of(here))
    shares = undivided(claims)
    whole = Whole().add(atoms, shares)
    added = whole.total()
    provided = {dim: together(dim, shares_by_key(dim, claims, inside, period), people) for dim in dims}
    used = factors_of((*atoms, *(atom for one in claims for atom in atoms_of(batched(one.entries)))))
    report = Report(
        period=period,
        as_of=as_of,
        watermark=watermark or (SYNTHETIC if any(batch.first.synthetic for batch in batches) else None),
        total=added,
        by_basis={basis: whole.bases[basis].total() for basis in BASES},
        by={dim: rows_of(number, atoms, provided[dim]) for number, dim in enumerate(dims)},
        claims=tuple(claims),
        coverage=coverage_of(readings, gaps, here, period),
        gaps=tuple(gaps_of(gaps)),
        factors=tuple(used),
        top_runs=tuple(_top(free, known_runs)),
        runs=len({batch.first.run_id for batch in batches}),
        warnings=tuple(
            warnings_of(
                total=added, atoms=atoms, claims=claims, overlaps=overlaps, runs=here, factors=used,
                stated=stated, inside=inside, cut=sum(batch.size for batch in readings if MARK in batch.first.warnings),
            )
        ),
        scopes=tuple(scopes_of(atoms, shares, config)),
        before=None if previous is None else previous.period,
        budgets=tuple(budgets_of(config.budgets, added, atoms, claims, period)),
        reductions=tuple(reductions_of(atoms)),
        entries=sum(batch.size for batch in free),
        largest=tuple(largest_of(free, LARGEST)),
        stated=tuple(_stated(inside, evidence or {})),
        atoms=atoms,
        provided=provided,
    )  # fmt: skip
    return report if previous is None else _compared(report, previous)


def _timed(dims: Sequence[str], period: Period) -> list[Callable[[Entry], str | None]]:
    return [key_of(dim, period) for dim in dims if dim in OF_TIME]


def _compared(report: Report, previous: Report) -> Report:
    return evolve(report, change=change_between(previous, report))


def _claimed(
    addends: Sequence[Batch],
    gaps: Sequence[Batch],
    provided: Mapping[tuple[str, str, str], MonthTotals],
    config: Config,
) -> tuple[list[Batch], list[Claim]]:
    """Whose figure a batch lies in is the same for all of its entries."""
    by_first = {id(batch.first): batch for batch in (*addends, *gaps)}
    free, claims = claim(
        (batch.first for batch in addends),
        provided,
        config.accounts,
        lambda entry: by_first[id(entry)].month,
        (batch.first for batch in gaps),
    )
    return [by_first[id(entry)] for entry in free], [
        evolve(one, entries=_all_of(one.entries, by_first), gaps=_all_of(one.gaps, by_first)) for one in claims
    ]


def _all_of(firsts: Iterable[Entry], by_first: Mapping[int, Batch]) -> tuple[Entry, ...]:
    return tuple(entries_in(by_first[id(entry)] for entry in firsts))


def _keys(dims: Sequence[str], period: Period, people: str | None) -> Callable[[Batch], Keys]:
    """How to read the keys of a batch in all dimensions at once."""
    readers = [keyed(dim, key_of(dim, period), people) for dim in dims]
    return lambda batch: tuple(read(batch.first) for read in readers)


def _stated(statements: Iterable[Statement], evidence: Evidence) -> list[Stated]:
    groups: dict[tuple[str, str, str], list[Statement]] = defaultdict(list)
    for one in statements:
        groups[one.provider, one.account, one.month].append(one)
    found = []
    for key, some in sorted(groups.items()):
        interface, version, completeness = (
            ", ".join(sorted({getattr(one, name) for one in some} - {""}))
            for name in ("interface", "model_version", "completeness")
        )
        found.append(
            Stated(
                provider=key[0], account=key[1], month=key[2], interface=interface, model_version=version,
                completeness=completeness, figures=len(some), evidence=evidence.get(key, ()),
            )
        )  # fmt: skip
    return found


def _touches(run: RunRecord, period: Period) -> bool:
    return run.start < utc_text(period.end) and utc_text(period.start) < run.end


def _top(free: Iterable[Batch], runs: Mapping[str, RunRecord]) -> list[RunUse]:
    by_run: dict[str, list[Batch]] = defaultdict(list)
    for batch in free:
        by_run[batch.first.run_id].append(batch)
    joules = {id_: math.fsum(chain.from_iterable(batch.joules() for batch in some)) for id_, some in by_run.items()}
    largest = sorted(joules, key=lambda run_id: (-joules[run_id], run_id))[:TOP_RUNS]
    return [use_of(run_id, entries_in(by_run[run_id]), runs.get(run_id)) for run_id in largest]
