"""Hours of a described machine as entries of the book, and their carbon."""

from __future__ import annotations

from collections.abc import Mapping

from wattbook.accounting import Interval, Sum
from wattbook.accounting.carbon import carbon_of_energy, factor_of
from wattbook.byhand.estimators import Hourly
from wattbook.factors import Factor
from wattbook.records import Entry, Labels, Place, cause_of, told_terms


class Entries:
    """Makes entries from hourly figures."""

    def __init__(self, versions: Mapping[str, str], *, synthetic: bool = False) -> None:
        self._versions = versions  #: of the plugins
        self._synthetic = synthetic
        self._grams: dict[tuple[Hourly, Place, int], Interval | None] = {}

    def of(
        self, hourly: Hourly, hours: float, *, run_id: str, start: str, end: str, labels: Labels, place: Place
    ) -> list[Entry]:
        """The entries of *hours*, each machine of them a host of its own."""
        return [
            Entry(
                run_id=run_id, start=start, end=end, host=run_id, device=reading.domain.device,
                domain=reading.domain.name, basis=str(reading.basis), energy_j=reading.energy_j * hours,
                low_j=None if reading.low_j is None else reading.low_j * hours,
                high_j=None if reading.high_j is None else reading.high_j * hours,
                plugin=plugin, source=reading.source, source_version=self._versions.get(plugin, ""),
                cause=cause_of(reading, plugin), method=reading.method, terms=told_terms(reading),
                warnings=reading.warnings, labels=labels, place=place, synthetic=self._synthetic,
            )
            for plugin, reading in hourly.readings
        ]  # fmt: skip

    def grams(self, hourly: Hourly, hours: float, place: Place, year: int) -> Interval | None:
        """Location-based grams of *hours*; ``None`` where no factor is known."""
        key = (hourly, place, year)
        if key not in self._grams:
            self._grams[key] = _grams(hourly, place, factor_of(place, year))
        hour = self._grams[key]
        if hour is None or hour.low is None or hour.high is None:
            return hour
        return Interval(hour.value * hours, hour.low * hours, hour.high * hours, unit=hour.unit)


def _grams(hourly: Hourly, place: Place, factor: Factor | None) -> Interval | None:
    if factor is None:
        return None
    grams = Sum(unit="g CO2e")
    for plugin, reading in hourly.readings:
        cause = cause_of(reading, plugin)
        value, errors, known = carbon_of_energy(reading.energy_j, reading.low_j, reading.high_j, cause, place, factor)
        grams.add_value(value, errors, known=known)
    return grams.interval()
