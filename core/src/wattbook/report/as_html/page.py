"""What the page shows, as plain values: figures with their text, their number and the place that explains them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attrs import frozen

from wattbook import __version__
from wattbook.accounting import Interval, Total
from wattbook.records import Entry
from wattbook.report.as_html.made import (
    MOST_LINES,
    Made,
    Source,
    Version,
    bounded,
    made_of,
    origins_of,
    short,
    versions_of,
)
from wattbook.report.atoms import line_of
from wattbook.report.derivation import Derived
from wattbook.report.lines import LETTERS, UNLABELLED, change_text, coverage_text, mix, name_of, subtitle, title
from wattbook.report.model import UNALLOCATED, Report, Row, carbon_of_both
from wattbook.report.numbers import carbon_text, digits, energy_text, share_text, signed_text
from wattbook.report.sums import folded
from wattbook.units import G_PER_KG

MOST_ROWS = 20
ALL_ROWS = 80  #: of all dimensions together
CUT = "split at a boundary"


def rows_for(dimensions: int) -> int:
    """How many rows of each dimension a page shows, so that it stays small whatever is asked for."""
    return max(5, min(MOST_ROWS, ALL_ROWS // max(1, dimensions)))


@frozen(kw_only=True)
class Fig:
    """A figure: what a reader sees, the number behind it, and where it is explained."""

    text: str
    value: float | None = None
    anchor: str | None = None


@frozen(kw_only=True)
class Amounts:
    """The figures of one total; ``nothing`` where the total has none."""

    energy: Fig
    location: Fig | None
    market: Fig
    unsplit: Fig | None
    basis: str = ""
    nothing: bool = False


@frozen(kw_only=True)
class Line:
    """A row of a table of totals."""

    name: str
    amounts: Amounts


@frozen(kw_only=True)
class Breakdown:
    """A dimension."""

    number: int
    name: str
    lines: tuple[Line, ...]
    note: str


@frozen(kw_only=True)
class Told:
    """A card of the first screen: a heading, the answer, and a line below it."""

    head: str
    answer: Fig
    below: str


@frozen(kw_only=True)
class Shown:
    """One entry as the page shows it."""

    id: str
    start: str
    end: str
    name: str
    basis: str
    energy: Fig
    evidence: str


@frozen(kw_only=True)
class Uncovered:
    """A kind of gap."""

    name: str
    hosts: int
    hours: Fig
    why: str


@frozen(kw_only=True)
class Applied:
    """A grid factor and what it was applied to."""

    name: str
    g_per_kwh: Fig
    kind: str
    energy: Fig
    source: str


@frozen(kw_only=True)
class Page:
    title: str
    subtitle: str
    most_rows: int
    cards: tuple[Told, ...]
    whole: Line
    bases: tuple[Line, ...]
    breakdowns: tuple[Breakdown, ...]
    claims: tuple[tuple[str, str, tuple[Fig, ...]], ...]
    scopes: tuple[tuple[str, str, Amounts], ...]
    steps: tuple[tuple[str, Fig, str], ...]
    change: str
    runs: tuple[tuple[str, str, str, Fig, Fig], ...]
    reductions: tuple[tuple[str, str, Fig, str, str], ...]
    budgets: tuple[tuple[str, Fig, Fig, Fig], ...]
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
        cards=tuple(_cards(report)),
        whole=whole,
        bases=tuple(
            Line(name=basis, amounts=amounts(total, f"f-{basis}", LETTERS[basis]))
            for basis, total in report.by_basis.items()
            if total.energy or total.location_g or total.market_g or total.unsplit_g
        ),
        breakdowns=tuple(_breakdowns(report, most)),
        claims=tuple(_claims(report)),
        scopes=tuple(
            (use.scope, short(use.what), amounts(use.total, f"f-scope-{number}"))
            for number, use in enumerate(report.scopes)
        ),
        steps=tuple(_steps(report)),
        change="" if report.change is None else change_text(report.change),
        runs=tuple(_runs(report)),
        reductions=tuple(
            (
                short(one.name),
                short(one.what),
                Fig(text=carbon_text(one.saves_g), value=one.saves_g.value, anchor=f"f-reduction-{number}"),
                short(one.basis),
                short(one.caution),
            )
            for number, one in enumerate(report.reductions)
        ),
        budgets=tuple(
            (
                "all" if use.project is None else short(use.project),
                _fig(use.used_g, carbon_text, f"f-budget-{number}"),
                Fig(text=carbon_text(use.limit_g), value=use.limit_g, anchor=f"f-budget-{number}"),
                Fig(text=share_text(use.share), value=use.share, anchor=f"f-budget-{number}"),
            )
            for number, use in enumerate(report.budgets)
        ),
        coverage=coverage_text(report),
        gaps=tuple(
            Uncovered(
                name=short(gap.domain),
                hosts=len(gap.hosts),
                why=short(gap.reason, 300),
                hours=Fig(text=digits(gap.hours), value=gap.hours, anchor="f-gaps"),
            )
            for gap in report.gaps[:MOST_LINES]
        ),
        more_gaps=max(0, len(report.gaps) - MOST_LINES),
        factors=tuple(_factors(report)),
        sources=tuple(versions_of(report))[:MOST_LINES],
        warnings=bounded(report.warnings),
        entries=tuple(_entries(report.largest, derived)),
        derivations=tuple(made_of(derived)),
        origins=tuple(origins_of(derived)),
        version=__version__,
    )


def amounts(total: Total, anchor: str | None, basis: str = "") -> Amounts:
    nothing = not (total.energy or total.location_g or total.market_g or total.unsplit_g)
    location = None if total.location_g is None and total.unsplit_g is not None else total.location_g
    return Amounts(
        energy=_fig(total.energy, energy_text, anchor, nothing),
        location=None
        if location is None and total.unsplit_g is not None
        else _fig(location, carbon_text, anchor, nothing),
        market=_fig(total.market_g, carbon_text, anchor, nothing),
        unsplit=None if total.unsplit_g is None else _fig(total.unsplit_g, carbon_text, anchor),
        basis=basis,
        nothing=nothing,
    )


def _fig(interval: Interval | None, text: object, anchor: str | None, nothing: bool = False) -> Fig:
    assert callable(text)
    if nothing:
        return Fig(text="none")
    return Fig(text=text(interval), value=None if interval is None else interval.value, anchor=anchor)


def _cards(report: Report) -> Iterator[Told]:
    """What a reader looks for first: how much, since when, how known, from what, and what to do."""
    both = carbon_of_both(report.total)
    market = carbon_text(report.total.market_g)
    energy = energy_text(report.total.energy)
    known = "nothing is in the book" if both is None and report.total.energy is None else (
        f"location-based; market-based {market}; energy {energy}"
    )  # fmt: skip
    for use in report.budgets:
        if use.project is None:
            known += f"; {share_text(use.share)} of the budget of {carbon_text(use.limit_g)}"
    yield Told(
        head="Total", answer=_fig(both, _co2e, "f-total", nothing=not report.entries and both is None), below=known
    )
    yield _trend(report)
    yield _known(report)
    yield _cause(report)
    if report.reductions:
        best = report.reductions[0]
        yield Told(
            head="Best action",
            answer=Fig(text=short(best.name), anchor="f-reduction-0"),
            below=f"up to {carbon_text(best.saves_g)} less; {short(best.what)}",
        )
    else:
        yield Told(
            head="Best action", answer=Fig(text="none found"), below="nothing in this book points to a reduction"
        )


def _co2e(grams: Interval | None) -> str:
    return "unknown" if grams is None else f"{carbon_text(grams)} CO2e"


def _trend(report: Report) -> Told:
    change = report.change
    if change is None:
        before = f"the book holds nothing from {short(report.before.title)}" if report.before else "nothing before it"
        return Told(head="Trend", answer=Fig(text="no comparison"), below=before)
    if change.co2e_g is None:
        return Told(
            head=f"Since {short(change.period.title)}",
            answer=Fig(text="unknown", anchor="f-change"),
            below=change_text(change),
        )
    word = "more" if change.co2e_g > 0 else "less" if change.co2e_g < 0 else "the same"
    arrow = "▲" if change.co2e_g > 0 else "▼" if change.co2e_g < 0 else "="
    largest = max(change.steps, key=lambda step: abs(step.co2e_g))
    return Told(
        head=f"Since {short(change.period.title)}",
        answer=Fig(
            text=f"{arrow} {carbon_text(abs(change.co2e_g))} {word}", value=change.co2e_g, anchor="f-change"
        ),
        below=f"{change_text(change)}; most of it: {largest.cause} {signed_text(largest.co2e_g)}",
    )  # fmt: skip


def _known(report: Report) -> Told:
    """The bases in words, the largest first, and the coverage."""
    grams = {basis: both.value for basis, t in report.by_basis.items() if (both := carbon_of_both(t)) is not None}
    whole = sum(grams.values())
    coverage = f"coverage {share_text(report.coverage.share)}"
    if whole <= 0:
        return Told(
            head="How it is known",
            answer=Fig(text=mix(report.by_basis) or "nothing to tell", anchor="mix"),
            below=coverage,
        )
    told = [f"{share_text(grams[basis] / whole)} {basis}" for basis in sorted(grams, key=lambda b: (-grams[b], b))]
    return Told(
        head="How it is known", answer=Fig(text=told[0], anchor="mix"), below=", ".join([*told[1:], coverage])
    )  # fmt: skip


def _cause(report: Report) -> Told:
    """The largest key of the first dimension, and of the projects where it is another one."""
    found = []
    for number, (dim, rows) in enumerate(report.by.items()):
        if rows and number < 3 and (dim == "project" or number == 0):
            found.append((number, dim, rows[0]))
    both = carbon_of_both(report.total)
    if not found or both is None or not both.value:
        return Told(head="Biggest cause", answer=Fig(text="unknown"), below="no carbon is known")
    number, dim, row = found[0]
    grams = carbon_of_both(row.total)
    below = f"{short(dim)} {short(name_of(row))}: {carbon_text(grams)}, {_share(row, both)} of all"
    for _, other, top in found[1:]:
        name = "no project owns" if top.key in (None, UNALLOCATED) else f"{short(other)} {short(name_of(top))}:"
        below += f"; {name} {carbon_text(carbon_of_both(top.total))}, {_share(top, both)}"
    return Told(
        head="Biggest cause",
        answer=Fig(text=f"{short(name_of(row))} {_share(row, both)}", value=grams.value if grams else None, anchor=f"f-{number}-0"),
        below=below,
    )  # fmt: skip


def _share(row: Row, whole: Interval) -> str:
    grams = carbon_of_both(row.total)
    return share_text(None if grams is None else grams.value / whole.value)


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


def _claims(report: Report) -> Iterator[tuple[str, str, tuple[Fig, ...]]]:
    for number, one in enumerate(report.claims):
        anchor = f"f-claim-{number}"
        stated = []
        for kilograms in (one.provided.location, one.provided.market, one.provided.unsplit):
            grams = None if kilograms is None else float(kilograms * G_PER_KG)
            stated.append(Fig(text=carbon_text(grams), value=grams, anchor=anchor))
        inside = one.of_which.location_g
        ours = Fig(text="nothing") if inside is None else _fig(inside, carbon_text, anchor)
        rest = Fig(text=carbon_text(one.unallocated_g), value=one.unallocated_g, anchor=anchor)
        if one.provided.unsplit is None:
            stated[2] = Fig(text="none")
        yield short(f"{one.provider}/{one.account}"), one.month, (*stated, ours, rest)


def _steps(report: Report) -> Iterator[tuple[str, Fig, str]]:
    if report.change is None:
        return
    for step in report.change.steps:
        yield step.cause, Fig(text=signed_text(step.co2e_g), value=step.co2e_g, anchor="f-change"), step.why


def _runs(report: Report) -> Iterator[tuple[str, str, str, Fig, Fig]]:
    for number, use in enumerate(report.top_runs):
        yield (
            short(use.run_id), short(use.name), short(use.project or UNLABELLED),
            _fig(use.total.energy, energy_text, f"f-run-{number}"),
            _fig(use.total.location_g, carbon_text, f"f-run-{number}"),
        )  # fmt: skip


def _factors(report: Report) -> Iterator[Applied]:
    for number, use in enumerate(report.factors[:MOST_LINES]):
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
            energy=_fig(interval, energy_text, derived.anchors.get(line_of(entry))),
            evidence=(entry.evidence_sha256 or "")[:16],
        )
