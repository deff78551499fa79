"""Which months are closed, what was closed with them, and what the book held of them then."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from attrs import astuple, frozen
from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from wattbook.errors import LedgerError
from wattbook.ledger import schema
from wattbook.ledger.stamps import set_watermark
from wattbook.records import canonical, text_id, utc_text, utc_time

if TYPE_CHECKING:
    from wattbook.ledger.store import Ledger

CLOSE, REOPEN = "close", "reopen"
entry, run, period = schema.entry, schema.run, schema.period


@frozen(kw_only=True)
class Act:
    """A month was closed or opened again; the highest revision of a month says what it is now."""

    month: str
    revision: int
    act: str
    manifest_id: str
    manifest: Mapping[str, Any]
    watermark: str
    recorded_at: str

    @property
    def sound(self) -> bool:
        """Whether the manifest is what it was when it was written."""
        return text_id(canonical(self.manifest)) == self.manifest_id


def check_act(row: Mapping[str, Any]) -> None:
    """Raise ``ValueError`` for a row of an export that is no act on a month."""
    if text_id(row["manifest"]) != row["manifest_id"]:
        raise ValueError("its manifest does not have the hash that it names; was the export edited?")
    if row["act"] not in (CLOSE, REOPEN) or not isinstance(json.loads(row["manifest"]), dict):
        raise ValueError(f"{row['act']!r} is nothing that is done to a month")
    utc_time(row["watermark"])
    utc_time(row["recorded_at"])


def history(book: Ledger, as_of: datetime | None = None) -> list[Act]:
    """Everything that was done to months, oldest first; up to a moment."""
    query = select(period).order_by(period.c.recorded_at, period.c.month, period.c.revision)
    if as_of is not None:
        query = query.where(period.c.recorded_at <= utc_text(as_of))
    return [Act(**{**row._mapping, "manifest": json.loads(row.manifest)}) for row in book.scan(query)]


def closed(book: Ledger, as_of: datetime | None = None) -> dict[str, Act]:
    """The months that are closed, or were so at a moment."""
    newest = {act.month: act for act in sorted(history(book, as_of), key=lambda act: act.revision)}
    return {month: act for month, act in sorted(newest.items()) if act.act == CLOSE}


def is_closing(book: Ledger, moment: str) -> bool:
    """Whether a month was closed with this moment as its watermark."""
    query = select(period.c.month).where(period.c.watermark == moment, period.c.act == CLOSE).limit(1)
    return bool(list(book.scan(query)))


def settle(book: Ledger, now: datetime) -> str:
    """A watermark: what is recorded up to it is all that ever will be, since later rows are stamped after it."""
    with book._writing() as connection:
        return set_watermark(connection, now)


def write(book: Ledger, month: str, act: str, manifest: Mapping[str, Any], watermark: str, now: datetime) -> Act:
    """Add an act to a month's chain; refused where another process did so at this very moment."""
    before = [one.revision for one in history(book) if one.month == month]
    text = canonical(manifest)
    row = {
        "month": month, "revision": max(before, default=0) + 1, "act": act, "manifest_id": text_id(text),
        "manifest": text, "watermark": watermark, "recorded_at": utc_text(now),
    }  # fmt: skip
    if not book.put(period.name, [row]):
        raise LedgerError(f"another process closed or reopened {month} at this very moment; look with 'ledger periods'")
    return max((one for one in history(book) if one.month == month), key=lambda one: one.revision)


# --- what the book holds of a month ------------------------------------------------------------


def content_of(book: Ledger, start: str, end: str, months: Iterable[str], as_of: datetime) -> dict[str, Any]:
    """How much of a month the book held as of then, and one hash over the ids of all of it."""
    import hashlib

    counts: dict[str, Any] = {}
    digest = hashlib.blake2b(digest_size=16)
    for kind, ids in (
        ("entries", _ids(book, entry.c.entry_id, _entries(start, end, utc_text(as_of)))),
        ("runs", _ids(book, run.c.record_id, _runs(start, end, utc_text(as_of)))),
        ("statement_sets", iter(statement_ids(book, months, as_of))),
    ):
        count = 0
        for name in ids:
            digest.update(f"{kind} {name}\n".encode())
            count += 1
        counts[kind] = count
    return {**counts, "content_id": digest.hexdigest()}


def statement_ids(book: Ledger, months: Iterable[str], as_of: datetime) -> list[str]:
    """What counted of some months as of then, each with the hash of its figures."""
    heads = book.revisions(months=months, as_of=as_of)
    return sorted(canonical([*map(str, astuple(h.chain)), h.revision, h.standing, h.content_id]) for h in heads)


def _ids(book: Ledger, column: ColumnElement[Any], where: ColumnElement[bool]) -> Iterator[str]:
    for row in book.scan(select(column.label("id")).where(where).order_by(column)):
        yield row.id


def _entries(start: str, end: str, until: str) -> ColumnElement[bool]:
    return and_(entry.c.recorded_at <= until, _inside(start, end))


def _runs(start: str, end: str, until: str) -> ColumnElement[bool]:
    return and_(run.c.recorded_at <= until, run.c.end_at > start, run.c.start_at < end)


def _inside(start: str, end: str) -> ColumnElement[bool]:
    reaches = or_(entry.c.end_at > start, and_(entry.c.end_at == start, entry.c.start_at == start))
    return and_(reaches, entry.c.start_at < end)


def written(start: str, end: str, until: str) -> Select[Any]:
    """Every entry of a stretch of time that was recorded up to a moment, corrected ones too, in the view's order."""
    order = (entry.c.start_at, entry.c.host, entry.c.device, entry.c.domain, entry.c.entry_id)
    return select(entry).where(_entries(start, end, until)).order_by(*order)


def corrections(until: str) -> Select[Any]:
    """Which entry corrects which, among those recorded up to a moment."""
    columns = (entry.c.entry_id, entry.c.supersedes, entry.c.recorded_at)
    return select(*columns).where(entry.c.supersedes.is_not(None), entry.c.recorded_at <= until)


def changed_since(book: Ledger, start: str, end: str, months: Iterable[str], since: str, until: str) -> bool:
    """Whether anything of a month was recorded after *since* and up to *until*; cheap."""
    some = list(months)
    late = entry.c.recorded_at.between(since, until) & (entry.c.recorded_at > since)
    fresh = select(entry.c.entry_id).where(late, _inside(start, end)).limit(1)
    old = select(entry.c.supersedes).where(late, entry.c.supersedes.is_not(None))
    moved = select(entry.c.entry_id).where(entry.c.entry_id.in_(old), _inside(start, end)).limit(1)
    told = [
        select(sets.c.month)
        .where(sets.c.month.in_(some), sets.c.recorded_at > since, sets.c.recorded_at <= until)
        .limit(1)
        for sets in (schema.statement_set, schema.rival_set)
    ]
    runs = (
        select(run.c.run_id)
        .where(run.c.recorded_at > since, run.c.recorded_at <= until, run.c.end_at > start, run.c.start_at < end)
        .limit(1)
    )
    return any(list(book.scan(query)) for query in (fresh, moved, *told, runs))


def incomplete(book: Ledger, start: str, end: str) -> int:
    """How many runs of a stretch of time have no end yet."""
    ended = select(run.c.run_id).where(run.c.complete == 1)
    query = select(func.count(func.distinct(run.c.run_id)).label("found")).where(
        run.c.complete == 0, run.c.end_at > start, run.c.start_at < end, run.c.run_id.not_in(ended)
    )
    return sum(int(row.found) for row in book.scan(query))
