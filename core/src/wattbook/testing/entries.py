"""Builders of what stands in the book, with visible values for tests."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from wattbook.model import Statement
from wattbook.records import Entry, Labels, Place, RunRecord, utc_text
from wattbook.testing.builders import START

SINGAPORE = Place(site="office", zone="SG", pue=1.0)


def an_entry(
    energy_j: float | None = 3_600_000.0,
    *,
    start: datetime = START,
    hours: float = 1.0,
    error: float | None = None,
    address: str = "cpu:0/package",
    place: Place = SINGAPORE,
    basis: str | None = "measured",
    **more: Any,
) -> Entry:
    """An hour of one processor that used a kWh; *error* is the relative half width of its interval.

    ``project``, ``phase``, ``person``, ``platform`` and ``tags`` are its labels.
    """
    device, _, domain = address.rpartition("/")
    names = ("project", "phase", "person", "platform", "tags")
    labels = Labels(**{name: more.pop(name) for name in names if name in more})
    if error is not None and energy_j is not None:
        more |= {"low_j": energy_j * (1 - error), "high_j": energy_j * (1 + error)}
    told: dict[str, Any] = {
        "run_id": "run-1", "host": "host-1", "plugin": "fake", "source": "meter", "cause": "sensor:fake", **more,
    }  # fmt: skip
    return Entry(
        start=utc_text(start), end=utc_text(start + timedelta(hours=hours)), device=device, domain=domain,
        basis=basis, energy_j=energy_j, place=place, labels=labels, **told,
    )  # fmt: skip


def a_gap_entry(reason: str = "nothing measures it", *, address: str = "gpu:0/board", **more: Any) -> Entry:
    """An hour in which nobody covered a domain."""
    return an_entry(None, address=address, basis=None, kind="gap", outermost=False, reason=reason, **more)


def a_run(run_id: str = "run-1", *, start: datetime = START, hours: float = 1.0, **more: Any) -> RunRecord:
    """An hour's run of one host."""
    told: dict[str, Any] = {"host": "host-1", "command": "python", **more}
    return RunRecord(run_id=run_id, start=utc_text(start), end=utc_text(start + timedelta(hours=hours)), **told)


def a_statement(kg: str, *, scope: str = "total", method: str = "location", **more: Any) -> Statement:
    """One figure of the provider acme for its account 1 in October 2026."""
    told: dict[str, Any] = {"provider": "acme", "account": "1", "month": "2026-10", **more}
    return Statement(scope=scope, method=method, co2e_kg=Decimal(kg), value_raw=kg, unit_raw="kg", **told)
