"""The tables of the book: one metadata for SQLite and PostgreSQL, append-only by trigger on both."""

from __future__ import annotations

from sqlalchemy import (
    DDL,
    REAL,
    Column,
    Connection,
    Double,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    event,
)
from sqlalchemy.dialects.postgresql import TEXT as PG_TEXT
from sqlalchemy.schema import ExecutableDDLElement
from sqlalchemy.types import TypeEngine

from wattbook.errors import LedgerError

VERSION = 3  #: raised by a change of the tables; a newer book is refused, an older one is upgraded
APPLICATION_ID = 0x57617474  #: ``Watt``, in the header of the SQLite file
PG_SCHEMA = "wattbook"  #: the PostgreSQL schema that holds the tables

#: compared byte by byte on both engines, so that hashes and UTC times sort alike
TEXT = Text().with_variant(PG_TEXT(collation="C"), "postgresql")
NUMBER: TypeEngine[float] = Double().with_variant(REAL(), "sqlite")  # STRICT tables know REAL, and it is a double there

metadata = MetaData()


def _table(
    name: str, *columns: Column[object] | PrimaryKeyConstraint, since: int = 1, append_only: bool = True
) -> Table:
    """*since* is the schema version that brings it: the migration to that version makes what it finds here."""
    info = {"since": since, "append_only": append_only}
    return Table(name, metadata, *columns, sqlite_strict=True, info=info)


def _text(
    name: str, *, key: bool = False, null: bool = False, since: int = 1, default: str | None = None
) -> Column[object]:
    """A column that comes to a table which is there already needs *since* and, unless null, a *default*."""
    return Column(name, TEXT, primary_key=key, nullable=null, server_default=default, info={"since": since})


def _number(name: str) -> Column[object]:
    return Column(name, NUMBER, nullable=True)


def _flag(name: str) -> Column[object]:
    return Column(name, Integer, nullable=False)


#: what an entry shares with many others: where it comes from and how it is labelled; named by its hash
context = _table(
    "context",
    _text("context_id", key=True),
    _text("plugin"), _text("source"), _text("source_version"), _text("cause"), _text("method"),
    _text("project", null=True), _text("phase", null=True), _text("person", null=True), _text("platform", null=True),
    _text("tags"),  # JSON
    _text("place"),  # JSON
    _text("warnings"),  # JSON
    _text("evidence_sha256", null=True),
    _flag("synthetic"),
    _text("attribution", since=2, default=""),
)  # fmt: skip

entry = _table(
    "entry",
    _text("entry_id", key=True),
    _text("context_id"),
    _text("kind"), _text("run_id"), _text("start_at"), _text("end_at"),
    _text("host"), _text("device"), _text("domain"),
    _text("basis", null=True),
    _number("energy_j"), _number("low_j"), _number("high_j"),
    _flag("outermost"),
    _text("reason"),
    _text("terms", null=True),  # JSON
    _text("supersedes", null=True),
    _text("recorded_at"),
)  # fmt: skip
Index("entry_end_at", entry.c.end_at)
Index("entry_recorded_at", entry.c.recorded_at, info={"since": 3})
Index("entry_run_id", entry.c.run_id)
Index(
    "entry_supersedes",
    entry.c.supersedes,
    sqlite_where=entry.c.supersedes.is_not(None),
    postgresql_where=entry.c.supersedes.is_not(None),
)

#: several rows may tell of one run; the view takes the one that tells most
run = _table(
    "run",
    _text("record_id", key=True),
    _text("run_id"), _text("kind"), _text("parent_id", null=True),
    _text("start_at"), _text("end_at"), _flag("complete"),
    _text("host"),
    _text("content"),  # JSON: the whole record
    _text("recorded_at"),
)  # fmt: skip
Index("run_run_id", run.c.run_id)
Index("run_end_at", run.c.end_at, info={"since": 3})
Index("run_recorded_at", run.c.recorded_at, info={"since": 3})

snapshot = _table(
    "snapshot",
    _text("sha256", key=True), _text("format", key=True), _text("plugin", key=True),
    _text("plugin_version"),
    _text("paths"),  # JSON
    _flag("synthetic"),
    _text("recorded_at"),
)  # fmt: skip

#: one (account, month) as one interface of a provider told it; the highest revision counts
statement_set = _table(
    "statement_set",
    _text("provider", key=True), _text("interface", key=True), _text("account", key=True),
    _text("payer", key=True), _text("month", key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    _text("content_id"),
    _text("model_version"),
    _text("version_key"),  # JSON
    _text("standing"),  # active, beside, withdrawn
    _text("reason"),
    _text("supersedes", null=True),  # content_id of the revision before
    _text("snapshot_sha256"),
    _flag("synthetic"),
    _text("recorded_at"),
)  # fmt: skip
Index("statement_set_month", statement_set.c.month)

#: revisions that another book told otherwise: the same columns, named by the hash of them all
rival_set = _table(
    "rival_set",
    _text("set_id", key=True),
    *(Column(c.name, c.type, nullable=c.nullable) for c in statement_set.columns),
    since=2,
)
Index("rival_set_month", rival_set.c.month)

statement = _table(
    "statement",
    _text("content_id", key=True),
    _text("service", key=True), _text("region", key=True), _text("resource", key=True),
    _text("scope", key=True), _text("method", key=True),
    _text("co2e_kg"),  # a decimal, digit by digit
    _text("value_raw"), _text("unit_raw"),
    _text("resolution_kg", null=True),
    _text("published_at", null=True),
    _text("completeness"),
)  # fmt: skip

#: what was done to a month: closed, with its manifest, or opened again; the highest revision counts
period = _table(
    "period",
    _text("month", key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    _text("act"),  # close, reopen
    _text("manifest_id"),  # the hash of the manifest
    _text("manifest"),  # JSON: everything that says what was closed, and when
    _text("watermark"),  # what was recorded up to then is in it
    _text("recorded_at"),
    since=2,
)  # fmt: skip

#: what this book and a shared place have in common; says nothing about energy and is not exported
delivery = _table(
    "delivery",
    _text("place", key=True),  # a hash of where the parcels lie
    _text("item", key=True),  # a run, a month of a provider
    Column("size", Integer, primary_key=True, autoincrement=False),  # how many rows of it there were
    _text("parcel", key=True),  # the hash of the file that holds them
    _text("recorded_at"),
    since=2,
)  # fmt: skip

#: a month added up: a view that is kept, made again whenever it is wanted, and not exported
rollup = _table(
    "rollup",
    _text("rollup_id", key=True),  # the hash of its rules
    _text("month"),
    _text("rules"),  # JSON: the month's ends, its zone, and by what rules it is added up
    _text("upto"),  # what was recorded up to this watermark is in it
    since=3,
    append_only=False,
)

#: the same by host
rollup_host = _table(
    "rollup_host",
    _text("rollup_id", key=True), _text("host", key=True),
    _text("sums"),  # JSON
    since=3,
    append_only=False,
)  # fmt: skip

meta = _table("meta", _text("name", key=True), _text("value", key=True), _text("recorded_at"))

REFUSAL = "the book is append-only: a correction is a new row"


def _ddl(statement: str, dialect: str) -> ExecutableDDLElement:
    ddl: ExecutableDDLElement = DDL(statement)  # type: ignore[no-untyped-call]
    return ddl.execute_if(dialect=dialect)


def _append_only(table: Table) -> None:
    for act in ("UPDATE", "DELETE"):
        name = f"{table.name}_no_{act.lower()}"
        event.listen(
            table,
            "after_create",
            _ddl(
                f"CREATE TRIGGER {name} BEFORE {act} ON {table.name} BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END",
                "sqlite",
            ),
        )
    for act, each in (("UPDATE OR DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
        name = f"{table.name}_no_{act.split()[-1].lower()}"
        event.listen(
            table,
            "after_create",
            _ddl(
                f"CREATE TRIGGER {name} BEFORE {act} ON {table.name} "
                f"FOR EACH {each} EXECUTE FUNCTION wattbook_append_only()",
                "postgresql",
            ),
        )


for _each in metadata.tables.values():
    if _each.info["append_only"]:
        _append_only(_each)

event.listen(
    metadata,
    "before_create",
    _ddl(
        "CREATE OR REPLACE FUNCTION wattbook_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$",
        "postgresql",
    ),
)


def create(connection: Connection) -> None:
    """Make the tables in an empty database, inside the caller's transaction."""
    metadata.create_all(connection, checkfirst=False)
    remember(connection, "application", "wattbook")
    remember(connection, "schema_version", str(VERSION))


def remember(connection: Connection, name: str, value: str) -> None:
    """A fact about the book itself."""
    connection.execute(meta.insert(), [{"name": name, "value": value, "recorded_at": ""}])


def added_in(version: int) -> tuple[list[Table], list[Column[object]], list[Index]]:
    """The tables that a version brings, and the columns and indexes that it adds to older ones."""
    tables = [table for table in metadata.sorted_tables if table.info["since"] == version]
    older = [table for table in metadata.sorted_tables if table.info["since"] < version]
    columns = [c for table in older for c in table.columns if c.info.get("since", 1) == version]
    indexes = [i for table in older for i in table.indexes if i.info.get("since", 1) == version]
    return tables, columns, indexes


def default_of(column: Column[object]) -> str | None:
    """What a column holds in rows that were written before it came."""
    arg = getattr(column.server_default, "arg", None)
    return None if arg is None else str(arg)


def accept(version: int, shown: str) -> None:
    """Refuse a book that a newer wattbook made."""
    if version > VERSION:
        raise LedgerError(
            f"{shown}: this book was written by a newer wattbook (schema {version}, known here up to "
            f"{VERSION}): upgrade wattbook"
        )
