"""The book as an object: open it, add to it, read today's view or the view as of a moment."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from types import TracebackType
from typing import Any

from attrs import frozen
from sqlalchemy import Connection, Engine, Row, Select, func, select

from wattbook.ledger import entry_rows, rows, schema, view
from wattbook.ledger.chains import ACTIVE, Revision, heads_of
from wattbook.ledger.connect import connect, default_url, parse_url, printable, translated
from wattbook.ledger.inserting import CHUNK, chunks, insert, insert_entries, sortable
from wattbook.ledger.stamps import floor, stamp
from wattbook.ledger.statements import StatementsAdded, figures_of, filled, put_sets, record, told_sets
from wattbook.model import Sheet, Statement
from wattbook.records import Entry, RunRecord, Snapshot, utc_text

STREAM = 5_000  #: rows fetched at a time by a scan
MAX_CONTEXTS = 20_000  #: held in memory while entries are read


@frozen(kw_only=True)
class Added:
    """How many entries were new and how many the book had already."""

    new: int = 0
    known: int = 0


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
        found = entry_rows.named(entries)
        contexts = {name: rows.from_context(entry) for name, entry in found.contexts.items()}
        records = {row["record_id"]: row for row in map(rows.from_run, runs)}
        with self._writing() as connection:
            moment = stamp(connection, recorded_at)
            for row in records.values():
                row["recorded_at"] = moment
            insert(connection, schema.context, contexts)
            new = insert_entries(connection, found.entries, moment)
            insert(connection, schema.run, records)
        return Added(new=new, known=found.told - new)

    def add_statements(
        self,
        statements: Iterable[Statement],
        snapshot: Snapshot,
        *,
        sheets: Iterable[Sheet] = (),
        force: bool = False,
        recorded_at: datetime | None = None,
    ) -> StatementsAdded:
        """Record a provider's figures, whole months at a time.

        A newer version of an (account, month) takes the place of the older one, which stays readable as
        of then; an older one is refused with ``ImportFailed`` unless *force*.
        """
        with self._writing() as connection:
            moment = stamp(connection, recorded_at)
            return record(connection, list(statements), list(sheets), snapshot, force=force, moment=moment)

    def put(self, table: str, found: Iterable[dict[str, Any]], *, exact: bool = False) -> int:
        """Rows as an export holds them, with the time they were recorded; the number that was new.

        A row that comes after a month was closed is stamped after that, so that the month stays as it was;
        an *exact* one keeps its time.
        Where the book tells a provider's month otherwise, both are kept, and one counts by rule.
        """
        where = schema.metadata.tables[table]
        keys = [column.name for column in where.primary_key.columns]
        if where is schema.statement_set:
            keys = [column.name for column in where.columns]
        named = {"\0".join(sortable(row[key] or "") for key in keys): row for row in found}
        with self._writing() as connection:
            first = "" if exact else floor(connection)
            for row in named.values():
                if row.get("recorded_at", first) < first:
                    row["recorded_at"] = first
            if where is schema.statement_set:
                return put_sets(connection, named.values())
            return insert(connection, where, named)

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

    def known_runs(self, run_ids: Iterable[str]) -> set[str]:
        """Those of *run_ids* that the book has already."""
        known: set[str] = set()
        with self._reading() as connection:
            for some in chunks(sorted(run_ids), CHUNK):
                known.update(connection.execute(view.run_ids(some)).scalars())
        return known

    def statements(self, *, months: Iterable[str] | None = None, as_of: datetime | None = None) -> list[Statement]:
        """The providers' figures that count: today's view, or the view *as of* a moment."""
        return [s for r in self.revisions(months=months, as_of=as_of) if r.standing == ACTIVE for s in r.statements]

    def revisions(self, *, months: Iterable[str] | None = None, as_of: datetime | None = None) -> list[Revision]:
        """The head of every (account, month) and interface, those that do not count too."""
        with self._reading() as connection:
            found = told_sets(connection, months=months, as_of=_text(as_of))
            heads = heads_of(rows.to_revision(row) for row in found)
            figures = figures_of(connection, heads)
        return [filled(revision, figures) for revision in heads]

    def history(self) -> Iterator[Revision]:
        """Every revision of every month, oldest first, with its figures."""
        for revision in self.history_bare():
            with self._reading() as connection:
                yield filled(revision, figures_of(connection, [revision]))

    def history_bare(self) -> list[Revision]:
        """Every revision of every month, oldest first, without its figures."""
        return [rows.to_revision(row) for row in self.sets()]

    def sets(self) -> list[Row[Any]]:
        """The rows of every revision of every month, in an order that depends on their content."""
        with self._reading() as connection:
            return told_sets(connection)

    def scan(self, query: Select[Any]) -> Iterator[Row[Any]]:
        """The rows of a query of ``wattbook.ledger.view``, a few at a time, however many there are."""
        with self._reading() as connection:
            yield from connection.execute(query, execution_options={"yield_per": STREAM})

    def empty(self) -> bool:
        """Whether nothing was ever recorded here."""
        tables = (schema.entry, schema.run, schema.snapshot, schema.statement_set)
        with self._reading() as connection:
            return all(connection.execute(select(table).limit(1)).first() is None for table in tables)

    def count(self) -> int:
        """How many entries the book holds, corrected ones and gaps too."""
        with self._reading() as connection:
            return int(connection.execute(select(func.count()).select_from(schema.entry)).scalar_one())


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else utc_text(moment)
