"""What ``wattbook import`` says about one import, as CLI.md describes it, and in one line for people."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wattbook.ledger.intake import Taken
    from wattbook.model import Problem, Sheet, Statement


def document(taken: Taken, left_out: Sequence[Problem] = (), dry_run: bool = False) -> dict[str, Any]:
    """One import as a JSON value."""
    imported = taken.imported
    head = {
        "paths": [printable(path) for path in imported.shown],
        "format": imported.format, "plugin": imported.plugin, "basis": imported.basis, "sha256": imported.sha256,
    }  # fmt: skip
    problems = [*imported.problems, *(p for r in imported.recordings for p in r.problems), *left_out]
    tail = {
        "problems": [
            {"line": p.line, "reason": p.reason, **({"path": printable(p.path)} if p.path else {})} for p in problems
        ],
        "warnings": list(
            dict.fromkeys([*imported.warnings, *(w for r in imported.recordings for w in r.warnings), *taken.warnings])
        ),
    }
    body = _measured(taken) if imported.recordings else _provided(taken, dry_run)
    return {**head, **body, **tail}


def _measured(taken: Taken) -> dict[str, Any]:
    from wattbook.records import utc_text

    recordings = taken.imported.recordings
    first = recordings[0]
    starts = [r.start for r in recordings if r.start]
    ends = [r.end for r in recordings if r.end]
    lengths = [r.duration_s for r in recordings if r.duration_s is not None]
    return {
        "hardware": first.hardware,
        "tool_version": first.tool_version,
        "samples": sum(r.samples for r in recordings),
        "start": utc_text(min(starts)) if starts else None,
        "end": utc_text(max(ends)) if ends else None,
        "duration_s": math.fsum(lengths) if lengths else None,
        "mean_power_w": dict(first.mean_power_w),
        "energy_j": None if first.energy_j is None else dict(first.energy_j),
        "entries": {"new": taken.entries.new, "known": taken.entries.known},
    }


def _provided(taken: Taken, dry_run: bool) -> dict[str, Any]:
    from wattbook.accounting import MonthTotals, statement_totals

    imported, added = taken.imported, taken.statements
    told: list[Statement | Sheet] = [*imported.statements, *imported.sheets]
    months = statement_totals(told)
    whole = sum(months.values(), MonthTotals())
    found = {one.completeness for one in told}
    return {
        "provider": ", ".join(sorted({one.provider for one in told})),
        "accounts": sorted({one.account for one in told}),
        "statements": {"new": added.new, "known": added.known, "superseded": added.superseded},
        "co2e_kg": {name: getattr(whole, name) for name in ("location", "market", "unsplit")},
        "by_month": {month: _totals(totals) for month, totals in months.items()},
        "completeness": next((c for c in ("partial", "provisional") if c in found), "complete"),
    }


def _totals(totals: Any) -> dict[str, Decimal | None]:
    names = (
        "location", "market", "unsplit", "scope1", "scope2_location", "scope2_market", "scope3_location", "scope3_market",
    )  # fmt: skip
    return {name: getattr(totals, name) for name in names}


def line(one: dict[str, Any], dry_run: bool) -> str:
    """One import in one line for people."""
    from wattbook.report.numbers import carbon_text, energy_text

    what = one["paths"][0] if len(one["paths"]) == 1 else f"{len(one['paths'])} files"
    if one["basis"] == "provided":
        kg = one["co2e_kg"]
        figures = ", ".join(f"{name} {carbon_text(float(v) * 1000)}" for name, v in kg.items() if v is not None)
        months = list(one["by_month"])
        period = months[0] if len(months) == 1 else f"{months[0]} to {months[-1]}"
        did = ", ".join(f"{count} {word}" for word, count in one["statements"].items())
        said = f"{one['provider']}, {period}: {figures or 'no total'} CO2e"
        unit = "statements"
    else:
        energy = one["energy_j"]
        said = f"{one['samples']} samples, {one['mean_power_w']['total']:.4g} W"
        if energy is not None:
            said += f", {energy_text(energy['total'])} in {one['duration_s']:.4g} s"
        did = ", ".join(f"{count} {word}" for word, count in one["entries"].items())
        unit = "entries"
    return f"{what}: {one['format']}, {said}; " + ("nothing recorded" if dry_run else f"{unit} {did}")


def printable(path: str) -> str:
    """A file's name for a document, whatever bytes it holds."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
