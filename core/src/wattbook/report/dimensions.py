"""The keys that a report can be broken down by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal

from wattbook.accounting import Claim, MonthTotals
from wattbook.accounting.statements import totals_of
from wattbook.errors import WattbookError
from wattbook.model import Statement
from wattbook.records import Entry, utc_time
from wattbook.report.model import UNALLOCATED
from wattbook.report.period import Period

_KEYS: dict[str, Callable[[Entry], str | None]] = {
    "project": lambda entry: entry.labels.project,
    "phase": lambda entry: entry.labels.phase,
    "person": lambda entry: entry.labels.person,
    "platform": lambda entry: entry.labels.platform,
    "basis": lambda entry: entry.basis,
    "host": lambda entry: entry.host or None,
    "device": lambda entry: entry.device,
    "domain": lambda entry: entry.domain,
    "site": lambda entry: entry.place.site,
    "zone": lambda entry: entry.place.zone,
    "plugin": lambda entry: entry.plugin or None,
    "source": lambda entry: f"{entry.plugin}:{entry.source}",
    "run": lambda entry: entry.run_id,
}
_OF_STATEMENTS = ("provider", "account", "service", "region")
OF_TIME = ("month", "day")
SHORTER_THAN_A_MONTH = ("day",)

VIEWS = ("location", "market", "unsplit")

DIMENSIONS = (*_KEYS, *OF_TIME, *_OF_STATEMENTS)


def check_dimension(dim: str) -> None:
    """Raises ``WattbookError`` with the nearest names for a dimension that there is not."""
    if dim in DIMENSIONS or (dim.startswith("tag:") and len(dim) > 4):
        return
    from difflib import get_close_matches

    near = get_close_matches(dim, DIMENSIONS, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(DIMENSIONS)} and tag:NAME"
    raise WattbookError(f"a report has no dimension {dim!r}; {hint}")


def key_of(dim: str, period: Period) -> Callable[[Entry], str | None]:
    """How to read an entry's key in a dimension; ``None`` where it has none."""
    if dim.startswith("tag:"):
        name = dim[4:]
        return lambda entry: entry.labels.tags.get(name)
    if dim == "month":
        return lambda entry: period.month_of(utc_time(entry.start))
    if dim == "day":
        return lambda entry: period.day_of(utc_time(entry.start))
    return _KEYS.get(dim, lambda entry: None)


def shares_of(
    dim: str, claim: Claim, statements: Iterable[Statement], period: Period
) -> Iterator[tuple[str | None, MonthTotals, float]]:
    """How a provider's figure divides in a dimension: (key, figures, share of them)."""
    direct = {
        "basis": "provided",
        "provider": claim.provider,
        "account": f"{claim.provider}/{claim.account}",
        "month": claim.month,
        # a person who maps one platform to the account has said what it is called
        "platform": claim.platforms[0] if len(claim.platforms) == 1 else claim.provider,
    }
    if dim in direct:
        yield direct[dim], claim.provided, 1.0
    elif dim in ("service", "region"):
        yield from _stated(dim, claim, statements)
    else:
        shares, rest = claim.shares(key_of(dim, period))
        for key, share in shares.items():
            yield key, claim.provided, share
        if rest > 0 or not shares:
            yield UNALLOCATED, claim.provided, rest


def _stated(dim: str, claim: Claim, statements: Iterable[Statement]) -> Iterator[tuple[str | None, MonthTotals, float]]:
    groups: dict[str, list[Statement]] = defaultdict(list)
    for one in statements:
        if (one.provider, one.account, one.month) == (claim.provider, claim.account, claim.month):
            groups[getattr(one, dim)].append(one)
    rest = {view: getattr(claim.provided, view) or Decimal(0) for view in VIEWS}
    for key in sorted(groups):
        totals = totals_of(groups[key])
        yield key or None, totals, 1.0
        rest = {view: left - (getattr(totals, view) or Decimal(0)) for view, left in rest.items()}
    if any(rest.values()):  # a figure that the provider states only over all of them
        yield UNALLOCATED, MonthTotals(**{view: left or None for view, left in rest.items()}), 1.0
