"""Insert what is not there yet, the same way for every table and engine, and count it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain, islice
from operator import itemgetter
from typing import Any, TypeVar

from sqlalchemy import Connection, Table, select

from wattbook.errors import LedgerError, NoRecord
from wattbook.ledger import schema
from wattbook.ledger.entry_rows import row_of
from wattbook.records import Entry, utc_text

T = TypeVar("T")
CHUNK = 500  #: rows of one statement; every engine takes that many parameters


def insert(connection: Connection, table: Table, found: Mapping[str, dict[str, Any]]) -> int:
    """Insert what is not there yet, in the order of the keys (so that writers cannot deadlock); the number added."""
    for row in found.values():
        _check_text(row)
    key = list(table.primary_key.columns)
    new = 0
    for some in chunks(sorted(found), CHUNK):
        if len(key) == 1:
            known = set(connection.execute(select(key[0]).where(key[0].in_(some))).scalars())
            some = [name for name in some if name not in known]
        if some:
            new += _insert_some(connection, table, [found[name] for name in some])
    return new


def insert_rows(connection: Connection, table: Table, found: Sequence[tuple[Any, ...]]) -> int:
    """The same for rows of texts with their cells in the order of the columns, as many as they are."""
    names = [column.name for column in table.columns]
    new = 0
    for some in chunks(found, MANY):
        text = "".join(filter(None, chain.from_iterable(some)))
        if "\0" in text or not (text.isascii() or _encodes(text)):
            for row in some:
                _check_text(dict(zip(names, row, strict=True)))
        new += _execute(connection, table, some)
    return new


def insert_entries(connection: Connection, found: Mapping[str, tuple[str, str | None, Entry]], moment: str) -> int:
    """The same for entries that were named; only of new ones a row is made."""
    new = 0
    for some in chunks(sorted(found), MANY):
        if connection.dialect.name == "postgresql":
            known = connection.exec_driver_sql("SELECT entry_id FROM entry WHERE entry_id = ANY(%s)", (some,)).scalars()
        else:
            known = connection.exec_driver_sql(_KNOWN, (json.dumps(some),)).scalars()
        unknown = sorted(set(some).difference(known))
        if unknown:
            made = [row_of(name, *found[name], moment) for name in unknown]
            new += _execute(connection, schema.entry, made)
    return new


MANY = 5_000  #: ids that are asked for at a time
_KNOWN = "SELECT entry_id FROM json_each(?) AS asked CROSS JOIN entry ON entry_id = asked.value"


def _insert_some(connection: Connection, table: Table, found: list[dict[str, Any]]) -> int:
    names = [column.name for column in table.columns]
    return _execute(connection, table, list(map(itemgetter(*names), found)))


def _execute(connection: Connection, table: Table, found: list[tuple[Any, ...]]) -> int:
    """Past SQLAlchemy's compiler, which costs more than the insert itself; the driver counts what was added."""
    names = [column.name for column in table.columns]
    mark = "%s" if connection.dialect.name == "postgresql" else "?"
    sql = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({', '.join([mark] * len(names))}) ON CONFLICT DO NOTHING"
    result = connection.exec_driver_sql(sql, found)
    return result.rowcount


def _check_text(row: Mapping[str, Any]) -> None:
    """Refuse what one engine would take and another would not."""
    for column, value in row.items():
        if isinstance(value, str) and ("\0" in value or not (value.isascii() or _encodes(value))):
            raise NoRecord(f"{column} holds {value[:40]!r}, which is no text that a database keeps")


def _encodes(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def chunks(items: Sequence[T] | Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while some := list(islice(iterator, size)):
        yield some


def sortable(value: str | int) -> str:
    return f"{value:09}" if isinstance(value, int) else value


def recorded(moment: datetime | None) -> str:
    if moment is not None:
        return utc_text(moment)
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if epoch:
        try:
            return utc_text(datetime.fromtimestamp(int(epoch), UTC))
        except (ValueError, OverflowError, OSError) as error:
            raise LedgerError(f"SOURCE_DATE_EPOCH is a number of seconds, not {epoch!r}") from error
    return utc_text(datetime.now(UTC))
