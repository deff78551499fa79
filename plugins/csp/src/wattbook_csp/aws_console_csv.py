"""``aws-console-csv``: the report that the AWS Sustainability console downloads, by month or by year."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

from wattbook import ImportFailed, ImportSource, Problem, SourceFile, Statement

from wattbook_csp import aws, aws_regions, months, tables, versions
from wattbook_csp.decimals import Marks, row_kilograms
from wattbook_csp.notes import Notes
from wattbook_csp.snapshots import Figures, Row, Told, Version, newest

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
    account = source.account or months.UNSPECIFIED
    marks = Marks.from_option(source.options.get("decimal"))
    if source.account is None:
        notes.add(months.NO_ACCOUNT)

    yield from newest(
        (found for file in source.files for found in _versions(file, account)),
        (row for file in source.files for row in _rows(file, account, notes)),
        lambda row: _figures(row, marks),
        notes,
    )


def _period(file: SourceFile) -> tuple[str, Callable[[str], str]]:
    """The report is by month or by year; a header with neither misses the month."""
    return (YEAR, months.year) if YEAR in tables.header_of(file.head) else (MONTH, months.month)


def _versions(file: SourceFile, account: str) -> Iterator[Told]:
    column, parse = _period(file)
    for period, model in tables.distinct(file, (column, "model_version")):
        # what is wrong is refused with its line when the rows are read
        with suppress(ImportFailed):
            yield Told(account, parse(period), _version(model))


def _version(model: str) -> Version:
    return (*versions.numbers(model), "")


def _rows(file: SourceFile, account: str, notes: Notes) -> Iterator[Row]:
    column, parse = _period(file)
    for line, cells in tables.rows(file, notes, (column, *COLUMNS)):
        field = column
        try:
            month = parse(cells[0])
            field = "model_version"
            version = _version(cells[3])
        except ImportFailed as refused:
            raise ImportFailed(refused.reason, path=file.path, line=line, field=field) from None
        yield Row(file.path, line, account, month, version, cells)


def _figures(row: Row, marks: Marks) -> Figures:
    _, service, name, model, *raws = row.cells
    region = aws_regions.code(name)
    try:
        values = row_kilograms(raws, VALUES, aws.UNIT_KG, marks)
    except ImportFailed as refused:
        raise ImportFailed(refused.reason, path=row.path, line=row.line, field=refused.field) from None
    statements = [
        Statement(
            provider=aws.PROVIDER, account=row.account, month=row.month, service=service, region=region,
            scope=scope, method=method, co2e_kg=co2e_kg, value_raw=raw, unit_raw=aws.UNIT, model_version=model,
            version_key=row.version, interface="console", resolution_kg=aws.RESOLUTION_KG,
        )
        for co2e_kg, raw, (scope, method) in zip(values, raws, aws.VIEWS, strict=True)
        if co2e_kg is not None
    ]  # fmt: skip
    return Figures((row.account, row.month, service, region), statements, check=partial(aws.compare_totals, values))
