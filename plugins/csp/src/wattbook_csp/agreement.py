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

    rounding_kg: float
    _months: dict[tuple[str, str], list[float]] = field(factory=dict, init=False)

    def add(self, account: str, month: str, total: Decimal | None, *parts: Decimal | None) -> None:
        if total is None or None in parts:
            return
        sums = self._months.setdefault((account, month), [0.0, 0.0])
        sums[0] += float(total) - sum(float(part) for part in parts if part is not None)
        sums[1] += 1 + len(parts)

    def verify(self) -> None:
        for (account, month), (difference_kg, numbers) in self._months.items():
            if abs(difference_kg) > numbers * self.rounding_kg / 2 + 1e-9:
                raise ImportFailed(
                    f"{month} of account {account}: the totals differ from the sum of their parts"
                    f" by {difference_kg:.6g} kg, more than rounding explains; is the file damaged?"
                )
