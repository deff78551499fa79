"""The arithmetic of the book: intervals, carbon, totals, statements and claims. Values in, values out."""

from __future__ import annotations

from wattbook.accounting.carbon import Carbon, carbon_of
from wattbook.accounting.claims import Claim, claim
from wattbook.accounting.intervals import Interval, Sum, combine
from wattbook.accounting.split import split
from wattbook.accounting.statements import MonthTotals, account_totals, statement_totals
from wattbook.accounting.totals import Tally, Total, total

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
