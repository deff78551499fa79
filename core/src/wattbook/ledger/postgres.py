"""A book in a PostgreSQL database: one schema of its own, made once by whoever comes first."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ProgrammingError

from wattbook.errors import LedgerError, NoLedger
from wattbook.ledger import migrations, schema

CONNECT_TIMEOUT_S = 10
INSUFFICIENT_PRIVILEGE = "42501"


def open_database(url: URL, shown: str, *, create: bool) -> Engine:
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
            version = migrations.version_of(connection)
        schema.accept(version, shown)
        if version < schema.VERSION and not _upgraded(engine):
            _read_only(engine, shown)
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


def _upgraded(engine: Engine) -> bool:
    """Whether an older book could be brought up to date; only its owner can."""
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": schema.APPLICATION_ID})
            if migrations.version_of(connection) < schema.VERSION:
                migrations.upgrade(connection)
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", "") != INSUFFICIENT_PRIVILEGE:
            raise
        return False
    return True


def _read_only(engine: Engine, shown: str) -> None:
    """Let an older book be read as it is."""
    with engine.connect() as connection:
        statements = migrations.shown_as_current(connection)
    engine.dispose()
    advice = "its owner upgrades it with 'wattbook ledger show'"

    def prepare(connection: Any, _record: object) -> None:
        with connection.cursor() as cursor:
            try:
                for statement in statements:
                    cursor.execute(statement)
            except Exception as error:
                raise LedgerError(f"{shown}: this book was made by an older wattbook: {advice}") from error
        connection.commit()

    def refuse(connection: Connection) -> None:
        if connection.get_execution_options().get("wattbook_writes", False):
            raise LedgerError(f"{shown}: this book was made by an older wattbook and may only be read: {advice}")

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", refuse)
