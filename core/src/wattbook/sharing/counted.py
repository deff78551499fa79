"""What a month's report counts, as rows for other engines: their plain sums are the report's totals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wattbook.report import Report
from wattbook.units import G_PER_KG

#: the dimensions by which entries stay apart
DIMENSIONS = ("day", "project", "phase", "person", "platform")

#: name and type of every column; the month is that of the folder
COUNTED: dict[str, type] = {
    "basis": str, "day": str, "project": str, "phase": str, "person": str, "platform": str,
    "provider": str, "account": str,
    "host": str, "device": str, "domain": str, "plugin": str, "source": str, "site": str, "zone": str,
    "entries": int, "hours": float,
    "energy_j": float, "location_g": float, "market_g": float, "unsplit_g": float, "without_factor_j": float,
    "factor_id": str,
}  # fmt: skip


def counted(report: Report) -> Iterator[dict[str, Any]]:
    """The rows of one month: its own energy by day, labels and source, and each provider's figure.

    *report* is broken down by ``DIMENSIONS``.  Overlaps are resolved in it, breakdowns are left out, and
    what a provider's figure contains already is not there a second time.
    """
    from wattbook.accounting.carbon import factor_of, pinned

    with pinned(report.pins):
        for atom in report.atoms:
            total, line = atom.tally.total(), atom.line
            factor = factor_of(line.place, line.year)
            yield {
                **dict.fromkeys(COUNTED), **dict(zip(DIMENSIONS, atom.keys, strict=True)),
                "basis": line.basis, "host": line.host, "device": line.device, "domain": line.domain,
                "plugin": line.plugin, "source": line.source, "site": line.place.site, "zone": line.place.zone,
                "entries": atom.count, "hours": atom.hours,
                "energy_j": None if total.energy is None else total.energy.value,
                "location_g": None if total.location_g is None else total.location_g.value,
                "market_g": None if total.market_g is None else total.market_g.value,
                "without_factor_j": total.without_factor_j,
                "factor_id": None if factor is None else factor.id,
            }  # fmt: skip
    for claim in report.claims:
        provided = claim.provided
        yield {
            **dict.fromkeys(COUNTED), "basis": "provided", "provider": claim.provider, "account": claim.account,
            "entries": 0, "without_factor_j": 0.0,
            **{
                f"{view}_g": None if kilograms is None else float(kilograms * G_PER_KG)
                for view, kilograms in (
                    ("location", provided.location), ("market", provided.market), ("unsplit", provided.unsplit),
                )
            },
        }  # fmt: skip
