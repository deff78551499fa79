"""``ovh-csv``: OVHcloud's carbon calculator, a CSV by month and service."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import partial

from wattbook import ImportFailed, ImportSource, Problem, Sheet, SourceFile, Statement

from wattbook_csp import months, sheets, tables
from wattbook_csp.decimals import KG_PER_KG, Marks
from wattbook_csp.figures import Figures, Sum
from wattbook_csp.notes import Notes
from wattbook_csp.shelves import Group, Shelves

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
SUMS = tuple(
    Sum(TOTALS[method], FIGURES.index(TOTALS[method]), tuple(map(FIGURES.index, parts)))
    for method, parts in PARTS.items()
)


def sniff(file: SourceFile) -> bool:
    if file.head.lstrip().startswith(b"{") and b'"taskID"' in file.head[:4096]:
        return True  # the calculator's answer lies beside the file that it links to
    return sum(name.endswith("_kg_co2eq") for name in tables.header_of(file.head)) >= 2


def read(source: ImportSource) -> Iterator[Statement | Problem]:
    yield from sheets.statements(read_sheets(source))


def read_sheets(source: ImportSource) -> Iterator[Sheet | Problem]:
    notes = Notes()
    if source.account is None:
        notes.add(months.NO_ACCOUNT)
    figures = Figures(
        views=tuple(("total", method) for method in TOTALS), fields=FIGURES, unit=UNIT, unit_kg=UNIT_KG, sums=SUMS,
        rounding_kg=RESOLUTION_KG, marks=Marks.from_option(source.options.get("decimal")),
    )  # fmt: skip
    shelves = Shelves(figures, partial(_group, source.account or months.UNSPECIFIED))
    for file in source.files:
        if file.head.lstrip().startswith(b"{"):
            notes.add("the answer of a task holds no figures; the file is what its link leads to", path=file.path)
            continue
        for lines, columns in tables.batches(file, notes, COLUMNS, (*KEY, *TOTALS.values())):
            services, datacenters, *names, dates = columns[: len(KEY)]
            resources = ["/".join(filter(None, several)) for several in zip(*names, strict=True)]
            shelves.put(file.path, lines, (dates,), (services, datacenters, resources), columns[len(KEY) :])
    yield from sheets.newest(shelves, (0, 1, 2), notes)


def _group(account: str, date: str) -> Group:
    try:
        month = months.month(date)
    except ImportFailed as refused:
        raise ImportFailed(refused.reason, field="date") from None
    head = {
        "provider": "ovh", "account": account, "interface": "carbon-calculator", "resolution_kg": RESOLUTION_KG
    }  # fmt: skip
    return Group(account=account, month=month, version=(), member="", kind=None, head=head)
