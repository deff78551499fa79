"""Totals of what providers state, by month: from their totals, else from their scopes, never from both."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation, localcontext

from attrs import fields, frozen

from wattbook.errors import ImportFailed
from wattbook.imported import EXACT
from wattbook.model import Sheet, Statement


@frozen(kw_only=True)
class MonthTotals:
    """Kilograms of CO2e in one month, exact; ``None`` where the provider states nothing.

    ``location``, ``market`` and ``unsplit`` are totals over the provider's scopes and three views, never
    addends.  The scopes are the provider's own: for its customer all of them are scope 3.
    """

    location: Decimal | None = None
    market: Decimal | None = None
    unsplit: Decimal | None = None
    scope1: Decimal | None = None
    scope2_location: Decimal | None = None
    scope2_market: Decimal | None = None
    scope3_location: Decimal | None = None
    scope3_market: Decimal | None = None

    def __add__(self, other: MonthTotals) -> MonthTotals:
        names = [a.name for a in fields(MonthTotals)]
        return MonthTotals(**{name: add(getattr(self, name), getattr(other, name)) for name in names})


Stated = dict[tuple[str, str], Decimal]  #: kilograms by scope and method


def add(*kilograms: Decimal | None) -> Decimal | None:
    """The sum of what is known; ``None`` where nothing is."""
    known = [kg for kg in kilograms if kg is not None]
    with localcontext(EXACT):
        return sum(known, Decimal(0)) if known else None


def statement_totals(statements: Iterable[Statement | Sheet]) -> dict[str, MonthTotals]:
    """The totals of each month over all accounts; *statements* are one view, each figure once."""
    months: dict[str, MonthTotals] = {}
    for (_, _, month), totals in account_totals(statements).items():
        months[month] = months.get(month, MonthTotals()) + totals
    return dict(sorted(months.items()))


def account_totals(statements: Iterable[Statement | Sheet]) -> dict[tuple[str, str, str], MonthTotals]:
    """The totals of each (provider, account, month)."""
    groups: dict[tuple[str, str, str], Stated] = defaultdict(dict)
    with localcontext(EXACT):
        for one in statements:
            _add_to(groups[one.provider, one.account, one.month], one)
    return {key: _totals(groups[key]) for key in sorted(groups)}


def totals_of(statements: Iterable[Statement | Sheet]) -> MonthTotals:
    """The totals of statements that belong together, such as one account's month."""
    stated: Stated = {}
    with localcontext(EXACT):
        for one in statements:
            _add_to(stated, one)
    return _totals(stated)


def _add_to(stated: Stated, one: Statement | Sheet) -> None:
    if isinstance(one, Statement):
        key = (one.scope, one.method)
        stated[key] = stated.get(key, Decimal(0)) + one.co2e_kg
        return
    for piece in one.pieces():
        for key, column in zip(one.views, piece.figures, strict=True):
            figures = list(filter(None, column))
            if not figures:
                continue
            try:
                kilograms = sum(map(one.number, figures), Decimal(0)).scaleb(one.unit_kg.adjusted())
            except InvalidOperation as error:
                raise ImportFailed(f"a figure of {one.account}, {one.month} is no number") from error
            stated[key] = stated.get(key, Decimal(0)) + kilograms


def _totals(stated: Stated) -> MonthTotals:
    """A total that the provider states is taken as it is.

    Else a method's total is the sum of its scopes, if there is a scope 2 of that method; scopes 1 and 3
    that the provider does not split by method belong to both views.
    """

    def scope(number: str, method: str) -> Decimal | None:
        return add(stated.get((number, method)), stated.get((number, "unsplit")))

    def view(method: str) -> Decimal | None:
        if ("total", method) in stated:
            return stated["total", method]
        if ("2", method) not in stated:
            return None
        return add(scope("1", method), stated["2", method], scope("3", method))

    location, market = view("location"), view("market")
    unsplit = stated.get(("total", "unsplit"))
    if unsplit is None and location is None and market is None:
        unsplit = add(*(stated.get((number, "unsplit")) for number in "123"))
    return MonthTotals(
        location=location,
        market=market,
        unsplit=unsplit,
        scope1=scope("1", "location" if ("1", "location") in stated else "market"),
        scope2_location=stated.get(("2", "location")),
        scope2_market=stated.get(("2", "market")),
        scope3_location=scope("3", "location"),
        scope3_market=scope("3", "market"),
    )
