"""``aws-api-json``: answers of the ``sustainability`` API, GetEstimatedCarbonEmissions, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from wattbook import ImportFailed, ImportSource, Problem, SourceFile, Statement

from wattbook_csp import aws, months, pages, versions
from wattbook_csp.alternatives import one_way
from wattbook_csp.decimals import kilograms
from wattbook_csp.notes import Notes
from wattbook_csp.snapshots import Figures, Row, Told, newest_versions, once

FORMAT = "aws-api-json"

#: one a view, in the order of ``aws.VIEWS``; unless asked for all, the API answers with the two totals only
TYPES = tuple(
    f"TOTAL_{name}_CARBON_EMISSIONS"
    for name in ("LBM", "MBM", "SCOPE_1", "SCOPE_2_LBM", "SCOPE_2_MBM", "SCOPE_3_LBM", "SCOPE_3_MBM")
)
DIMENSIONS = ("USAGE_ACCOUNT_ID", "SERVICE", "REGION")


def sniff(file: SourceFile) -> bool:
    return b'"EmissionsValues"' in file.head and b'"Results"' in file.head


def read(source: ImportSource) -> Iterator[Statement | Problem]:
    notes = Notes()
    rows = [row for file in source.files for row in _rows(file, source.account, notes)]
    if not rows:
        raise ImportFailed("holds no month and no year: ask with the granularity MONTHLY", path=source.files[0].path)
    _refuse_missing_pages(source)
    best = newest_versions((Told(row.account, row.month, row.version) for row in rows), notes)
    rows = [row for row in rows if row.version == best.get((row.account, row.month))]
    # grouped and ungrouped answers are the same kilograms; the most detailed one counts
    rows = one_way(
        rows, lambda row: (row.account, row.month), lambda row: (-len(row.cells.key[0]), *row.cells.key[0]),
        lambda way: _shown(way[1:]), notes, tolerance_kg=aws.RESOLUTION_KG,
    )  # fmt: skip
    yield from once(rows, lambda row: row.cells, notes)
    yield from notes.problems()


def _rows(file: SourceFile, caller: str | None, notes: Notes) -> Iterator[Row]:
    for _, page in pages.documents(file):
        if not isinstance(pages.get(page, "Results"), list):
            raise ImportFailed("is no answer of the API: the field is missing", path=file.path, field="Results")
        grouped = _grouped(page)
        for number, result in enumerate(pages.objects(page["Results"]), start=1):
            start = pages.text(pages.get(result, "TimePeriod", "Start"))
            end = pages.text(pages.get(result, "TimePeriod", "End"))
            try:
                if months.is_whole_months(start, end) not in (1, 12):
                    notes.add("figures of neither a month nor a year left out", path=file.path)
                    continue
                month = months.period(start, end)
                yield _row(file, month, result, grouped, caller, notes)
            except ImportFailed as refused:
                raise ImportFailed(f"result {number}: {refused.reason}", path=file.path, field=refused.field) from None


def _row(
    file: SourceFile,
    month: str,
    result: dict[str, Any],
    grouped: tuple[str, ...],
    caller: str | None,
    notes: Notes,
) -> Row:
    dimensions = {name: pages.text(pages.get(result, "DimensionsValues", name)) for name in DIMENSIONS}
    account = dimensions["USAGE_ACCOUNT_ID"] or caller or months.UNSPECIFIED
    if account == months.UNSPECIFIED:
        notes.add(months.NO_ACCOUNT)
    payer = caller or ""
    model = pages.text(result.get("ModelVersion"))
    if not model:
        raise ImportFailed("the field is missing", field="ModelVersion")
    version = (*versions.numbers(model), "")
    values: list[Decimal | None] = []
    statements = []
    for (scope, method), name in zip(aws.VIEWS, TYPES, strict=True):
        raw = pages.text(pages.get(result, "EmissionsValues", name, "Value"))
        if not raw:
            values.append(None)
            continue
        try:
            aws.check_unit(pages.text(pages.get(result, "EmissionsValues", name, "Unit")), name)
            co2e_kg = kilograms(raw, aws.UNIT_KG)
        except ImportFailed as refused:
            raise ImportFailed(refused.reason, field=name) from None
        values.append(co2e_kg)
        statements.append(
            Statement(
                provider=aws.PROVIDER, account=account, month=month, service=dimensions["SERVICE"],
                region=dimensions["REGION"], scope=scope, method=method, co2e_kg=co2e_kg, value_raw=raw,
                unit_raw=aws.UNIT, model_version=model, version_key=version, payer=payer, interface="api",
                resolution_kg=aws.RESOLUTION_KG,
            )
        )  # fmt: skip
    key = (grouped, month, *dimensions.values())
    return Row(
        file.path,
        None,
        payer or months.UNSPECIFIED,
        month,
        version,
        Figures(key, statements, check=partial(aws.compare_totals, values)),
    )


def _grouped(page: Any) -> tuple[str, ...]:
    """What an answer is grouped by; a global service may leave one of the dimensions empty."""
    named = {name for result in pages.objects(page["Results"]) for name in pages.get(result, "DimensionsValues") or {}}
    return tuple(name for name in DIMENSIONS if name in named)


def _shown(grouped: tuple[Any, ...]) -> str:
    return "the answer by " + ", ".join(grouped) if grouped else "the answer without groups"


def _refuse_missing_pages(source: ImportSource) -> None:
    """A page with a NextToken is followed by another, and the last one has none."""
    ends: dict[tuple[str, ...], bool] = {}
    places: dict[tuple[str, ...], Path] = {}
    for file in source.files:
        for _, page in pages.documents(file):
            grouped = _grouped(page)
            ends[grouped] = ends.get(grouped, False) or not pages.text(pages.get(page, "NextToken"))
            places.setdefault(grouped, file.path)
    for grouped, ended in ends.items():
        if not ended:
            reason = "the next page is missing: every page has a NextToken"
            raise ImportFailed(reason, path=places[grouped], field="NextToken")
