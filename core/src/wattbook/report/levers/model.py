"""The nouns of a what-if: a lever, what it does to each figure, and what comes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

from attrs import field, frozen

from wattbook.accounting import Interval
from wattbook.accounting.carbon import Pins, pinned
from wattbook.factors import Factor
from wattbook.report.atoms import Atom
from wattbook.report.model import RunUse

#: where a saving comes from, the surest first
HERE, MODEL, LITERATURE, ASSUMED = "measured here", "a model", "literature", "assumed"
PARTLY, ESTIMATED = "partly measured here", "estimated here"

#: what a later month is compared by: its amount, or its rate per kWh or hour of the same work
AMOUNT, PER_ENERGY, PER_HOUR, PER_ALL = "amount", "per energy", "per hour", "share of all"


@frozen(kw_only=True)
class Share:
    """A part of something with its 90 % interval; negative where it becomes more."""

    value: float
    low: float
    high: float

    def __attrs_post_init__(self) -> None:
        if not self.low <= self.value <= self.high:
            raise ValueError(f"{self.value} lies outside {self.low} to {self.high}")

    def times(self, other: Share) -> Share:
        ends = [a * b for a in (self.low, self.high) for b in (other.low, other.high)]
        return Share(value=self.value * other.value, low=min(ends), high=max(ends))


ALL = Share(value=1.0, low=1.0, high=1.0)
NONE = Share(value=0.0, low=0.0, high=0.0)


@frozen(kw_only=True)
class Effect:
    """What a lever does to one atom: which share of its energy goes, and by which factor and PUE the rest counts."""

    less: Share = NONE
    cleaner: Share = NONE  #: share of the carbon that goes while the energy stays
    factor: Factor | None = None  #: ``None``: the one it has
    pue: float | None = None  #: ``None``: the one it has


@frozen(kw_only=True)
class Marginal:
    """What one more kWh causes in a zone: for decisions only, and never part of an inventory."""

    zone: str
    source: str
    g_per_kwh: float | None = None
    hourly_g_per_kwh: tuple[float, ...] = ()  #: 24 values, by the hour of the day there


@frozen(kw_only=True)
class Options:
    """What a person may say about a lever; ``None`` where it says nothing."""

    zone: str | None = None
    chip: tuple[str, float] | None = None  #: name and watts
    instead_of: tuple[str, float] | None = None
    part: Share = ALL  #: of what the lever acts on
    slower: Share = field(factory=lambda: Share(value=1.5, low=1.0, high=3.0))  #: a laptop, times as long
    laptop_w: Share | None = None


@frozen(kw_only=True)
class Evidence:
    """What levers look at: a period's own figures, its runs, and what the configuration says."""

    atoms: Sequence[Atom]
    runs: Sequence[RunUse] = ()
    marginal: Mapping[str, Marginal] = field(factory=dict)
    price_per_kwh: float | None = None
    currency: str = ""
    by_hour: Mapping[str, Sequence[float]] = field(factory=dict)  #: zone -> joules that can wait, by hour of the day
    caps: Mapping[str, float] = field(factory=dict)  #: of a run that names its power limit, its watts
    pins: Pins = field(factory=dict, repr=False)  #: factors that a closed period was closed with

    def held(self) -> AbstractContextManager[None]:
        """Inside, the factors hold that the period was closed with."""
        return pinned(self.pins) if self.pins else nullcontext()


@frozen(kw_only=True)
class Lever:
    """One thing to do, with what it does to each atom; ``unknown`` where this book cannot tell."""

    name: str  #: as it is typed: ``idle-off``
    title: str
    what: str
    at_most: bool = False  #: everything it acts on goes; what of it can really go, nobody knows
    confidence: str = HERE
    source: str = ""
    caution: str
    effects: Mapping[int, Effect] = field(factory=dict, repr=False)  #: by the number of the atom
    arithmetic: tuple[str, ...] = ()
    unknown: str | None = None
    notes: tuple[str, ...] = ()
    marginal_g: Interval | None = None  #: where it is no saved energy times a marginal factor
    later: str = AMOUNT  #: how a later month tells
    acts_on: frozenset[int] = frozenset()  #: numbers of the atoms that a later month compares
    argument: str | None = None  #: the zone or chip


@frozen(kw_only=True)
class Saving:
    """What a lever would have saved in the period; ``None`` is unknown, never zero."""

    lever: Lever
    energy: Interval | None = None
    co2e: Interval | None = None  #: location-based, by average factors
    marginal: Interval | None = None  #: by marginal factors: never added to, or compared with, the former
    money: Interval | None = None
    currency: str = ""
    acts_on_j: float = 0.0
    confidence: str = ""  #: that of the lever, where its energy is measured
