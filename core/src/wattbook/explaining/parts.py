"""Why a total, a part of it, or what a provider states is what it is: down to sources and stated figures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, localcontext

from attrs import field, frozen

from wattbook.accounting import Claim, Total
from wattbook.accounting.carbon import pinned
from wattbook.explaining.figures import provided_of
from wattbook.explaining.origins import origin_of, pools_of, sum_of
from wattbook.imported import EXACT, Statement
from wattbook.report import Report
from wattbook.report.atoms import Atom
from wattbook.report.derivation import Origin, Provided
from wattbook.report.model import Share
from wattbook.report.sums import behind, undivided

VIEWS = ("location", "market", "unsplit")
Causes = Mapping[str, tuple[float, float]]


@frozen(kw_only=True)
class StatedLeaf:
    """Figures of one service, region, scope and method as a provider states them, exact."""

    service: str
    region: str
    scope: str  #: the provider's own
    method: str
    co2e_kg: Decimal
    count: int
    views: tuple[str, ...]  #: the totals that it is an addend of


@frozen(kw_only=True)
class Explained:
    """A figure of a report with everything that it is a sum of."""

    kind: str  #: ``total``, ``part`` or ``statement``
    name: str
    report: Report = field(repr=False)
    total: Total
    origins: tuple[Origin, ...] = ()  #: the addends of ours; of a statement, what lies inside it
    provided: tuple[Provided, ...] = ()
    leaves: tuple[StatedLeaf, ...] = ()
    energy_by_cause: Causes = field(factory=dict)
    carbon_by_cause: Causes = field(factory=dict)
    claim: Claim | None = None


def explain_total(report: Report) -> Explained:
    """The whole of a period."""
    return _explained("total", report.period.title, report, report.atoms, undivided(report.claims))


def explain_part(report: Report, dim: str, key: str | None, name: str) -> Explained | None:
    """One key of a dimension that the report is broken down by; ``None`` where it has no such key."""
    if all(row.key != key for row in report.by[dim]):
        return None
    return _explained("part", name, report, *behind(report, dim, {key}))


def explain_statement(report: Report, number: int, statements: Iterable[Statement]) -> Explained:
    """One claim of the report, from the *statements* of its account and month; ours lie inside and are not added."""
    claim = report.claims[number]
    whole = _explained(
        "statement", f"{claim.provider}/{claim.account} {claim.month}", report, report.contained[number],
        undivided([claim]),
    )  # fmt: skip
    stated = sum_of(())
    stated.add_provided(claim.provided)
    return Explained(
        kind="statement", name=whole.name, report=report, total=stated.total(), origins=whole.origins,
        provided=whole.provided, leaves=tuple(stated_leaves(statements)), claim=claim,
    )  # fmt: skip


def _explained(kind: str, name: str, report: Report, atoms: Sequence[Atom], shares: Sequence[Share]) -> Explained:
    with pinned(report.pins):
        pools = pools_of(atoms)
        order = sorted(pools, key=lambda line: (-pools[line].tally.energy.value, line.host, line.address, line.source))
        tally = sum_of(pool.tally for pool in pools.values())
        for one in shares:
            tally.add_provided(one.figures, one.share)
        return Explained(
            kind=kind, name=name, report=report, total=tally.total(),
            origins=tuple(origin_of(f"o{number + 1}", line, pools[line]) for number, line in enumerate(order)),
            provided=tuple(provided_of(report, shares)),
            energy_by_cause=tally.energy.by_cause(), carbon_by_cause=tally.location_sum().by_cause(),
        )  # fmt: skip


def stated_leaves(statements: Iterable[Statement]) -> Iterator[StatedLeaf]:
    """The statements of one account and month by what they are of, the largest first."""
    sums: dict[tuple[str, str, str, str], tuple[Decimal, int]] = defaultdict(lambda: (Decimal(0), 0))
    with localcontext(EXACT):
        for one in statements:
            key = (one.service, one.region, one.scope, one.method)
            kilograms, count = sums[key]
            sums[key] = (kilograms + one.co2e_kg, count + 1)
    there = {(scope, method) for _, _, scope, method in sums}
    for key, (kilograms, count) in sorted(sums.items(), key=lambda item: (-abs(item[1][0]), item[0])):
        service, region, scope, method = key
        views = tuple(view for view in VIEWS if _enters(view, scope, method, there))
        yield StatedLeaf(
            service=service, region=region, scope=scope, method=method, co2e_kg=kilograms, count=count, views=views
        )


def _enters(view: str, scope: str, method: str, there: set[tuple[str, str]]) -> bool:
    """Whether figures are addends of a total, by the rule of ``accounting.statements``."""
    if ("total", view) in there:
        return (scope, method) == ("total", view)
    if view == "unsplit":
        told = any(("total", other) in there or ("2", other) in there for other in ("location", "market"))
        return not told and method == "unsplit" and scope != "total"
    if ("2", view) not in there or scope == "total":
        return False
    return method == view or (method == "unsplit" and scope in ("1", "3"))
