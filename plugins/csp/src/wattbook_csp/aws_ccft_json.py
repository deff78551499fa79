"""``aws-ccft-json``: what the experimental script of the old Customer Carbon Footprint Tool fetched until 2025."""

from __future__ import annotations

from collections.abc import Iterator

from wattbook import ImportFailed, ImportSource, Problem, SourceFile, Statement

from wattbook_csp import aws, months, pages, tables
from wattbook_csp.decimals import kilograms
from wattbook_csp.notes import Notes
from wattbook_csp.snapshots import Figures, Row, newest_of

FORMAT = "aws-ccft-json"
COLUMNS = ("accountId", "mbmCarbon", "startDate", "paceProductCode", "regionCode")


def sniff(file: SourceFile) -> bool:
    if b'"carbonEmissionEntries"' in file.head:
        return True
    return {"accountId", "mbmCarbon"} <= set(tables.header_of(file.head))


def read(source: ImportSource) -> Iterator[Statement | Problem]:
    notes = Notes()

    yield from newest_of([row for file in source.files for row in _rows(file, notes)], notes)


def _rows(file: SourceFile, notes: Notes) -> Iterator[Row]:
    for line, asked, cells in _cells(file, notes):
        account, _, start, *_ = cells
        if not account:
            raise ImportFailed("the field is missing", path=file.path, line=line, field="accountId")
        try:
            month = months.month(start)
        except ImportFailed as refused:
            raise ImportFailed(refused.reason, path=file.path, line=line, field="startDate") from None
        # these figures are older than any model with a number; of them the latest query is the newest
        row = Row(file.path, line, account, month, (0, 0, 0, asked), cells)
        yield row._replace(cells=_figures(row))


def _cells(file: SourceFile, notes: Notes) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    if b'"carbonEmissionEntries"' not in file.head:
        # the script's CSV twin, made with jq
        for lines, columns in tables.batches(file, notes, COLUMNS, COLUMNS[:3]):
            for line, cells in zip(lines, zip(*columns, strict=True), strict=True):
                yield line, "", cells
        return
    number = 0
    for _, document in pages.documents(file):
        account = pages.text(pages.get(document, "accountId"))
        asked = pages.text(pages.get(document, "query", "queryDate"))
        entries = pages.get(document, "emissions", "carbonEmissionEntries")
        if not isinstance(entries, list):
            raise ImportFailed("the field is missing", path=file.path, field="emissions.carbonEmissionEntries")
        # the forecast and the inefficiencies beside the entries are no emissions
        for entry in pages.objects(entries):
            number += 1
            yield number, asked, (account, *(pages.text(entry.get(name)) for name in COLUMNS[1:]))


def _figures(row: Row) -> Figures:
    account, raw, _, service, region = row.cells
    statements = []
    if raw:
        try:
            co2e_kg = kilograms(raw, aws.UNIT_KG)
        except ImportFailed as refused:
            raise ImportFailed(refused.reason, path=row.path, line=row.line, field="mbmCarbon") from None
        statements.append(
            Statement(
                provider=aws.PROVIDER, account=account, month=row.month, service=service, region=region,
                scope="total", method="market", co2e_kg=co2e_kg, value_raw=raw, unit_raw=aws.UNIT,
                version_key=row.version, interface="ccft", resolution_kg=aws.RESOLUTION_KG,
            )
        )  # fmt: skip
    return Figures((account, row.month, service, region), statements)
