"""Open a database and make sure that it is a book of ours before anything is written to it."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from wattbook.errors import LedgerError, NoLedger
from wattbook.ledger import schema

BUSY_TIMEOUT_S = 60.0
CONNECT_TIMEOUT_S = 10
ENGINES = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}


def default_url() -> str:
    """``WATTBOOK_LEDGER``, else one file in the user's data folder."""
    return os.environ.get("WATTBOOK_LEDGER") or users_own()


def users_own() -> str:
    """The file in the user's data folder."""
    from platformdirs import user_data_path

    return str(user_data_path("wattbook", appauthor=False) / "ledger.db")


def parse_url(url: str) -> URL:
    """A plain path, ``sqlite:///PATH`` or ``postgresql://...``; anything else is refused."""
    if "://" not in url:
        return URL.create("sqlite", database=_absolute(url))
    engine, _, rest = url.partition("://")
    if engine.split("+")[0] not in ENGINES:
        known = "a file, sqlite:///PATH or postgresql://HOST/DATABASE"
        raise LedgerError(f"{engine}:// is no kind of book that wattbook knows: name {known}")
    try:
        parsed = make_url(f"{ENGINES.get(engine, engine)}://{rest}")
    except (ArgumentError, ValueError) as error:
        raise LedgerError("the URL of the book cannot be understood; is it postgresql://HOST/DATABASE?") from error
    if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise LedgerError("a book needs a file: name it as a path or as sqlite:///PATH")
    if parsed.get_backend_name() == "sqlite":
        return parsed.set(database=_absolute(parsed.database or ""), query={})
    return parsed


def _absolute(path: str) -> str:
    return os.path.abspath(os.path.expanduser(path))


def connect(url: str, *, create: bool = True) -> Engine:
    """An engine on a book that exists, or was created; raises ``LedgerError`` with a sentence."""
    parsed = parse_url(url)
    shown = printable(parsed)
    with translated(shown):
        if parsed.get_backend_name() == "sqlite":
            return _sqlite(Path(parsed.database or ""), create=create)
        return _postgresql(parsed, shown, create=create)


def printable(url: URL) -> str:
    """The URL without its password, the plain path for a file."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    secret = [name for name in url.query if "password" in name]
    return url.difference_update_query(secret).set(drivername="postgresql").render_as_string(hide_password=True)


@contextmanager
def translated(shown: str) -> Iterator[None]:
    """Turn what the database says into a sentence that names the book, and never its password."""
    try:
        yield
    except NoSuchModuleError as error:
        raise LedgerError(f"{shown}: no driver for this database: pip install 'wattbook[postgres]'") from error
    except ModuleNotFoundError as error:
        if error.name != "psycopg":
            raise
        raise LedgerError(f"{shown}: PostgreSQL needs its driver: pip install 'wattbook[postgres]'") from error
    except DBAPIError as error:
        raise LedgerError(f"{shown}: {_sentence(error.orig or error)}") from error
    except sqlite3.Error as error:
        raise LedgerError(f"{shown}: {_sentence(error)}") from error
    except SQLAlchemyError as error:
        raise LedgerError(f"{shown}: the database library refused: {type(error).__name__}") from error


def _sentence(error: BaseException) -> str:
    said = " ".join(str(error).split())
    if "locked" in said:
        return f"another process kept the book locked for {BUSY_TIMEOUT_S:g} s; try again"
    if "malformed" in said or "not a database" in said:
        return f"the file is damaged ({said}); nothing was changed, restore a copy of it"
    if "full" in said:
        return "the disk is full; nothing of this was recorded"
    if "readonly" in said or "read-only" in said:
        return "the book cannot be written: it is read-only here"
    return said


# --- SQLite --------------------------------------------------------------------------------------


def _sqlite(path: Path, *, create: bool) -> Engine:
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
            _accept(int(connection.exec_driver_sql("PRAGMA user_version").scalar_one()), str(path))
    except BaseException:
        engine.dispose()
        raise
    return engine


def _checked(path: Path) -> bool:
    """Whether the file holds a book; raises for anything else, read as bytes so that nothing is touched."""
    try:
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
        raise LedgerError(f"{path}: the file is cut; nothing was changed, restore a copy of it")
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


# --- PostgreSQL ----------------------------------------------------------------------------------


def _postgresql(url: URL, shown: str, *, create: bool) -> Engine:
    if "connect_timeout" not in url.query:
        url = url.update_query_dict({"connect_timeout": str(CONNECT_TIMEOUT_S)})
    engine = create_engine(url, pool_pre_ping=True)
    event.listen(engine, "connect", _search_path)
    try:
        with engine.connect() as connection:
            tables = set(inspect(connection).get_table_names(schema=schema.PG_SCHEMA))
        if not tables:
            if not create:
                raise NoLedger(f"{shown}: there is no book here")
            _create_postgresql(engine)
        elif schema.meta.name not in tables:
            raise LedgerError(f"{shown}: the schema {schema.PG_SCHEMA} holds other tables, not a book")
        with engine.connect() as connection:
            versions = connection.execute(schema.meta.select().where(schema.meta.c.name == "schema_version"))
            _accept(max(int(row.value) for row in versions), shown)
    except BaseException:
        engine.dispose()
        raise
    return engine


def _search_path(connection: Any, _record: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET search_path TO {schema.PG_SCHEMA}")
    connection.commit()


def _create_postgresql(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": schema.APPLICATION_ID})
        if inspect(connection).get_table_names(schema=schema.PG_SCHEMA):
            return  # another process was faster
        connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {schema.PG_SCHEMA}")
        schema.create(connection)
        connection.execute(
            schema.meta.insert(), {"name": "schema_version", "value": str(schema.VERSION), "recorded_at": ""}
        )


def _accept(version: int, shown: str) -> None:
    if version > schema.VERSION:
        raise LedgerError(
            f"{shown}: this book was written by a newer wattbook (schema {version}, known here up to "
            f"{schema.VERSION}): upgrade wattbook"
        )
