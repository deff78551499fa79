"""Repeated figures: mean, deviation, number, and how sure the mean is."""

from __future__ import annotations

import math
from collections.abc import Sequence

from attrs import frozen

#: Student's t, the 95 % point for 1 to 30 degrees of freedom: half of a 90 % interval
T95 = (
    6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833, 1.812, 1.796, 1.782, 1.771, 1.761, 1.753,
    1.746, 1.740, 1.734, 1.729, 1.725, 1.721, 1.717, 1.714, 1.711, 1.708, 1.706, 1.703, 1.701, 1.699, 1.697,
)  # fmt: skip
Z95 = 1.6449


@frozen(kw_only=True)
class Spread:
    """How figures of the same thing scatter; ``deviation`` is ``None`` for a single one."""

    number: int
    mean: float
    deviation: float | None

    @property
    def error(self) -> float | None:
        """The standard error of the mean."""
        return None if self.deviation is None else self.deviation / math.sqrt(self.number)


def spread_of(figures: Sequence[float]) -> Spread | None:
    """``None`` for no figures."""
    if not figures:
        return None
    mean = math.fsum(figures) / len(figures)
    if len(figures) < 2:
        return Spread(number=1, mean=mean, deviation=None)
    deviation = math.sqrt(math.fsum((x - mean) ** 2 for x in figures) / (len(figures) - 1))
    return Spread(number=len(figures), mean=mean, deviation=deviation)


def half_width(one: Spread, other: Spread) -> float | None:
    """Half of the 90 % interval of the difference of two means (Welch); ``None`` where one is a single figure."""
    if one.error is None or other.error is None:
        return None
    a, b = one.error**2, other.error**2
    if a + b == 0:
        return 0.0
    freedom = (a + b) ** 2 / (a * a / (one.number - 1) + b * b / (other.number - 1))
    return t95(freedom) * math.sqrt(a + b)


def t95(freedom: float) -> float:
    """The 95 % point, that of fewer degrees of freedom where they are no whole number."""
    whole = max(1, math.floor(freedom))
    return T95[whole - 1] if whole <= len(T95) else Z95 + 1.6 / whole
