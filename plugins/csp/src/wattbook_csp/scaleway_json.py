"""``scaleway-json``: Scaleway's environmental footprint API, whose totals are nested over its SKUs."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from wattbook import ImportFailed, ImportSource, Problem, SourceFile, Statement

from wattbook_csp import months, pages
from wattbook_csp.agreement import compare
from wattbook_csp.decimals import KG_PER_KG, kilograms
from wattbook_csp.notes import Notes
from wattbook_csp.snapshots import Figures, Row, newest_of

FORMAT = "scaleway-json"
UNIT = "kgCO2e"
UNIT_KG = KG_PER_KG
ROUNDING_KG = Decimal("0.001")


def sniff(file: SourceFile) -> bool:
    return b'"total_impact"' in file.head and b'"kg_co2_equivalent"' in file.head


def read(source: ImportSource) -> Iterator[Statement | Problem]:
    rows = []
    for file in source.files:
        for _, document in pages.documents(file):
            try:
                rows += list(_rows(file, document, source.account or ""))
            except ImportFailed as refused:
                raise ImportFailed(refused.reason, path=file.path, field=refused.field) from None
    yield from newest_of(rows, Notes())


def _rows(file: SourceFile, document: Any, organization: str) -> Iterator[Row]:
    start, end = pages.text(pages.get(document, "start_date")), pages.text(pages.get(document, "end_date"))
    if not start or not end:
        raise ImportFailed("the field is missing", field="end_date" if start else "start_date")
    month = months.period(start, end)
    total = _impact(document, "total_impact")
    if total is None:
        raise ImportFailed("the field is missing", field="total_impact.kg_co2_equivalent")
    for project in pages.objects(document.get("projects")):
        account = pages.text(project.get("project_id"))
        for region in pages.objects(project.get("regions")):
            name = pages.text(region.get("region"))
            # SKUs hang below the zones and, where they have none, directly below the region
            for zone in pages.objects(region.get("zones")):
                for sku in pages.objects(zone.get("skus")):
                    yield _row(file, month, organization, account, pages.text(zone.get("zone")), sku)
                _compare(zone, "total_zone_impact", skus="total_sku_impact")
            for sku in pages.objects(region.get("skus")):
                yield _row(file, month, organization, account, name, sku)
            _compare(region, "total_region_impact", zones="total_zone_impact", skus="total_sku_impact")
        _compare(project, "total_project_impact", regions="total_region_impact")
    _compare(document, "total_impact", projects="total_project_impact")


def _row(file: SourceFile, month: str, organization: str, account: str, region: str, sku: dict[str, Any]) -> Row:
    name, raw = pages.text(sku.get("sku")), pages.text(pages.get(sku, "total_sku_impact", "kg_co2_equivalent"))
    statements = []
    if raw:
        statements.append(
            Statement(
                provider="scaleway", account=account, month=month,
                service=pages.text(sku.get("product_category")) or pages.text(sku.get("service_category")),
                region=region, resource=name, scope="total", method="unsplit", co2e_kg=_kg(raw, name), value_raw=raw,
                unit_raw=UNIT, payer=organization, interface="environmental-footprint", completeness="provisional",
            )
        )  # fmt: skip
    # the organization's answer replaces all of its projects of the month
    return Row(
        file.path, None, organization or "organization", month, (), Figures((account, region, name, month), statements)
    )


def _compare(node: dict[str, Any], total: str, **children: str) -> None:
    """A subtotal against what hangs below it, of which it says the names and where their totals are."""
    parts = [_impact(child, part) for name, part in children.items() for child in pages.objects(node.get(name))]
    compare(total, ROUNDING_KG, _impact(node, total), *parts)


def _impact(node: Any, name: str) -> Decimal | None:
    raw = pages.text(pages.get(node, name, "kg_co2_equivalent"))
    return _kg(raw, name) if raw else None


def _kg(raw: str, name: str) -> Decimal:
    try:
        return kilograms(raw, UNIT_KG)
    except ImportFailed as refused:
        raise ImportFailed(f"{name}: {refused.reason}", field="kg_co2_equivalent") from None
