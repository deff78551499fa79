"""Today's view of the book, or the view as of a moment: which rows count. Queries only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, func, or_, select

from wattbook.ledger import schema

entry, context, run, sets = schema.entry, schema.context, schema.run, schema.statement_set


def entries(
    *, start: str | None = None, end: str | None = None, run_id: str | None = None, as_of: str | None = None
) -> Select[Any]:
    """Entries that overlap ``[start, end)`` and that no later one corrects, in the order of their start."""
    corrected = select(entry.c.supersedes).where(entry.c.supersedes.is_not(None))
    query = select(entry)
    if as_of is not None:
        corrected = corrected.where(entry.c.recorded_at <= as_of)
        query = query.where(entry.c.recorded_at <= as_of)
    query = query.where(entry.c.entry_id.not_in(corrected), entry.c.kind != "withdrawn")
    if run_id is not None:
        query = query.where(entry.c.run_id == run_id)
    if start is not None:
        query = query.where(_reaches(start))
    if end is not None:
        query = query.where(entry.c.start_at < end)
    return query.order_by(entry.c.start_at, entry.c.host, entry.c.device, entry.c.domain, entry.c.entry_id)


def _reaches(start: str) -> ColumnElement[bool]:
    """Ends after *start*; an entry of no length belongs to the moment where it stands."""
    return (entry.c.end_at > start) | and_(entry.c.end_at == start, entry.c.start_at == start)


def compared(*, start: str | None = None, end: str | None = None) -> Select[Any]:
    """What meters measured and what models say of the same domains, in the order of their start; no whole entries."""
    corrected = select(entry.c.supersedes).where(entry.c.supersedes.is_not(None))
    names = ("kind", "run_id", "start_at", "end_at", "host", "device", "domain", "energy_j", "low_j", "high_j", "terms")
    query = (
        select(*(entry.c[name] for name in names), entry.c.recorded_at, context.c.cause)
        .join(context, entry.c.context_id == context.c.context_id)
        .where(or_(entry.c.kind == "model", and_(entry.c.kind == "reading", entry.c.basis == "measured")))
        .where(entry.c.entry_id.not_in(corrected), context.c.synthetic == 0)
    )
    if start is not None:
        query = query.where(_reaches(start))
    if end is not None:
        query = query.where(entry.c.start_at < end)
    return query.order_by(entry.c.start_at)


def everything() -> Select[Any]:
    """Every entry that was ever written."""
    return select(entry).order_by(entry.c.start_at, entry.c.entry_id)


def beginning(entry_id: str) -> Select[Any]:
    """At most two entries whose id begins like this."""
    return select(entry).where(entry.c.entry_id.startswith(entry_id, autoescape=True)).limit(2)


def meeting(run_id: str, host: str, start: str, end: str) -> Select[Any]:
    """A run other than *run_id* with addends of *host* between *start* and *end*."""
    corrected = select(entry.c.supersedes).where(entry.c.supersedes.is_not(None))
    return (
        select(entry.c.run_id)
        .where(entry.c.end_at > start, entry.c.start_at < end, entry.c.host == host, entry.c.run_id != run_id)
        .where(entry.c.kind == "reading", entry.c.outermost == 1, entry.c.entry_id.not_in(corrected))
        .order_by(entry.c.run_id)
        .limit(1)
    )


def run_ids(some: Iterable[str]) -> Select[Any]:
    """Those of some runs' ids that the book has."""
    return select(run.c.run_id).where(run.c.run_id.in_(list(some))).distinct()


def runs_of(some: Iterable[str]) -> Select[Any]:
    """Every record of some runs, in the order of ``runs``."""
    return runs().where(run.c.run_id.in_(list(some)))


def contexts(ids: Iterable[str]) -> Select[Any]:
    """What some entries share with others."""
    return select(context).where(context.c.context_id.in_(list(ids)))


def all_of(table: Table) -> Select[Any]:
    """Every row of a table, in the order of its key."""
    return select(table).order_by(*table.primary_key.columns)


def dangling() -> Select[Any]:
    """Entries that correct one that does not exist."""
    written = select(entry.c.entry_id)
    return select(entry.c.entry_id, entry.c.supersedes).where(
        entry.c.supersedes.is_not(None), entry.c.supersedes.not_in(written)
    )


def addends() -> Select[Any]:
    """What totals add up, in the order of host, domain and time, and whether only a part of the machine's energy is it."""
    corrected = select(entry.c.supersedes).where(entry.c.supersedes.is_not(None))
    columns = (entry.c.entry_id, entry.c.run_id, entry.c.host, entry.c.device, entry.c.domain)
    return (
        select(*columns, entry.c.start_at, entry.c.end_at, context.c.attribution)
        .outerjoin(context, entry.c.context_id == context.c.context_id)
        .where(entry.c.kind == "reading", entry.c.outermost == 1, entry.c.entry_id.not_in(corrected))
        .order_by(entry.c.host, entry.c.device, entry.c.domain, entry.c.start_at, entry.c.end_at, entry.c.entry_id)
    )


def addends_of(hosts: Iterable[str]) -> Select[Any]:
    """What totals add up of some hosts, host by host in the order of time."""
    corrected = select(entry.c.supersedes).where(entry.c.supersedes.is_not(None))
    return (
        select(entry)
        .where(entry.c.host.in_(list(hosts)), entry.c.kind == "reading", entry.c.outermost == 1)
        .where(entry.c.entry_id.not_in(corrected))
        .order_by(entry.c.host, entry.c.start_at, entry.c.end_at, entry.c.entry_id)
    )


def corrected_twice() -> Select[Any]:
    """Entries that several others correct which all count."""
    corrected = select(entry.c.supersedes).where(entry.c.supersedes.is_not(None))
    return (
        select(entry.c.supersedes, func.count().label("times"))
        .where(entry.c.supersedes.is_not(None), entry.c.kind != "withdrawn", entry.c.entry_id.not_in(corrected))
        .group_by(entry.c.supersedes)
        .having(func.count() > 1)
        .order_by(entry.c.supersedes)
    )


def runs(*, run_id: str | None = None, as_of: str | None = None) -> Select[Any]:
    """Every record of every run, those that tell most last, and of these the latest."""
    query = select(run)
    if run_id is not None:
        query = query.where(run.c.run_id == run_id)
    if as_of is not None:
        query = query.where(run.c.recorded_at <= as_of)
    return query.order_by(run.c.complete, run.c.recorded_at, run.c.end_at, run.c.record_id)


def revisions(
    table: Table,
    *,
    providers: Iterable[str] | None = None,
    years: Iterable[str] | None = None,
    months: Iterable[str] | None = None,
    as_of: str | None = None,
) -> Select[Any]:
    """The revisions of the figures in ``statement_set`` or ``rival_set``, of all or of some months and providers."""
    query = select(*(table.c[column.name] for column in sets.columns))
    if providers is not None:
        query = query.where(table.c.provider.in_(list(providers)))
    if years is not None:
        query = query.where(or_(*(table.c.month.startswith(year, autoescape=True) for year in years)))
    if months is not None:
        query = query.where(table.c.month.in_(list(months)))
    if as_of is not None:
        query = query.where(table.c.recorded_at <= as_of)
    return query


def sizes(contents: Iterable[str]) -> Select[Any]:
    """How many figures some contents hold."""
    row = schema.statement
    wanted = row.c.content_id.in_(list(contents))
    return select(row.c.content_id, func.count().label("size")).where(wanted).group_by(row.c.content_id)


def statements(contents: Iterable[str]) -> Select[Any]:
    row = schema.statement
    return (
        select(row)
        .where(row.c.content_id.in_(list(contents)))
        .order_by(row.c.content_id, row.c.service, row.c.region, row.c.resource, row.c.scope, row.c.method)
    )
