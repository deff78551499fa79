"""A book in one SQLite file: checked before it is touched, durable, open to several processes at once."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from wattbook.errors import LedgerError, NoLedger
from wattbook.ledger import migrations, schema

BUSY_TIMEOUT_S = 60.0
CUT_LOOKS = 10  #: at a file that seems to be cut
#: 64 MB: what is committed is safe in the log; moving it into the file seldom writes each page of an index less often
CHECKPOINT_PAGES = 16_384
OLDEST = (3, 37, 0)  #: the first with STRICT tables (2021)


def open_file(path: Path, *, create: bool) -> Engine:
    if sqlite3.sqlite_version_info < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        raise LedgerError(f"{path}: this Python brings SQLite {sqlite3.sqlite_version}, a book needs {wanted} or newer")
    exists = _checked(path)
    if not exists and not create:
        raise NoLedger(f"{path}: there is no book here")
    if not exists:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LedgerError(f"{path}: its folder cannot be made: {error.strerror}") from error
    fixed = exists and _fixed(path)

    def driver() -> sqlite3.Connection:
        # a book in a folder that may only be read cannot have the files beside it that writing needs
        query = "mode=ro&immutable=1" if fixed else "mode=rwc"
        return sqlite3.connect(f"{path.as_uri()}?{query}", uri=True, timeout=BUSY_TIMEOUT_S, check_same_thread=False)

    engine = create_engine("sqlite://", creator=driver, poolclass=QueuePool)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    try:
        if not exists:
            _create_sqlite(engine, path)
        with engine.connect() as connection:
            if not fixed:
                _write_ahead(connection)
            version = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
            schema.accept(version, str(path))
        if version < schema.VERSION and (fixed or not _upgraded(engine)):
            _read_only(engine, path)
    except BaseException:
        engine.dispose()
        raise
    return engine


def _checked(path: Path) -> bool:
    """Whether the file holds a book; raises for anything else, read as bytes so that nothing is touched."""
    for attempt in range(CUT_LOOKS):
        try:
            return _looked_at(path)
        except _Cut:
            if attempt == CUT_LOOKS - 1:
                raise
            time.sleep(0.05)  # another process may be making it at this moment, its first page first
    return False


class _Cut(LedgerError):
    """The file is shorter than its first page says."""


def _looked_at(path: Path) -> bool:
    try:
        if path.exists() and not path.is_file():
            raise LedgerError(f"{path}: this is no file; a book is one")
        with path.open("rb") as stream:
            head = stream.read(100)
        size = path.stat().st_size
    except FileNotFoundError:
        return False
    except OSError as error:
        raise LedgerError(f"{path}: cannot be read: {error.strerror}") from error
    if not head:
        return False
    if not head.startswith(b"SQLite format 3\0") or len(head) < 100:
        raise LedgerError(f"{path}: this is not a book but some other file; it was left alone")
    if int.from_bytes(head[68:72], "big") != schema.APPLICATION_ID:
        raise LedgerError(f"{path}: this is a database of another program, not a book; it was left alone")
    page_size = int.from_bytes(head[16:18], "big")
    page_size = 65_536 if page_size == 1 else page_size
    wal = Path(f"{path}-wal")
    at_rest = not wal.exists() or wal.stat().st_size == 0
    if at_rest and head[24:28] == head[92:96] and size < page_size * int.from_bytes(head[28:32], "big"):
        raise _Cut(f"{path}: the file is cut; nothing was changed, restore a copy of it")
    return True


def _fixed(path: Path) -> bool:
    """Whether nobody here can write to the book, and nobody left anything beside it."""
    wal = Path(f"{path}-wal")
    return not os.access(path.parent, os.W_OK) and not (wal.exists() and wal.stat().st_size)


def _prepare(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions are begun by _begin, not by the driver
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA recursive_triggers=ON")  # INSERT OR REPLACE then meets the DELETE trigger
    cursor.execute("PRAGMA cache_size=-65536")
    cursor.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
    cursor.close()


def _begin(connection: Connection) -> None:
    # a reader that becomes a writer could find its snapshot too old; a writer says so from the start
    writing = connection.get_execution_options().get("wattbook_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _create_sqlite(engine: Engine, path: Path) -> None:
    # still with a rollback journal, so that the header on disk names the owner from the first commit on
    with engine.connect().execution_options(wattbook_writes=True) as connection, connection.begin():
        owner = int(connection.exec_driver_sql("PRAGMA application_id").scalar_one())
        if owner == schema.APPLICATION_ID:
            return  # another process was faster
        if owner or connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar_one():
            raise LedgerError(f"{path}: this is a database of another program, not a book; it was left alone")
        schema.create(connection)
        connection.exec_driver_sql(f"PRAGMA application_id={schema.APPLICATION_ID}")
        connection.exec_driver_sql(f"PRAGMA user_version={schema.VERSION}")


def _upgraded(engine: Engine) -> bool:
    """Whether an older book could be brought up to date; not where it may only be read."""
    try:
        with engine.connect().execution_options(wattbook_writes=True) as connection, connection.begin():
            if int(connection.exec_driver_sql("PRAGMA user_version").scalar_one()) < schema.VERSION:
                migrations.upgrade(connection)
                connection.exec_driver_sql(f"PRAGMA user_version={schema.VERSION}")
    except DBAPIError as error:
        if "readonly" in str(error.orig):
            return False
        raise
    return True


def _read_only(engine: Engine, path: Path) -> None:
    """Let an older book be read as it is."""
    with engine.connect() as connection:
        statements = migrations.shown_as_current(connection)
    engine.dispose()

    def prepare(connection: Any, _record: object) -> None:
        for statement in statements:
            connection.execute(statement)

    def refuse(connection: Connection) -> None:
        if connection.get_execution_options().get("wattbook_writes", False):
            raise LedgerError(
                f"{path}: this book was made by an older wattbook and may only be read here: "
                "whoever may write to it upgrades it with 'wattbook ledger show'"
            )

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", refuse, insert=True)


def _write_ahead(connection: Connection) -> None:
    raw = connection.connection.dbapi_connection
    assert raw is not None
    connection.rollback()
    for attempt in range(50):  # changing the mode does not wait for other processes by itself
        try:
            raw.cursor().execute("PRAGMA journal_mode=WAL").close()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or attempt == 49:
                if "readonly" in str(error):
                    return
                raise
            time.sleep(0.05)
        else:
            return
