"""``ibm-json``: IBM Cloud's carbon calculator, page by page, in grams."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from wattbook import ImportFailed, ImportSource, Problem, SourceFile, Statement

from wattbook_csp import months, pages
from wattbook_csp.alternatives import one_way
from wattbook_csp.decimals import KG_PER_G, kilograms
from wattbook_csp.notes import Notes
from wattbook_csp.snapshots import Figures, Row, once

FORMAT = "ibm-json"
UNIT = "gCO2e"
UNIT_KG = KG_PER_G
#: the same emissions grouped in different ways; the one that says most about the place counts
GROUPS = ("location", "service", "resource_group", "account", "month")


def sniff(file: SourceFile) -> bool:
    return b'"carbon_emissions"' in file.head and (b'"carbon_emission"' in file.head or b'"total_count"' in file.head)


def read(source: ImportSource) -> Iterator[Statement | Problem]:
    notes = Notes()
    rows = [row for file in source.files for row in _rows(file)]
    if not rows:
        raise ImportFailed("holds no emission", path=source.files[0].path)
    _refuse_missing_pages(source)
    rows = one_way(
        rows, lambda row: (row.account, row.month), lambda row: _way(row.cells.key), lambda way: f"the answer by {way[1]}",
        notes, tolerance_kg=Decimal("0.001"),
    )  # fmt: skip
    yield from once(rows, lambda row: row.cells, notes)
    yield from notes.problems()


def _rows(file: SourceFile) -> Iterator[Row]:
    return pages.rows(file, _entries(file), _row)


def _entries(file: SourceFile) -> Iterator[list[Any]]:
    for _, page in pages.documents(file):
        entries = pages.get(page, "carbon_emissions")
        if not isinstance(entries, list):
            raise ImportFailed("the field is missing", path=file.path, field="carbon_emissions")
        yield entries


def _row(file: SourceFile, number: int, entry: dict[str, Any]) -> Row:
    account = pages.text(entry.get("account_id"))
    if not account:
        raise ImportFailed("the field is missing", field="account_id")
    date = pages.text(pages.get(entry, "month", "value")) or pages.text(entry.get("month"))
    try:
        month = months.month(date)
    except ImportFailed as refused:
        raise ImportFailed(refused.reason, field="month.value") from None
    group, value = pages.text(pages.get(entry, "group_by", "type")), pages.text(pages.get(entry, "group_by", "value"))
    if "carbon_emission" not in entry:
        raise ImportFailed("the field is missing", field="carbon_emission")
    raw = pages.text(entry["carbon_emission"])
    statements = []
    if raw:
        try:
            co2e_kg = kilograms(raw, UNIT_KG)
        except ImportFailed as refused:
            raise ImportFailed(refused.reason, field="carbon_emission") from None
        statements.append(
            Statement(
                provider="ibm", account=account, month=month,
                service=pages.text(entry.get("service")) or (value if group == "service" else ""),
                region=pages.text(entry.get("location")) or (value if group == "location" else ""),
                resource=value if group not in ("service", "location") else "", scope="total", method="unsplit",
                co2e_kg=co2e_kg, value_raw=raw, unit_raw=UNIT, interface="carbon-calculator",
            )
        )  # fmt: skip
    return Row(file.path, number, account, month, (), Figures((account, month, group or "month", value), statements))


def _way(key: Any) -> tuple[int, str]:
    group = key[2]
    return GROUPS.index(group) if group in GROUPS else len(GROUPS), group


def _refuse_missing_pages(source: ImportSource) -> None:
    """Every ``next`` is followed by the page of that offset, and all counted entries are there."""
    found: dict[int, int] = {}
    wanted: dict[int, Any] = {}
    for file in source.files:
        for _, page in pages.documents(file):
            offset = pages.whole(pages.get(page, "offset")) or 0
            entries = pages.objects(pages.get(page, "carbon_emissions"))
            found[offset] = max(found.get(offset, 0), len(entries))
            if pages.get(page, "next", "href"):
                wanted[offset + len(entries)] = file.path
            elif offset + len(entries) < (total := pages.whole(pages.get(page, "total_count")) or 0):
                reason = f"the next page is missing: this one ends at entry {offset + len(entries)} of {total}"
                raise ImportFailed(reason, path=file.path, field="total_count")
    for offset, path in wanted.items():
        if offset not in found:
            reason = f"the next page is missing: the one from offset {offset}"
            raise ImportFailed(reason, path=path, field="next.href")
    if found and 0 not in found:
        raise ImportFailed("the first page is missing", path=source.files[0].path, field="offset")
