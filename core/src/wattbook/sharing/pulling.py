"""Take what others handed over: each parcel once, whole or not at all, whatever lies beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import frozen
from sqlalchemy import select

from wattbook.errors import ImportFailed, LedgerError, NoRecord
from wattbook.ledger import schema
from wattbook.ledger.exchange import Restored, take
from wattbook.ledger.store import Ledger
from wattbook.sharing.items import Item, item_of, remember, sizes_of
from wattbook.sharing.parcels import opened
from wattbook.sharing.places import Place

TAKEN = "*"  #: the place of a parcel that was taken: it is the same wherever it lies
NEWER = "this export has format"


@frozen(kw_only=True)
class Pulled:
    """What a pull took, and what it refused."""

    parcels: int = 0
    known_parcels: int = 0
    new_entries: int = 0
    known_entries: int = 0
    new_statements: int = 0
    known_statements: int = 0
    refused: tuple[str, ...] = ()  #: in words, each parcel that could not be taken, and where it is now
    settled: tuple[str, ...] = ()  #: in words, what books told otherwise and which of them counts
    problems: tuple[str, ...] = ()  #: in words, what else lies there


class _Rehearsal(Exception):
    """Ends a transaction that nothing is kept of."""


def pull(book: Ledger, place: Place, *, dry_run: bool = False) -> Pulled:
    """Take every parcel of *place* that the book does not have yet.

    One that is damaged, foreign or a trap is set aside and named; the others are taken all the same.
    """
    there, others = place.names()
    known = _taken(book)
    refused: list[str] = []
    settled: dict[str, None] = {}
    new = [0, 0, 0, 0]
    count = 0
    for name in sorted(there - known):
        try:
            done = _take(book, place, name, dry_run=dry_run)
        except (ImportFailed, NoRecord) as error:
            refused.append(str(error) if dry_run or NEWER in str(error) else _aside(place, name, error))
            continue
        count += 1
        new = [a + b for a, b in zip(new, (*done.entries, *done.statements), strict=True)]
        settled.update(dict.fromkeys(done.settled))
    return Pulled(
        parcels=count, known_parcels=len(there & known), new_entries=new[0], known_entries=new[1],
        new_statements=new[2], known_statements=new[3], refused=tuple(refused), settled=tuple(settled),
        problems=tuple(others),
    )  # fmt: skip


def _taken(book: Ledger) -> set[str]:
    table = schema.delivery
    return {row.parcel for row in book.scan(select(table.c.parcel).distinct())}


def _take(book: Ledger, place: Place, name: str, *, dry_run: bool) -> Restored:
    content = place.read(name)
    done = Restored()
    try:
        with book.transaction():
            told: dict[str, int] = {}

            def counted() -> Iterator[tuple[int, Any]]:
                for number, line in opened(name, content):
                    of = item_of(line)
                    if of is not None:
                        told[of] = told.get(of, 0) + 1
                    yield number, line

            done = take(book, counted(), name)
            remember(book, TAKEN, [(Item(name, 0), name)])
            here = sizes_of(book, told)  # what is here and nothing more need not be handed over
            whole = [Item(one, size) for one, size in told.items() if here.get(one) == size]
            remember(book, place.place_id, ((item, name) for item in whole))
            if dry_run:
                raise _Rehearsal
    except _Rehearsal:
        pass
    return done


def _aside(place: Place, name: str, error: Exception) -> str:
    try:
        return f"{error}: set aside as {place.set_aside(name)}"
    except LedgerError as refusal:
        return f"{error}: stays where it is ({refusal})"
