"""What every human-readable format says, as tables of text in one order."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping

from attrs import frozen

from wattbook.accounting import Total
from wattbook.report.adjusted import adjustment_rows
from wattbook.report.model import Change, Reduction, Report, Row, carbon_of_both
from wattbook.report.numbers import carbon_text, digits, energy_text, share_text, signed_text
from wattbook.units import G_PER_KG

LETTERS = {"provided": "P", "measured": "M", "estimated": "E"}
HEADS = ("energy", "location-based", "market-based", "basis")
MOST_LETTERS = 160  #: of a name that somebody made up
MANY = 10  #: a change of so many times is no percentage
UNLABELLED = "(no label)"


@frozen(kw_only=True)
class Block:
    """A titled table, or a titled list of sentences where it has no columns."""

    title: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


def clean(text: str) -> str:
    """One line without control characters: labels come from anybody and go to terminals."""
    return "".join(" " if _breaks(unicodedata.category(letter)) else letter for letter in text)


def short(text: str, most: int = MOST_LETTERS) -> str:
    """One line of a bounded length."""
    text = clean(text)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _breaks(category: str) -> bool:
    return category[0] == "C" or category in ("Zl", "Zp")


def title(report: Report) -> str:
    named = report.period.title or f"{report.period.start:%Y-%m-%d} to {report.period.end:%Y-%m-%d}"
    return f"Carbon book {named}"


def subtitle(report: Report) -> str:
    as_of = f", as known on {report.as_of.replace('.000000Z', 'Z')}" if report.as_of else ""
    if report.closed is not None:
        as_of += f", closed {clean(report.closed.told)}"
    return f"{clean(report.period.zone)} time{as_of}; gross, no offsets; ranges are 90 % intervals"


def blocks(report: Report) -> Iterator[Block]:
    """The parts of the report in the order in which they matter."""
    yield Block(title="Total", columns=("", *HEADS), rows=tuple(_total_rows(report)))
    if report.budgets:
        yield Block(title="Budgets", columns=("", "used", "budget", "share"), rows=tuple(_budgets(report)))
    for dim, rows in report.by.items():
        if rows:
            yield Block(
                title=f"By {clean(dim)}", columns=(clean(dim), *HEADS), rows=tuple(_cells(name_of(r), r) for r in rows)
            )
    if report.claims:
        yield Block(
            title="Provided, and what of it we know",
            columns=("account", "month", "location-based", "market-based", "of which ours", "unallocated"),
            rows=tuple(_claims(report)),
        )
    if report.scopes:
        yield Block(
            title="Scopes", columns=("scope", *HEADS[:3], "what"),
            rows=tuple((use.scope, *numbers_of(use.total), clean(use.what)) for use in report.scopes),
        )  # fmt: skip
    if report.change is not None:
        yield Block(
            title=f"Change since {clean(report.change.period.title)}",
            columns=("cause", "carbon", "why"),
            rows=tuple(_change(report.change)),
        )
    if report.adjustments:
        yield Block(
            title="Adjustments of closed months, not in the total above",
            columns=("month", "cause", "energy", "location-based", "market-based", "method not stated", ""),
            rows=tuple(adjustment_rows(report)),
        )
    if len(report.top_runs) > 1:
        yield Block(
            title="Largest runs",
            columns=("run", "what", "project", "energy", "location-based"),
            rows=tuple(
                (
                    use.run_id[:12], clean(use.name), clean(use.project or UNLABELLED),
                    energy_text(use.total.energy), carbon_text(use.total.location_g),
                )
                for use in report.top_runs
            ),
        )  # fmt: skip
    if report.reductions:
        yield Block(
            title="Largest possible reductions",
            columns=("what", "saves", "because", "but"),
            rows=tuple(
                (clean(one.name), saves_text(one), clean(one.what), clean(one.caution)) for one in report.reductions
            ),
        )
    yield Block(title="Coverage", rows=((coverage_text(report),),))
    if report.gaps:
        yield Block(
            title="Not covered",
            columns=("domain", "hosts", "hours", "why"),
            rows=tuple(
                (clean(gap.domain), str(len(gap.hosts)), digits(gap.hours), clean(gap.reason)) for gap in report.gaps
            ),
        )
    if report.factors:
        yield Block(
            title="Grid factors",
            columns=("factor", "g/kWh", "kind", "energy", "source"),
            rows=tuple(
                (
                    f"{clean(use.factor.id)}{' (assumed)' if use.factor.assumed else ''}",
                    f"{use.factor.g_per_kwh:g}",
                    f"{use.factor.signal}, {use.factor.cycle}",
                    energy_text(use.energy_j),
                    clean(use.factor.source),
                )
                for use in report.factors
            ),
        )
    if report.warnings:
        yield Block(title="Notes", rows=tuple((clean(line),) for line in report.warnings))


def saves_text(one: Reduction) -> str:
    """What a reduction saves, and whether that is all that it could."""
    return f"{'at most' if one.at_most else 'about'} {carbon_text(one.saves_g)}"


def _budgets(report: Report) -> Iterator[tuple[str, ...]]:
    for use in report.budgets:
        name = "all" if use.project is None else clean(use.project)
        yield name, carbon_text(use.used_g), carbon_text(use.limit_g), share_text(use.share)


def _change(change: Change) -> Iterator[tuple[str, ...]]:
    before = carbon_of_both(change.total)
    yield (
        clean(change.period.title),
        carbon_text(before),
        "what the period before comes to, as it was closed or as the book has it",
    )
    for step in change.steps:
        yield step.cause, signed_text(step.co2e_g), step.why
    yield "change", signed_text(change.co2e_g), change_text(change)
    yield from (("note", "", clean(note)) for note in change.notes)


def change_text(change: Change) -> str:
    """What the change means, in words."""
    before = carbon_of_both(change.total)
    if change.co2e_g is None or before is None:
        return "the two periods cannot be compared: the carbon of one of them is not known"
    meet = "; the ranges of the two meet, so it may be nothing" if change.ranges_meet else ""
    return f"{_ratio(change.co2e_g, before.value)}{meet}"


def _ratio(change_g: float, before_g: float) -> str:
    if before_g <= 0:
        return "from nothing"
    ratio = change_g / before_g
    return f"{ratio * 100:+.0f} %" if abs(ratio) < MANY else f"{digits(ratio + 1)} times as much"


def _total_rows(report: Report) -> Iterator[tuple[str, ...]]:
    yield ("all", *numbers_of(report.total), mix(report.by_basis))
    for basis, total in report.by_basis.items():
        if total.energy or total.location_g or total.market_g or total.unsplit_g:
            yield (basis, *numbers_of(total), LETTERS[basis])


def _cells(name: str, row: Row) -> tuple[str, ...]:
    return (name, *numbers_of(row.total), mix(row.by_basis))


def name_of(row: Row) -> str:
    return UNLABELLED if row.key is None else clean(row.key)


def numbers_of(total: Total) -> tuple[str, str, str]:
    location, market = carbon_text(total.location_g), carbon_text(total.market_g)
    if total.unsplit_g is not None:
        extra = f"{carbon_text(total.unsplit_g)} of unstated method"
        location = extra if total.location_g is None else f"{location} + {extra}"
    if total.energy is None and total.location_g is None and total.market_g is None and total.unsplit_g is None:
        return "none", "none", "none"
    return energy_text(total.energy), location, market


def mix(by_basis: Mapping[str, Total]) -> str:
    """The bases behind a figure and their part of its carbon, as ``P 60 % M 40 %``."""
    grams = {b: both.value for b, t in by_basis.items() if (both := carbon_of_both(t)) is not None}
    whole = sum(grams.values())
    known = [
        basis
        for basis, total in by_basis.items()
        if total.location_g or total.market_g or total.unsplit_g or total.energy
    ]
    if whole <= 0 or len(known) == 1:
        return " ".join(LETTERS[basis] for basis in known)
    return " ".join(
        f"{LETTERS[basis]} {share_text(grams[basis] / whole)}" if basis in grams else LETTERS[basis] for basis in known
    )


def _claims(report: Report) -> Iterator[tuple[str, ...]]:
    for one in report.claims:
        stated = [
            carbon_text(None if kg is None else float(kg * G_PER_KG))
            for kg in (one.provided.location, one.provided.market)
        ]
        if one.provided.unsplit is not None:
            extra = f"{carbon_text(float(one.provided.unsplit * G_PER_KG))} of unstated method"
            stated[0] = extra if one.provided.location is None else f"{stated[0]} + {extra}"
        inside = one.of_which.location_g
        yield (
            clean(f"{one.provider}/{one.account}"), one.month, *stated,
            carbon_text(inside) if inside else "nothing", carbon_text(one.unallocated_g),
        )  # fmt: skip


def coverage_text(report: Report) -> str:
    seen = report.coverage
    if seen.share is None:
        return "no host of this book was seen at work in this period"
    hours = f"{digits(seen.known_host_hours)} of {digits(seen.expected_host_hours)} host-hours"
    return f"{share_text(seen.share)}: {hours} have a figure; hours that nobody recorded are not among them"
