"""What a book can hand over: runs and providers' months, how large each is, and the lines that say it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from attrs import frozen
from sqlalchemy import func, select

from wattbook.ledger import schema, view
from wattbook.ledger.inserting import CHUNK, chunks, recorded
from wattbook.ledger.store import Ledger
from wattbook.records import content_id, stated

Line = dict[str, Any]
_CHAIN = ("provider", "interface", "account", "payer", "month")
TOGETHER = 200  #: runs that are read in one query
LARGE = 20_000  #: rows of a run that is read and packed by itself


@frozen
class Item:
    """A run or a month of a provider; it only grows, so its size says which state of it is meant."""

    name: str
    size: int


def items_of(book: Ledger) -> list[Item]:
    """Everything in the book, in an order that depends on the names alone."""
    sizes: dict[str, int] = {}
    for table in (schema.entry, schema.run):
        for row in book.scan(select(table.c.run_id, func.count().label("size")).group_by(table.c.run_id)):
            sizes[f"run:{row.run_id}"] = sizes.get(f"run:{row.run_id}", 0) + row.size
    for row in book.sets():
        sizes[_month(row)] = sizes.get(_month(row), 0) + 1
    return [Item(name, size) for name, size in sorted(sizes.items())]


def sizes_of(book: Ledger, names: Iterable[str]) -> dict[str, int]:
    """How large some items are in the book."""
    wanted = set(names)
    sizes: dict[str, int] = {}
    for some in chunks(sorted(name[4:] for name in wanted if name.startswith("run:")), CHUNK):
        for table in (schema.entry, schema.run):
            query = select(table.c.run_id, func.count().label("size")).where(table.c.run_id.in_(some))
            for row in book.scan(query.group_by(table.c.run_id)):
                sizes[f"run:{row.run_id}"] = sizes.get(f"run:{row.run_id}", 0) + row.size
    if any(name.startswith("month:") for name in wanted):
        for row in book.sets():
            sizes[_month(row)] = sizes.get(_month(row), 0) + 1
    return sizes


def item_of(line: Line) -> str | None:
    """The item that a line adds to; ``None`` where it adds to none, or says nothing sensible."""
    told = line.get("run") or line.get("entry")
    if isinstance(told, dict) and isinstance(told.get("run_id"), str):
        return f"run:{told['run_id']}"
    told = line.get("statement_set")
    if isinstance(told, dict) and all(isinstance(told.get(name), str) for name in _CHAIN):
        return f"month:{content_id([told[name] for name in _CHAIN])}"
    return None


def lines_of(book: Ledger, items: Iterable[Item]) -> Iterator[tuple[Item, list[Line], bool]]:
    """Each item with the lines of an export that say it, and whether these are its last.

    A run of more than ``LARGE`` rows comes in several parts.
    """
    wanted = list(items)
    runs = [item for item in wanted if item.name.startswith("run:")]
    small = [item for item in runs if item.size <= LARGE]
    for some in chunks(small, TOGETHER):
        found = _runs(book, [item.name[4:] for item in some])
        yield from ((item, found[item.name[4:]], True) for item in some)
    for item in runs:
        if item.size > LARGE:
            part: list[Line] = []
            for _, line in _lines_of_runs(book, [item.name[4:]]):
                if len(part) == LARGE:
                    yield item, part, False
                    part = []
                part.append(line)
            yield item, part, True
    months = {item.name: item for item in wanted if not item.name.startswith("run:")}
    if months:
        yield from _months(book, months)


def _runs(book: Ledger, run_ids: list[str]) -> dict[str, list[Line]]:
    found: dict[str, list[Line]] = {run_id: [] for run_id in run_ids}
    for run_id, line in _lines_of_runs(book, run_ids):
        found[run_id].append(line)
    return found


def _lines_of_runs(book: Ledger, run_ids: list[str]) -> Iterator[tuple[str, Line]]:
    """When a row was recorded is not told: that is a fact about one book."""
    import json

    run, entry = schema.run, schema.entry
    for row in book.scan(select(run).where(run.c.run_id.in_(run_ids)).order_by(run.c.record_id)):
        yield row.run_id, {"run": json.loads(row.content), "id": row.record_id}
    query = select(entry).where(entry.c.run_id.in_(run_ids)).order_by(entry.c.start_at, entry.c.entry_id)
    for row, told in book.pairs(query):
        if told is not None:
            yield row.run_id, {"entry": stated(told), "id": row.entry_id}


def _months(book: Ledger, months: dict[str, Item]) -> Iterator[tuple[Item, list[Line], bool]]:
    snapshots: dict[str, list[Any]] = {}
    for row in book.scan(view.all_of(schema.snapshot)):
        snapshots.setdefault(row.sha256, []).append(row)
    rows: dict[str, list[Any]] = {}
    for row in book.sets():
        rows.setdefault(_month(row), []).append(row)
    for name, item in sorted(months.items()):
        some = rows.get(name, [])
        needed = sorted({row.snapshot_sha256 for row in some} & snapshots.keys())
        lines: list[Line] = [_bare("snapshot", row) for sha256 in needed for row in snapshots[sha256]]
        lines += [_bare("statement_set", row) for row in some]
        for contents in chunks(sorted({row.content_id for row in some}), CHUNK):
            lines += [_bare("statement", row) for row in book.scan(view.statements(contents))]
        yield item, lines, True


def _bare(kind: str, row: Any) -> Line:
    return {kind: {name: value for name, value in row._mapping.items() if name != "recorded_at"}}


def _month(row: Any) -> str:
    return f"month:{content_id([getattr(row, name) for name in _CHAIN])}"


def handed_over(book: Ledger, place: str) -> dict[Item, set[str]]:
    """What the book knows to be at a place, and in which parcels."""
    found: dict[Item, set[str]] = {}
    table = schema.delivery
    for row in book.scan(select(table.c.item, table.c.size, table.c.parcel).where(table.c.place == place)):
        found.setdefault(Item(row.item, row.size), set()).add(row.parcel)
    return found


def remember(book: Ledger, place: str, told: Iterable[tuple[Item, str]]) -> None:
    """These items are at a place, in these parcels."""
    moment = recorded(None)
    book.put(
        "delivery",
        [
            {"place": place, "item": item.name, "size": item.size, "parcel": parcel, "recorded_at": moment}
            for item, parcel in told
        ],
    )
