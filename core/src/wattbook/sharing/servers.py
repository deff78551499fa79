"""Straight into a team's database: in small transactions that may be repeated, patient with a busy server."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from wattbook.errors import LedgerError, NoRecord
from wattbook.ledger.exchange import MARK, VERSION, take
from wattbook.ledger.store import Ledger
from wattbook.records import text_id
from wattbook.sharing.items import Item, Line, lines_of, remember
from wattbook.sharing.pushing import Pushed, missing

T = TypeVar("T")
BATCH = 2_000  #: lines of one transaction
LONGEST_S = 5.0  #: between two tries
#: what does not get better by waiting
FINAL = ("authentication failed", "does not exist", "permission denied", "no pg_hba.conf entry", "newer wattbook",
         "not a book", "pip install", "read-only", "there is no book", "is no kind of book")  # fmt: skip


def push_to_book(
    book: Ledger, url: str, *, everything: bool = False, dry_run: bool = False, patience_s: float = 30.0
) -> Pushed:
    """Everything that the book at *url* was not sent yet; each batch is remembered when it is safe there.

    A batch whose acknowledgement was lost is sent again, and changes nothing.
    """
    with patiently(lambda: Ledger.open(url), patience_s) as team:
        place_id = text_id(f"book:{team.url}")
        todo = missing(book, place_id, None if everything else {""})
        batches = entries = statements = 0
        for lines, ended in _batches(book, todo):
            entries += sum("entry" in line for line in lines)
            statements += sum("statement" in line for line in lines)
            batches += 1
            if dry_run:
                continue

            def once(lines: list[Line] = lines) -> None:
                take(team, enumerate(_framed(lines), start=1), book.url)

            patiently(once, patience_s)
            remember(book, place_id, ((item, "") for item in ended))
    return Pushed(
        parcels=batches, entries=entries, statements=statements,
        runs=sum(item.name.startswith("run:") for item in todo),
        months=sum(item.name.startswith("month:") for item in todo),
    )  # fmt: skip


def _batches(book: Ledger, todo: list[Item]) -> Iterator[tuple[list[Line], list[Item]]]:
    lines: list[Line] = []
    ended: list[Item] = []
    for item, some, last in lines_of(book, todo):
        for line in some:
            lines.append(line)
            if len(lines) >= BATCH and item.name.startswith("run:"):  # the figures of a month stay with their hash
                yield lines, ended
                lines, ended = [], []
        ended += [item] if last else []
    if lines or ended:
        yield lines, ended


def _framed(lines: list[Line]) -> Iterator[Line]:
    counts: dict[str, int] = {}
    yield {MARK: VERSION}
    for line in lines:
        kind = next(iter(line))
        counts[kind] = counts.get(kind, 0) + 1
        yield line
    yield {"end": counts}


def patiently(act: Callable[[], T], patience_s: float, *, sleep: Callable[[float], None] = time.sleep) -> T:
    """What *act* gives; a server that is away, full or in the way of others is asked again for a while."""
    until_s = time.monotonic() + patience_s
    wait_s = 0.1
    while True:
        try:
            return act()
        except LedgerError as error:
            if isinstance(error, NoRecord) or any(word in str(error) for word in FINAL):
                raise
            if time.monotonic() + wait_s > until_s:
                raise
            sleep(wait_s * random.uniform(0.5, 1.5))  # so that a hundred agents do not come back together
            wait_s = min(2 * wait_s, LONGEST_S)
