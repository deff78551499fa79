"""The figures that states of the book are compared by: decimals, so that differences add up to the last digit."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Context, Decimal
from typing import Any

from attrs import astuple, fields, frozen

from wattbook.accounting import Interval, Total

STEP = Decimal("0.000001")  #: joules and grams are compared to a millionth
_WIDE = Context(prec=400)  #: holds any double to a millionth


@frozen(kw_only=True)
class Figures:
    """Energy and the views of carbon; ``None`` is unknown, or no difference to speak of."""

    energy_j: Decimal | None = None
    location_g: Decimal | None = None
    market_g: Decimal | None = None
    unsplit_g: Decimal | None = None

    @classmethod
    def from_total(cls, total: Total) -> Figures:
        return cls(
            energy_j=_rounded(total.energy),
            location_g=_rounded(total.location_g),
            market_g=_rounded(total.market_g),
            unsplit_g=_rounded(total.unsplit_g),
        )

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Figures:
        """The inverse of ``as_dict`` for numbers, texts of numbers and ``None``."""
        told = {"energy_j": plain["energy_j"], **{f"{view}_g": plain["co2e_g"][view] for view in VIEWS}}
        return cls(**{name: None if value is None else _step(Decimal(str(value))) for name, value in told.items()})

    def as_dict(self) -> dict[str, Any]:
        return {"energy_j": self.energy_j, "co2e_g": {view: getattr(self, f"{view}_g") for view in VIEWS}}

    def as_floats(self) -> dict[str, Any]:
        plain = self.as_dict()
        return {
            "energy_j": _float(plain["energy_j"]),
            "co2e_g": {view: _float(grams) for view, grams in plain["co2e_g"].items()},
        }

    def as_texts(self) -> dict[str, Any]:
        plain = self.as_dict()
        return {
            "energy_j": _text(plain["energy_j"]),
            "co2e_g": {view: _text(grams) for view, grams in plain["co2e_g"].items()},
        }

    def less(self, before: Figures) -> Figures:
        """The difference; a figure that only one of the two knows is all of it."""
        return self._with(before, lambda here, there: _WIDE.subtract(here, there))

    def plus(self, other: Figures) -> Figures:
        return self._with(other, lambda here, there: _WIDE.add(here, there))

    def _with(self, other: Figures, how: Any) -> Figures:
        zero = Decimal(0)
        made: dict[str, Decimal | None] = {}
        for name in NAMES:
            here, there = getattr(self, name), getattr(other, name)
            made[name] = None if here is None and there is None else how(here or zero, there or zero)
        return Figures(**made)

    @property
    def grams(self) -> Decimal | None:
        """Location-based and of unstated method: what a budget and a comparison look at."""
        known = [grams for grams in (self.location_g, self.unsplit_g) if grams is not None]
        return sum(known, Decimal(0)) if known else None

    def __bool__(self) -> bool:
        """Whether anything of it differs from nothing."""
        return any(astuple(self))


NAMES = tuple(a.name for a in fields(Figures))
VIEWS = ("location", "market", "unsplit")


def together(some: Iterable[Figures]) -> Figures:
    made = Figures()
    for one in some:
        made = made.plus(one)
    return made


def _rounded(interval: Interval | None) -> Decimal | None:
    return None if interval is None else _step(Decimal(interval.value))


def _step(number: Decimal) -> Decimal:
    return number.quantize(STEP, context=_WIDE)


def _float(number: Decimal | None) -> float | None:
    return None if number is None else float(number)


def _text(number: Decimal | None) -> str | None:
    return None if number is None else f"{number:f}"
