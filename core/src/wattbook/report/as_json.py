"""The report as one JSON document, with the keys of the contract."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from wattbook.accounting import Claim, Interval, Total
from wattbook.report.model import Change, Closed, GapGroup, Report, Row
from wattbook.report.period import Period
from wattbook.units import G_PER_KG

VIEWS = ("location", "market", "unsplit")
#: the provider's own scopes; for its customer all of them are scope 3
SCOPES = ("scope1", "scope2_location", "scope2_market", "scope3_location", "scope3_market")


def as_json(report: Report) -> dict[str, Any]:
    """Plain values; unknown is ``None``.  ``unsplit`` are provided figures whose method nobody states."""
    return {
        "period": period_as_json(report.period),
        "as_of": report.as_of,
        "watermark": report.watermark,
        "total": total_as_json(report.total),
        "by_basis": {basis: total_as_json(total) for basis, total in report.by_basis.items()},
        "by": {dim: [_row(row) for row in rows] for dim, rows in report.by.items()},
        "claims": [_claim(one) for one in report.claims],
        "coverage": {
            "known_host_hours": report.coverage.known_host_hours,
            "expected_host_hours": report.coverage.expected_host_hours,
            "share": report.coverage.share,
        },
        "gaps": [_gap(gap) for gap in report.gaps],
        "factors": [
            {**use.factor.as_dict(), "energy_j": use.energy_j, "co2e_g": use.co2e_g, "notes": list(use.notes)}
            for use in report.factors
        ],
        "top_runs": [
            {"run_id": use.run_id, "name": use.name, "project": use.project, **total_as_json(use.total)}
            for use in report.top_runs
        ],
        "warnings": list(report.warnings),
        "scopes": [
            {"scope": use.scope, "what": use.what, "sites": list(use.sites), **total_as_json(use.total)}
            for use in report.scopes
        ],
        "change": None if report.change is None else _change(report.change),
        "budgets": [
            {"project": use.project, "budget_g": use.limit_g, "used_g": _value(use.used_g), "share": use.share}
            for use in report.budgets
        ],
        "reductions": [
            {
                "name": one.name, "what": one.what, "at_most_g": one.saves_g.value, "at_most_low_g": one.saves_g.low,
                "at_most_high_g": one.saves_g.high, "basis": one.basis, "caution": one.caution,
            }
            for one in report.reductions
        ],
        "closed": None if report.closed is None else _closed(report.closed),
        "adjustments": [dict(one.told) for one in report.adjustments],
    }  # fmt: skip


def _closed(closed: Closed) -> dict[str, Any]:
    return {
        "at": closed.at, "by": closed.by, "note": closed.note, "manifest_id": closed.manifest_id,
        "wattbook": closed.wattbook, "reproduced": closed.reproduced,
    }  # fmt: skip


def period_as_json(period: Period) -> dict[str, Any]:
    return {"start": moment_text(period.start), "end": moment_text(period.end), "zone": period.zone}


def _change(change: Change) -> dict[str, Any]:
    return {
        "period": period_as_json(change.period),
        "before": total_as_json(change.total),
        "co2e_g": change.co2e_g,
        "ranges_meet": change.ranges_meet,
        "steps": [{"cause": step.cause, "co2e_g": step.co2e_g, "why": step.why} for step in change.steps],
        "notes": list(change.notes),
    }


def moment_text(moment: datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def total_as_json(total: Total) -> dict[str, Any]:
    """One total, in joules and grams."""
    carbon = {"location": total.location_g, "market": total.market_g, "unsplit": total.unsplit_g}
    return {
        "energy_j": _value(total.energy),
        "energy_low_j": total.energy.low if total.energy else None,
        "energy_high_j": total.energy.high if total.energy else None,
        "co2e_g": {view: _value(carbon[view]) for view in VIEWS},
        "co2e_low_g": {view: _end(carbon[view], "low") for view in VIEWS},
        "co2e_high_g": {view: _end(carbon[view], "high") for view in VIEWS},
    }


def _value(interval: Interval | None) -> float | None:
    return None if interval is None else interval.value


def _end(interval: Interval | None, end: str) -> float | None:
    return None if interval is None else getattr(interval, end)


def _row(row: Row) -> dict[str, Any]:
    by_basis: Mapping[str, Total] = row.by_basis
    return {
        "key": row.key,
        **total_as_json(row.total),
        "by_basis": {basis: total_as_json(total) for basis, total in by_basis.items()},
    }


def _claim(one: Claim) -> dict[str, Any]:
    inside = one.of_which
    return {
        "provider": one.provider,
        "account": one.account,
        "month": one.month,
        "provided_g": _grams(one, VIEWS),
        "provider_scopes_g": _grams(one, SCOPES),
        "of_which_g": _value(inside.location_g),
        "of_which_energy_j": _value(inside.energy),
        "unallocated_g": one.unallocated_g,
        "divided_by": one.divided_by,
        "ratio": one.ratio,
        "ratio_to": None if one.ratio is None or one.like_with_like is None else one.like_with_like[0],
    }


def _grams(one: Claim, names: tuple[str, ...]) -> dict[str, float | None]:
    kilograms = {name: getattr(one.provided, name) for name in names}
    return {name: None if kg is None else float(kg * G_PER_KG) for name, kg in kilograms.items()}


def _gap(gap: GapGroup) -> dict[str, Any]:
    return {
        "domain": gap.domain,
        "reason": gap.reason,
        "count": gap.count,
        "hosts": list(gap.hosts),
        "hours": gap.hours,
        "low_j": gap.low_j,
        "high_j": gap.high_j,
    }
