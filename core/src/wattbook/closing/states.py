"""A month of the book in a state between two moments: some of what changed has happened, the rest has not."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

from wattbook.accounting.carbon import Pins, pinned
from wattbook.config import Config
from wattbook.ledger import periods
from wattbook.ledger.chains import ACTIVE, Revision
from wattbook.records import Entry, Labels, RunRecord, utc_text
from wattbook.report import Period, Report, build

if TYPE_CHECKING:
    from wattbook.ledger.store import Ledger

LATE, CORRECTION, REALLOCATION, RESTATEMENT, FACTOR, VERSION = (
    "late entries", "correction", "reallocation", "restatement", "new factor", "other version",
)  # fmt: skip
#: in the order in which they are told; each is what it adds to those before it
CAUSES = (VERSION, LATE, CORRECTION, REALLOCATION, RESTATEMENT, FACTOR)
WITHDRAWN = "withdrawn"
NO_PINS: Pins = {}


@frozen(kw_only=True)
class Rules:
    """How a state is added up: the configuration, and the factors that hold whatever a lookup says now."""

    settings: Config
    pins: Pins = field(default=NO_PINS, repr=False)


@frozen(kw_only=True)
class Line:
    """An entry, and the cause that brought it after the first moment; ``None`` for what was there before."""

    entry_id: str
    entry: Entry
    cause: str | None


@frozen(kw_only=True)
class Between:
    """All that is known of a period at the later of two moments, each part with the cause that brought it."""

    period: Period
    lines: tuple[Line, ...] = field(repr=False)
    corrected: dict[str, dict[str, str | None]] = field(repr=False)  #: entry -> what corrects it -> its cause
    runs: tuple[RunRecord, ...] = field(repr=False)  #: as known at the earlier moment
    later_runs: tuple[RunRecord, ...] = field(repr=False)
    heads: tuple[Revision, ...] = field(repr=False)
    later_heads: tuple[Revision, ...] = field(repr=False)

    def counted(self, cause: str) -> int:
        """How many entries or months of a provider a cause touched."""
        if cause == RESTATEMENT:
            return len({h.chain for h in _differing(self.heads, self.later_heads)})
        late = len(_fresh(self.heads, self.later_heads)) if cause == LATE else 0
        here = {line.entry_id for line in self.lines if line.cause == cause}
        gone = {one for by in self.corrected.values() for one, told in by.items() if told == cause}
        return late + len(here | gone)

    def entries(self, causes: Collection[str]) -> list[Entry]:
        """What counts once these causes have happened."""

        def happened(cause: str | None) -> bool:
            return cause is None or cause in causes

        return [
            line.entry
            for line in self.lines
            if happened(line.cause)
            and line.entry.kind != WITHDRAWN
            and not any(happened(cause) for cause in self.corrected.get(line.entry_id, {}).values())
        ]

    def revisions(self, causes: Collection[str]) -> tuple[Revision, ...]:
        if RESTATEMENT in causes:
            return self.later_heads
        return (*self.heads, *_fresh(self.heads, self.later_heads)) if LATE in causes else self.heads

    def report(self, causes: Collection[str], rules: Rules, dims: tuple[str, ...] = ("project",)) -> Report:
        """The period once these causes have happened."""
        told = [s for r in self.revisions(causes) if r.standing == ACTIVE for s in r.statements]
        runs = self.later_runs if LATE in causes else self.runs
        with pinned(rules.pins):
            return build(self.entries(causes), told, runs, rules.settings, self.period, dims)


def between(book: Ledger, period: Period, since: datetime, until: datetime) -> Between:
    """Read the period as it was known at two moments."""
    start, end = utc_text(period.start), utc_text(period.end)
    first, last = utc_text(since), utc_text(until)
    rows = [(row, entry) for row, entry in book.pairs(periods.written(start, end, last)) if entry is not None]
    known = {row.entry_id: entry for row, entry in rows}
    brought: dict[str, str | None] = {}
    for row, entry in rows:
        brought[row.entry_id] = None if row.recorded_at <= first else _cause(entry, known)
    corrected: dict[str, dict[str, str | None]] = {}
    for row in book.scan(periods.corrections(last)):
        if row.supersedes in known:
            cause = brought.get(row.entry_id, None if row.recorded_at <= first else CORRECTION)
            corrected.setdefault(row.supersedes, {})[row.entry_id] = cause
    months = period.months()
    return Between(
        period=period,
        lines=tuple(Line(entry_id=row.entry_id, entry=entry, cause=brought[row.entry_id]) for row, entry in rows),
        corrected=corrected,
        runs=tuple(book.runs(as_of=since)),
        later_runs=tuple(book.runs(as_of=until)),
        heads=tuple(book.revisions(months=months, as_of=since)),
        later_heads=tuple(book.revisions(months=months, as_of=until)),
    )


def _cause(entry: Entry, known: dict[str, Entry]) -> str:
    """Why an entry is there that was not: it came late, or it corrects another, perhaps its labels only."""
    if entry.supersedes is None:
        return LATE
    former = known.get(entry.supersedes)
    return REALLOCATION if former is not None and _bare(former) == _bare(entry) else CORRECTION


def _bare(entry: Entry) -> Entry:
    """All but whose it is."""
    return evolve(entry, labels=Labels(), attribution="", supersedes=None, reason="", source_version="", warnings=())


def _fresh(before: Iterable[Revision], after: Iterable[Revision]) -> tuple[Revision, ...]:
    """The chains that were not there before at all."""
    known = {head.chain for head in before}
    return tuple(head for head in after if head.chain not in known)


def _differing(before: Iterable[Revision], after: Iterable[Revision]) -> tuple[Revision, ...]:
    """The chains that were there before and say something else now."""
    known = {head.chain: (head.content_id, head.standing, head.revision) for head in before}
    return tuple(
        head
        for head in after
        if head.chain in known and known[head.chain] != (head.content_id, head.standing, head.revision)
    )
