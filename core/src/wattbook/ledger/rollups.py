"""Months that are added up, host by host, as rows of the book: what they hold, and what came after them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any

from attrs import field, frozen
from sqlalchemy import ColumnElement, Select, and_, delete, func, literal, or_, select

from wattbook.ledger import rows, schema, view
from wattbook.ledger.inserting import CHUNK, chunks, insert
from wattbook.records import Entry, RunRecord, text_id

if TYPE_CHECKING:
    from wattbook.ledger.store import Ledger

entry, run, rollup, rollup_host = schema.entry, schema.run, schema.rollup, schema.rollup_host


@frozen(kw_only=True)
class Kept:
    """A rollup as it is kept: everything that was recorded up to a watermark, by host."""

    upto: str
    sums: Mapping[str, str] = field(repr=False)


@frozen(kw_only=True)
class Stretch:
    """A month, and what was recorded after *since* and up to *until*; ``None`` for no bound."""

    start: str
    end: str
    since: str | None = None
    until: str | None = None


def read(book: Ledger, rollup_id: str) -> Kept | None:
    """In one statement, so that no other process can replace a part of it meanwhile."""
    query = (
        select(rollup.c.upto, rollup_host.c.host, rollup_host.c.sums)
        .outerjoin(rollup_host, rollup.c.rollup_id == rollup_host.c.rollup_id)
        .where(rollup.c.rollup_id == rollup_id)
    )
    found = list(book.scan(query))
    if not found:
        return None
    return Kept(upto=found[0].upto, sums={row.host: row.sums for row in found if row.host is not None})


def write(book: Ledger, rules: str, month: str, before: Kept | None, after: Kept) -> bool:
    """Put *after* in the place of *before*; not where another process was faster, whose work is as good."""
    rollup_id = text_id(rules)
    with book._writing() as connection:
        if before is None:
            head = {"rollup_id": rollup_id, "month": month, "rules": rules, "upto": after.upto}
            if not insert(connection, rollup, {rollup_id: head}):
                return False
        else:
            moved = connection.execute(
                rollup.update()
                .where(rollup.c.rollup_id == rollup_id, rollup.c.upto == before.upto)
                .values(upto=after.upto)
            )
            if moved.rowcount != 1:
                return False
        old = {} if before is None else before.sums
        changed = [host for host in after.sums if after.sums[host] != old.get(host)]
        gone = [host for host in old if after.sums.get(host) != old[host]]
        for some in chunks(sorted(gone), CHUNK):
            connection.execute(
                delete(rollup_host).where(rollup_host.c.rollup_id == rollup_id, rollup_host.c.host.in_(some))
            )
        for some in chunks(sorted(changed), CHUNK):
            connection.execute(
                rollup_host.insert(), [{"rollup_id": rollup_id, "host": h, "sums": after.sums[h]} for h in some]
            )
        return True


def drop(book: Ledger, months: Iterable[str] | None = None) -> int:
    """Forget what is kept of some months, or of all; how many there were.  The next report makes them again."""
    with book._writing() as connection:
        query = select(rollup.c.rollup_id)
        if months is not None:
            query = query.where(rollup.c.month.in_(list(months)))
        ids = list(connection.execute(query).scalars())
        for some in chunks(ids, CHUNK):
            connection.execute(delete(rollup_host).where(rollup_host.c.rollup_id.in_(some)))
            connection.execute(delete(rollup).where(rollup.c.rollup_id.in_(some)))
    return len(ids)


def kept_months(book: Ledger) -> list[Any]:
    """Every rollup: its month and rules, up to when it goes, how many hosts it has."""
    hosts = func.count(rollup_host.c.host)
    query = (
        select(rollup, hosts.label("hosts"))
        .outerjoin(rollup_host, rollup.c.rollup_id == rollup_host.c.rollup_id)
        .group_by(*rollup.columns)
        .order_by(rollup.c.month, rollup.c.rollup_id)
    )
    return list(book.scan(query))


# --- entries and runs of a stretch --------------------------------------------------------------


def at_least(book: Ledger, stretch: Stretch, number: int) -> bool:
    """Whether so many entries of a month are new; cheap, however many there are."""
    some = _entries(stretch).order_by(None).with_only_columns(entry.c.entry_id).limit(number).subquery()
    (told,) = book.scan(select(func.count().label("found")).select_from(some))
    return bool(told.found >= number)


def by_host(book: Ledger, stretch: Stretch, hosts: Iterable[str] | None = None) -> Iterator[tuple[str, list[Entry]]]:
    """The entries that count, host by host, so that one host's fit into memory where all do not."""
    query = _entries(stretch).order_by(None).order_by(entry.c.host, entry.c.start_at, entry.c.entry_id)
    if hosts is None:
        yield from _grouped(book, query)
        return
    for some in chunks(sorted(hosts), CHUNK):
        yield from _grouped(book, query.where(entry.c.host.in_(some)))


def _grouped(book: Ledger, query: Select[Any]) -> Iterator[tuple[str, list[Entry]]]:
    counted = (one for _, one in book.pairs(query) if one is not None)
    for host, some in groupby(counted, key=lambda one: one.host):
        yield host, list(some)


def _entries(stretch: Stretch) -> Select[Any]:
    if stretch.since is None:
        return view.entries(start=stretch.start, end=stretch.end, as_of=stretch.until)
    # few are new, and many are of the month: the index of when they were recorded is the one to use
    return view.entries(as_of=stretch.until).where(entry.c.recorded_at > stretch.since, *_inside(stretch))


def _inside(stretch: Stretch) -> list[ColumnElement[bool]]:
    """Of the month, in words that no index answers."""
    start_at, end_at = entry.c.start_at.concat(""), entry.c.end_at.concat("")
    return [
        or_(end_at > stretch.start, and_(end_at == stretch.start, start_at == stretch.start)),
        start_at < stretch.end,
    ]


def corrected(book: Ledger, stretch: Stretch) -> set[str]:
    """The hosts of entries that something corrects which is new."""
    later = select(entry.c.supersedes).where(entry.c.supersedes.is_not(None), entry.c.recorded_at > stretch.since)
    if stretch.until is not None:
        later = later.where(entry.c.recorded_at <= stretch.until)
    query = select(entry.c.host).where(entry.c.entry_id.in_(later), *_inside(stretch))
    return {row.host for row in book.scan(query.distinct())}


def runs_in(book: Ledger, stretch: Stretch, hosts: Iterable[str] | None = None) -> dict[str, RunRecord]:
    """The runs that touch the month, of some hosts or of all, each as the record that tells most of it."""
    touching = select(run.c.run_id).where(run.c.end_at > stretch.start, run.c.start_at < stretch.end)
    told = [touching] if hosts is None else [touching.where(run.c.host.in_(h)) for h in chunks(sorted(hosts), CHUNK)]
    wanted = [view.runs(as_of=stretch.until).where(run.c.run_id.in_(some)) for some in told]
    return {row.run_id: rows.to_run(row) for query in wanted for row in book.scan(query)}


def recorded_in(book: Ledger, stretch: Stretch) -> set[str]:
    """The runs that something was recorded of after ``since``, whenever they were."""
    query = select(run.c.run_id).where(run.c.recorded_at > (stretch.since or literal("")))
    if stretch.until is not None:
        query = query.where(run.c.recorded_at <= stretch.until)
    return {row.run_id for row in book.scan(query)}


def touching(book: Ledger, stretch: Stretch, run_ids: Iterable[str]) -> set[str]:
    """Those of some runs of which any record says that they touch the month."""
    found: set[str] = set()
    for some in chunks(sorted(run_ids), CHUNK):
        query = select(run.c.run_id).where(
            run.c.run_id.in_(some), run.c.end_at > stretch.start, run.c.start_at < stretch.end
        )
        found |= {row.run_id for row in book.scan(query)}
    return found


def runs_named(book: Ledger, run_ids: Iterable[str], until: str | None) -> dict[str, RunRecord]:
    """Some runs by their ids."""
    found: dict[str, RunRecord] = {}
    for some in chunks(sorted(run_ids), CHUNK):
        query = view.runs_of(some)
        if until is not None:
            query = query.where(run.c.recorded_at <= until)
        found |= {row.run_id: rows.to_run(row) for row in book.scan(query)}
    return found
