"""``csv``: any other table; the user says which column is what, and the unit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import partial

from wattbook import ImportFailed, ImportSource, Problem, Sheet, SourceFile, Statement

from wattbook_csp import months, sheets, tables
from wattbook_csp.decimals import KG_PER_G, KG_PER_KG, KG_PER_T, Marks
from wattbook_csp.figures import Figures
from wattbook_csp.notes import Notes
from wattbook_csp.shelves import Group, Shelves

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
    yield from sheets.statements(read_sheets(source))


def read_sheets(source: ImportSource) -> Iterator[Sheet | Problem]:
    notes = Notes()
    options = source.options
    _check(options)
    columns = {name: options[f"map.{name}"] for name in (*NEEDED, *OTHERS) if f"map.{name}" in options}
    if source.account is None and "account" not in columns:
        notes.add(months.NO_ACCOUNT)
    figures = Figures(
        views=(("", ""),), fields=(columns["value"],), unit=options["unit"], unit_kg=UNITS_KG[options["unit"]],
        marks=Marks.from_option(options.get("decimal")),
    )  # fmt: skip
    shelves = Shelves(figures, partial(_group, source.account, options, columns))
    for file in source.files:
        for lines, cells in tables.batches(file, notes, tuple(columns.values())):
            absent = ("",) * len(lines)
            of = dict.fromkeys(OTHERS, absent) | dict(zip(columns, cells, strict=True))
            keys = [of[name] for name in ("month", "account", "scope", "method", "model_version")]
            shelves.put(file.path, lines, keys, (of["service"], of["region"], of["resource"]), [of["value"]])
    yield from sheets.newest(shelves, (0, 1, 2), notes)


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


def _group(
    said: str | None,
    options: Mapping[str, str],
    columns: Mapping[str, str],
    period: str,
    account: str,
    scope: str,
    method: str,
    model: str,
) -> Group:
    try:
        month = months.year(period) if len(period.strip()) == 4 else months.month(period)
    except ImportFailed as refused:
        raise ImportFailed(refused.reason, field=columns["month"]) from None
    view = (
        _one_of(SCOPES, scope or options.get("scope") or "total", "scope"),
        _one_of(METHODS, method or options.get("method") or "unsplit", "method"),
    )
    account = account or said or months.UNSPECIFIED
    head = {
        "provider": options.get("provider", "other"), "account": account, "model_version": model, "interface": "csv",
        "views": (view,),
    }  # fmt: skip
    return Group(account=account, month=month, version=(), member="", kind=view, head=head)


def _one_of(known: tuple[str, ...], said: str, field: str) -> str:
    plain = said.strip().lower().removeprefix("scope").strip().removesuffix("-based")
    if plain not in known:
        raise ImportFailed(f"{said!r} is none of {', '.join(known)}", field=field)
    return plain
