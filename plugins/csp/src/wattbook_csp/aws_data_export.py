"""``aws-data-export``: the table CARBON_EMISSIONS of AWS Data Exports, as CSV or Parquet."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from wattbook import ImportFailed, ImportSource, Problem, SourceFile, Statement

from wattbook_csp import aws, months, tables, versions
from wattbook_csp.agreement import Agreement
from wattbook_csp.decimals import kilograms
from wattbook_csp.notes import Notes
from wattbook_csp.snapshots import Figures, Row, newest

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
_PLACE = {name: index for index, name in enumerate(COLUMNS)}
_VALUES = tuple((_PLACE[f"{name}_value"], _PLACE[f"{name}_unit"]) for name in VALUES)
_TELLING = {"last_refresh_timestamp", "payer_account_id", "usage_account_id", "usage_period_start",
            "total_mbm_emissions_value", "total_lbm_emissions_value"}  # fmt: skip


def sniff(file: SourceFile) -> bool:
    if file.head.startswith(b"PAR1"):
        from wattbook_csp import parquet

        return parquet.mentions(file, b"total_mbm_emissions_value")
    return len(_TELLING.intersection(tables.header_of(file.head))) >= 3


def read(source: ImportSource) -> Iterator[Statement | Problem]:
    notes = Notes()
    agreement = Agreement(rounding_kg=float(aws.RESOLUTION_KG))

    def rows() -> Iterator[Row]:
        for file in source.files:
            yield from _rows(file, notes)

    def figures(row: Row) -> Figures:
        return _figures(row, agreement)

    yield from newest(rows, figures, notes)
    agreement.verify()


def _rows(file: SourceFile, notes: Notes) -> Iterator[Row]:
    path = file.path
    for line, cells in _cells(file, notes):
        try:
            (_, payer, _, _, start, model, refreshed, *_) = cells
            version = (*versions.numbers(model), _text(refreshed))
            yield Row(path, line, payer, months.month(start), version, cells)
        except ImportFailed as refused:
            raise _placed(refused, file, line, cells) from None


def _cells(file: SourceFile, notes: Notes) -> Iterator[tuple[int | None, tuple[str, ...]]]:
    if file.head.startswith(b"PAR1"):
        from wattbook_csp import parquet

        yield from parquet.rows(file, REQUIRED, OPTIONAL)
    else:
        yield from tables.rows(file, notes, REQUIRED, OPTIONAL)


def _figures(row: Row, agreement: Agreement) -> Figures:
    account, payer, service, region, start, model, refreshed, *_ = row.cells
    values: list[Decimal | None] = []
    statements = []
    column = ""
    try:
        if end := row.cells[_PLACE["usage_period_end"]]:
            column = "usage_period_end"
            months.period(start, end)
        region = region or row.cells[_PLACE["location"]]
        published_at = months.moment(refreshed) if refreshed else None
        for (scope, method), name, (place, unit_place) in zip(aws.VIEWS, VALUES, _VALUES, strict=True):
            raw = row.cells[place]
            if not raw:
                values.append(None)  # NULL: not computed, which is not 0
                continue
            column = f"{name}_unit"
            aws.check_unit(row.cells[unit_place], column)
            column = f"{name}_value"
            co2e_kg = kilograms(raw, aws.UNIT_KG)
            values.append(co2e_kg)
            statements.append(
                Statement(
                    provider=aws.PROVIDER, account=account, month=row.month, service=service, region=region,
                    scope=scope, method=method, co2e_kg=co2e_kg, value_raw=raw, unit_raw=aws.UNIT,
                    model_version=model, version_key=row.version, published_at=published_at, payer=payer,
                    interface="data-export", resolution_kg=aws.RESOLUTION_KG,
                )
            )  # fmt: skip
    except ImportFailed as refused:
        raise ImportFailed(refused.reason, path=row.path, line=row.line, field=refused.field or column) from None
    for total, parts in aws.pairs(values):
        agreement.add(payer, row.month, total, *parts)
    return Figures((payer, account, row.month, service, region), statements)


def _text(refreshed: str) -> str:
    return f"{months.moment(refreshed):%Y-%m-%dT%H:%M:%SZ}" if refreshed else ""


def _placed(refused: ImportFailed, file: SourceFile, line: int | None, cells: tuple[str, ...]) -> ImportFailed:
    """The refusal with its place; the column is the one whose text it quotes."""
    _, _, _, _, start, model, refreshed, *_ = cells
    for text, name in ((start, "usage_period_start"), (model, "model_version"), (refreshed, "last_refresh_timestamp")):
        if refused.reason.startswith(repr(text[:40])):
            return ImportFailed(refused.reason, path=file.path, line=line, field=name)
    return ImportFailed(refused.reason, path=file.path, line=line)
