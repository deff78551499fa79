"""Add up a period of the book: entries, provided figures, claims, coverage, gaps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from attrs import define, field

from wattbook.accounting import Claim, Tally, Total, account_totals, claim, split
from wattbook.accounting.overlaps import Overlap, without_overlaps
from wattbook.accounting.split import MARK
from wattbook.accounting.totals import counts
from wattbook.config import Config
from wattbook.model import Statement
from wattbook.records import Entry, RunRecord, utc_time
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
    free, claims = claim(
        (entry for entry in readings if counts(entry)),
        account_totals(inside),
        config.accounts,
        lambda entry: period.month_of(utc_time(entry.start)),
    )
    whole = add_up(free, claims)
    here = [run for run in known_runs.values() if _touches(run, period)]
    by = {dim: rows_of(dim, free, claims, inside, period) for dim in dims}
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


def add_up(free: Iterable[Entry], claims: Iterable[Claim]) -> Whole:
    """Entries that stand for themselves, and provided figures in place of those that they claim."""
    whole = Whole()
    for entry in free:
        whole.bases[str(entry.basis)].add(entry)
    for one in claims:
        whole.bases["provided"].add_provided(one.provided)
    return whole


def rows_of(
    dim: str, free: Iterable[Entry], claims: Iterable[Claim], statements: Iterable[Statement], period: Period
) -> tuple[Row, ...]:
    """The total by the keys of one dimension, the largest first; they add up to the total."""
    rows: dict[str | None, Whole] = defaultdict(Whole)
    for entry in free:
        rows[key_of(dim, entry, period)].bases[str(entry.basis)].add(entry)
    statements = list(statements)
    for one in claims:
        for key, totals, share in shares_of(dim, one, statements, period):
            rows[key].bases["provided"].add_provided(totals, share)
    made = [Row(key=key, total=whole.total(), by_basis=whole.by_basis()) for key, whole in rows.items()]
    return tuple(sorted(made, key=_largest_first))


def _largest_first(row: Row) -> tuple[float, float, bool, str]:
    total = row.total
    grams = [part.value for part in (total.location_g, total.unsplit_g) if part is not None]
    return (-sum(grams), -(total.energy.value if total.energy else 0.0), row.key is None, row.key or "")


def cut(entries: Iterable[Entry], period: Period) -> list[Entry]:
    """The parts of *entries* inside the period, cut at every start of a month, in a stable order."""
    edges = period.edges()
    pieces: list[Entry] = []
    for entry in entries:
        _, rest = split(entry, edges[0])
        for edge in edges[1:]:
            if rest is None:
                break
            before, rest = split(rest, edge)
            if before is not None:
                pieces.append(before)
    return sorted(pieces, key=lambda e: (e.start, e.end, e.host, e.device, e.domain, e.run_id, e.source))


def _touches(run: RunRecord, period: Period) -> bool:
    return utc_time(run.start) < period.end and period.start < utc_time(run.end)


def _top(free: Iterable[Entry], runs: Mapping[str, RunRecord]) -> list[RunUse]:
    tallies: dict[str, Tally] = defaultdict(Tally)
    project: dict[str, str | None] = {}
    for entry in free:
        tallies[entry.run_id].add(entry)
        project.setdefault(entry.run_id, entry.labels.project)
    uses = []
    for run_id, tally in tallies.items():
        run = runs.get(run_id)
        name = (run.command or run.kind) if run else ""
        uses.append(RunUse(run_id=run_id, name=name, project=project[run_id], total=tally.total()))
    uses.sort(key=lambda use: (-(use.total.energy.value if use.total.energy else 0.0), use.run_id))
    return uses[:TOP_RUNS]


__all__ = ["BASES", "DEFAULT_DIMENSIONS", "Overlap", "add_up", "build", "cut", "rows_of"]
