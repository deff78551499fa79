"""Totals of entries: outermost ones only, energy and both views of carbon, each with its interval."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from wattbook.accounting.carbon import carbon_of_energy, factor_of
from wattbook.accounting.intervals import ENERGY, LOCATION, MARKET, UNSPLIT, Interval, Sum
from wattbook.records import Entry, Place
from wattbook.units import G_PER_KG

if TYPE_CHECKING:
    from wattbook.accounting.statements import MonthTotals


class Total(NamedTuple):
    """What a set of entries and provided figures adds up to; ``None`` is unknown, never zero."""

    energy: Interval | None
    location_g: Interval | None
    market_g: Interval | None
    unsplit_g: Interval | None = None  #: provided figures whose method nobody states: in neither view
    without_interval: int = 0  #: how many figures have an unknown error
    without_factor_j: float = 0.0  #: energy whose carbon is not known, because no factor is


class Tally:
    """Add entries and provided figures one by one; ``total`` reads the sums at any time."""

    __slots__ = ("_sums",)

    def __init__(self) -> None:
        self._sums: dict[str, Sum] = {}  # most of a report's many tallies hold energy and our own grams alone

    def _of(self, name: str, unit: str) -> Sum:
        found = self._sums.get(name)
        if found is None:
            found = self._sums[name] = Sum(unit)
        return found

    @property
    def energy(self) -> Sum:
        return self._of("energy", ENERGY)

    @property
    def own(self) -> Sum:
        """Measured and estimated, by grid averages."""
        return self._of("own", LOCATION)

    @property
    def location(self) -> Sum:
        """Provided."""
        return self._of("location", LOCATION)

    @property
    def market(self) -> Sum:
        """Provided."""
        return self._of("market", MARKET)

    @property
    def unsplit(self) -> Sum:
        """Provided."""
        return self._of("unsplit", UNSPLIT)

    @property
    def no_factor(self) -> Sum:
        return self._of("no_factor", ENERGY)

    def add(self, entry: Entry) -> None:
        """An entry; gaps, breakdowns of other entries and models' figures add nothing."""
        if counts(entry):
            assert entry.energy_j is not None
            year = int(entry.start[:4])
            self.add_energy(entry.energy_j, entry.low_j, entry.high_j, cause=entry.cause, place=entry.place, year=year)

    def add_energy(
        self, joules: float, low_j: float | None, high_j: float | None, *, cause: str, place: Place, year: int
    ) -> None:
        """Energy of one cause of error, used in one place in one year."""
        if low_j is None or high_j is None:
            self.energy.add_value(joules, (), known=False)
        else:
            self.energy.add_value(joules, ((cause, joules - low_j, high_j - joules),))
        factor = factor_of(place, year)
        if factor is None:
            self.no_factor.add_value(joules, (), known=False)
            return
        grams, errors, known = carbon_of_energy(joules, low_j, high_j, cause, place, factor)
        self.own.add_value(grams, errors, known=known)

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
        for name, theirs in other._sums.items():
            if theirs.parts:
                self._of(name, theirs.unit).merge(theirs)

    def location_sum(self) -> Sum:
        """Location-based: our figures by grid averages, and those that providers state so."""
        both = self.own.retold(LOCATION)
        both.merge(self.location)
        return both

    def market_sum(self) -> Sum:
        """Market-based: the grid average stands in where there is no instrument, beside what providers state so."""
        both = self.own.retold(MARKET)
        both.merge(self.market)
        return both

    def total(self) -> Total:
        location = self.location_sum()
        return Total(
            energy=self.energy.interval(),
            location_g=location.interval(),
            market_g=self.market_sum().interval(),
            unsplit_g=self.unsplit.interval(),
            without_interval=max(self.energy.without_interval, location.without_interval),
            without_factor_j=self.no_factor.value,
        )


def counts(entry: Entry) -> bool:
    """Whether an entry is an addend: a reading, and neither a breakdown of another one nor a model's figure beside it."""
    return entry.kind == "reading" and entry.outermost and entry.energy_j is not None


def total(entries: Iterable[Entry]) -> Total:
    """The total of *entries*; gaps and breakdowns never change it."""
    tally = Tally()
    for entry in entries:
        tally.add(entry)
    return tally.total()
