"""Add up a period of the book: entries, provided figures, claims, coverage, gaps."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain

from attrs import evolve

from wattbook.accounting import Claim, MonthTotals, account_totals, claim
from wattbook.accounting.hours import by_hour
from wattbook.config import Config
from wattbook.model import Statement
from wattbook.records import Entry, RunRecord
from wattbook.report.atoms import Atom, Keys, atoms_of
from wattbook.report.batches import Batch
from wattbook.report.budgets import budgets_of
from wattbook.report.change import change_between
from wattbook.report.dimensions import SHORTER_THAN_A_MONTH, check_dimension, key_of
from wattbook.report.fates import fates_of
from wattbook.report.model import Report, RunUse, Stated
from wattbook.report.notes import SYNTHETIC, warnings_of
from wattbook.report.parts import coverage_of, factors_of, gaps_of
from wattbook.report.people import group_of, keyed, together
from wattbook.report.period import Period
from wattbook.report.reductions import reductions_of
from wattbook.report.rolled import Rolled, largest_of, roll, touches
from wattbook.report.runs import use_of
from wattbook.report.scopes import scopes_of
from wattbook.report.sums import BASES, Whole, rows_of, shares_by_key, undivided

DEFAULT_DIMENSIONS = ("platform", "phase", "project")
TOP_RUNS = 5

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
    told = by_hour(entries, config.factors.hours, period.edges())
    rolled = roll(told, runs, config.containment, period, timed_of(dims, period))
    return build_from(
        rolled, statements, config, period, dims, as_of=as_of, watermark=watermark, previous=previous, evidence=evidence
    )


def build_from(
    rolled: Rolled,
    statements: Iterable[Statement],
    config: Config,
    period: Period,
    dims: Sequence[str] = DEFAULT_DIMENSIONS,
    *,
    as_of: str | None = None,
    watermark: str | None = None,
    previous: Report | None = None,
    evidence: Evidence | None = None,
    complete: bool = True,
) -> Report:
    """The report of a period whose entries are added up already, by the dimensions of *timed_of* apart.

    One that is not *complete* has what a comparison looks at: no scopes, budgets, reductions and largest runs.
    """
    for dim in dims:
        check_dimension(dim)
    stated = [s for s in statements if period.touches_month(s.month)]
    inside = [s for s in stated if period.holds_month(s.month)]
    provided_by = account_totals(inside)
    free, claims, contained = _claimed(rolled, provided_by, config)
    known_runs = {run.run_id: run for run in rolled.runs}
    here = [run for run in known_runs.values() if touches(run, period)]
    told = chain((batch.largest for batch in free), (entry for one in claims for entry in one.entries))
    people = group_of(dims, told, config.privacy.minimum_group)
    atoms = atoms_of(free, _keys(dims, period, people), fates_of(here))
    shares = undivided(claims)
    whole = Whole().add(atoms, shares)
    added = whole.total()
    provided = {dim: together(dim, shares_by_key(dim, claims, inside, period), people) for dim in dims}
    used = factors_of((*atoms, *chain.from_iterable(contained)))
    report = Report(
        period=period,
        as_of=as_of,
        watermark=watermark or (SYNTHETIC if rolled.synthetic else None),
        total=added,
        by_basis={basis: whole.bases[basis].total() for basis in BASES},
        by={dim: rows_of(number, atoms, provided[dim]) for number, dim in enumerate(dims)},
        claims=tuple(claims),
        contained=contained,
        coverage=coverage_of(rolled.readings, rolled.gaps, here, period),
        gaps=tuple(gaps_of(rolled.gaps)),
        factors=tuple(used),
        top_runs=tuple(_top(free, known_runs)) if complete else (),
        warnings=tuple(
            warnings_of(
                total=added, atoms=atoms, claims=claims, overlaps=rolled.overlaps, runs=here, factors=used,
                stated=stated, inside=inside, cut=rolled.cut,
            )
        ),
        scopes=tuple(scopes_of(atoms, shares, config)) if complete else (),
        before=None if previous is None else previous.period,
        budgets=tuple(budgets_of(config.budgets, added, atoms, claims, period)) if complete else (),
        reductions=tuple(reductions_of(atoms)) if complete else (),
        entries=sum(batch.size for batch in free),
        largest=tuple(_largest(rolled, provided_by, config)),
        stated=tuple(_stated(inside, evidence or {})),
        atoms=atoms,
        provided=provided,
    )  # fmt: skip
    return report if previous is None else _compared(report, previous)


def timed_of(dims: Iterable[str], period: Period) -> list[Callable[[Entry], str | None]]:
    """How to read the keys in those dimensions that entries of one batch would differ in."""
    return [key_of(dim, period) for dim in dims if dim in SHORTER_THAN_A_MONTH]


def _compared(report: Report, previous: Report) -> Report:
    return evolve(report, change=change_between(previous, report))


def _claimed(
    rolled: Rolled, provided: Mapping[tuple[str, str, str], MonthTotals], config: Config
) -> tuple[list[Batch], list[Claim], tuple[tuple[Atom, ...], ...]]:
    """Batches that count by themselves, the claims, and what each claim contains.

    Whose figure a batch lies in is the same for all of its entries.
    """
    by_largest = {id(batch.largest): batch for batch in (*rolled.readings, *rolled.gaps)}
    free, claims = claim(
        (batch.largest for batch in rolled.readings),
        provided,
        config.accounts,
        lambda entry: by_largest[id(entry)].month,
        (batch.largest for batch in rolled.gaps),
    )
    found = []
    contained = []
    for one in claims:
        inside = [by_largest[id(entry)] for entry in one.entries]
        hours = [by_largest[id(gap)] for gap in one.gaps]
        contained.append(atoms_of(inside))
        found.append(
            evolve(
                one,
                entries=tuple(part for batch in inside for part in batch.parts()),
                gaps=tuple(batch.largest for batch in hours for _ in range(batch.size)),
            )
        )
    return [by_largest[id(entry)] for entry in free], found, tuple(contained)


def _largest(rolled: Rolled, provided: Mapping[tuple[str, str, str], MonthTotals], config: Config) -> list[Entry]:
    """The entries of most energy that no provider's figure contains."""
    groups = {id(some[0]): (key[0], some) for key, some in rolled.tops.items()}
    free, _ = claim(
        (some[0] for _, some in groups.values()), provided, config.accounts, lambda entry: groups[id(entry)][0]
    )
    return largest_of(chain.from_iterable(groups[id(entry)][1] for entry in free))


def _keys(dims: Sequence[str], period: Period, people: str | None) -> Callable[[Batch], Keys]:
    """How to read the keys of a batch in all dimensions at once."""
    readers = [keyed(dim, key_of(dim, period), people) for dim in dims]
    return lambda batch: tuple(
        batch.month if dim == "month" else read(batch.largest) for dim, read in zip(dims, readers, strict=True)
    )


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


def _top(free: Iterable[Batch], runs: Mapping[str, RunRecord]) -> list[RunUse]:
    """The runs of most energy; a stretch of a watch is none that anybody started for a purpose."""
    by_run: dict[str, list[Batch]] = defaultdict(list)
    for batch in free:
        if not batch.watched:
            by_run[batch.largest.run_id].append(batch)
    joules = {id_: math.fsum(chain.from_iterable(batch.joules for batch in some)) for id_, some in by_run.items()}
    largest = sorted(joules, key=lambda run_id: (-joules[run_id], run_id))[:TOP_RUNS]
    return [use_of(run_id, by_run[run_id], runs.get(run_id)) for run_id in largest]
