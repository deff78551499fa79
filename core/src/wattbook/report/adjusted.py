"""What became known of closed months, line by line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from wattbook.accounting import Interval, Total
from wattbook.report.model import Report
from wattbook.report.numbers import signed_energy_text, signed_text

LARGE = "more than 5 % of what it was closed with"
#: of a figure that an adjustment leaves as it was, or that nobody states
SAME = "–"


@frozen(kw_only=True)
class Line:
    """One closed month and one cause of its change, or the month in all where there is no cause."""

    place: int  #: of the month among those that are told
    month: str
    cause: str | None
    energy_j: float | None
    location_g: float | None
    market_g: float | None
    unsplit_g: float | None
    note: str

    @property
    def total(self) -> Total:
        """The differences as a total; none of them has an interval."""
        told = [None if value is None else Interval(value) for value in self.differences]
        return Total(energy=told[0], location_g=told[1], market_g=told[2], unsplit_g=told[3])

    @property
    def differences(self) -> tuple[float | None, float | None, float | None, float | None]:
        return self.energy_j, self.location_g, self.market_g, self.unsplit_g

    @property
    def texts(self) -> tuple[str, ...]:
        energy = SAME if self.energy_j is None else signed_energy_text(self.energy_j)
        return energy, *(SAME if grams is None else signed_text(grams) for grams in self.differences[1:])


def adjusted_lines(report: Report) -> Iterator[Line]:
    """One line for every closed month and cause, and one for the month in all."""
    for place, one in enumerate(report.adjustments):
        for cause in one.told["causes"]:
            yield _line(place, one.month, cause["cause"], cause, _some(cause["count"]))
        yield _line(place, one.month, None, one.told, LARGE if one.large else "")


def adjustment_rows(report: Report) -> Iterator[tuple[str, ...]]:
    """The same as rows of a table."""
    for line in adjusted_lines(report):
        yield line.month, line.cause or "in all", *line.texts, line.note


def _line(place: int, month: str, cause: str | None, told: Mapping[str, Any], note: str) -> Line:
    grams = told["co2e_g"]
    return Line(
        place=place, month=month, cause=cause, energy_j=told["energy_j"], location_g=grams["location"],
        market_g=grams["market"], unsplit_g=grams["unsplit"], note=note,
    )  # fmt: skip


def _some(count: int) -> str:
    return f"{count} rows" if count > 1 else "1 row" if count else ""
