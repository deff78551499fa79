"""An explanation as one JSON document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wattbook.explaining.tree import Branch, Explanation, Leaf, carbon_formula
from wattbook.records import Entry
from wattbook.report.as_json import total_as_json
from wattbook.units import J_PER_KWH


def as_json(explained: Explanation) -> dict[str, Any]:
    """``energy_j`` of all leaves under ``readings`` add up to ``energy_j``, those of ``co2e_g`` to ``co2e_g``."""
    run = explained.run
    factors = {b.carbon.factor.id: b.carbon.factor for b in explained.branches if b.carbon.factor is not None}
    return {
        "kind": explained.kind,
        "id": explained.id,
        **total_as_json(explained.total),
        "run": None
        if run is None
        else {
            "run_id": run.run_id, "kind": run.kind, "parent_id": run.parent_id, "start": run.start, "end": run.end,
            "complete": run.complete, "host": run.host, "command": run.command, "exit_code": run.exit_code,
            "signal": run.signal, "process_share": run.process_share, "activity": dict(run.activity) or None, "project": run.labels.project,
            "phase": run.labels.phase, "platform": run.labels.platform, "person": run.labels.person,
            "tags": dict(run.labels.tags),
        },
        "readings": [_branch(branch) for branch in explained.branches],
        "gaps": [_gap(gap) for gap in explained.gaps],
        "verdicts": [dict(verdict) for verdict in run.verdicts] if run else [],
        "factors": [{**factor.as_dict(), "sigma": factor.sigma, "note": factor.note} for factor in factors.values()],
        "evidence": explained.evidence,
        "interval": {
            "rule": "errors of one cause add, different causes add in quadrature",
            "energy_by_cause_j": _causes(explained.energy_by_cause),
            "co2e_by_cause_g": _causes(explained.carbon_by_cause),
        },
        "warnings": list(explained.warnings),
    }  # fmt: skip


def _causes(causes: Mapping[str, tuple[float, float]]) -> list[dict[str, Any]]:
    return [{"cause": cause, "down": down, "up": up} for cause, (down, up) in causes.items()]


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "entry_id": entry.entry_id, "host": entry.host, "device": entry.device, "domain": entry.domain,
        "start": entry.start, "end": entry.end, "duration_s": entry.duration_s, "basis": entry.basis,
        "plugin": entry.plugin, "source": entry.source, "source_version": entry.source_version or None,
        "energy_j": entry.energy_j, "low_j": entry.low_j, "high_j": entry.high_j,
        "cause": entry.cause, "method": entry.method, "evidence_sha256": entry.evidence_sha256,
        "attribution": entry.attribution or None,
    }  # fmt: skip


def _branch(branch: Branch) -> dict[str, Any]:
    entry, carbon = branch.entry, branch.carbon
    return {
        **_entry(entry),
        "leaves": [_leaf(leaf) for leaf in branch.leaves],
        "carbon": {
            "energy_kwh": None if entry.energy_j is None else entry.energy_j / J_PER_KWH,
            "pue": entry.place.pue,
            "site": entry.place.site,
            "zone": entry.place.zone,
            "factor": carbon.factor.as_dict() if carbon.factor else None,
            "formula": carbon_formula(entry, carbon),
            "co2e_g": {
                "location": carbon.location.value if carbon.location else None,
                "market": carbon.market.value if carbon.market else None,
            },
        },
        "inside": [_entry(other) for other in branch.inside],
        "modelled": None if branch.modelled is None else _entry(branch.modelled),
    }


def _leaf(leaf: Leaf) -> dict[str, Any]:
    term = leaf.term
    return {
        "what": leaf.what,
        "energy_j": leaf.energy_j,
        "power_w": term.power_w if term else None,
        "low_w": term.low_w if term else None,
        "high_w": term.high_w if term else None,
        "formula": term.formula if term else None,
        "source": term.source if term else None,
    }


def _gap(gap: Entry) -> dict[str, Any]:
    return {
        "domain": f"{gap.device}/{gap.domain}", "host": gap.host, "start": gap.start, "end": gap.end,
        "reason": gap.reason, "low_j": gap.low_j, "high_j": gap.high_j,
    }  # fmt: skip
