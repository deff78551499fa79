"""A book in a PostgreSQL database: one schema of its own, made once by whoever comes first."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL

from wattbook.errors import LedgerError, NoLedger
from wattbook.ledger import schema

CONNECT_TIMEOUT_S = 10


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
            versions = connection.execute(schema.meta.select().where(schema.meta.c.name == "schema_version"))
            schema.accept(max(int(row.value) for row in versions), shown)
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
