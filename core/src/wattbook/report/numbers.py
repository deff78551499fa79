"""Numbers for people: scaled units, at most three significant digits, ranges as ``12-19 Wh``."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from wattbook.accounting.intervals import Interval
from wattbook.units import J_PER_WH

Scale = Sequence[tuple[float, str]]

ENERGY_SCALE: Scale = ((1e9, "GWh"), (1e6, "MWh"), (1e3, "kWh"), (1.0, "Wh"), (1e-3, "mWh"), (1e-6, "µWh"))
CARBON_SCALE: Scale = ((1e12, "Mt"), (1e9, "kt"), (1e6, "t"), (1e3, "kg"), (1.0, "g"), (1e-3, "mg"), (1e-6, "µg"))


def energy_text(energy: Interval | float | None) -> str:
    """Joules as watt-hours, with the range where there is one; ``unknown`` for ``None``."""
    return _text(energy, J_PER_WH, ENERGY_SCALE)


def carbon_text(grams: Interval | float | None) -> str:
    """Grams of CO2e, scaled, with the range where there is one; ``unknown`` for ``None``."""
    return _text(grams, 1.0, CARBON_SCALE)


def signed_text(grams: float | None) -> str:
    """A difference in grams with its sign, ``+12 kg``; ``unknown`` for ``None``."""
    return _signed(grams, carbon_text)


def signed_energy_text(joules: float | None) -> str:
    """A difference in joules as watt-hours with its sign; ``unknown`` for ``None``."""
    return _signed(joules, energy_text)


def _signed(value: float | None, text: Callable[[float | None], str]) -> str:
    if not value:
        return text(value)
    return f"{'+' if value > 0 else '-'}{text(abs(value))}"


def _text(quantity: Interval | float | None, divisor: float, scale: Scale) -> str:
    if quantity is None:
        return "unknown"
    if not isinstance(quantity, Interval):
        return scaled(quantity / divisor, scale)
    if quantity.low is None or quantity.high is None:
        return scaled(quantity.value / divisor, scale)
    if quantity.low < 0:
        return spread_text(quantity, divisor, scale)
    return scaled_range(quantity.low / divisor, quantity.value / divisor, quantity.high / divisor, scale)


def scaled(value: float, scale: Scale) -> str:
    """``1.23 kWh``."""
    factor, unit = _unit(value, scale)
    return f"{digits(value / factor)} {unit}"


def scaled_range(low: float, value: float, high: float, scale: Scale) -> str:
    """``12-19 Wh``; a range narrower than the third digit is one number."""
    factor, unit = _unit(high, scale)
    low, value, high = low / factor, value / factor, high / factor
    width = high - low
    if high <= 0 or width / high < 0.005:
        return f"{digits(value)} {unit}"
    # one digit of the width says all that the ends can; at least two and at most three of the upper end
    top = -math.floor(math.log10(high))
    decimals = min(max(-math.floor(math.log10(width)), top + 1), top + 2)
    ends = [_fixed(end, decimals) for end in (low, high)]
    return f"{ends[0]}-{ends[1]} {unit}" if ends[0] != ends[1] else f"{digits(value)} {unit}"


def digits(value: float) -> str:
    """At most three significant digits, no exponent."""
    if value == 0:
        return "0"
    rounded = float(f"{value:.2e}")  # 9.996 has become 10.0, which has a digit less to show
    return _fixed(rounded, 2 - math.floor(math.log10(abs(rounded))))


def _fixed(value: float, decimals: int) -> str:
    return f"{round(value, decimals):.{max(0, decimals)}f}"


def _unit(value: float, scale: Scale) -> tuple[float, str]:
    # 999.6 Wh would read 1000 Wh: it belongs to the next unit
    found = next((step for step in scale if abs(value) >= step[0] * 0.9995), None)
    return found or (next(step for step in scale if step[0] == 1.0) if value == 0 else scale[-1])


def spread_text(interval: Interval | None, divisor: float, scale: Scale) -> str:
    """A difference or a saving, which may be below zero: ``1.2 kg (-0.3 to 2.1 kg)``."""
    if interval is None:
        return "unknown"
    ends = [interval.value, interval.low, interval.high]
    value, low, high = (None if end is None else end / divisor for end in ends)
    assert value is not None
    if low is None or high is None:
        return scaled(value, scale)
    if low >= 0:
        return scaled_range(low, value, high, scale)
    factor, unit = _unit(max(abs(low), abs(high)), scale)
    least = max(abs(low), abs(high)) / factor / 100  # what is less than a hundredth of the ends is nothing
    texts = [digits(0.0 if abs(end / factor) < least else end / factor) for end in (value, low, high)]
    return f"{texts[0]} {unit} ({texts[1]} to {texts[2]})"


def share_text(share: float | None) -> str:
    """A share as a percentage; a small one is not nothing, and nearly all is not all."""
    if share is None:
        return "unknown"
    if 0 < share < 0.005:
        return "<1 %"
    return ">99 %" if 0.995 <= share < 1 else f"{share * 100:.0f} %"
