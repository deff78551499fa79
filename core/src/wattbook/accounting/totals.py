"""Totals of entries: outermost ones only, energy and both views of carbon, each with its interval."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import define, field, frozen

from wattbook.accounting.carbon import carbon_parts, factor_of
from wattbook.accounting.intervals import ENERGY, LOCATION, MARKET, UNSPLIT, Interval, Sum
from wattbook.accounting.statements import MonthTotals
from wattbook.records import Entry
from wattbook.units import G_PER_KG


@frozen(kw_only=True)
class Total:
    """What a set of entries and provided figures adds up to; ``None`` is unknown, never zero."""

    energy: Interval | None
    location_g: Interval | None
    market_g: Interval | None
    unsplit_g: Interval | None = None  #: provided figures whose method nobody states: in neither view
    without_interval: int = 0  #: how many figures have an unknown error
    without_factor_j: float = 0.0  #: energy whose carbon is not known, because no factor is


@define
class Tally:
    """Add entries and provided figures one by one; ``total`` reads the sums at any time."""

    energy: Sum = field(factory=lambda: Sum(unit=ENERGY), init=False)
    location: Sum = field(factory=lambda: Sum(unit=LOCATION), init=False)
    market: Sum = field(factory=lambda: Sum(unit=MARKET), init=False)
    unsplit: Sum = field(factory=lambda: Sum(unit=UNSPLIT), init=False)
    no_factor: Sum = field(factory=lambda: Sum(unit=ENERGY), init=False)

    def add(self, entry: Entry) -> None:
        """An entry; gaps and breakdowns of other entries add nothing."""
        if not counts(entry):
            return
        assert entry.energy_j is not None
        self.energy.add(Interval(entry.energy_j, entry.low_j, entry.high_j, unit=ENERGY), entry.cause)
        factor = factor_of(entry.place, int(entry.start[:4]))
        if factor is None:
            self.no_factor.add_value(entry.energy_j, (), known=False)
            return
        grams, errors, known = carbon_parts(entry, factor)
        self.location.add_value(grams, errors, known=known)
        self.market.add_value(grams, errors, known=known)

    def add_provided(self, totals: MonthTotals, share: float = 1.0) -> None:
        """A provider's figures, or a *share* of them; their error is not known."""
        for kilograms, to in (
            (totals.location, self.location),
            (totals.market, self.market),
            (totals.unsplit, self.unsplit),
        ):
            if kilograms is not None:
                to.add_value(float(kilograms * G_PER_KG) * share, (), known=False)

    @property
    def parts(self) -> int:
        """How many figures were added."""
        return self.energy.parts + self.location.parts + self.market.parts + self.unsplit.parts

    def merge(self, other: Tally) -> None:
        for name in ("energy", "location", "market", "unsplit", "no_factor"):
            getattr(self, name).merge(getattr(other, name))

    def total(self) -> Total:
        return Total(
            energy=self.energy.interval(),
            location_g=self.location.interval(),
            market_g=self.market.interval(),
            unsplit_g=self.unsplit.interval(),
            without_interval=max(self.energy.without_interval, self.location.without_interval),
            without_factor_j=self.no_factor.value,
        )


def counts(entry: Entry) -> bool:
    """Whether an entry is an addend: a reading, and not a breakdown of another one."""
    return entry.kind != "gap" and entry.outermost and entry.energy_j is not None


def total(entries: Iterable[Entry]) -> Total:
    """The total of *entries*; gaps and breakdowns never change it."""
    tally = Tally()
    for entry in entries:
        tally.add(entry)
    return tally.total()
