"""``oci-json``: Oracle's usage API, request_usage_carbon_emissions, in CO2 and by method."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from attrs import evolve
from wattbook import ImportFailed, ImportSource, Problem, SourceFile, Statement

from wattbook_csp import months, pages
from wattbook_csp.alternatives import one_way
from wattbook_csp.decimals import KG_PER_T, kilograms
from wattbook_csp.notes import Notes
from wattbook_csp.snapshots import Figures, Row, once

FORMAT = "oci-json"
UNIT = "MTCO2"  #: CO2 alone, without the other gases
UNIT_KG = KG_PER_T
METHODS = {"LOCATION_BASED": "location", "MARKET_BASED": "market"}
CALCULATIONS = ("POWER_BASED", "SPEND_BASED")  #: metered power says more than money spent
#: what an answer may be grouped by; tenant and time are in the key anyway
GROUPS = ("service", "region", "compartmentid", "compartmentpath", "compartmentname", "resourceid", "resourcename",
          "skupartnumber", "skuname", "platform", "ad", "subscriptionid")  # fmt: skip


def sniff(file: SourceFile) -> bool:
    return b"computedcarbonemission" in re.sub(rb"[_-]", b"", file.head).lower()


def read(source: ImportSource) -> Iterator[Statement | Problem]:
    notes = Notes()
    rows = [row for file in source.files for row in _rows(file)]
    if not rows:
        raise ImportFailed("holds no emission", path=source.files[0].path)
    rows = one_way(rows, lambda r: (r.account, r.month), lambda r: (_rank(r.cells.key[0]), r.cells.key[0]),
                   lambda way: f"the {way[1]} answer", notes)  # fmt: skip
    rows = one_way(rows, lambda r: (r.account, r.month, r.cells.key[1]), lambda r: _detail(r.cells.key),
                   _shown, notes, tolerance_kg=Decimal("0.001"))  # fmt: skip
    yield from _months_of(once(rows, lambda row: row.cells, notes), rows)
    yield from notes.problems()


def _rows(file: SourceFile) -> Iterator[Row]:
    number = 0
    for _, document in pages.documents(file):
        body = _plain(pages.get(document, "data") or document)
        items = body.get("items")
        if not isinstance(items, list):
            raise ImportFailed("the field is missing", path=file.path, field="items")
        plain = [_plain(item) for item in pages.objects(items)]
        # an item without, say, a region belongs to the same answer as those with one
        grouped = tuple(name for name in GROUPS if any(item.get(name) for item in plain))
        for item in plain:
            number += 1
            try:
                yield _row(file, number, item, grouped)
            except ImportFailed as refused:
                reason = f"item {number}: {refused.reason}"
                raise ImportFailed(reason, path=file.path, field=refused.field) from None


def _plain(document: Any) -> dict[str, Any]:
    """One spelling of the names: the API writes ``timeUsageStarted``, Python ``_``, the command line ``-``."""
    if not isinstance(document, dict):
        raise ImportFailed("is no answer of the usage API")
    return {re.sub(r"[_-]", "", name).lower(): value for name, value in document.items()}


def _row(file: SourceFile, number: int, item: dict[str, Any], grouped: tuple[str, ...]) -> Row:
    calculation = pages.text(item.get("emissioncalculationmethod")).upper()
    method = METHODS.get(pages.text(item.get("emissiontype")).upper(), "unsplit")
    account = pages.text(item.get("tenantid"))
    for value, field in ((account, "tenantId"), (calculation, "emissionCalculationMethod")):
        if not value:
            raise ImportFailed("the field is missing", field=field)
    start, end = pages.text(item.get("timeusagestarted")), pages.text(item.get("timeusageended"))
    try:
        month, days = _month(start, end)
    except ImportFailed as refused:
        raise ImportFailed(refused.reason, field="timeUsageStarted") from None
    values = {name: pages.text(item.get(name)) for name in grouped}
    raw = pages.text(item.get("computedcarbonemission"))
    if not raw:
        raise ImportFailed("the field is missing", field="computedCarbonEmission")
    try:
        co2e_kg = kilograms(raw, UNIT_KG)
    except ImportFailed as refused:
        raise ImportFailed(refused.reason, field="computedCarbonEmission") from None
    place = values.get("compartmentpath") or values.get("compartmentname") or values.get("compartmentid") or ""
    statement = Statement(
        provider="oci", account=account, month=month, service=values.get("service", ""),
        region=values.get("region", ""),
        resource="/".join(v for v in (place, values.get("resourceid", ""), values.get("skupartnumber", "")) if v),
        scope="total", method=method, co2e_kg=co2e_kg, value_raw=raw, unit_raw=UNIT,
        interface=f"usage-{calculation.lower().replace('_', '-')}",
    )  # fmt: skip
    key = (calculation, method, tuple(values.items()), start, end, days)
    return Row(file.path, number, account, month, (), Figures(key, (statement,)))


def _month(start: str, end: str) -> tuple[str, int]:
    """The month, and how many of its days: an answer may be daily."""
    first, last = months.moment(start), months.moment(end)
    days = (last - first).days
    if (
        days < 1
        or first.hour
        or first.minute
        or ((first.year, first.month) != (last.year, last.month) and last.day != 1)
    ):
        raise ImportFailed(f"{start} to {end} is neither a month nor days of one")
    return f"{first:%Y-%m}", days


def _months_of(statements: Iterable[Statement], rows: list[Row]) -> Iterator[Statement]:
    """Days added up to their month; a month of which days are missing is partial."""
    sums: dict[tuple[str, ...], Statement] = {}
    for statement in statements:
        known = sums.get(statement.key)
        if known is not None:
            co2e_kg = known.co2e_kg + statement.co2e_kg
            statement = evolve(known, co2e_kg=co2e_kg, value_raw=str(co2e_kg / UNIT_KG))
        sums[statement.key] = statement
    days: dict[tuple[str, str], set[int]] = {}
    for row in rows:
        first = months.moment(row.cells.key[3]).day
        days.setdefault((row.account, row.month), set()).update(range(first, first + row.cells.key[5]))
    for statement in sums.values():
        year, month = map(int, statement.month.split("-"))
        whole = len(days[statement.account, statement.month]) >= calendar.monthrange(year, month)[1]
        yield statement if whole else evolve(statement, completeness="partial")


def _rank(calculation: str) -> int:
    return CALCULATIONS.index(calculation) if calculation in CALCULATIONS else len(CALCULATIONS)


def _detail(key: Any) -> tuple[bool, int, tuple[str, ...]]:
    """Whole months first, then the answer with the most groups."""
    grouped = tuple(name for name, _ in key[2])
    return key[5] < 28, -len(grouped), grouped


def _shown(way: tuple[Any, ...]) -> str:
    return f"the {'daily' if way[0] else 'monthly'} answer by {', '.join(way[2]) or 'nothing'}"
