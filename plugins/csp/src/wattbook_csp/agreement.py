"""A provider's totals against its own parts: compared, never repaired."""

from __future__ import annotations

from decimal import Decimal

from attrs import define, field
from wattbook import ImportFailed


@define
class Agreement:
    """Adds up the difference between totals and parts of each month; more than rounding is an error.

    Every one of the numbers is rounded to ``rounding_kg``, so each may be off by half of it.
    """

    rounding_kg: Decimal
    _differences_kg: dict[tuple[str, str], Decimal] = field(factory=dict, init=False)
    _numbers: dict[tuple[str, str], int] = field(factory=dict, init=False)

    def add(self, account: str, month: str, total: Decimal | None, *parts: Decimal | None) -> None:
        if total is None:
            return
        difference_kg = total
        for part in parts:
            if part is None:
                return
            difference_kg -= part
        place = (account, month)
        self._differences_kg[place] = self._differences_kg.get(place, Decimal(0)) + difference_kg
        self._numbers[place] = self._numbers.get(place, 0) + 1 + len(parts)

    def verify(self) -> None:
        for (account, month), difference_kg in self._differences_kg.items():
            # a little more, because doubles are not decimals
            allowed_kg = self._numbers[account, month] * self.rounding_kg / 2 + Decimal("1e-9")
            if abs(difference_kg) > allowed_kg:
                raise ImportFailed(
                    f"{month} of account {account}: the totals differ from the sum of their parts"
                    f" by {difference_kg:.6g} kg, more than rounding explains; is the file damaged?"
                )
