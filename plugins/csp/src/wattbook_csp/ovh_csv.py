"""``ovh-csv``: OVHcloud's carbon calculator, a CSV by month and service."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from decimal import Decimal
from functools import partial

from wattbook import ImportFailed, ImportSource, Problem, SourceFile, Statement

from wattbook_csp import months, tables
from wattbook_csp.agreement import compare
from wattbook_csp.decimals import KG_PER_KG, Marks, row_kilograms
from wattbook_csp.notes import Notes
from wattbook_csp.snapshots import Figures, Row, Told, newest

FORMAT = "ovh-csv"
UNIT = "kgCO2eq"
UNIT_KG = KG_PER_KG
RESOLUTION_KG = Decimal("0.01")

KEY = ("type", "datacenter", "range", "name", "server_domain", "date")
#: pillars of a life cycle and not GHG scopes: they are compared with the totals, and only these are kept
PARTS = {
    "location": ("manufacturing_emissions_kg_co2eq", "location_based_electricity_emissions_kg_co2eq",
                 "location_based_operational_emissions_kg_co2eq"),
    "market": ("manufacturing_emissions_kg_co2eq", "market_based_electricity_emissions_kg_co2eq",
               "market_based_operational_emissions_kg_co2eq"),
}  # fmt: skip
TOTALS = {"location": "total_location_based_kg_co2eq", "market": "total_market_based_kg_co2eq"}
FIGURES = (*TOTALS.values(), *dict.fromkeys((*PARTS["location"], *PARTS["market"])))
COLUMNS = (*KEY, *FIGURES)


def sniff(file: SourceFile) -> bool:
    if file.head.lstrip().startswith(b"{") and b'"taskID"' in file.head[:4096]:
        return True  # the calculator's answer lies beside the file that it links to
    return sum(name.endswith("_kg_co2eq") for name in tables.header_of(file.head)) >= 2


def read(source: ImportSource) -> Iterator[Statement | Problem]:
    notes = Notes()
    marks = Marks.from_option(source.options.get("decimal"))
    account = source.account or months.UNSPECIFIED
    if source.account is None:
        notes.add(months.NO_ACCOUNT)

    data = []
    for file in source.files:
        if file.head.lstrip().startswith(b"{"):
            notes.add("the answer of a task holds no figures; the file is what its link leads to", path=file.path)
        else:
            data.append(file)
    yield from newest(
        (found for file in data for found in _versions(file, account)),
        (row for file in data for row in _rows(file, account, notes)),
        lambda row: _figures(row, marks),
        notes,
    )


def _versions(file: SourceFile, account: str) -> Iterator[Told]:
    for date, _ in tables.distinct(file, ("date", "type")):
        with suppress(ImportFailed):
            yield Told(account, months.month(date), ())


def _rows(file: SourceFile, account: str, notes: Notes) -> Iterator[Row]:
    for line, cells in tables.rows(file, notes, COLUMNS, (*KEY, *TOTALS.values())):
        try:
            month = months.month(cells[5])
        except ImportFailed as refused:
            raise ImportFailed(refused.reason, path=file.path, line=line, field="date") from None
        yield Row(file.path, line, account, month, (), cells)


def _figures(row: Row, marks: Marks) -> Figures:
    key, raws = row.cells[: len(KEY)], row.cells[len(KEY) :]
    try:
        figures = dict(zip(FIGURES, row_kilograms(raws, FIGURES, UNIT_KG, marks), strict=True))
    except ImportFailed as refused:
        raise ImportFailed(refused.reason, path=row.path, line=row.line, field=refused.field) from None
    service, datacenter, *names, _ = key
    statements = [
        Statement(
            provider="ovh", account=row.account, month=row.month, service=service, region=datacenter,
            resource="/".join(name for name in names if name), scope="total", method=method, co2e_kg=co2e_kg,
            value_raw=raws[FIGURES.index(column)], unit_raw=UNIT, interface="carbon-calculator",
            resolution_kg=RESOLUTION_KG,
        )
        for method, column in TOTALS.items()
        if (co2e_kg := figures[column]) is not None
    ]  # fmt: skip
    return Figures(key, statements, check=partial(_compare, figures))


def _compare(figures: Mapping[str, Decimal | None]) -> None:
    for method, column in TOTALS.items():
        compare(column, RESOLUTION_KG, figures[column], *(figures[name] for name in PARTS[method]))
