"""The whole page as plain values, from a report and its derivations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attrs import frozen

from wattbook import __version__
from wattbook.accounting import Interval
from wattbook.records import Entry
from wattbook.report.adjusted import adjusted_lines
from wattbook.report.as_html.made import (
    Made,
    Source,
    Version,
    bounded,
    made_of,
    origins_of,
    versions_of,
)
from wattbook.report.as_html.values import (
    Amounts,
    Applied,
    Breakdown,
    Card,
    Fig,
    Line,
    Shown,
    Uncovered,
    amounts,
    card,
    fig,
)
from wattbook.report.atoms import line_of
from wattbook.report.budgets import fullest
from wattbook.report.cards import cards_of
from wattbook.report.derivation import LISTED, Derived
from wattbook.report.lines import (
    LETTERS,
    UNLABELLED,
    change_text,
    coverage_text,
    mix,
    name_of,
    saves_text,
    short,
    subtitle,
    title,
)
from wattbook.report.model import UNALLOCATED, Report, Row
from wattbook.report.numbers import carbon_text, digits, energy_text, share_text, signed_text
from wattbook.report.sums import folded, largest_claims
from wattbook.units import G_PER_KG

MOST_ROWS = 20
ALL_ROWS = 80  #: of all dimensions together
TOLD = 400  #: letters of a sentence of ours that names what people typed
CUT = "split at a boundary"


def rows_for(dimensions: int) -> int:
    """How many rows of each dimension a page shows, so that it stays small whatever is asked for."""
    return max(5, min(MOST_ROWS, ALL_ROWS // max(1, dimensions)))


@frozen(kw_only=True)
class Page:
    title: str
    subtitle: str
    most_rows: int
    cards: tuple[Card, ...]
    whole: Line
    bases: tuple[Line, ...]
    breakdowns: tuple[Breakdown, ...]
    claims: tuple[tuple[str, str, tuple[Fig, ...]], ...]
    more_claims: int
    scopes: tuple[tuple[str, str, Amounts], ...]
    steps: tuple[tuple[str, Fig, str], ...]
    change: str
    change_notes: tuple[str, ...]
    adjustments: tuple[tuple[str, str, tuple[Fig, ...], str], ...]
    more_adjustments: int
    runs: tuple[tuple[str, str, str, Fig, Fig], ...]
    reductions: tuple[tuple[str, str, Fig, str, str], ...]
    budgets: tuple[tuple[str, Fig, Fig, Fig], ...]
    more_budgets: int
    coverage: str
    gaps: tuple[Uncovered, ...]
    more_gaps: int
    factors: tuple[Applied, ...]
    sources: tuple[Version, ...]
    warnings: tuple[str, ...]
    entries: tuple[Shown, ...]
    derivations: tuple[Made, ...]
    origins: tuple[Source, ...]
    version: str


def page_of(report: Report, derived: Derived) -> Page:
    most = rows_for(len(report.by))
    whole = Line(name="all", amounts=amounts(report.total, "f-total", mix(report.by_basis)))
    return Page(
        title=title(report),
        subtitle=subtitle(report),
        most_rows=most,
        cards=tuple(card(told) for told in cards_of(report)),
        whole=whole,
        bases=tuple(
            Line(name=basis, amounts=amounts(total, f"f-{basis}", LETTERS[basis]))
            for basis, total in report.by_basis.items()
            if total.energy or total.location_g or total.market_g or total.unsplit_g
        ),
        breakdowns=tuple(_breakdowns(report, most)),
        claims=tuple(_claims(report)),
        more_claims=max(0, len(report.claims) - LISTED),
        scopes=tuple(
            (use.scope, short(use.what), amounts(use.total, f"f-scope-{number}"))
            for number, use in enumerate(report.scopes)
        ),
        steps=tuple(_steps(report)),
        change="" if report.change is None else change_text(report.change),
        change_notes=() if report.change is None else bounded(report.change.notes),
        adjustments=tuple(_adjustments(report)),
        more_adjustments=max(0, len(report.adjustments) - LISTED),
        runs=tuple(_runs(report)),
        reductions=tuple(
            (
                short(one.name),
                short(one.what, TOLD),
                Fig(text=saves_text(one), value=one.saves_g.value, anchor=f"f-reduction-{number}"),
                short(one.basis, TOLD),
                short(one.caution, TOLD),
            )
            for number, one in enumerate(report.reductions)
        ),
        budgets=tuple(_budgets(report)),
        more_budgets=max(0, len(report.budgets) - LISTED),
        coverage=coverage_text(report),
        gaps=tuple(
            Uncovered(
                name=short(gap.domain),
                hosts=len(gap.hosts),
                why=short(gap.reason, 300),
                hours=Fig(text=digits(gap.hours), value=gap.hours, anchor="f-gaps"),
            )
            for gap in report.gaps[:LISTED]
        ),
        more_gaps=max(0, len(report.gaps) - LISTED),
        factors=tuple(_factors(report)),
        sources=tuple(versions_of(report))[:LISTED],
        warnings=bounded(report.warnings),
        entries=tuple(_entries(report.largest, derived)),
        derivations=tuple(made_of(derived)),
        origins=tuple(origins_of(derived)),
        version=__version__,
    )


def _breakdowns(report: Report, most: int) -> Iterator[Breakdown]:
    for number, dim in enumerate(report.by):
        rows, rest = folded(report, dim, most)
        lines = [
            Line(name=short(name_of(row)), amounts=amounts(row.total, f"f-{number}-{place}", mix(row.by_basis)))
            for place, row in enumerate(rows)
        ]
        if rest is not None:
            lines.append(Line(name=str(rest.key), amounts=amounts(rest.total, f"f-{number}-rest", mix(rest.by_basis))))
        yield Breakdown(number=number, name=short(dim), lines=tuple(lines), note=_note(dim, report.by[dim], rest))


def _note(dim: str, rows: Sequence[Row], rest: Row | None) -> str:
    keys = {row.key for row in rows}
    notes = []
    if dim == "phase" and rows and "idle" not in keys:
        notes.append("Nothing in this book is labelled idle: what machines use while they wait is not told apart.")
    if UNALLOCATED in keys:
        notes.append(f"{UNALLOCATED} is what providers state and no entry of ours explains.")
    if None in keys:
        notes.append(f"{UNLABELLED} are entries without such a label.")
    if rest is not None:
        notes.append("The complete list is in the formats csv and json.")
    return " ".join(notes)


def _budgets(report: Report) -> Iterator[tuple[str, Fig, Fig, Fig]]:
    for number, use in fullest(report, LISTED):
        anchor = f"f-budget-{number}"
        yield (
            "all" if use.project is None else short(use.project), fig(use.used_g, carbon_text, anchor),
            Fig(text=carbon_text(use.limit_g), value=use.limit_g, anchor=anchor),
            Fig(text=share_text(use.share), value=use.share, anchor=anchor),
        )  # fmt: skip


def _claims(report: Report) -> Iterator[tuple[str, str, tuple[Fig, ...]]]:
    for number, one in largest_claims(report, LISTED):
        anchor = f"f-claim-{number}"
        stated = []
        for kilograms in (one.provided.location, one.provided.market, one.provided.unsplit):
            grams = None if kilograms is None else float(kilograms * G_PER_KG)
            stated.append(Fig(text=carbon_text(grams), value=grams, anchor=anchor))
        inside = one.of_which.location_g
        ours = Fig(text="nothing") if inside is None else fig(inside, carbon_text, anchor)
        rest = Fig(text=carbon_text(one.unallocated_g), value=one.unallocated_g, anchor=anchor)
        if one.provided.unsplit is None:
            stated[2] = Fig(text="none")
        yield short(f"{one.provider}/{one.account}"), one.month, (*stated, ours, rest)


def _steps(report: Report) -> Iterator[tuple[str, Fig, str]]:
    if report.change is None:
        return
    for step in report.change.steps:
        yield step.cause, Fig(text=signed_text(step.co2e_g), value=step.co2e_g, anchor="f-change"), step.why


def _adjustments(report: Report) -> Iterator[tuple[str, str, tuple[Fig, ...], str]]:
    for line in adjusted_lines(report):
        if line.place >= LISTED:
            return
        figures = tuple(
            Fig(text=text, value=value, anchor=f"f-adjustment-{line.place}")
            for text, value in zip(line.texts, line.differences, strict=True)
        )
        yield line.month, line.cause or "in all", figures, line.note


def _runs(report: Report) -> Iterator[tuple[str, str, str, Fig, Fig]]:
    for number, use in enumerate(report.top_runs):
        yield (
            short(use.run_id), short(use.name), short(use.project or UNLABELLED),
            fig(use.total.energy, energy_text, f"f-run-{number}"),
            fig(use.total.location_g, carbon_text, f"f-run-{number}"),
        )  # fmt: skip


def _factors(report: Report) -> Iterator[Applied]:
    for number, use in enumerate(report.factors[:LISTED]):
        factor, anchor = use.factor, f"f-factor-{number}"
        yield Applied(
            name=short(f"{factor.id}{' (assumed)' if factor.assumed else ''}"),
            g_per_kwh=Fig(text=f"{factor.g_per_kwh:g}", value=factor.g_per_kwh, anchor=anchor),
            kind=f"{factor.signal}, {factor.cycle}",
            energy=Fig(text=energy_text(use.energy_j), value=use.energy_j, anchor=anchor),
            source=short(factor.source),
        )


def _entries(entries: Sequence[Entry], derived: Derived) -> Iterator[Shown]:
    for entry in entries:
        part = any(CUT in warning for warning in entry.warnings)
        interval = None
        if entry.energy_j is not None:
            interval = Interval(entry.energy_j, entry.low_j, entry.high_j)
        yield Shown(
            id=short(f"part of {entry.run_id}" if part else entry.entry_id[:12]),
            start=f"{entry.start[:16].replace('T', ' ')}",
            end=f"{entry.end[:16].replace('T', ' ')}",
            name=short(f"{entry.host or 'by hand'} {entry.device}/{entry.domain}"),
            basis=LETTERS.get(entry.basis or "", ""),
            energy=fig(interval, energy_text, derived.anchors.get(line_of(entry))),
            evidence=(entry.evidence_sha256 or "")[:16],
        )
