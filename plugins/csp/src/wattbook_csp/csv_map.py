"""``csv``: any other table; the user says which column is what, and the unit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from wattbook import ImportFailed, ImportSource, Problem, SourceFile, Statement

from wattbook_csp import months, tables
from wattbook_csp.decimals import KG_PER_G, KG_PER_KG, KG_PER_T, Marks, kilograms
from wattbook_csp.notes import Notes
from wattbook_csp.snapshots import Figures, Row, Told, newest

FORMAT = "csv"
UNITS_KG: Mapping[str, Decimal] = {"g": KG_PER_G, "kg": KG_PER_KG, "t": KG_PER_T}
#: what a column may be named for, as in ``--map month=Period``; the first two are needed
NEEDED = ("month", "value")
OTHERS = ("account", "service", "region", "resource", "scope", "method", "model_version")
#: what is the same in all rows, as in ``--option unit=kg``; the unit is needed
CONSTANTS = ("unit", "provider", "scope", "method", "decimal", "timezone")
SCOPES = ("1", "2", "3", "total")
METHODS = ("location", "market", "unsplit")


def sniff(file: SourceFile) -> bool:
    """Never by itself: what the columns mean is the user's to say, with ``--format csv``."""
    return False


def read(source: ImportSource) -> Iterator[Statement | Problem]:
    notes = Notes()
    options = source.options
    _check(options)
    columns = {name: options[f"map.{name}"] for name in (*NEEDED, *OTHERS) if f"map.{name}" in options}
    marks = Marks.from_option(options.get("decimal"))
    if source.account is None and "account" not in columns:
        notes.add(months.NO_ACCOUNT)

    def rows() -> Iterator[Row]:
        for file in source.files:
            for line, cells in tables.rows(file, notes, tuple(columns.values())):
                named = dict(zip(columns, cells, strict=True))
                try:
                    month = _month(named["month"])
                except ImportFailed as refused:
                    raise ImportFailed(refused.reason, path=file.path, line=line, field=columns["month"]) from None
                account = named.get("account") or source.account or months.UNSPECIFIED
                yield Row(file.path, line, account, month, (), named)

    found = {Told(row.account, row.month, row.version) for row in rows()}
    yield from newest(found, rows(), lambda row: _figures(row, columns, options, marks), notes)


def _check(options: Mapping[str, str]) -> None:
    for option in options:
        field = option.removeprefix("map.")
        if option not in CONSTANTS and (field == option or field not in (*NEEDED, *OTHERS)):
            known = ", ".join((*NEEDED, *OTHERS)) if field != option else ", ".join(CONSTANTS)
            raise ImportFailed(f"the format csv knows no {field!r}; it knows {known}")
    for name in NEEDED:
        if f"map.{name}" not in options:
            raise ImportFailed(f"the format csv needs to know the column of the {name}: --map {name}=COLUMN")
    if "unit" not in options:
        raise ImportFailed("the format csv needs the unit of the values: --option unit=kg (or g, or t)")
    if options["unit"] not in UNITS_KG:
        raise ImportFailed(f"the unit is g, kg or t (of CO2e), not {options['unit']!r}")


def _month(text: str) -> str:
    return months.year(text) if len(text.strip()) == 4 else months.month(text)


def _figures(row: Row, columns: Mapping[str, str], options: Mapping[str, str], marks: Marks) -> Figures:
    cells = row.cells
    raw = cells["value"]
    scope = _one_of(SCOPES, cells.get("scope") or options.get("scope") or "total", "scope", row)
    method = _one_of(METHODS, cells.get("method") or options.get("method") or "unsplit", "method", row)
    statements = []
    if raw:
        try:
            co2e_kg = kilograms(raw, UNITS_KG[options["unit"]], marks)
        except ImportFailed as refused:
            raise ImportFailed(refused.reason, path=row.path, line=row.line, field=columns["value"]) from None
        statements.append(
            Statement(
                provider=options.get("provider", "other"), account=row.account, month=row.month,
                service=cells.get("service", ""), region=cells.get("region", ""), resource=cells.get("resource", ""),
                scope=scope, method=method, co2e_kg=co2e_kg, value_raw=raw, unit_raw=options["unit"],
                model_version=cells.get("model_version", ""), interface="csv",
            )
        )  # fmt: skip
    key = (row.account, row.month, *(cells.get(name, "") for name in ("service", "region", "resource")), scope, method)
    return Figures(key, statements)


def _one_of(known: tuple[str, ...], said: str, field: str, row: Row) -> str:
    plain = said.strip().lower().removeprefix("scope").strip().removesuffix("-based")
    if plain not in known:
        reason = f"{said!r} is none of {', '.join(known)}"
        raise ImportFailed(reason, path=row.path, line=row.line, field=field)
    return plain
