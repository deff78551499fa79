"""The nouns of a report, free of any format."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from wattbook.accounting import Claim, Total
from wattbook.factors import Factor
from wattbook.report.period import Period

#: where the rest of a provider's figure goes that none of our entries accounts for
UNALLOCATED = "(unallocated)"


@frozen(kw_only=True)
class Row:
    """One key of a dimension; ``None`` where entries carry no such label."""

    key: str | None
    total: Total
    by_basis: Mapping[str, Total]


@frozen(kw_only=True)
class Coverage:
    """How many hours of the hosts in the book have a figure, of those that should."""

    known_host_hours: float
    expected_host_hours: float

    @property
    def share(self) -> float | None:
        return self.known_host_hours / self.expected_host_hours if self.expected_host_hours else None


@frozen(kw_only=True)
class GapGroup:
    """What nobody covered, with its reason, over all hosts; bounds where every one of them has some."""

    domain: str
    reason: str
    count: int
    hosts: tuple[str, ...]
    hours: float
    low_j: float | None
    high_j: float | None


@frozen(kw_only=True)
class FactorUse:
    """A factor, what it was applied to, and what a reader should know about it."""

    factor: Factor
    energy_j: float
    co2e_g: float
    notes: tuple[str, ...]


@frozen(kw_only=True)
class RunUse:
    """One run's part of the total."""

    run_id: str
    name: str
    project: str | None
    total: Total


@frozen(kw_only=True)
class Report:
    """A period of the book, added up; the same book gives the same report, byte for byte."""

    period: Period
    as_of: str | None
    watermark: str | None
    total: Total
    by_basis: Mapping[str, Total]
    by: Mapping[str, tuple[Row, ...]]
    claims: tuple[Claim, ...] = ()
    coverage: Coverage
    gaps: tuple[GapGroup, ...] = ()
    factors: tuple[FactorUse, ...] = ()
    top_runs: tuple[RunUse, ...] = ()
    runs: int = 0
    warnings: tuple[str, ...] = field(default=())
