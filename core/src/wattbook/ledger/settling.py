"""When two books imported the same files otherwise, the entries of one of them count: which, by rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import evolve
from sqlalchemy import select

from wattbook.ledger import schema
from wattbook.ledger.inserting import CHUNK, chunks
from wattbook.ledger.store import Ledger
from wattbook.records import Entry, content_id, stated

WITHDRAWN = "withdrawn"  #: kind of an entry that only takes another one back
SETTLED = "another book tells this of the same files otherwise, and that counts"
IMPORTED = "import:"  #: how the runs begin whose id two books may share: the same files are the same run


def taken_back(entry: Entry, reason: str) -> Entry:
    """An entry that takes *entry* back and says nothing itself."""
    return evolve(
        entry, kind=WITHDRAWN, energy_j=None, low_j=None, high_j=None, outermost=False, terms=(),
        supersedes=entry.entry_id, reason=reason,
    )  # fmt: skip


def settle(ledger: Ledger, run_ids: Iterable[str]) -> list[str]:
    """Take back what of these runs another book's word stands against; in words, what was found.

    Every book that has the same entries takes the same ones back, in whatever order it learned of them.
    """
    said = []
    for some in chunks(sorted(run_id for run_id in run_ids if run_id.startswith(IMPORTED)), CHUNK):
        hosts: dict[str, set[str]] = {}
        for record in ledger.scan(select(schema.run.c.run_id, schema.run.c.host).where(schema.run.c.run_id.in_(some))):
            hosts.setdefault(record.run_id, set()).add(record.host)
        found: dict[str, list[Entry]] = {}
        query = select(schema.entry).where(schema.entry.c.run_id.in_(some)).order_by(schema.entry.c.entry_id)
        for _, entry in ledger.pairs(query):
            if entry is not None:
                found.setdefault(entry.run_id, []).append(entry)
        for run_id, entries in sorted(found.items()):
            losing = list(losers(entries, one_host=len(hosts.get(run_id, ())) > 1))
            if losing:
                ledger.add(taken_back(entry, SETTLED) for entry in losing)
                said.append(
                    f"run {run_id[:19]}: two books imported these files otherwise; "
                    f"{len(losing)} entries are kept and do not count"
                )
    return said


def losers(entries: Iterable[Entry], *, one_host: bool = False) -> Iterator[Entry]:
    """The entries of one run that still count and should not.

    Entries of one cell that nothing links were read from the same file by two books; so were two
    corrections of one entry.  The greatest by a hash of labels, place and host counts with all that corrects
    it.  What is added later makes others lose but lets no loser win, so that the order does not matter.
    With *one_host* the host is no part of the cell: the books disagree about it.
    """
    known = {entry.entry_id: entry for entry in entries}
    ended = {e.supersedes for e in known.values() if e.reason == SETTLED and e.kind == WITHDRAWN}
    told = [e for e in known.values() if not (e.reason == SETTLED and e.kind == WITHDRAWN)]
    after: dict[str, list[Entry]] = {}
    cells: dict[tuple[str, ...], list[Entry]] = {}
    for entry in told:
        if entry.supersedes is not None:
            after.setdefault(entry.supersedes, []).append(entry)
        else:
            host = "" if one_host else entry.host
            cells.setdefault((entry.kind, entry.start, entry.end, host, entry.device, entry.domain), []).append(entry)
    lost: list[Entry] = []
    for rivals in cells.values():
        while rivals:
            first, *others = sorted(rivals, key=_rank, reverse=True)
            lost += others
            rivals = after.get(first.entry_id, [])
    while lost:
        entry = lost.pop()
        corrections = after.get(entry.entry_id, [])
        lost += corrections
        if not corrections and entry.kind != WITHDRAWN and entry.entry_id not in ended:
            yield entry


def _rank(entry: Entry) -> tuple[str, str]:
    told = [stated(entry.labels), stated(entry.place), entry.host, entry.source_version, entry.synthetic]
    return content_id(told), entry.entry_id
