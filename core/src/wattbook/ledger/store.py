"""The book as an object: open it, add to it, read today's view or the view as of a moment."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from operator import itemgetter
from types import TracebackType
from typing import Any, TypeVar

from attrs import frozen
from sqlalchemy import Column, Connection, Engine, Row, Select, Table, func, select
from sqlalchemy.dialects import postgresql, sqlite

from wattbook.errors import ImportFailed, LedgerError, NoRecord
from wattbook.ledger import rows, schema, view
from wattbook.ledger.connect import connect, default_url, parse_url, printable, translated
from wattbook.ledger.restate import ACTIVE, Chain, Revision, plan
from wattbook.model import Statement
from wattbook.records import Entry, RunRecord, Snapshot, utc_text

T = TypeVar("T")
STREAM = 5_000  #: rows fetched at a time by a scan
MAX_CONTEXTS = 20_000  #: held in memory while entries are read
CHUNK = 500  #: rows of one statement; every engine takes that many parameters


@frozen(kw_only=True)
class Added:
    """How many entries were new and how many the book had already."""

    new: int = 0
    known: int = 0


@frozen(kw_only=True)
class StatementsAdded:
    """How many statements were new, known, or took the place of others, and what to tell the user."""

    new: int = 0
    known: int = 0
    superseded: int = 0
    warnings: tuple[str, ...] = ()


class Ledger:
    """One book; a context manager. Every method raises ``LedgerError`` with a sentence."""

    def __init__(self, engine: Engine, url: str) -> None:
        self._engine = engine
        self.url = url  #: safe to print: without a password
        self._open: Connection | None = None

    @classmethod
    def open(cls, url: str | os.PathLike[str] | None = None, *, create: bool = True) -> Ledger:
        """The book at *url* (a path, ``sqlite:///``, ``postgresql://``), else ``WATTBOOK_LEDGER``, else the user's."""
        place = default_url() if url is None else os.fspath(url)
        return cls(connect(place, create=create), printable(parse_url(place)))

    def close(self) -> None:
        self._engine.dispose()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything added inside is recorded together or not at all."""
        with self._writing():
            yield

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        if self._open is not None:
            yield self._open
            return
        with translated(self.url), self._engine.connect() as connection:
            connection = connection.execution_options(wattbook_writes=True)
            with connection.begin():
                self._open = connection
                try:
                    yield connection
                finally:
                    self._open = None

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        if self._open is not None:
            yield self._open
            return
        with translated(self.url), self._engine.connect() as connection, connection.begin():
            yield connection

    # --- writing -----------------------------------------------------------------------------

    def add(
        self,
        entries: Iterable[Entry] = (),
        runs: Iterable[RunRecord] = (),
        *,
        recorded_at: datetime | None = None,
    ) -> Added:
        """Record entries and runs in one transaction; what is there already is not touched."""
        contexts: dict[str, dict[str, Any]] = {}
        own: dict[str, dict[str, Any]] = {}
        told = 0
        moment = _recorded(recorded_at)
        for entry in entries:
            row, context_id = rows.from_entry(entry)
            if context_id not in contexts:
                contexts[context_id] = rows.from_context(entry)
            row["recorded_at"] = moment
            own.setdefault(row["entry_id"], row)
            told += 1
        records = {row["record_id"]: {**row, "recorded_at": moment} for row in map(rows.from_run, runs)}
        with self._writing() as connection:
            _insert(connection, schema.context, contexts)
            new = _insert(connection, schema.entry, own)
            _insert(connection, schema.run, records)
        return Added(new=new, known=told - new)

    def add_statements(
        self,
        statements: Iterable[Statement],
        snapshot: Snapshot,
        *,
        force: bool = False,
        recorded_at: datetime | None = None,
    ) -> StatementsAdded:
        """Record a provider's figures, whole months at a time.

        A newer version of an (account, month) takes the place of the older one, which stays readable as
        of then; an older one is refused with ``ImportFailed`` unless *force*.
        """
        told = list(statements)
        with self._writing() as connection:
            _serialise(connection)
            book = self._history(connection, {s.provider for s in told}, {s.month[:4] for s in told})

            def figures_of(revision: Revision) -> tuple[Statement, ...]:
                return _filled(revision, _figures(connection, [revision])).statements

            try:
                todo = plan(told, book, figures_of, force=force)
            except UnicodeEncodeError as error:
                raise ImportFailed(f"holds {error.object[:40]!r}, which is no text") from error
            moment = _recorded(recorded_at)
            stamp = {"recorded_at": moment}
            key = "/".join((snapshot.sha256, snapshot.format, snapshot.plugin))
            _insert(connection, schema.snapshot, {key: {**rows.from_snapshot(snapshot), **stamp}})
            figures: dict[str, dict[str, Any]] = {}
            for revision in todo.revisions:
                for number, statement in enumerate(revision.statements):
                    figures[f"{revision.content_id}/{number:09}"] = rows.from_statement(statement, revision.content_id)
            _insert(connection, schema.statement, figures)
            chains = {f"{n:09}": {**rows.from_revision(r, snapshot), **stamp} for n, r in enumerate(todo.revisions)}
            if _insert(connection, schema.statement_set, chains) != len(chains):
                raise LedgerError("another process recorded the same month at this very moment; import again")
        return StatementsAdded(new=todo.new, known=todo.known, superseded=todo.superseded, warnings=todo.warnings)

    def put(self, table: str, found: Iterable[dict[str, Any]]) -> int:
        """Rows as an export holds them, with the time they were recorded; the number that was new.

        Raises ``LedgerError`` where the book has another row under the same key.
        """
        where = schema.metadata.tables[table]
        keys = [column.name for column in where.primary_key.columns]
        named = {"\0".join(_sortable(row[key]) for key in keys): row for row in found}
        with self._writing() as connection:
            new = _insert(connection, where, named)
            if new < len(named) and table == schema.statement_set.name:
                self._same_history(connection, named.values())
        return new

    def _same_history(self, connection: Connection, told: Iterable[dict[str, Any]]) -> None:
        sets = schema.statement_set
        keys = list(sets.primary_key.columns)
        for row in told:
            query = select(sets.c.content_id).where(*(column == row[column.name] for column in keys))
            if connection.execute(query).scalar_one() != row["content_id"]:
                raise LedgerError(
                    f"the book and the export tell different histories of {row['provider']} account {row['account']}, "
                    f"{row['month']}: import the provider's files instead"
                )

    def _history(
        self, connection: Connection, providers: Iterable[str], years: Iterable[str]
    ) -> dict[Chain, list[Revision]]:
        """The chains that a snapshot may meet, with their sizes and without their figures."""
        found = connection.execute(view.revisions(providers, years)).all()
        sizes: dict[str, int] = {}
        for some in chunks(sorted({row.content_id for row in found}), CHUNK):
            sizes.update((row.content_id, row.size) for row in connection.execute(view.sizes(some)))
        history: dict[Chain, list[Revision]] = {}
        for row in found:
            revision = rows.to_revision(row, size=sizes.get(row.content_id, 0))
            history.setdefault(revision.chain, []).append(revision)
        return history

    # --- reading -----------------------------------------------------------------------------

    def entries(
        self,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        run_id: str | None = None,
        as_of: datetime | None = None,
    ) -> list[Entry]:
        """Entries that overlap ``[start, end)`` and that nothing corrects, in the order of their start."""
        query = view.entries(start=_text(start), end=_text(end), run_id=run_id, as_of=_text(as_of))
        return [entry for _, entry in self.pairs(query) if entry is not None]

    def entries_of(self, run_ids: Iterable[str]) -> Iterator[Entry]:
        """The entries of some runs, a few at a time."""
        for some in chunks(sorted(run_ids), CHUNK):
            for _, entry in self.pairs(view.entries().where(schema.entry.c.run_id.in_(some))):
                if entry is not None:
                    yield entry

    def entry(self, entry_id: str) -> Entry | None:
        """One entry by its id, corrected or not; an unambiguous beginning of the id is enough."""
        found = [entry for _, entry in self.pairs(view.beginning(entry_id))]
        return found[0] if len(found) == 1 else None

    def pairs(self, query: Select[Any]) -> Iterator[tuple[Row[Any], Entry | None]]:
        """The rows of a query over ``entry``, each with its entry; ``None`` where its context is missing."""
        contexts: dict[str, dict[str, Any]] = {}
        with self._reading() as connection:
            result = connection.execute(query, execution_options={"yield_per": STREAM})
            for some in result.partitions():
                if len(contexts) > MAX_CONTEXTS:
                    contexts.clear()
                unknown = {row.context_id for row in some} - contexts.keys()
                for ids in chunks(sorted(unknown), CHUNK):
                    for row in connection.execute(view.contexts(ids)).all():
                        contexts[row.context_id] = rows.to_context(row)
                for row in some:
                    shared = contexts.get(row.context_id)
                    yield row, None if shared is None else rows.to_entry(row, shared)

    def beside(self, run_id: str, host: str, start: str, end: str) -> str | None:
        """Another run whose figures for *host* meet this stretch of time, if there is one."""
        with self._reading() as connection:
            return connection.execute(view.meeting(run_id, host, start, end)).scalars().first()

    def runs(
        self, *, run_id: str | None = None, last: int | None = None, as_of: datetime | None = None
    ) -> list[RunRecord]:
        """Runs in the order of their start, each as the record that tells most of it; the *last* ones only."""
        with self._reading() as connection:
            found = {row.run_id: row for row in connection.execute(view.runs(run_id=run_id, as_of=_text(as_of)))}
        records = [rows.to_run(row) for row in found.values()]
        records.sort(key=lambda record: (record.start, record.run_id))
        return records if last is None else records[max(0, len(records) - last) :]

    def statements(self, *, months: Iterable[str] | None = None, as_of: datetime | None = None) -> list[Statement]:
        """The providers' figures that count: today's view, or the view *as of* a moment."""
        return [s for r in self.revisions(months=months, as_of=as_of) if r.standing == ACTIVE for s in r.statements]

    def revisions(self, *, months: Iterable[str] | None = None, as_of: datetime | None = None) -> list[Revision]:
        """The head of every (account, month) and interface, those that do not count too."""
        with self._reading() as connection:
            found = connection.execute(view.heads(months=months, as_of=_text(as_of))).all()
            heads = [rows.to_revision(row) for row in found]
            figures = _figures(connection, heads)
        return [_filled(revision, figures) for revision in heads]

    def history(self) -> Iterator[Revision]:
        """Every revision of every month, oldest first, with its figures."""
        for row in self.scan(view.revisions()):
            with self._reading() as connection:
                revision = rows.to_revision(row)
                yield _filled(revision, _figures(connection, [revision]))

    def scan(self, query: Select[Any]) -> Iterator[Row[Any]]:
        """The rows of a query of ``wattbook.ledger.view``, a few at a time, however many there are."""
        with self._reading() as connection:
            yield from connection.execute(query, execution_options={"yield_per": STREAM})

    def count(self) -> int:
        """How many entries the book holds, corrected ones and gaps too."""
        with self._reading() as connection:
            return int(connection.execute(select(func.count()).select_from(schema.entry)).scalar_one())


def _figures(connection: Connection, revisions: Iterable[Revision]) -> dict[str, list[Any]]:
    contents = sorted({revision.content_id for revision in revisions})
    found: dict[str, list[Any]] = {}
    for some in chunks(contents, CHUNK):
        for row in connection.execute(view.statements(some)):
            found.setdefault(row.content_id, []).append(row)
    return found


def _filled(revision: Revision, figures: Mapping[str, list[Any]]) -> Revision:
    from attrs import evolve

    told = tuple(rows.to_statement(row, revision) for row in figures.get(revision.content_id, ()))
    return evolve(revision, statements=told, size=len(told))


def _serialise(connection: Connection) -> None:
    """Statements are judged against what is there, so one writer of them at a time."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (schema.APPLICATION_ID + 1,))


def _insert(connection: Connection, table: Table, found: Mapping[str, dict[str, Any]]) -> int:
    """Insert what is not there yet, in the order of the keys (so that writers cannot deadlock); the number added."""
    if table is not schema.entry:  # whose text was looked at already
        for row in found.values():
            _check_text(row)
    key = list(table.primary_key.columns)
    new = 0
    for some in chunks(sorted(found), CHUNK):
        if len(key) == 1:
            known = set(connection.execute(select(key[0]).where(key[0].in_(some))).scalars())
            some = [name for name in some if name not in known]
        if some:
            new += _insert_some(connection, table, key, [found[name] for name in some])
    return new


def _insert_some(connection: Connection, table: Table, key: list[Column[Any]], rows_: list[dict[str, Any]]) -> int:
    if connection.dialect.name != "postgresql" and len(key) == 1:
        # nobody else writes inside this transaction, and the caller has left out what is there: no counting,
        # and the driver takes the values as they are, at half the cost
        names = [column.name for column in table.columns]
        marks = ", ".join("?" * len(names))
        sql = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks})"
        connection.exec_driver_sql(sql, list(map(itemgetter(*names), rows_)))
        return len(rows_)
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table).on_conflict_do_nothing().returning(key[0])
    return len(connection.execute(statement, rows_).all())


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


def _sortable(value: str | int) -> str:
    return f"{value:09}" if isinstance(value, int) else value


def _recorded(moment: datetime | None) -> str:
    if moment is not None:
        return utc_text(moment)
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if epoch:
        try:
            return utc_text(datetime.fromtimestamp(int(epoch), UTC))
        except (ValueError, OverflowError, OSError) as error:
            raise LedgerError(f"SOURCE_DATE_EPOCH is a number of seconds, not {epoch!r}") from error
    return utc_text(datetime.now(UTC))


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else utc_text(moment)
