"""The first screen: how much, since when, how known, from what, and what to do."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from wattbook.accounting import Interval
from wattbook.report.lines import Block, blocks, change_text, mix, name_of, saves_text, short
from wattbook.report.model import UNALLOCATED, Report, Row, carbon_of_both
from wattbook.report.numbers import carbon_text, energy_text, share_text, signed_text

LEAST = 0.05  #: of all, below which a project is no cause to speak of


@frozen(kw_only=True)
class Told:
    """A card of the first screen: a heading, the answer, and a line below it."""

    head: str
    answer: str
    value: float | None = None
    anchor: str | None = None  #: where the page explains it
    arrow: str = ""  #: says what the answer says, too
    below: str


def with_short(report: Report) -> Iterator[Block]:
    """The parts of a report, after its total what a reader looks for first."""
    for number, block in enumerate(blocks(report)):
        yield block
        if number == 0 and (told := _in_short(report)) is not None:
            yield told


def _in_short(report: Report) -> Block | None:
    """What the first tables do not say at a glance, in a sentence each; ``None`` for an empty book."""
    told = [one for one in cards_of(report) if one.head not in ("Total", "How it is known")]
    if carbon_of_both(report.total) is None:
        return None
    return Block(
        title="In short",
        rows=tuple((f"{one.head}: {one.answer}. {one.below[:1].upper()}{one.below[1:]}",) for one in told),
    )


def cards_of(report: Report) -> Iterator[Told]:
    """What a reader looks for first: how much, since when, how known, from what, and what to do."""
    both, total = carbon_of_both(report.total), report.total
    nothing = both is None and total.energy is None and total.market_g is None
    known = f"location-based; market-based {carbon_text(total.market_g)}; energy {energy_text(total.energy)}"
    if total.energy is not None and report.claims:
        known += " without what is provided"
    for use in report.budgets:
        if use.project is None:
            known += f"; {share_text(use.share)} of the budget of {carbon_text(use.limit_g)}"
    yield Told(
        head="Total",
        answer="none" if nothing else _co2e(both),
        value=None if both is None else both.value,
        anchor=None if nothing else "f-total",
        below="nothing is in the book" if nothing else known,
    )
    yield _trend(report)
    yield _known(report)
    yield _cause(report)
    if report.reductions:
        best = report.reductions[0]
        yield Told(
            head="Best action",
            answer=short(best.name),
            anchor="f-reduction-0",
            below=f"{saves_text(best).capitalize()} less. {short(best.what)}",
        )
    else:
        yield Told(head="Best action", answer="none found", below="nothing in this book points to a reduction")


def _co2e(grams: Interval | None) -> str:
    return "unknown" if grams is None else f"{carbon_text(grams)} CO2e"


#: causes of a change as a reader calls them who has not read their table yet
_CAUSES = {
    "activity": "more or less work", "power": "power while at work", "grid": "another grid factor",
    "facility": "another PUE", "method": "known in another way", "provider": "what providers state",
    "provider in one month only": "a figure of one month only",
}  # fmt: skip


def _trend(report: Report) -> Told:
    change = report.change
    if change is None:
        before = f"the book holds nothing from {short(report.before.title)}" if report.before else "nothing before it"
        return Told(head="Trend", answer="no comparison", below=before)
    if change.co2e_g is None:
        return Told(
            head=f"Since {short(change.period.title)}",
            answer="unknown",
            anchor="f-change",
            below=change_text(change),
        )
    word = "more" if change.co2e_g > 0 else "less" if change.co2e_g < 0 else "the same"
    arrow = "▲" if change.co2e_g > 0 else "▼" if change.co2e_g < 0 else "="
    largest = max(change.steps, key=lambda step: abs(step.co2e_g))
    return Told(
        head=f"Since {short(change.period.title)}",
        answer=f"{carbon_text(abs(change.co2e_g))} {word}", value=change.co2e_g, anchor="f-change", arrow=arrow,
        below=f"{change_text(change)}; most of it: {_CAUSES.get(largest.cause, largest.cause)} {signed_text(largest.co2e_g)}",
    )  # fmt: skip


def _known(report: Report) -> Told:
    """The bases in words, the largest first, and the coverage."""
    grams = {basis: both.value for basis, t in report.by_basis.items() if (both := carbon_of_both(t)) is not None}
    whole = sum(grams.values())
    coverage = f"coverage {share_text(report.coverage.share)}"
    if whole <= 0:
        return Told(
            head="How it is known",
            answer=mix(report.by_basis) or "nothing to tell",
            anchor="mix",
            below=coverage,
        )
    told = [f"{share_text(grams[basis] / whole)} {basis}" for basis in sorted(grams, key=lambda b: (-grams[b], b))]
    return Told(
        head="How it is known", answer=told[0], anchor="mix", below=", ".join([*told[1:], coverage])
    )  # fmt: skip


def _cause(report: Report) -> Told:
    """The largest key of the first dimension, and of the projects where it is another one."""
    found = []
    for number, (dim, rows) in enumerate(report.by.items()):
        if rows and number < 3 and (dim == "project" or number == 0):
            found.append((number, dim, rows[0]))
    both = carbon_of_both(report.total)
    if not found or both is None or not both.value:
        return Told(head="Biggest cause", answer="unknown", below="no carbon is known")
    number, dim, row = found[0]
    grams = carbon_of_both(row.total)
    below = f"{carbon_text(grams)} of {short(dim)} {short(name_of(row))}"
    for _, other, top in found[1:]:
        if _part_of(top, both) < LEAST:
            below += f"; no {short(other)} has {share_text(LEAST)} of it"
            continue
        part = f"{carbon_text(carbon_of_both(top.total))} ({_share(top, both)})"
        owner = (
            "belong to no project" if top.key in (None, UNALLOCATED) else f"are {short(other)} {short(name_of(top))}"
        )
        below += f"; {part} {owner}"
    return Told(
        head="Biggest cause",
        answer=f"{short(name_of(row), 60)} {_share(row, both)}",
        value=grams.value if grams else None,
        anchor=f"f-{number}-0",
        below=below,
    )


def _share(row: Row, whole: Interval) -> str:
    return share_text(None if carbon_of_both(row.total) is None else _part_of(row, whole))


def _part_of(row: Row, whole: Interval) -> float:
    grams = carbon_of_both(row.total)
    return 0.0 if grams is None else grams.value / whole.value
