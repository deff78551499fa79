"""``aws-data-export``: the table CARBON_EMISSIONS of AWS Data Exports, as CSV or Parquet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from functools import lru_cache, partial

from wattbook import ImportFailed, ImportSource, Problem, SourceFile, Statement

from wattbook_csp import aws, months, parquet, tables, versions
from wattbook_csp.decimals import kilograms
from wattbook_csp.notes import Notes
from wattbook_csp.snapshots import Figures, Row, Told, Version, newest

FORMAT = "aws-data-export"

REQUIRED = (
    "usage_account_id", "payer_account_id", "product_code", "region_code", "usage_period_start",
    "model_version", "last_refresh_timestamp", "total_mbm_emissions_value",
)  # fmt: skip
#: one a view; an export that was set up in 2025 has some of them only
VALUES = (
    "total_lbm_emissions", "total_mbm_emissions", "total_scope_1_emissions", "total_scope_2_lbm_emissions",
    "total_scope_2_mbm_emissions", "total_scope_3_lbm_emissions", "total_scope_3_mbm_emissions",
)  # fmt: skip
OPTIONAL = (
    "location", "usage_period_end", *(f"{name}_value" for name in VALUES if name != "total_mbm_emissions"),
    *(f"{name}_unit" for name in VALUES),
)  # fmt: skip
COLUMNS = (*REQUIRED, *OPTIONAL)
VERSION_COLUMNS = (
    "payer_account_id", "usage_period_start", "model_version", "last_refresh_timestamp", "usage_account_id",
)  # fmt: skip
_PLACE = {name: index for index, name in enumerate(COLUMNS)}
_LOCATION, _END = _PLACE["location"], _PLACE["usage_period_end"]
#: where a view's value and unit stand, and what it is
_VIEWS = tuple(
    (_PLACE[f"{name}_value"], _PLACE[f"{name}_unit"], scope, method)
    for name, (scope, method) in zip(VALUES, aws.VIEWS, strict=True)
)
_TELLING = {
    "last_refresh_timestamp", "payer_account_id", "usage_account_id", "usage_period_start",
    "total_mbm_emissions_value", "total_lbm_emissions_value",
}  # fmt: skip


def sniff(file: SourceFile) -> bool:
    if parquet.is_parquet(file):
        return parquet.mentions(file, b"total_mbm_emissions_value")
    return len(_TELLING.intersection(tables.header_of(file.head))) >= 3


def read(source: ImportSource) -> Iterator[Statement | Problem]:
    notes = Notes()
    yield from newest(
        (found for file in source.files for found in _versions(file)),
        (row for file in source.files for row in _rows(file, notes)),
        _figures,
        notes,
    )


def _versions(file: SourceFile) -> Iterator[Told]:
    columns = parquet.distinct if parquet.is_parquet(file) else tables.distinct
    for payer, start, model, refreshed, account in columns(file, VERSION_COLUMNS):
        # what is wrong is refused with its line when the rows are read
        with suppress(ImportFailed):
            yield Told(payer, months.month(start), _version(model, refreshed), account)


@lru_cache(maxsize=4096)
def _version(model: str, refreshed: str) -> Version:
    """The model's version, and among exports of one model the later refresh."""
    return (*versions.numbers(model), f"{months.moment(refreshed):%Y-%m-%dT%H:%M:%SZ}" if refreshed else "")


def _rows(file: SourceFile, notes: Notes) -> Iterator[Row]:
    path = file.path
    if parquet.is_parquet(file):
        numbered = parquet.rows(file, COLUMNS, REQUIRED)
    else:
        numbered = tables.rows(file, notes, COLUMNS, REQUIRED)
    for line, cells in numbered:
        _, payer, _, _, start, model, refreshed, *_ = cells
        field = "usage_period_start"
        try:
            month = months.month(start)
            field = "model_version" if not model else "last_refresh_timestamp"
            version = _version(model, refreshed)
        except ImportFailed as refused:
            field = "model_version" if "model version" in refused.reason else field
            raise ImportFailed(refused.reason, path=path, line=line, field=field) from None
        yield Row(path, line, payer, month, version, cells)


def _figures(row: Row) -> Figures:
    path, line, _, month, version, cells = row
    account, payer, service, region, start, model, refreshed, *_ = cells
    region = region or cells[_LOCATION]  # global services have no region
    values: list[Decimal | None] = []
    statements = []
    field = "usage_period_end"
    try:
        if cells[_END] and months.period(start, cells[_END]) != month:
            raise ImportFailed(f"{start} to {cells[_END]} is more than a month")
        published_at = months.moment(refreshed) if refreshed else None
        field = "last_refresh_timestamp"
        if published_at is not None and published_at < months.moment(start):
            raise ImportFailed(f"{refreshed} is before the month that the figure is of")
        field = "usage_account_id"
        if not account:
            raise ImportFailed("is empty, and part of the key")
        for place, unit_place, scope, method in _VIEWS:
            raw = cells[place]
            if not raw:
                values.append(None)  # NULL: not computed, which is not 0
                continue
            if cells[unit_place] not in ("", aws.UNIT):
                aws.check_unit(cells[unit_place], COLUMNS[unit_place])
            field = COLUMNS[place]
            co2e_kg = kilograms(raw, aws.UNIT_KG)
            values.append(co2e_kg)
            statements.append(
                Statement(
                    provider=aws.PROVIDER, account=account, month=month, service=service, region=region,
                    scope=scope, method=method, co2e_kg=co2e_kg, value_raw=raw, unit_raw=aws.UNIT,
                    model_version=model, version_key=version, published_at=published_at, payer=payer,
                    interface="data-export", resolution_kg=aws.RESOLUTION_KG,
                )
            )  # fmt: skip
    except ImportFailed as refused:
        raise ImportFailed(refused.reason, path=path, line=line, field=refused.field or field) from None
    # equal numbers may be written differently, in CSV and in Parquet
    same = tuple([float(cells[view[0]] or -1) for view in _VIEWS])
    check = None if aws.agree(same) else partial(aws.compare_totals, values)
    return Figures((payer, account, month, service, region), statements, same, check)
