"""``aws-console-csv``: the report that the AWS Sustainability console downloads, by month or by year."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from wattbook import ImportFailed, ImportSource, Problem, Sheet, SourceFile, Statement

from wattbook_csp import aws, aws_regions, months, sheets, tables, versions
from wattbook_csp.decimals import Marks
from wattbook_csp.figures import Figures
from wattbook_csp.notes import Notes
from wattbook_csp.shelves import Group, Shelves

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
    yield from sheets.statements(read_sheets(source))


def read_sheets(source: ImportSource) -> Iterator[Sheet | Problem]:
    notes = Notes()
    if source.account is None:
        notes.add(months.NO_ACCOUNT)
    figures = Figures(
        views=aws.VIEWS, fields=VALUES, unit=aws.UNIT, unit_kg=aws.UNIT_KG, sums=aws.SUMS,
        rounding_kg=aws.RESOLUTION_KG, marks=Marks.from_option(source.options.get("decimal")),
    )  # fmt: skip
    shelves = Shelves(figures, partial(_group, source.account or months.UNSPECIFIED))
    for file in source.files:
        # the report is by month or by year; a header with neither misses the month
        period = YEAR if YEAR in tables.header_of(file.head) else MONTH
        for lines, (periods, services, names, models, *values) in tables.batches(file, notes, (period, *COLUMNS)):
            regions = list(map(aws_regions.code, names))
            shelves.put(
                file.path,
                lines,
                ((period,) * len(lines), periods, models),
                (services, regions, [""] * len(lines)),
                values,
            )
    yield from sheets.newest(shelves, (0, 1), notes)


def _group(account: str, column: str, period: str, model: str) -> Group:
    field = column
    try:
        month = (months.year if column == YEAR else months.month)(period)
        field = "model_version"
        version = (*versions.numbers(model), "")
    except ImportFailed as refused:
        raise ImportFailed(refused.reason, field=field) from None
    head = {
        "provider": aws.PROVIDER, "account": account, "interface": "console", "model_version": model,
        "resolution_kg": aws.RESOLUTION_KG,
    }  # fmt: skip
    return Group(account=account, month=month, version=version, member="", kind=None, head=head)
