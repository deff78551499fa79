"""Add up a period of the book: entries, provided figures, claims, coverage, gaps."""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from wattbook.accounting import account_totals, claim
from wattbook.accounting.overlaps import without_overlaps
from wattbook.accounting.split import MARK
from wattbook.accounting.totals import counts
from wattbook.config import Config
from wattbook.model import Statement
from wattbook.records import Entry, RunRecord, utc_text
from wattbook.report.atoms import Keys, atoms_of
from wattbook.report.budgets import budgets_of
from wattbook.report.change import change_between
from wattbook.report.cutting import Months, cut
from wattbook.report.dimensions import check_dimension, key_of
from wattbook.report.fates import fates_of
from wattbook.report.model import Report, RunUse, Stated
from wattbook.report.notes import SYNTHETIC, warnings_of
from wattbook.report.parts import coverage_of, factors_of, gaps_of
from wattbook.report.period import Period
from wattbook.report.reductions import reductions_of
from wattbook.report.runs import use_of
from wattbook.report.scopes import scopes_of
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
    known_runs = {run.run_id: run for run in runs}
    pieces = cut(entries, period)
    readings, overlaps = without_overlaps((e for e in pieces if e.kind == "reading"), known_runs, config.containment)
    gaps = [entry for entry in pieces if entry.kind == "gap"]
    stated = [s for s in statements if period.touches_month(s.month)]
    inside = [s for s in stated if period.holds_month(s.month)]
    free, claims = claim(
        (entry for entry in readings if counts(entry)), account_totals(inside), config.accounts, Months(period).of
    )
    here = [run for run in known_runs.values() if _touches(run, period)]
    atoms = atoms_of(free, _keys(dims, period), fates_of(here))
    shares = undivided(claims)
    whole = Whole().add(atoms, shares)
    added = whole.total()
    provided = {dim: shares_by_key(dim, claims, inside, period) for dim in dims}
    used = factors_of((*atoms, *(atom for one in claims for atom in atoms_of(one.entries))))
    report = Report(
        period=period,
        as_of=as_of,
        watermark=watermark or (SYNTHETIC if any(entry.synthetic for entry in pieces) else None),
        total=added,
        by_basis={basis: whole.bases[basis].total() for basis in BASES},
        by={dim: rows_of(number, atoms, provided[dim]) for number, dim in enumerate(dims)},
        claims=tuple(claims),
        coverage=coverage_of(readings, gaps, here, period),
        gaps=tuple(gaps_of(gaps)),
        factors=tuple(used),
        top_runs=tuple(_top(free, known_runs)),
        runs=len({entry.run_id for entry in pieces}),
        warnings=tuple(
            warnings_of(
                total=added, free=free, claims=claims, overlaps=overlaps, runs=here, factors=used,
                stated=stated, inside=inside, cut=sum(MARK in entry.warnings for entry in readings if entry.warnings),
            )
        ),
        scopes=tuple(scopes_of(atoms, shares, config)),
        before=None if previous is None else previous.period,
        budgets=tuple(budgets_of(config.budgets, added, atoms, claims, period)),
        reductions=tuple(reductions_of(atoms)),
        entries=len(free),
        largest=tuple(heapq.nlargest(LARGEST, free, key=lambda entry: entry.energy_j or 0.0)),
        stated=tuple(_stated(inside, evidence or {})),
        atoms=atoms,
        provided=provided,
    )  # fmt: skip
    return report if previous is None else _compared(report, previous)


def _compared(report: Report, previous: Report) -> Report:
    from attrs import evolve

    return evolve(report, change=change_between(previous, report))


def _keys(dims: Sequence[str], period: Period) -> Callable[[Entry], Keys]:
    """How to read the keys of an entry in all dimensions at once."""
    readers = [key_of(dim, period) for dim in dims]
    if len(readers) == 3:  # as nearly always; a million entries are read
        one, two, three = readers
        return lambda entry: (one(entry), two(entry), three(entry))
    return lambda entry: tuple(read(entry) for read in readers)


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


def _top(free: Iterable[Entry], runs: Mapping[str, RunRecord]) -> list[RunUse]:
    by_run: dict[str, list[Entry]] = defaultdict(list)
    for entry in free:
        by_run[entry.run_id].append(entry)
    joules = {run_id: math.fsum(entry.energy_j or 0.0 for entry in some) for run_id, some in by_run.items()}
    uses = []
    for run_id in sorted(joules, key=lambda run_id: (-joules[run_id], run_id))[:TOP_RUNS]:
        uses.append(use_of(run_id, by_run[run_id], runs.get(run_id)))
    return uses
