"""How a figure came about, as values that a page can show: addends, provided figures, arithmetic, evidence."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from wattbook.accounting import Total
from wattbook.report.atoms import Line

LISTED = 30  #: claims, budgets, gaps, factors, sources and notes that a page shows


@frozen(kw_only=True)
class Origin:
    """One source on one domain of one host: what its readings come to, and what proves it."""

    anchor: str
    basis: str
    name: str  #: host and domain
    source: str
    method: str
    count: int
    hours: float
    start: str
    end: str
    total: Total
    formula: str  #: from joules to grams, with its numbers
    terms: tuple[str, ...] = ()  #: the arithmetic of the largest reading, where a model made it
    evidence: tuple[str, ...] = ()  #: hashes of what was imported, the first few
    evidence_count: int = 0
    runs: tuple[str, ...] = ()  #: the first few
    runs_count: int = 0


@frozen(kw_only=True)
class Addend:
    """What one origin, or several small ones together, adds to a figure."""

    anchor: str | None
    name: str
    basis: str
    count: int
    total: Total


@frozen(kw_only=True)
class Provided:
    """A provider's figure, or the part of it, that enters a figure."""

    account: str
    month: str
    share: float
    location_g: float | None
    market_g: float | None
    unsplit_g: float | None
    model: str
    evidence: tuple[str, ...] = ()


@frozen(kw_only=True)
class Cause:
    """How far one cause of error moves a sum, down and up."""

    cause: str
    down: float
    up: float


@frozen(kw_only=True)
class Derivation:
    """The way from the leaves to one figure, or to the figures of one row."""

    anchor: str
    title: str
    total: Total | None = None
    words: tuple[str, ...] = ()
    addends: tuple[Addend, ...] = ()
    provided: tuple[Provided, ...] = ()
    energy_causes: tuple[Cause, ...] = ()
    carbon_causes: tuple[Cause, ...] = ()


@frozen(kw_only=True)
class Derived:
    """All derivations of a report by their anchor, and the origins that they name."""

    figures: Mapping[str, Derivation] = field(factory=dict)
    origins: tuple[Origin, ...] = ()
    anchors: Mapping[Line, str] = field(factory=dict, repr=False)  #: of a line, the anchor of its origin
