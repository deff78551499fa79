"""From joules to grams: energy x PUE x grid factor, with the factor's error as one more cause."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import NamedTuple

from wattbook.accounting.intervals import LOCATION, MARKET, Interval, Sum
from wattbook.factors import Factor, lookup
from wattbook.records import Entry, Place
from wattbook.units import J_PER_KWH

#: The Scope 2 Guidance lets the grid average stand in where there is neither a contractual instrument
#: nor a residual mix; the report says that it did.
NO_INSTRUMENT = (
    "market-based figures of measured and estimated energy use the grid average: "
    "no contractual instrument or residual mix is configured"
)


class Carbon(NamedTuple):
    """Grams of one entry in both views; ``None`` where they are not known."""

    location: Interval | None = None
    market: Interval | None = None
    factor: Factor | None = None


Errors = tuple[tuple[str, float, float], ...]


Pins = Mapping[tuple[Place, int], Factor | None]
_PINS: ContextVar[Pins | None] = ContextVar("pins", default=None)


@contextmanager
def pinned(pins: Pins) -> Iterator[None]:
    """Inside, these factors hold whatever a lookup would say now: a closed month keeps the factors it was closed with."""
    token = _PINS.set(pins)
    try:
        yield
    finally:
        _PINS.reset(token)


def factor_of(place: Place, year: int) -> Factor | None:
    """The pinned factor where there is one, else the shipped or configured one."""
    pins = _PINS.get()
    if pins is not None and (place, year) in pins:
        return pins[place, year]
    return _looked_up(place, year)


@lru_cache(maxsize=4096)
def _looked_up(place: Place, year: int) -> Factor | None:
    return lookup(place, year)


def carbon_of(entry: Entry, factor: Factor | None = None) -> Carbon:
    """The carbon of one entry, by *factor* or by the one of its place and year.

    A gap has none; neither has an entry in a zone without a factor.  PUE is applied where the place has
    one, else the facility is not counted.  Raises ``ValueError`` for a marginal factor: it serves
    decisions and never enters the inventory.
    """
    if entry.kind == "gap" or entry.energy_j is None:
        return Carbon()
    factor = factor or factor_of(entry.place, int(entry.start[:4]))
    if factor is None:
        return Carbon()
    value, errors, known = carbon_parts(entry, factor)
    views = []
    for unit in (LOCATION, MARKET):
        one = Sum(unit=unit)
        one.add_value(value, errors, known=known)
        views.append(one.interval())
    return Carbon(location=views[0], market=views[1], factor=factor)


def carbon_parts(entry: Entry, factor: Factor) -> tuple[float, Errors, bool]:
    """Grams, their errors by cause, and whether the error of the energy is known."""
    assert entry.energy_j is not None
    return carbon_of_energy(entry.energy_j, entry.low_j, entry.high_j, entry.cause, entry.place, factor)


def carbon_of_energy(
    energy_j: float, low_j: float | None, high_j: float | None, energy_cause: str, place: Place, factor: Factor
) -> tuple[float, Errors, bool]:
    """The same for energy that is no entry yet."""
    cause, down, up = _grid_error(factor)
    grams = grams_of(energy_j, place, factor.g_per_kwh)
    grid = (cause, grams * down, grams * up)
    if low_j is None or high_j is None:
        return grams, (grid,), False
    low = grams_of(low_j, place, factor.g_per_kwh)
    high = grams_of(high_j, place, factor.g_per_kwh)
    return grams, ((energy_cause, grams - low, high - grams), grid), True


@lru_cache(maxsize=4096)
def _grid_error(factor: Factor) -> tuple[str, float, float]:
    """The factor as a cause, and how far down and up it may move a figure, as shares of it."""
    if factor.signal == "marginal":
        raise ValueError(f"{factor.id} is a marginal factor: it never enters the inventory")
    if factor.g_per_kwh == 0:
        return f"factor:{factor.id}", 0.0, 0.0
    down, up = 1 - factor.low_g_per_kwh / factor.g_per_kwh, factor.high_g_per_kwh / factor.g_per_kwh - 1
    return f"factor:{factor.id}", down, up


def grams_of(energy_j: float, place: Place, g_per_kwh: float) -> float:
    """kWh x PUE x g/kWh; without a PUE the facility is not counted."""
    return energy_j / J_PER_KWH * (place.pue or 1.0) * g_per_kwh
