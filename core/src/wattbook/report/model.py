"""The nouns of a report, free of any format."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from wattbook.accounting import Claim, Interval, MonthTotals, Total
from wattbook.accounting.carbon import Pins
from wattbook.factors import Factor
from wattbook.records import Entry
from wattbook.report.atoms import Atom
from wattbook.report.period import Period

#: where the rest of a provider's figure goes that none of our entries accounts for
UNALLOCATED = "(unallocated)"


def carbon_of_both(total: Total) -> Interval | None:
    """Location-based grams and those of unstated method: what a budget and a comparison look at."""
    known = [part for part in (total.location_g, total.unsplit_g) if part is not None]
    if len(known) < 2:
        return known[0] if known else None
    one, other = known
    value = one.value + other.value
    if one.low is None or one.high is None:
        return Interval(value)
    return Interval(value, min(value, one.low + other.value), max(value, one.high + other.value))


@frozen(kw_only=True)
class Row:
    """One key of a dimension; ``None`` where entries carry no such label."""

    key: str | None
    total: Total
    by_basis: Mapping[str, Total]


@frozen(kw_only=True)
class Coverage:
    """How many hours of the hosts in the book have a figure, of those that should."""

    known_host_hours: float
    expected_host_hours: float

    @property
    def share(self) -> float | None:
        return self.known_host_hours / self.expected_host_hours if self.expected_host_hours else None


@frozen(kw_only=True)
class GapGroup:
    """What nobody covered, with its reason, over all hosts; bounds where every one of them has some."""

    domain: str
    reason: str
    count: int
    hosts: tuple[str, ...]
    hours: float
    low_j: float | None
    high_j: float | None


@frozen(kw_only=True)
class FactorUse:
    """A factor, what it was applied to, and what a reader should know about it."""

    factor: Factor
    energy_j: float
    co2e_g: float
    notes: tuple[str, ...]


@frozen(kw_only=True)
class RunUse:
    """One run's part of the total."""

    run_id: str
    name: str
    project: str | None
    total: Total
    atoms: tuple[Atom, ...] = field(default=(), repr=False, eq=False)


@frozen(kw_only=True)
class Share:
    """A provider's figures, or their part, as they enter one key of a dimension."""

    claim: Claim
    figures: MonthTotals
    share: float


@frozen(kw_only=True)
class Stated:
    """Where an account's month comes from: what stands behind a provided figure."""

    provider: str
    account: str
    month: str
    interface: str
    model_version: str
    completeness: str
    figures: int
    evidence: tuple[str, ...] = ()  #: hashes of the figures as they were imported


@frozen(kw_only=True)
class ScopeUse:
    """One scope of the GHG Protocol, and why figures stand in it."""

    scope: str  #: ``2``, ``3 category 1``
    what: str
    total: Total
    sites: tuple[str, ...] = ()  #: of our own entries
    provided: bool = False


@frozen(kw_only=True)
class Step:
    """One cause of a change and its part in grams, location-based; all steps add up to the change."""

    cause: str
    co2e_g: float
    why: str


@frozen(kw_only=True)
class Change:
    """What became of the total since the period before, and why as far as the book tells.

    ``steps`` are empty where one of the two totals is not known.
    """

    period: Period
    total: Total
    co2e_g: float | None  #: location-based and of unstated method, this period less the one before
    ranges_meet: bool  #: whether the two intervals have a value in common
    steps: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()


@frozen(kw_only=True)
class BudgetUse:
    """A limit of the configuration and what of it is used; ``project`` is ``None`` for the whole team."""

    project: str | None
    limit_g: float
    used_g: Interval | None

    @property
    def share(self) -> float | None:
        return None if self.used_g is None else self.used_g.value / self.limit_g


@frozen(kw_only=True)
class Reduction:
    """Something to do, and at most how much of this period's figure it would have taken away."""

    name: str
    what: str
    saves_g: Interval
    basis: str  #: where the claim comes from
    caution: str
    arithmetic: tuple[str, ...] = ()
    lever: str = ""  #: its name for ``wattbook whatif``
    at_most: bool = True  #: everything it acts on would go; what of it really can, nobody knows


@frozen(kw_only=True)
class Closed:
    """Since when a month is closed, and whether its figures came out the same when they were made again."""

    at: str
    by: str | None
    note: str
    manifest_id: str
    wattbook: str  #: the version that closed it
    told: str  #: when and by whom, for a sentence
    reproduced: bool


@frozen(kw_only=True)
class Adjusted:
    """What became known of a closed month afterwards: told in an open month, and not part of its total."""

    month: str
    large: bool
    told: Mapping[str, Any]  #: plain values: energy and carbon, in all and by cause


@frozen(kw_only=True)
class Report:
    """A period of the book, added up; the same book gives the same report, byte for byte."""

    period: Period
    as_of: str | None
    watermark: str | None
    total: Total
    by_basis: Mapping[str, Total]
    by: Mapping[str, tuple[Row, ...]]
    claims: tuple[Claim, ...] = ()
    contained: tuple[tuple[Atom, ...], ...] = field(default=(), repr=False, eq=False)  #: in each claim
    coverage: Coverage
    gaps: tuple[GapGroup, ...] = ()
    factors: tuple[FactorUse, ...] = ()
    top_runs: tuple[RunUse, ...] = ()
    warnings: tuple[str, ...] = field(default=())
    scopes: tuple[ScopeUse, ...] = ()
    before: Period | None = None  #: the period that this one was to be compared with
    change: Change | None = None
    budgets: tuple[BudgetUse, ...] = ()
    reductions: tuple[Reduction, ...] = ()
    entries: int = 0  #: how many count in the totals
    largest: tuple[Entry, ...] = ()  #: the largest of them
    stated: tuple[Stated, ...] = ()
    atoms: tuple[Atom, ...] = field(default=(), repr=False, eq=False)  #: what every own figure is a sum of
    provided: Mapping[str, Mapping[str | None, tuple[Share, ...]]] = field(factory=dict, repr=False, eq=False)
    closed: Closed | None = None
    adjustments: tuple[Adjusted, ...] = ()  #: of closed months
    pins: Pins = field(factory=dict, repr=False, eq=False)  #: factors that hold whatever a lookup says now
