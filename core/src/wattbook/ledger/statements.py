"""Write a snapshot of a provider's figures into the book, judged against what is there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import evolve, frozen
from sqlalchemy import Connection, select

from wattbook.errors import ImportFailed
from wattbook.ledger import rows, schema, view
from wattbook.ledger.chains import Chain, Revision
from wattbook.ledger.inserting import CHUNK, chunks, insert, insert_rows
from wattbook.ledger.restate import plan
from wattbook.model import Sheet, Statement
from wattbook.records import Snapshot, content_id


@frozen(kw_only=True)
class StatementsAdded:
    """How many statements were new, known, or took the place of others, and what to tell the user."""

    new: int = 0
    known: int = 0
    superseded: int = 0
    warnings: tuple[str, ...] = ()


def record(
    connection: Connection,
    told: Sequence[Statement],
    sheets: Sequence[Sheet],
    snapshot: Snapshot,
    *,
    force: bool,
    moment: str,
) -> StatementsAdded:
    """Record whole months; raises ``ImportFailed`` for what must not go in."""
    _serialise(connection)
    everything: list[Statement | Sheet] = [*told, *sheets]
    book = history_of(connection, {one.provider for one in everything}, {one.month[:4] for one in everything})

    def figures(revision: Revision) -> tuple[Statement, ...]:
        return filled(revision, figures_of(connection, [revision])).statements

    try:
        todo = plan(
            told,
            book,
            figures,
            force=force,
            sheets=sheets,
            write=lambda made: insert_rows(connection, schema.statement, made.lines),
        )
    except UnicodeEncodeError as error:
        raise ImportFailed(f"holds {error.object[:40]!r}, which is no text") from error
    stamp = {"recorded_at": moment}
    key = "/".join((snapshot.sha256, snapshot.format, snapshot.plugin))
    insert(connection, schema.snapshot, {key: {**rows.from_snapshot(snapshot), **stamp}})
    put_sets(connection, [{**rows.from_revision(r, snapshot), **stamp} for r in todo.revisions])
    return StatementsAdded(new=todo.new, known=todo.known, superseded=todo.superseded, warnings=todo.warnings)


def told_sets(connection: Connection, **which: Any) -> list[Any]:
    """The revisions that ``view.revisions`` asks for, as this book and as others told them, oldest first."""
    found = [
        row
        for table in (schema.statement_set, schema.rival_set)
        for row in connection.execute(view.revisions(table, **which))
    ]
    return sorted(found, key=_in_order)


def _in_order(row: Any) -> tuple[Any, ...]:
    return (
        row.provider, row.interface, row.account, row.payer, row.month, row.revision, row.content_id, row.standing,
        row.supersedes or "", row.snapshot_sha256, row.reason, row.model_version,
    )  # fmt: skip


def put_sets(connection: Connection, told: Iterable[Mapping[str, Any]]) -> int:
    """Add revisions of months; one whose number another has already stands beside it. How many were new."""
    keys = [column.name for column in schema.statement_set.primary_key.columns]
    new = 0
    for row in sorted(told, key=lambda row: (row["revision"], row["content_id"])):
        own = {name: value for name, value in row.items() if name != "recorded_at"}
        new += insert(connection, schema.statement_set, {"": dict(row)})
        here = connection.execute(
            select(schema.statement_set).where(*(schema.statement_set.c[key] == row[key] for key in keys))
        ).one()
        if any(getattr(here, name) != value for name, value in own.items()):
            new += insert(connection, schema.rival_set, {(set_id := content_id(own)): {**row, "set_id": set_id}})
    return new


def figures_of(connection: Connection, revisions: Iterable[Revision]) -> dict[str, list[Any]]:
    contents = sorted({revision.content_id for revision in revisions})
    found: dict[str, list[Any]] = {}
    for some in chunks(contents, CHUNK):
        for row in connection.execute(view.statements(some)):
            found.setdefault(row.content_id, []).append(row)
    return found


def filled(revision: Revision, figures: Mapping[str, list[Any]]) -> Revision:
    told = tuple(rows.to_statement(row, revision) for row in figures.get(revision.content_id, ()))
    return evolve(revision, statements=told, size=len(told))


def _serialise(connection: Connection) -> None:
    """Statements are judged against what is there, so one writer of them at a time."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (schema.APPLICATION_ID + 1,))


def history_of(connection: Connection, providers: Iterable[str], years: Iterable[str]) -> dict[Chain, list[Revision]]:
    """The chains that a snapshot may meet, with their sizes and without their figures."""
    found = told_sets(connection, providers=providers, years=years)
    sizes: dict[str, int] = {}
    for some in chunks(sorted({row.content_id for row in found}), CHUNK):
        sizes.update((row.content_id, row.size) for row in connection.execute(view.sizes(some)))
    history: dict[Chain, list[Revision]] = {}
    for row in found:
        revision = rows.to_revision(row, size=sizes.get(row.content_id, 0))
        history.setdefault(revision.chain, []).append(revision)
    return history
