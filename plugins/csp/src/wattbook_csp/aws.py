"""What all of AWS's formats share: metric tons, rounded to a gram."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from wattbook import ImportFailed

from wattbook_csp.agreement import compare
from wattbook_csp.decimals import KG_PER_T
from wattbook_csp.figures import Sum

PROVIDER = "aws"
UNIT = "MTCO2e"
UNIT_KG = KG_PER_T
RESOLUTION_KG = Decimal("0.001")  #: AWS rounds to a gram; its 0 means less than half of one

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

SUMS = (
    Sum("the location-based total", 0, (2, 3, 5)),
    Sum("the market-based total", 1, (2, 4, 6)),
)


def check_unit(unit: str, field: str) -> None:
    """The unit is a constant; a file that says another one is not this format."""
    if unit not in ("", UNIT):
        raise ImportFailed(f"the unit is {unit!r}; this format is in {UNIT}", field=field)


def compare_totals(values: Sequence[Decimal | None]) -> None:
    """Each total against its three scopes."""
    for one in SUMS:
        compare(one.what, RESOLUTION_KG, values[one.total], *(values[at] for at in one.parts))
