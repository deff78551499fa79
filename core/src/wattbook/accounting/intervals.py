"""Values with a 90 % interval, and how they add: by cause, in any order, to the same last digit."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from attrs import field, frozen

ENERGY = "J"
LOCATION = "g CO2e, location-based, average"
MARKET = "g CO2e, market-based"
UNSPLIT = "g CO2e, method not stated"


@frozen
class Interval:
    """A value and the ends of its 90 % interval; the ends are ``None`` where nobody knows the error.

    ``unit`` says what it is a quantity of; unlike quantities refuse to be added.
    """

    value: float
    low: float | None = None
    high: float | None = None
    unit: str = field(default="", kw_only=True)

    def __attrs_post_init__(self) -> None:
        if (self.low is None) != (self.high is None):
            raise ValueError("an interval has two ends")
        if self.low is not None and self.high is not None and not self.low <= self.value <= self.high:
            raise ValueError(f"{self.value} lies outside its interval {self.low} to {self.high}")


def exact(parts: Sequence[float]) -> list[float]:
    """A few numbers that have exactly the same sum, always the same ones for one sum; none for no parts.

    The first is the sum rounded, the second what rounding lost, and so on.
    """
    if len(parts) < 2:
        return list(parts)
    few = [math.fsum(parts)]
    while (rest := math.fsum([*parts, *(-part for part in few)])) != 0:
        few.append(rest)
    return few


class ExactSum:
    """A sum without rounding until it is read, so that neither order nor grouping changes its last digit."""

    __slots__ = ("_parts",)
    _COMPACT_AT = 4096

    def __init__(self) -> None:
        self._parts: list[float] = []

    def add(self, number: float) -> None:
        self._parts.append(number)
        if len(self._parts) > self._COMPACT_AT:
            self._compact()

    def extend(self, other: ExactSum) -> None:
        self._parts += other._parts
        if len(self._parts) > self._COMPACT_AT:
            self._compact()

    def _compact(self) -> None:
        self._parts = exact(self._parts)

    @property
    def value(self) -> float:
        return math.fsum(self._parts)


class Sum:
    """Add up quantities of one unit, keeping their errors apart by cause.

    Errors of the same cause add linearly, because they are wrong together; different causes add in
    quadrature.  A part whose error nobody knows adds its value, leaves the interval of the rest, and is
    counted in ``without_interval``.
    """

    __slots__ = ("_errors", "_value", "parts", "unit", "without_interval")

    def __init__(self, unit: str = "") -> None:
        self.unit = unit
        self.parts = self.without_interval = 0
        self._value = ExactSum()
        self._errors: dict[str, tuple[ExactSum, ExactSum]] = {}

    def add(self, part: Interval, cause: str) -> None:
        """One quantity whose whole error has one cause."""
        self._check(part.unit)
        if part.low is None or part.high is None:
            self.add_value(part.value, (), known=False)
        else:
            self.add_value(part.value, ((cause, part.value - part.low, part.high - part.value),))

    def add_value(self, value: float, errors: Iterable[tuple[str, float, float]], *, known: bool = True) -> None:
        """One value with its errors as (cause, how far down, how far up)."""
        self.parts += 1
        self._value.add(value)
        if not known:
            self.without_interval += 1
        for cause, down, up in errors:
            sums = self._of(cause)
            sums[0].add(down)
            sums[1].add(up)

    def merge(self, other: Sum, *, same_unit: bool = True) -> None:
        """Everything that *other* holds, as if it had been added here."""
        if same_unit:
            self._check(other.unit)
        self.parts += other.parts
        self.without_interval += other.without_interval
        self._value.extend(other._value)
        for cause, (down, up) in other._errors.items():
            sums = self._of(cause)
            sums[0].extend(down)
            sums[1].extend(up)

    def _of(self, cause: str) -> tuple[ExactSum, ExactSum]:
        """How far down and up one cause moves the sum."""
        sums = self._errors.get(cause)
        if sums is None:
            sums = self._errors[cause] = (ExactSum(), ExactSum())
        return sums

    def retold(self, unit: str) -> Sum:
        """The same figures told as another quantity, where a rule lets them stand for it."""
        other = Sum(unit=unit)
        other.merge(self, same_unit=False)
        return other

    def _check(self, unit: str) -> None:
        if unit != self.unit:
            raise ValueError(f"{unit or 'a plain number'} cannot be added to {self.unit or 'plain numbers'}")

    @property
    def value(self) -> float:
        return self._value.value

    def by_cause(self) -> dict[str, tuple[float, float]]:
        """How far down and up each cause may move the sum, the largest first."""
        moved = {cause: (down.value, up.value) for cause, (down, up) in self._errors.items()}
        return dict(sorted(moved.items(), key=lambda item: (-max(item[1]), item[0])))

    def interval(self) -> Interval | None:
        """The sum, or ``None`` where nothing was added: unknown is not zero."""
        if not self.parts:
            return None
        value = self.value
        if self.without_interval == self.parts and not self._errors:
            return Interval(value, unit=self.unit)
        down = math.sqrt(math.fsum(down.value**2 for down, _ in self._errors.values()))
        up = math.sqrt(math.fsum(up.value**2 for _, up in self._errors.values()))
        return Interval(value, min(value, max(0.0, value - down)), value + up, unit=self.unit)


def combine(parts: Iterable[tuple[str, Interval]]) -> Interval | None:
    """The sum of (cause, quantity) pairs; ``None`` for no parts; ``ValueError`` for unlike units."""
    made: Sum | None = None
    for cause, part in parts:
        if made is None:
            made = Sum(unit=part.unit)
        made.add(part, cause)
    return None if made is None else made.interval()
