"""``exoscale-json``: Exoscale's environmental impact report, a tree with subtotals on every level."""

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

FORMAT = "exoscale-json"
UNIT = "kgCO2eq"
UNIT_KG = KG_PER_KG
ROUNDING_KG = Decimal("0.001")
MAX_DEPTH = 32
#: the one of the impact categories that is a greenhouse gas figure; the others are in MJ and more
CATEGORY = "climate_change"


def sniff(file: SourceFile) -> bool:
    return b'"climate_change"' in file.head and b'"impact"' in file.head


def read(source: ImportSource) -> Iterator[Statement | Problem]:
    notes = Notes()
    account = source.account or months.UNSPECIFIED
    if source.account is None:
        notes.add(months.NO_ACCOUNT)
    rows: list[Row] = []
    for file in source.files:
        month = months.from_user(source, file.path)
        if month == months.UNSPECIFIED:
            notes.add(months.NO_MONTH, path=file.path)
        for _, document in pages.documents(file):
            try:
                if not isinstance(pages.get(document, "zones"), dict):
                    raise ImportFailed("the field is missing", field="zones")
                rows += list(_leaves(document, (), account, month, file))
            except ImportFailed as refused:
                raise ImportFailed(refused.reason, path=file.path, field=refused.field) from None
    yield from newest_of(rows, notes)


def _leaves(node: dict[str, Any], path: tuple[str, ...], account: str, month: str, file: SourceFile) -> Iterator[Row]:
    """The nodes without children; what stands above them is their sum and only compared."""
    if len(path) > MAX_DEPTH:
        raise ImportFailed("is nested too deeply")
    children = {
        name: child for name, child in (node.get("resources" if path else "zones") or {}).items()
        if isinstance(child, dict)
    }  # fmt: skip
    if children:
        parts = [_impact(child, (*path, name)) for name, child in children.items()]
        compare("/".join(path) or "the whole", ROUNDING_KG, _impact(node, path), *parts)
        for name, child in children.items():
            yield from _leaves(child, (*path, name), account, month, file)
        return
    co2e_kg = _impact(node, path)
    zone, *resource = path or ("",)
    statements = []
    if co2e_kg is not None:
        statements.append(
            Statement(
                provider="exoscale", account=account, month=month, service=resource[0] if resource else "",
                region=zone, resource="/".join(resource), scope="total", method="unsplit", co2e_kg=co2e_kg,
                value_raw=pages.text(pages.get(node, "impact", CATEGORY, "value")), unit_raw=UNIT,
                interface="environmental-impact",
            )
        )  # fmt: skip
    yield Row(file.path, None, account, month, (), Figures((account, month, path), statements))


def _impact(node: dict[str, Any], path: tuple[str, ...]) -> Decimal | None:
    figure = pages.get(node, "impact", CATEGORY)
    raw, unit = pages.text(pages.get(figure, "value")), pages.text(pages.get(figure, "unit"))
    field = "/".join((*path, "impact", CATEGORY))
    if not raw:
        return None
    if unit != UNIT:
        raise ImportFailed(f"the unit is {unit!r}; this format is in {UNIT}", field=field)
    try:
        return kilograms(raw, UNIT_KG)
    except ImportFailed as refused:
        raise ImportFailed(refused.reason, field=field) from None
