"""A table for an inventory by the GHG Protocol: scope 2 both ways, every category of scope 3, and what is not covered."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from attrs import frozen

from wattbook.accounting import Interval
from wattbook.report.as_csv import safe
from wattbook.report.lines import Block, clean
from wattbook.report.model import Report, ScopeUse
from wattbook.report.numbers import carbon_text, energy_text

NOT_HERE = "not covered by this book"
#: the categories of the Corporate Value Chain (Scope 3) Standard
CATEGORIES = {
    1: "Purchased goods and services", 2: "Capital goods",
    3: "Fuel- and energy-related activities not in scope 1 or 2", 4: "Upstream transportation and distribution",
    5: "Waste generated in operations", 6: "Business travel", 7: "Employee commuting",
    8: "Upstream leased assets", 9: "Downstream transportation and distribution", 10: "Processing of sold products",
    11: "Use of sold products", 12: "End-of-life treatment of sold products", 13: "Downstream leased assets",
    14: "Franchises", 15: "Investments",
}  # fmt: skip
WHY = {
    2: "embodied emissions of machines of one's own are not in this book; they are reported whole in the year of purchase",
    3: "not told apart: a lifecycle factor holds fuel supply, so that scope 2 above includes it",
}
HEADER = (
    "scope", "category", "name", "method", "co2e_kg", "co2e_low_kg", "co2e_high_kg", "energy_kwh", "basis", "note",
    "watermark",
)  # fmt: skip


@frozen(kw_only=True)
class Line:
    """One line of the table; ``None`` is not known, which is not zero."""

    scope: str
    category: int | None
    name: str
    method: str  #: ``location``, ``market``, ``unstated`` or empty
    grams: Interval | None = None
    energy: Interval | None = None
    basis: str = ""
    note: str = ""


def lines_of(report: Report) -> Iterator[Line]:
    """Scope 1, scope 2 in both methods, and all fifteen categories of scope 3."""
    yield Line(scope="1", category=None, name="Direct emissions", method="", note=NOT_HERE)
    own = [use for use in report.scopes if use.scope == "2"]
    lifecycle = any(use.factor.cycle == "lifecycle" for use in report.factors)
    note = "lifecycle factors: a part of it is scope 3 category 3" if lifecycle else ""
    if not own:
        for method in ("location", "market"):
            yield Line(
                scope="2",
                category=None,
                name="Purchased electricity",
                method=method,
                note="no such figure in this period",
            )
    for use in own:
        yield _line(use, "2", None, "Purchased electricity", "location", note)
        market = "no contract or residual mix is configured: the grid average stands in"
        yield _line(use, "2", None, "Purchased electricity", "market", market)
    for number, name in CATEGORIES.items():
        uses = [use for use in report.scopes if use.scope == f"3 category {number}"]
        if not uses:
            yield Line(scope="3", category=number, name=name, method="", note=WHY.get(number, NOT_HERE))
        for use in uses:
            yield _line(use, "3", number, name, "location", use.what)
            if use.total.market_g is not None:
                yield _line(use, "3", number, name, "market", use.what)
            if use.total.unsplit_g is not None:
                yield _line(use, "3", number, name, "unstated", use.what)


def _line(use: ScopeUse, scope: str, category: int | None, name: str, method: str, note: str) -> Line:
    grams = {"location": use.total.location_g, "market": use.total.market_g, "unstated": use.total.unsplit_g}[method]
    why = "" if grams is not None else "not provided"
    if use.total.without_factor_j and method != "unstated":
        why = f"{energy_text(use.total.without_factor_j)} without a grid factor are left out"
    return Line(
        scope=scope, category=category, name=name, method=method, grams=grams, energy=use.total.energy,
        basis="provided" if use.provided else "measured and estimated", note="; ".join(filter(None, (note, why))),
    )  # fmt: skip


def as_rows(report: Report) -> list[dict[str, Any]]:
    """Plain values in kilograms and kilowatt-hours; unknown is ``None``."""
    return [
        {
            "scope": one.scope, "category": one.category, "name": one.name, "method": one.method or None,
            **{f"co2e{end}_kg": _kg(one.grams, end) for end in ("", "_low", "_high")},
            "energy_kwh": None if one.energy is None else one.energy.value / 3.6e6,
            "basis": one.basis or None, "note": one.note or None, "watermark": report.watermark,
        }
        for one in lines_of(report)
    ]  # fmt: skip


def _kg(grams: Interval | None, end: str) -> float | None:
    found = None if grams is None else {"": grams.value, "_low": grams.low, "_high": grams.high}[end]
    return None if found is None else found / 1000


def as_csv(report: Report) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, HEADER, lineterminator="\n")
    writer.writeheader()
    for row in as_rows(report):
        writer.writerow(
            {k: "" if v is None else repr(v) if isinstance(v, float) else safe(str(v)) for k, v in row.items()}
        )
    return text.getvalue()


def as_blocks(report: Report) -> Iterator[Block]:
    rows = [
        (
            one.scope, "" if one.category is None else str(one.category), one.name, one.method,
            "" if one.grams is None else carbon_text(one.grams), "" if one.energy is None else energy_text(one.energy),
            one.basis, clean(one.note),
        )
        for one in lines_of(report)
    ]  # fmt: skip
    columns = ("scope", "category", "name", "method", "carbon", "energy", "basis", "note")
    yield Block(title=f"GHG Protocol, {report.period.title}", columns=columns, rows=tuple(rows))
    notes = [
        ("location- and market-based are two views of the same energy and never one sum",),
        (
            "gross, no offsets; carbon dioxide equivalents as the sources of the factors state them; biogenic carbon is not told apart",
        ),
    ]
    if report.watermark:
        notes.insert(0, (report.watermark,))
    yield Block(title="Notes", rows=tuple(notes))
