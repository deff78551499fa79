"""``aws-data-export``: the table CARBON_EMISSIONS of AWS Data Exports, as CSV or Parquet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wattbook import ImportFailed, ImportSource, Problem, Sheet, SourceFile, Statement

from wattbook_csp import aws, aws_regions, months, parquet, sheets, tables, versions
from wattbook_csp.figures import Figures
from wattbook_csp.notes import Notes
from wattbook_csp.shelves import Group, Shelves

FORMAT = "aws-data-export"

#: one a view; an export that was set up in 2025 has some of them only
VIEWS = (
    "total_lbm_emissions", "total_mbm_emissions", "total_scope_1_emissions", "total_scope_2_lbm_emissions",
    "total_scope_2_mbm_emissions", "total_scope_3_lbm_emissions", "total_scope_3_mbm_emissions",
)  # fmt: skip
VALUES = tuple(f"{name}_value" for name in VIEWS)
UNITS = tuple(f"{name}_unit" for name in VIEWS)
PLACES = ("product_code", "region_code", "location")
KEY = ("usage_account_id", "payer_account_id", "usage_period_start", "usage_period_end", "model_version",
       "last_refresh_timestamp")  # fmt: skip
COLUMNS = (*PLACES, *KEY, *VALUES, *UNITS)
REQUIRED = {*PLACES, *KEY, "total_mbm_emissions_value"} - {"location", "usage_period_end"}
FIGURES = Figures(
    views=aws.VIEWS, fields=VALUES, unit=aws.UNIT, unit_kg=aws.UNIT_KG, sums=aws.SUMS, rounding_kg=aws.RESOLUTION_KG
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
    yield from sheets.statements(read_sheets(source))


def read_sheets(source: ImportSource) -> Iterator[Sheet | Problem]:
    notes = Notes()
    shelves = Shelves(FIGURES, _group)
    for file in source.files:
        whole = parquet.is_parquet(file)
        for lines, columns in (
            parquet.batches(file, COLUMNS, REQUIRED) if whole else tables.batches(file, notes, COLUMNS, REQUIRED)
        ):
            _check_units(file, lines, columns[-len(UNITS) :])
            services, codes, locations, *keys = columns[: len(PLACES) + len(KEY)]
            # global services have no region
            regions = [code or aws_regions.code(location) for code, location in zip(codes, locations, strict=True)]
            shelves.put(file.path, lines, keys, (services, regions, ("",) * len(lines)), columns[9:16])
    yield from sheets.newest(shelves, (0, 1), notes)


def _check_units(file: SourceFile, lines: Any, columns: Any) -> None:
    for column, name in zip(columns, UNITS, strict=True):
        for unit in set(column):
            try:
                aws.check_unit(unit, name)
            except ImportFailed as refused:
                line = lines[column.index(unit)]
                raise ImportFailed(refused.reason, path=file.path, line=line, field=name) from None


def _group(account: str, payer: str, start: str, end: str, model: str, refreshed: str) -> Group:
    """What these texts say, if they are of an account and of a month that was over when it was told."""
    field = "usage_period_start"
    try:
        month = months.month(start)
        field = "model_version"
        numbers = versions.numbers(model)
        field = "last_refresh_timestamp"
        published_at = months.moment(refreshed) if refreshed else None
        field = "usage_account_id"
        if not account:
            raise ImportFailed("is empty, and part of the key")
        field = "usage_period_end"
        if end and months.period(start, end) != month:
            raise ImportFailed(f"{start} to {end} is more than a month")
        field = "last_refresh_timestamp"
        if published_at is not None and published_at < months.moment(start):
            raise ImportFailed(f"{refreshed} is before the month that the figure is of")
    except ImportFailed as refused:
        raise ImportFailed(refused.reason, field=field) from None
    # the refresh tells exports of one model apart
    version = (*numbers, f"{published_at:%Y-%m-%dT%H:%M:%SZ}" if published_at else "")
    head = {
        "provider": aws.PROVIDER, "account": account, "payer": payer, "interface": "data-export",
        "model_version": model, "published_at": published_at, "resolution_kg": aws.RESOLUTION_KG,
    }  # fmt: skip
    return Group(account=payer, month=month, version=version, member=account, kind=None, head=head)
