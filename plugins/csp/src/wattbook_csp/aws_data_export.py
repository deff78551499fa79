"""``aws-data-export``: the table CARBON_EMISSIONS of AWS Data Exports, as CSV or Parquet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from functools import lru_cache, partial

from wattbook import ImportFailed, ImportSource, Problem, SourceFile, Statement

from wattbook_csp import aws, aws_regions, months, parquet, tables, versions
from wattbook_csp.decimals import row_kilograms
from wattbook_csp.notes import Notes
from wattbook_csp.snapshots import Figures, Row, Told, Version, newest

FORMAT = "aws-data-export"

#: one a view; an export that was set up in 2025 has some of them only
VIEWS = (
    "total_lbm_emissions", "total_mbm_emissions", "total_scope_1_emissions", "total_scope_2_lbm_emissions",
    "total_scope_2_mbm_emissions", "total_scope_3_lbm_emissions", "total_scope_3_mbm_emissions",
)  # fmt: skip
VALUES = tuple(f"{name}_value" for name in VIEWS)
UNITS = tuple(f"{name}_unit" for name in VIEWS)
PLACES = ("usage_account_id", "payer_account_id", "product_code", "region_code", "location")
TIMES = ("usage_period_start", "usage_period_end", "model_version", "last_refresh_timestamp")
COLUMNS = (*PLACES, *TIMES, *VALUES, *UNITS)
REQUIRED = {*PLACES, *TIMES, "total_mbm_emissions_value"} - {"location", "usage_period_end"}
VERSION_COLUMNS = (
    "usage_period_start", "model_version", "last_refresh_timestamp", "payer_account_id", "usage_account_id",
)  # fmt: skip
_USUAL_UNITS = (aws.UNIT,) * len(UNITS)
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
    for start, model, refreshed, payer, account in columns(file, VERSION_COLUMNS):
        # what is wrong is refused with its line when the rows are read
        with suppress(ImportFailed):
            yield Told(payer, *_month_and_version(start, model, refreshed), account)


@lru_cache(maxsize=4096)
def _month_and_version(start: str, model: str, refreshed: str) -> tuple[str, Version]:
    """The month, and the model's version with the refresh that tells exports of one model apart."""
    field = "usage_period_start"
    try:
        month = months.month(start)
        field = "model_version"
        numbers = versions.numbers(model)
        field = "last_refresh_timestamp"
        return month, (*numbers, f"{months.moment(refreshed):%Y-%m-%dT%H:%M:%SZ}" if refreshed else "")
    except ImportFailed as refused:
        raise ImportFailed(refused.reason, field=field) from None


def _rows(file: SourceFile, notes: Notes) -> Iterator[Row]:
    path = file.path
    if parquet.is_parquet(file):
        numbered = parquet.rows(file, COLUMNS, REQUIRED)
    else:
        numbered = tables.rows(file, notes, COLUMNS, REQUIRED)
    for line, cells in numbered:
        try:
            month, version = _month_and_version(cells[5], cells[7], cells[8])
        except ImportFailed as refused:
            raise ImportFailed(refused.reason, path=path, line=line, field=refused.field) from None
        yield Row(path, line, cells[1], month, version, cells)


def _figures(row: Row) -> Figures:
    path, line, _, month, version, cells = row
    account, payer, service, region, location, start, end, model, refreshed, *_ = cells
    raws, units = cells[9:16], cells[16:23]
    try:
        published_at = _checked(month, account, start, end, refreshed)
        if units != _USUAL_UNITS:
            for unit, name in zip(units, UNITS, strict=True):
                aws.check_unit(unit, name)
        values = row_kilograms(raws, VALUES, aws.UNIT_KG)
    except ImportFailed as refused:
        raise ImportFailed(refused.reason, path=path, line=line, field=refused.field) from None
    region = region or aws_regions.code(location)  # global services have no region
    statements = [
        Statement(
            provider=aws.PROVIDER, account=account, month=month, service=service, region=region, scope=scope,
            method=method, co2e_kg=co2e_kg, value_raw=raw, unit_raw=aws.UNIT, model_version=model,
            version_key=version, published_at=published_at, payer=payer, interface="data-export",
            resolution_kg=aws.RESOLUTION_KG,
        )
        for co2e_kg, raw, (scope, method) in zip(values, raws, aws.VIEWS, strict=True)
        if co2e_kg is not None  # NULL: not computed, which is not 0
    ]  # fmt: skip
    # equal numbers may be written differently, in CSV and in Parquet
    same = tuple([float(raw or -1) for raw in raws])
    check = None if aws.agree(same) else partial(aws.compare_totals, values)
    return Figures((payer, account, month, service, region), statements, same, check)


@lru_cache(maxsize=4096)
def _checked(month: str, account: str, start: str, end: str, refreshed: str) -> datetime | None:
    """When the figure was published, if it is one of an account and of a month that was over."""
    if not account:
        raise ImportFailed("is empty, and part of the key", field="usage_account_id")
    try:
        period = months.period(start, end) if end else month
    except ImportFailed as refused:
        raise ImportFailed(refused.reason, field="usage_period_end") from None
    if period != month:
        raise ImportFailed(f"{start} to {end} is more than a month", field="usage_period_end")
    published_at = months.moment(refreshed) if refreshed else None
    if published_at is not None and published_at < months.moment(start):
        reason = f"{refreshed} is before the month that the figure is of"
        raise ImportFailed(reason, field="last_refresh_timestamp")
    return published_at
