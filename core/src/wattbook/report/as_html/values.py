"""What stands in the page, as plain values: figures with their text, their number and the place that explains them."""

from __future__ import annotations

import re

from attrs import frozen

from wattbook.accounting import Interval, Total
from wattbook.report.cards import Told
from wattbook.report.numbers import carbon_text, energy_text


@frozen(kw_only=True)
class Fig:
    """A figure: what a reader sees, the number behind it, and where it is explained."""

    text: str
    value: float | None = None
    anchor: str | None = None


@frozen(kw_only=True)
class Card:
    """A card of the first screen."""

    head: str
    answer: Fig
    below: str


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


def card(told: Told) -> Card:
    text = tied(f"{told.arrow} {told.answer}".lstrip())
    return Card(
        head=told.head, answer=Fig(text=text, value=told.value, anchor=told.anchor), below=tied(told.below)
    )  # fmt: skip


def tied(text: str) -> str:
    """A number and its unit stay on one line, and so do the two ends of a range."""
    text = re.sub(r"(?<=\d)-(?=\d)", "\u2060-\u2060", text)
    return re.sub(r"(?<=\d) (?=(%|[kMGmµ]?Wh|[kmµ]?g|[kM]?t|CO2e)\b|%)", "\u00a0", text)


def amounts(total: Total, anchor: str | None, basis: str = "") -> Amounts:
    nothing = not (total.energy or total.location_g or total.market_g or total.unsplit_g)
    location = None if total.location_g is None and total.unsplit_g is not None else total.location_g
    return Amounts(
        energy=fig(total.energy, energy_text, anchor, nothing),
        location=None
        if location is None and total.unsplit_g is not None
        else fig(location, carbon_text, anchor, nothing),
        market=fig(total.market_g, carbon_text, anchor, nothing),
        unsplit=None if total.unsplit_g is None else fig(total.unsplit_g, carbon_text, anchor),
        basis=basis,
        nothing=nothing,
    )


def fig(interval: Interval | None, text: object, anchor: str | None, nothing: bool = False) -> Fig:
    assert callable(text)
    if nothing:
        return Fig(text="none")
    return Fig(text=text(interval), value=None if interval is None else interval.value, anchor=anchor)
