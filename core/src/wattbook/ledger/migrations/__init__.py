"""From an older schema of the book to the current one: Alembic's scripts, one a version, in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Column, Connection, inspect, select

from wattbook.ledger import schema

HERE = Path(__file__).parent


def version_of(connection: Connection) -> int:
    """The schema of the book, as the book itself says; 0 where it says nothing."""
    said = connection.execute(select(schema.meta.c.value).where(schema.meta.c.name == "schema_version"))
    return max((int(row.value) for row in said if row.value.isdecimal()), default=0)


def upgrade(connection: Connection) -> None:
    """Bring the book up to the current schema, inside the caller's transaction.

    The version stands in ``meta``, which is append-only; a table of Alembic's own would have to be updated.
    """
    from alembic.config import Config
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    here = version_of(connection)
    scripts = list(ScriptDirectory.from_config(config).walk_revisions("base", "heads"))
    with Operations.context(MigrationContext.configure(connection)):
        for script in sorted(scripts, key=lambda script: int(script.revision)):
            if int(script.revision) > here:
                script.module.upgrade()
                schema.remember(connection, "schema_version", script.revision)


def bring(version: int) -> None:
    """Add what ``schema`` marks with this version; nothing that is there is touched."""
    from alembic import op

    tables, columns, indexes = schema.added_in(version)
    for column in columns:
        default = schema.default_of(column)
        bare: Column[object] = Column(column.name, column.type, nullable=column.nullable, server_default=default)
        op.add_column(column.table.name, bare)
    for table in tables:
        table.create(op.get_bind(), checkfirst=False)
    for index in indexes:
        index.create(op.get_bind())


def shown_as_current(connection: Connection) -> list[str]:
    """Statements that let this connection read an older book as if it were current, changing nothing.

    What the book lacks is empty: columns with their defaults, tables without rows, in objects that only
    this connection sees and that go with it.
    """
    return list(_stand_ins(connection))


def _stand_ins(connection: Connection) -> Iterator[str]:
    there = inspect(connection)
    postgresql = connection.dialect.name == "postgresql"
    where = schema.PG_SCHEMA if postgresql else "main"
    names = set(there.get_table_names(schema=schema.PG_SCHEMA if postgresql else None))
    for table in schema.metadata.sorted_tables:
        if table.name not in names:
            columns = ", ".join(f"{c.name} {c.type.compile(connection.dialect)}" for c in table.columns)
            yield f"CREATE TEMPORARY TABLE {table.name} ({columns})"
            continue
        has = {c["name"] for c in there.get_columns(table.name, schema=schema.PG_SCHEMA if postgresql else None)}
        missing = [c for c in table.columns if c.name not in has]
        if missing:
            told = ", ".join(f"{_default(c)} AS {c.name}" for c in missing)
            yield f"CREATE TEMPORARY VIEW {table.name} AS SELECT *, {told} FROM {where}.{table.name}"


def _default(column: Column[object]) -> str:
    default = schema.default_of(column)
    return "NULL" if default is None else f"'{default}'"
