"""What all of AWS's formats share: metric tons, rounded to a gram."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from wattbook import ImportFailed

from wattbook_csp.agreement import compare
from wattbook_csp.decimals import KG_PER_T

PROVIDER = "aws"
UNIT = "MTCO2e"
UNIT_KG = KG_PER_T
RESOLUTION_KG = Decimal("0.001")  #: AWS rounds to a gram; its 0 means less than half of one
ROUNDING_T = 1e-6

#: (scope, method) of the seven figures, in the order that every AWS format is brought into
VIEWS: tuple[tuple[str, str], ...] = (
    ("total", "location"),
    ("total", "market"),
    ("1", "unsplit"),
    ("2", "location"),
    ("2", "market"),
    ("3", "location"),
    ("3", "market"),
)


def check_unit(unit: str, field: str) -> None:
    """The unit is a constant; a file that says another one is not this format."""
    if unit not in ("", UNIT):
        raise ImportFailed(f"the unit is {unit!r}; this format is in {UNIT}", field=field)


def agree(floats: Sequence[float]) -> bool:
    """Whether both totals are plainly the sum of their scopes, in tons; a quick look before the exact one."""
    location, market, scope1, scope2_location, scope2_market, scope3_location, scope3_market = floats
    return (
        -ROUNDING_T < location - scope1 - scope2_location - scope3_location < ROUNDING_T
        and -ROUNDING_T < market - scope1 - scope2_market - scope3_market < ROUNDING_T
    )


def compare_totals(values: Sequence[Decimal | None]) -> None:
    """Each total against its three scopes."""
    location, market, scope1, scope2_location, scope2_market, scope3_location, scope3_market = values
    compare("the location-based total", RESOLUTION_KG, location, scope1, scope2_location, scope3_location)
    compare("the market-based total", RESOLUTION_KG, market, scope1, scope2_market, scope3_market)
