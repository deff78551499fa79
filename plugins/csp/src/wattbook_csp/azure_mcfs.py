"""``azure-mcfs``: emissions of an enrollment from Microsoft Cloud for Sustainability, OData pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from wattbook import ImportFailed, ImportSource, Problem, SourceFile, Statement

from wattbook_csp import months, pages
from wattbook_csp.decimals import KG_PER_T, kilograms
from wattbook_csp.notes import Notes
from wattbook_csp.snapshots import Figures, Row, newest_of

FORMAT = "azure-mcfs"
UNIT = "mtCO2e"  #: metric tons, not megatons
UNIT_KG = KG_PER_T
METHODS = {"1": "unsplit", "2": "market", "3": "unsplit"}


def sniff(file: SourceFile) -> bool:
    return b'"totalEmissions"' in file.head and (b'"dateKey"' in file.head or b'"enrollmentId"' in file.head)


def read(source: ImportSource) -> Iterator[Statement | Problem]:
    rows = [row for file in source.files for row in _rows(file)]
    if not rows:
        raise ImportFailed("holds no emission", path=source.files[0].path)
    _refuse_missing_pages(source)
    yield from newest_of(rows, Notes())


def _rows(file: SourceFile) -> Iterator[Row]:
    values = ((page, pages.get(page, "value")) for _, page in pages.documents(file))
    return pages.rows(file, (value if isinstance(value, list) else [page] for page, value in values), _row)


def _row(file: SourceFile, number: int, item: dict[str, Any]) -> Row:
    def text(name: str) -> str:
        if name not in item:
            raise ImportFailed("the field is missing", field=name)
        return pages.text(item[name])

    date = text("dateKey")
    if not re.fullmatch(r"\d{6}01", date):
        raise ImportFailed(f"{date!r} is not the first of a month such as 20240101", field="dateKey")
    month = months.month(f"{date[:4]}-{date[4:6]}")
    enrollment, subscription = text("enrollmentId"), text("subscriptionId").lower()
    scope = pages.text(item.get("scopeId")) or text("scope")[-1:]
    if scope not in METHODS:
        raise ImportFailed(f"{scope!r} is not a scope", field="scope")
    service, detail, region = text("azureServiceName"), pages.text(item.get("subService")), text("azureRegionName")
    raw = text("totalEmissions")
    statements = []
    if raw:
        try:
            co2e_kg = kilograms(raw, UNIT_KG)
        except ImportFailed as refused:
            raise ImportFailed(refused.reason, field="totalEmissions") from None
        statements.append(
            Statement(
                provider="azure", account=subscription, month=month, service=service, region=region, resource=detail,
                scope=scope, method=METHODS[scope], co2e_kg=co2e_kg, value_raw=raw, unit_raw=UNIT, payer=enrollment,
                interface="mcfs",
            )
        )  # fmt: skip
    key = (enrollment, subscription, service, detail, region, scope, month)
    return Row(file.path, number, enrollment, month, (), Figures(key, statements))


def _refuse_missing_pages(source: ImportSource) -> None:
    links = [pages.text(pages.get(page, "@odata.nextLink")) for f in source.files for _, page in pages.documents(f)]
    if all(links):
        reason = "the next page is missing: every page has an @odata.nextLink"
        raise ImportFailed(reason, path=source.files[-1].path, field="@odata.nextLink")
