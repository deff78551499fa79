"""What a check of the book finds: faults, each kind up to a bound, and the runs they are judged against."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from attrs import field, frozen

from wattbook.ledger import rows, view
from wattbook.ledger.inserting import CHUNK, chunks
from wattbook.records import RunRecord

if TYPE_CHECKING:
    from wattbook.ledger.store import Ledger

MAX_LISTED = 1_000  #: problems of one kind; further ones are counted
MAX_RUNS = 50_000  #: held in memory at a time


@frozen(kw_only=True)
class Fault:
    """One thing that is wrong; ``kind`` is hash, overlap, power, clock, factor, reference, period or rollup."""

    kind: str
    id: str | None
    reason: str


@frozen
class Faults:
    """Faults, each kind up to a bound."""

    faults: list[Fault] = field(factory=list)
    counts: Counter[str] = field(factory=Counter)

    def add(self, kind: str, id: str | None, reason: str) -> None:
        self.counts[kind] += 1
        if self.counts[kind] <= MAX_LISTED:
            self.faults.append(Fault(kind=kind, id=id, reason=reason))

    def all(self) -> tuple[Fault, ...]:
        more = [
            Fault(kind=kind, id=None, reason=f"{count - MAX_LISTED} more of this kind")
            for kind, count in self.counts.items()
            if count > MAX_LISTED
        ]
        return (*self.faults, *more)


@frozen
class Runs:
    """The runs of a book, read as they are needed; never all of them at once."""

    ledger: Ledger
    known: dict[str, RunRecord | None] = field(factory=dict)

    def of(self, run_ids: Iterable[str]) -> dict[str, RunRecord]:
        """These runs and those that enclose them, as far as the book has them."""
        wanted = set(run_ids)
        asked = set(wanted)
        if len(self.known) > MAX_RUNS:
            self.known.clear()
        while missing := wanted - self.known.keys():
            for some in chunks(sorted(missing), CHUNK):
                self.known.update(dict.fromkeys(some))
                for row in self.ledger.scan(view.runs().where(view.run.c.run_id.in_(some))):
                    self.known[row.run_id] = rows.to_run(row)
            wanted = {run.parent_id for run_id in missing if (run := self.known[run_id]) and run.parent_id}
            asked |= wanted
        found = {run_id: self.known.get(run_id) for run_id in self._enclosing(asked)}
        return {run_id: run for run_id, run in found.items() if run is not None}

    def _enclosing(self, run_ids: set[str]) -> set[str]:
        found, todo = set(run_ids), list(run_ids)
        while todo:
            run = self.known.get(todo.pop())
            if run is not None and run.parent_id and run.parent_id not in found:
                found.add(run.parent_id)
                todo.append(run.parent_id)
        return found
