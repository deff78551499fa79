"""Add up a period of the book: entries, provided figures, claims, coverage, gaps."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from attrs import define, field

from wattbook.accounting import Claim, Tally, Total, account_totals, claim, split, total
from wattbook.accounting.overlaps import without_overlaps
from wattbook.accounting.split import MARK
from wattbook.accounting.totals import counts
from wattbook.config import Config
from wattbook.model import Statement
from wattbook.records import Entry, RunRecord, utc_text
from wattbook.report.dimensions import check_dimension, key_of, shares_of
from wattbook.report.model import Report, Row, RunUse
from wattbook.report.notes import SYNTHETIC, warnings_of
from wattbook.report.parts import coverage_of, factors_of, gaps_of
from wattbook.report.period import Period

DEFAULT_DIMENSIONS = ("platform", "phase", "project")
BASES = ("provided", "measured", "estimated")
TOP_RUNS = 5


def build(
    entries: Iterable[Entry],
    statements: Iterable[Statement],
    runs: Iterable[RunRecord],
    config: Config,
    period: Period,
    dims: Sequence[str] = DEFAULT_DIMENSIONS,
    as_of: str | None = None,
    watermark: str | None = None,
) -> Report:
    """The report of *period*; pure, so that the same input gives the same report.

    *entries* that reach across an edge of a month are cut there in proportion to time; a provider's
    figure belongs to its whole month or year and is left out where that is not inside the period.
    """
    for dim in dims:
        check_dimension(dim)
    known_runs = {run.run_id: run for run in runs}
    pieces = cut(entries, period)
    readings, overlaps = without_overlaps((e for e in pieces if e.kind != "gap"), known_runs, config.containment)
    gaps = [entry for entry in pieces if entry.kind == "gap"]
    stated = [s for s in statements if period.touches_month(s.month)]
    inside = [s for s in stated if period.holds_month(s.month)]
    months = _Months(period)
    free, claims = claim(
        (entry for entry in readings if counts(entry)), account_totals(inside), config.accounts, months.of
    )
    groups = grouped(dims, free, period)
    whole = add_up(groups, claims)
    here = [run for run in known_runs.values() if _touches(run, period)]
    by = {dim: rows_of(number, dim, groups, claims, inside, period) for number, dim in enumerate(dims)}
    used = factors_of(readings)
    return Report(
        period=period,
        as_of=as_of,
        watermark=watermark or (SYNTHETIC if any(entry.synthetic for entry in pieces) else None),
        total=whole.total(),
        by_basis={basis: whole.bases[basis].total() for basis in BASES},
        by=by,
        claims=tuple(claims),
        coverage=coverage_of(readings, gaps, here, period),
        gaps=tuple(gaps_of(gaps)),
        factors=tuple(used),
        top_runs=tuple(_top(free, known_runs)),
        runs=len({entry.run_id for entry in pieces}),
        warnings=tuple(
            warnings_of(
                total=whole.total(), free=free, claims=claims, overlaps=overlaps, runs=here, factors=used,
                stated=stated, inside=inside, cut=sum(MARK in entry.warnings for entry in readings),
            )
        ),
    )  # fmt: skip


@define
class Whole:
    """A total with its parts by basis."""

    bases: dict[str, Tally] = field(factory=lambda: {basis: Tally() for basis in BASES})

    def total(self) -> Total:
        everything = Tally()
        for basis in BASES:
            everything.merge(self.bases[basis])
        return everything.total()

    def by_basis(self) -> dict[str, Total]:
        return {basis: tally.total() for basis, tally in self.bases.items() if tally.parts}


Groups = Mapping[tuple[str, tuple[str | None, ...]], Tally]


def grouped(dims: Sequence[str], free: Iterable[Entry], period: Period) -> Groups:
    """Entries added up by basis and the keys of all dimensions at once; every other sum is made of these."""
    groups: dict[tuple[str, tuple[str | None, ...]], Tally] = defaultdict(Tally)
    for entry in free:
        groups[str(entry.basis), tuple(key_of(dim, entry, period) for dim in dims)].add(entry)
    return groups


def add_up(groups: Groups, claims: Iterable[Claim]) -> Whole:
    """Entries that stand for themselves, and provided figures in place of those that they claim."""
    whole = Whole()
    for (basis, _), tally in groups.items():
        whole.bases[basis].merge(tally)
    for one in claims:
        whole.bases["provided"].add_provided(one.provided)
    return whole


def rows_of(
    number: int,
    dim: str,
    groups: Groups,
    claims: Iterable[Claim],
    statements: Sequence[Statement],
    period: Period,
) -> tuple[Row, ...]:
    """The total by the keys of one dimension, the *number*-th of the groups, the largest first."""
    rows: dict[str | None, Whole] = defaultdict(Whole)
    for (basis, keys), tally in groups.items():
        rows[keys[number]].bases[basis].merge(tally)
    for one in claims:
        for key, totals, share in shares_of(dim, one, statements, period):
            rows[key].bases["provided"].add_provided(totals, share)
    made = [Row(key=key, total=whole.total(), by_basis=whole.by_basis()) for key, whole in rows.items()]
    return tuple(sorted(made, key=_largest_first))


def _largest_first(row: Row) -> tuple[float, float, bool, str]:
    total = row.total
    grams = [part.value for part in (total.location_g, total.unsplit_g) if part is not None]
    return (-sum(grams), -(total.energy.value if total.energy else 0.0), row.key is None, row.key or "")


class _Months:
    """The month of an entry that lies within one, found by its start among the starts of the months."""

    def __init__(self, period: Period) -> None:
        edges = period.edges()[:-1]
        self._starts = [utc_text(edge) for edge in edges]
        self._names = [period.month_of(edge) for edge in edges]

    def of(self, entry: Entry) -> str:
        return self._names[bisect_right(self._starts, entry.start) - 1]


def cut(entries: Iterable[Entry], period: Period) -> list[Entry]:
    """The parts of *entries* inside the period, cut at every start of a month, in a stable order."""
    edges = period.edges()
    texts = [utc_text(edge) for edge in edges]
    pieces: list[Entry] = []
    for entry in entries:
        month = bisect_right(texts, entry.start)
        if 0 < month < len(texts) and entry.end <= texts[month]:
            pieces.append(entry)
            continue
        _, rest = split(entry, edges[0])
        for edge in edges[1:]:
            if rest is None:
                break
            before, rest = split(rest, edge)
            if before is not None:
                pieces.append(before)
    return sorted(pieces, key=lambda e: (e.start, e.end, e.host, e.device, e.domain, e.run_id, e.source))


def _touches(run: RunRecord, period: Period) -> bool:
    return run.start < utc_text(period.end) and utc_text(period.start) < run.end


def _top(free: Iterable[Entry], runs: Mapping[str, RunRecord]) -> list[RunUse]:
    by_run: dict[str, list[Entry]] = defaultdict(list)
    for entry in free:
        by_run[entry.run_id].append(entry)
    joules = {run_id: math.fsum(entry.energy_j or 0.0 for entry in some) for run_id, some in by_run.items()}
    uses = []
    for run_id in sorted(joules, key=lambda run_id: (-joules[run_id], run_id))[:TOP_RUNS]:
        run = runs.get(run_id)
        name = (run.command or run.kind) if run else ""
        project = by_run[run_id][0].labels.project
        uses.append(RunUse(run_id=run_id, name=name, project=project, total=total(by_run[run_id])))
    return uses
