"""``aws-console-csv``: the report that the AWS Sustainability console downloads, by month or by year."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from wattbook import ImportFailed, ImportSource, Problem, SourceFile, Statement

from wattbook_csp import aws, months, tables, versions
from wattbook_csp.agreement import Agreement
from wattbook_csp.decimals import Marks, kilograms
from wattbook_csp.notes import Notes
from wattbook_csp.snapshots import Figures, Row, newest

FORMAT = "aws-console-csv"

VALUES = (
    "total_lbm_emissions", "total_mbm_emissions", "total_scope_1_emissions_value",
    "total_scope_2_lbm_emissions_value", "total_scope_2_mbm_emissions_value",
    "total_scope_3_lbm_emissions_value", "total_scope_3_mbm_emissions_value",
)  # fmt: skip
COLUMNS = ("service", "region", "model_version", *VALUES)
MONTH, YEAR = "usage_month", "usage_year"
# cfe_savings_value is the difference of two methods and no emission; it is not read
_TELLING = {MONTH, YEAR, "total_lbm_emissions", "total_mbm_emissions", "cfe_savings_value"}


def sniff(file: SourceFile) -> bool:
    return len(_TELLING.intersection(tables.header_of(file.head))) >= 2


def read(source: ImportSource) -> Iterator[Statement | Problem]:
    notes = Notes()
    agreement = Agreement(rounding_kg=float(aws.RESOLUTION_KG))
    account = source.account or months.UNSPECIFIED
    marks = Marks.from_option(source.options.get("decimal"))
    if source.account is None:
        notes.add(months.NO_ACCOUNT)

    def rows() -> Iterator[Row]:
        for file in source.files:
            yield from _rows(file, account, notes)

    def figures(row: Row) -> Figures:
        return _figures(row, agreement, marks)

    yield from newest(rows, figures, notes)
    agreement.verify()


def _rows(file: SourceFile, account: str, notes: Notes) -> Iterator[Row]:
    yearly = YEAR in tables.header_of(file.head)
    period, parse = (YEAR, months.year) if yearly else (MONTH, months.month)
    for line, cells in tables.rows(file, notes, (period, *COLUMNS)):
        field = period
        try:
            month = parse(cells[0])
            field = "model_version"
            version = (*versions.numbers(cells[3]), "")
        except ImportFailed as refused:
            raise ImportFailed(refused.reason, path=file.path, line=line, field=field) from None
        yield Row(file.path, line, account, month, version, cells)


def _figures(row: Row, agreement: Agreement, marks: Marks) -> Figures:
    _, service, region, model, *raws = row.cells
    values: list[Decimal | None] = []
    statements = []
    for (scope, method), name, raw in zip(aws.VIEWS, VALUES, raws, strict=False):
        if not raw:
            values.append(None)
            continue
        try:
            co2e_kg = kilograms(raw, aws.UNIT_KG, marks)
        except ImportFailed as refused:
            raise ImportFailed(refused.reason, path=row.path, line=row.line, field=name) from None
        values.append(co2e_kg)
        statements.append(
            Statement(
                provider=aws.PROVIDER, account=row.account, month=row.month, service=service, region=region,
                scope=scope, method=method, co2e_kg=co2e_kg, value_raw=raw, unit_raw=aws.UNIT,
                model_version=model, version_key=row.version, interface="console",
                resolution_kg=aws.RESOLUTION_KG,
            )
        )  # fmt: skip
    for total, parts in aws.pairs(values):
        agreement.add(row.account, row.month, total, *parts)
    return Figures((row.account, row.month, service, region), statements)
