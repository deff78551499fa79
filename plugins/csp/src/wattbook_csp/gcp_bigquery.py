"""``gcp-bigquery``: Google's table ``carbon_footprint``, as NDJSON or CSV, nested or flattened."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from decimal import Decimal
from functools import lru_cache, partial
from typing import Any

from wattbook import ImportFailed, ImportSource, Problem, SourceFile, Statement

from wattbook_csp import json_rows, months, pages, tables, versions
from wattbook_csp.agreement import compare
from wattbook_csp.decimals import KG_PER_KG, Marks, row_kilograms
from wattbook_csp.notes import Notes
from wattbook_csp.snapshots import Figures, Row, Told, newest

FORMAT = "gcp-bigquery"
UNIT = "kgCO2e"
UNIT_KG = KG_PER_KG
_DEEPEST = 8
ROUNDING_KG = Decimal("0.001")

REQUIRED = ("usage_month", "billing_account_id", "project_number", "service_id", "location_location",
            "carbon_model_version")  # fmt: skip
TOTAL = "carbon_footprint_total_kgco2e_location_based"
SCALAR = "carbon_footprint_kgco2e"  #: until 2022 a number, the location-based total; later a record
#: column, scope, method; total = scope 1 + scope 2 + scope 3, and scope 3 is the same in both methods
VIEWS = (
    (TOTAL, "total", "location"),
    ("carbon_footprint_total_kgco2e_market_based", "total", "market"),
    ("carbon_footprint_kgco2e_scope1", "1", "unsplit"),
    ("carbon_footprint_kgco2e_scope2_location_based", "2", "location"),
    ("carbon_footprint_kgco2e_scope2_market_based", "2", "market"),
    ("carbon_footprint_kgco2e_scope3", "3", "unsplit"),
)
FIELDS = tuple(name for name, _, _ in VIEWS)
COLUMNS = (*REQUIRED, *FIELDS, SCALAR, "service_description", "location_region")
_TELLING = {"billing_account_id", "carbon_model_version", TOTAL, SCALAR, "carbon_footprint_kgco2e_scope1"}


@lru_cache(maxsize=4096)
def canonical(name: str) -> str:
    """One spelling for ``a.b`` (bq, pandas), ``a_b`` (SQL aliases) and lower case."""
    return re.sub(r"[._]+", "_", name).lower()


def sniff(file: SourceFile) -> bool:
    if _is_json(file):
        return b'"billing_account_id"' in file.head and b"carbon_footprint" in file.head
    return len(_TELLING.intersection(map(canonical, tables.header_of(file.head)))) >= 2


def read(source: ImportSource) -> Iterator[Statement | Problem]:
    notes = Notes()
    marks = Marks.from_option(source.options.get("decimal"))

    yield from newest(
        (found for file in source.files for found in _versions(file)),
        (row for file in source.files for row in _rows(file, notes)),
        lambda row: _figures(row, marks),
        notes,
    )


def _is_json(file: SourceFile) -> bool:
    return file.head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")


def _versions(file: SourceFile) -> Iterator[Told]:
    columns = ("billing_account_id", "usage_month", "carbon_model_version")
    if _is_json(file):
        found = {tuple([pages.text(row.get(name)) for name in columns]) for _, row in json_rows.rows(file)}
    else:
        found = tables.distinct(file, columns, canonical=canonical)
    for account, month, model in found:
        # what is wrong is refused with its line when the rows are read
        with suppress(ImportFailed):
            yield Told(account, months.month(month), versions.numbers(model))


def _rows(file: SourceFile, notes: Notes) -> Iterator[Row]:
    for line, cells in _json_cells(file) if _is_json(file) else _csv_cells(file, notes):
        usage_month, account, _, service, _, model, *_ = cells
        field = "usage_month"
        try:
            month = months.month(usage_month)
            field = "carbon_model_version"
            version = versions.numbers(model)
        except ImportFailed as refused:
            raise ImportFailed(refused.reason, path=file.path, line=line, field=field) from None
        for value, field in ((account, "billing_account_id"), (service, "service.id")):
            if not value:
                raise ImportFailed("is empty, and part of the key", path=file.path, line=line, field=field)
        yield Row(file.path, line, account, month, version, cells)


def _csv_cells(file: SourceFile, notes: Notes) -> Iterator[tuple[int, tables.Cells]]:
    names = set(map(canonical, tables.header_of(file.head)))
    total = SCALAR if SCALAR in names and TOTAL not in names else TOTAL
    return tables.rows(file, notes, COLUMNS, (*REQUIRED, total), canonical=canonical)


def _json_cells(file: SourceFile) -> Iterator[tuple[int, tables.Cells]]:
    for line, document in json_rows.rows(file):
        flat: dict[str, str] = {}
        _flatten("", document, flat, 0)
        if "usage_month" not in flat or (TOTAL not in flat and SCALAR not in flat and _has_parts(flat)):
            missing = "usage_month" if "usage_month" not in flat else "carbon_footprint_total_kgCO2e.location_based"
            raise ImportFailed("the field is missing", path=file.path, line=line, field=missing)
        yield line, tuple([flat.get(name, "") for name in COLUMNS])


def _has_parts(flat: dict[str, str]) -> bool:
    return any(flat.get(name) for name, scope, _ in VIEWS if scope != "total")


@lru_cache(maxsize=4096)
def _path(prefix: str, name: str) -> str:
    return canonical(f"{prefix}.{name}" if prefix else name)


def _flatten(prefix: str, document: dict[str, Any], flat: dict[str, str], depth: int) -> None:
    for name, value in document.items():
        path = _path(prefix, name)
        if isinstance(value, str):
            flat[path] = value
        elif value is None:
            flat[path] = ""  # NULL: present and unknown
        elif isinstance(value, dict) and depth < _DEEPEST:
            _flatten(path, value, flat, depth + 1)


def _figures(row: Row, marks: Marks) -> Figures:
    _, account, project, service_id, place, model, *raws, scalar, service, region = row.cells
    raws[0] = raws[0] or scalar
    try:
        values = row_kilograms(raws, FIELDS, UNIT_KG, marks)
    except ImportFailed as refused:
        raise ImportFailed(refused.reason, path=row.path, line=row.line, field=refused.field) from None
    place = place or region or "global"
    resource = f"projects/{project}/services/{service_id}"
    statements = [
        Statement(
            provider="gcp", account=account, month=row.month, service=service or service_id, region=place,
            resource=resource, scope=scope, method=method, co2e_kg=co2e_kg, value_raw=raw, unit_raw=UNIT,
            model_version=model, version_key=row.version, interface="bigquery",
        )
        for co2e_kg, raw, (_, scope, method) in zip(values, raws, VIEWS, strict=True)
        if co2e_kg is not None  # NULL: not computed, which is not 0
    ]  # fmt: skip
    key = (account, row.month, project, service_id, place)
    same = tuple([float(raw or -1) for raw in raws]) if marks is Marks.MACHINE else None
    return Figures(key, statements, same, partial(_compare, values))


def _compare(values: Sequence[Decimal | None]) -> None:
    location, market, scope1, scope2_location, scope2_market, scope3 = values
    compare("the location-based total", ROUNDING_KG, location, scope1, scope2_location, scope3)
    compare("the market-based total", ROUNDING_KG, market, scope1, scope2_market, scope3)
