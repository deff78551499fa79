"""What ``wattbook run`` says at the end: one document from the run and its entries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from wattbook.accounting import Interval, carbon_of, total
from wattbook.records import Entry, Place, RunRecord, utc_time
from wattbook.resolve import Verdict


def document(run: RunRecord, entries: Sequence[Entry], *, command: Sequence[str]) -> dict[str, Any]:
    """The JSON document of ``wattbook run``; unknown is ``None``."""
    sums = total(entries)
    addends = [entry for entry in entries if entry.kind == "reading" and entry.outermost]
    factors = [carbon_of(entry).factor for entry in addends[:1]]
    return {
        "run_id": run.run_id,
        "parent_id": run.parent_id,
        "command": list(command),
        "start": run.start,
        "end": run.end,
        "duration_s": (utc_time(run.end) - utc_time(run.start)).total_seconds(),
        "exit_code": run.exit_code,
        "signal": run.signal,
        "energy_j": _value(sums.energy),
        "energy_low_j": _low(sums.energy),
        "energy_high_j": _high(sums.energy),
        "co2e_g": _value(sums.location_g),
        "co2e_low_g": _low(sums.location_g),
        "co2e_high_g": _high(sums.location_g),
        "factor": factors[0].as_dict() if factors and factors[0] is not None else None,
        "process_share": run.process_share,
        "activity": dict(run.activity) or None,
        "units": run.units,
        "unit": run.unit or None,
        "readings": _readings(entries),
        "gaps": _gaps(entries),
        "by_basis_j": {basis: _sum_j(e for e in addends if e.basis == basis) for basis in ("measured", "estimated")},
        "warnings": list(dict.fromkeys([*run.warnings, *(w for entry in entries for w in entry.warnings)])),
    }


def prepare() -> None:
    """Load while the command runs what is only needed when it has ended, and somebody waits."""
    from importlib import import_module

    from wattbook.accounting.carbon import factor_of

    import_module("wattbook.pipeline.dividing")
    factor_of(Place(), 2026)  # reads the table


def verdict_as_dict(verdict: Verdict) -> dict[str, Any]:
    """A verdict as a run remembers it."""
    return {
        "plugin": verdict.plugin, "source": verdict.source, "hook": verdict.hook, "fate": str(verdict.fate),
        "domains": [str(domain) for domain in verdict.domains], "reason": verdict.reason, "remedy": verdict.remedy,
    }  # fmt: skip


def _value(interval: Interval | None) -> float | None:
    return None if interval is None else interval.value


def _low(interval: Interval | None) -> float | None:
    return None if interval is None else interval.low


def _high(interval: Interval | None) -> float | None:
    return None if interval is None else interval.high


def _sum_j(entries: Iterable[Entry]) -> float | None:
    known = [entry.energy_j for entry in entries if entry.energy_j is not None]
    return sum(known) if known else None


def _readings(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """The readings, the stretches of one domain added up: one source is wrong in the same way in all of them."""
    merged: dict[tuple[object, ...], dict[str, Any]] = {}
    for e in entries:
        if e.kind != "reading":
            continue
        key = (e.device, e.domain, e.basis, e.plugin, e.source, e.outermost)
        row = merged.get(key)
        if row is None:
            merged[key] = {
                "device": e.device, "domain": e.domain, "basis": e.basis, "plugin": e.plugin, "source": e.source,
                "energy_j": e.energy_j, "low_j": e.low_j, "high_j": e.high_j, "outermost": e.outermost,
            }  # fmt: skip
            continue
        for name, more in (("energy_j", e.energy_j), ("low_j", e.low_j), ("high_j", e.high_j)):
            row[name] = None if row[name] is None or more is None else row[name] + more
    return list(merged.values())


def _gaps(entries: Iterable[Entry]) -> list[dict[str, str]]:
    seen = dict.fromkeys((f"{e.device}/{e.domain}", e.reason) for e in entries if e.kind == "gap")
    return [{"domain": domain, "reason": reason} for domain, reason in seen]
