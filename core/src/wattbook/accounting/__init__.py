"""The arithmetic of the book: intervals, carbon, totals, statements and claims. Values in, values out."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from wattbook.accounting.split import split  # at once: a module of the same name would take its place

if TYPE_CHECKING:
    from wattbook.accounting.carbon import Carbon, carbon_of
    from wattbook.accounting.claims import Claim, claim
    from wattbook.accounting.intervals import Interval, Sum, combine
    from wattbook.accounting.statements import MonthTotals, account_totals, statement_totals
    from wattbook.accounting.totals import Tally, Total, total

_HOME = {
    **dict.fromkeys(("Carbon", "carbon_of"), "carbon"),
    **dict.fromkeys(("Claim", "claim"), "claims"),
    **dict.fromkeys(("Interval", "Sum", "combine"), "intervals"),
    **dict.fromkeys(("MonthTotals", "account_totals", "statement_totals"), "statements"),
    **dict.fromkeys(("Tally", "Total", "total"), "totals"),
}

__all__ = [
    "Carbon",
    "Claim",
    "Interval",
    "MonthTotals",
    "Sum",
    "Tally",
    "Total",
    "account_totals",
    "carbon_of",
    "claim",
    "combine",
    "split",
    "statement_totals",
    "total",
]


def __getattr__(name: str) -> Any:
    """Load a part when it is first used: a run needs totals, and neither statements nor claims."""
    if name not in _HOME:
        raise AttributeError(f"module 'wattbook.accounting' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"wattbook.accounting.{_HOME[name]}"), name)
    globals()[name] = value
    return value
