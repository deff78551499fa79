"""A provider's totals against its own parts: compared, never repaired."""

from __future__ import annotations

from decimal import Decimal

from wattbook import ImportFailed

_HAIR_KG = Decimal("1e-9")  #: doubles are not decimals


def compare(what: str, rounding_kg: Decimal, total: Decimal | None, *parts: Decimal | None) -> None:
    """Refuse a total that is not the sum of its parts, as far as all of them are known.

    Each of the numbers is rounded to *rounding_kg*, so each may be off by half of it.
    """
    if total is None:
        return
    difference_kg = total
    for part in parts:
        if part is None:
            return
        difference_kg -= part
    if abs(difference_kg) > (1 + len(parts)) * rounding_kg / 2 + _HAIR_KG:
        raise ImportFailed(
            f"{what} differs from the sum of its parts by {difference_kg:.6g} kg, more than rounding explains"
        )
