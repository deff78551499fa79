"""``gcp-bigquery``: Google's table ``carbon_footprint``, as NDJSON or CSV, nested or flattened."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import lru_cache
from itertools import islice
from typing import Any

from wattbook import ImportFailed, ImportSource, Problem, Sheet, SourceFile, Statement

from wattbook_csp import json_rows, months, sheets, tables, versions
from wattbook_csp.decimals import KG_PER_KG, Marks
from wattbook_csp.figures import Figures, Sum
from wattbook_csp.notes import Notes
from wattbook_csp.shelves import Group, Shelves

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
SUMS = (
    Sum("the location-based total", 0, (2, 3, 5)),
    Sum("the market-based total", 1, (2, 4, 5)),
)
BATCH_ROWS = 8_192
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
    yield from sheets.statements(read_sheets(source))


def read_sheets(source: ImportSource) -> Iterator[Sheet | Problem]:
    notes = Notes()
    figures = Figures(
        views=tuple((scope, method) for _, scope, method in VIEWS), fields=FIELDS, unit=UNIT, unit_kg=UNIT_KG,
        sums=SUMS, rounding_kg=ROUNDING_KG, marks=Marks.from_option(source.options.get("decimal")),
    )  # fmt: skip
    shelves = Shelves(figures, _group)
    for file in source.files:
        for lines, columns in _json_batches(file) if _is_json(file) else _csv_batches(file, notes):
            months_, accounts, projects, ids, zones, models, *values, scalars, names, regions = columns
            _refuse_empty(file, lines, accounts, "billing_account_id")
            _refuse_empty(file, lines, ids, "service.id")
            if any(scalars):
                values[0] = [total or scalar for total, scalar in zip(values[0], scalars, strict=True)]
            services = [name or number for name, number in zip(names, ids, strict=True)]
            places = [zone or region or "global" for zone, region in zip(zones, regions, strict=True)]
            resources = [f"projects/{project}/services/{n}" for project, n in zip(projects, ids, strict=True)]
            shelves.put(file.path, lines, (months_, accounts, models), (services, places, resources), values)
    yield from sheets.newest(shelves, (1, 2), notes)


def _is_json(file: SourceFile) -> bool:
    return file.head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")


def _group(usage_month: str, account: str, model: str) -> Group:
    field = "usage_month"
    try:
        month = months.month(usage_month)
        field = "carbon_model_version"
        version = versions.numbers(model)
    except ImportFailed as refused:
        raise ImportFailed(refused.reason, field=field) from None
    head = {"provider": "gcp", "account": account, "model_version": model, "interface": "bigquery"}
    return Group(account=account, month=month, version=version, member="", kind=None, head=head)


def _refuse_empty(file: SourceFile, lines: Sequence[int], column: Sequence[str], field: str) -> None:
    if "" in column:
        line = lines[column.index("")]
        raise ImportFailed("is empty, and part of the key", path=file.path, line=line, field=field)


def _csv_batches(file: SourceFile, notes: Notes) -> Iterator[tables.Batch]:
    names = set(map(canonical, tables.header_of(file.head)))
    total = SCALAR if SCALAR in names and TOTAL not in names else TOTAL
    return tables.batches(file, notes, COLUMNS, (*REQUIRED, total), canonical=canonical)


def _json_batches(file: SourceFile) -> Iterator[tables.Batch]:
    rows = _json_cells(file)
    while some := list(islice(rows, BATCH_ROWS)):
        lines, cells = zip(*some, strict=True)
        yield tables.Batch(lines, list(zip(*cells, strict=True)))


def _json_cells(file: SourceFile) -> Iterator[tuple[int, tuple[str, ...]]]:
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
