"""Prove the book: every hash, no joule twice, nothing that no machine can do, a factor for everything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import field, frozen

from wattbook.accounting.carbon import factor_of
from wattbook.accounting.overlaps import without_overlaps
from wattbook.ledger import rows, view
from wattbook.ledger.chains import figures_id
from wattbook.ledger.store import Ledger
from wattbook.records import Entry, RunRecord, utc_text, utc_time
from wattbook.units import MAX_DEVICE_W

MAX_FLEET_W = 1e8  #: above this not even a line that stands for many machines is plausible
MAX_LISTED = 1_000  #: problems of one kind; further ones are counted
TOLERANCE = timedelta(milliseconds=1)  #: windows of neighbours may meet by rounding
LATE = timedelta(days=1)  #: clocks of machines may differ
STALE = timedelta(days=5 * 365)  #: a run that ended so long before it was recorded had a wrong clock


@frozen(kw_only=True)
class Fault:
    """One thing that is wrong; ``kind`` is hash, overlap, power, clock, factor or reference."""

    kind: str
    id: str | None
    reason: str


@frozen(kw_only=True)
class Verdict:
    """What a check of the whole book found; ``resolved`` are overlaps that every report counts once."""

    entries: int
    revisions: int
    faults: tuple[Fault, ...] = ()
    resolved: tuple[Fault, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.faults

    def as_dict(self) -> dict[str, Any]:
        from attrs import asdict

        return {
            "ok": self.ok, "entries": self.entries, "statement_sets": self.revisions,
            "problems": [asdict(fault) for fault in self.faults], "resolved": [asdict(f) for f in self.resolved],
        }  # fmt: skip


@frozen
class _List:
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


def verify(ledger: Ledger, *, now: datetime | None = None) -> Verdict:
    """Check every row of the book; reads only."""
    faults, resolved = _List(), _List()
    runs = {run.run_id: run for run in ledger.runs()}
    latest = utc_text((now or datetime.now(UTC)) + LATE)
    places: set[tuple[Any, int]] = set()
    count = 0
    for row, entry in ledger.pairs(view.everything()):
        count += 1
        if entry is None:
            faults.add("reference", row.entry_id, "the row that tells where this entry comes from is missing")
            continue
        if rows.from_stored(entry) != row.entry_id:
            faults.add("hash", row.entry_id, "its content is not what it was when it was written")
        _plausible(entry, row.entry_id, faults)
        _clock(entry, row, runs.get(entry.run_id), latest, faults)
        if entry.kind == "reading" and entry.outermost:
            places.add((entry.place, int(entry.start[:4])))
    for row in ledger.scan(view.dangling()):
        faults.add("reference", row.entry_id, f"it corrects {row.supersedes}, which is not in the book")
    for place, year in sorted(places, key=str):
        if factor_of(place, year) is None:
            where = f"zone {place.zone}" if place.zone else "a place without a zone"
            faults.add("factor", None, f"no factor for {where} in {year}: its carbon is not known (set site.zone)")
    hosts = _overlaps(ledger.scan(view.addends()), runs, faults, resolved)
    if hosts:
        _excess((entry for entry in ledger.entries() if entry.host in hosts), runs, resolved)
    revisions = _statements(ledger, faults)
    return Verdict(entries=count, revisions=revisions, faults=faults.all(), resolved=resolved.all())


def _plausible(entry: Entry, entry_id: str, faults: _List) -> None:
    if entry.energy_j is None:
        return
    limit = MAX_DEVICE_W if entry.basis == "measured" and entry.device != "machine" else MAX_FLEET_W
    seconds = entry.duration_s
    if entry.energy_j < 0:
        faults.add("power", entry_id, f"{entry.energy_j:g} J is negative")
    elif seconds > 0 and entry.energy_j / seconds > limit:
        faults.add("power", entry_id, f"{entry.energy_j / seconds:g} W is no power of {entry.device}/{entry.domain}")
    elif seconds == 0 and entry.energy_j > 0:
        faults.add("power", entry_id, f"{entry.energy_j:g} J in no time at all")


def _clock(entry: Entry, row: Any, run: RunRecord | None, latest: str, faults: _List) -> None:
    if entry.end > latest:
        faults.add("clock", row.entry_id, f"it ends at {entry.end}, which is in the future")
    elif run is not None and run.kind == "run":
        margin = timedelta(seconds=1)
        start, end = utc_time(run.start) - margin, utc_time(run.end) + margin
        if not (start <= utc_time(entry.start) and utc_time(entry.end) <= end):
            faults.add("clock", row.entry_id, f"it lies outside its run {run.run_id}: the clock jumped")
        elif utc_time(row.recorded_at) - utc_time(entry.end) > STALE:
            faults.add("clock", row.entry_id, f"it ended {entry.end}, years before it was recorded")


def _overlaps(found: Iterable[Any], runs: dict[str, RunRecord], faults: _List, resolved: _List) -> set[str]:
    """Sweep every (host, domain) in the order of time; answers with the hosts of which runs have parts.

    A part that one run caused lies inside what the machine used, and beside the parts of others.
    """
    cell: tuple[str, str, str] | None = None
    holder: Any = None
    parts: dict[str, Any] = {}  #: of this cell: the part of each run that ends last
    hosts: set[str] = set()
    told: set[tuple[str, str, str]] = set()
    for row in found:
        run = runs.get(row.run_id)
        if run is not None and run.kind == "log":
            continue  # a figure by hand stands for a machine of its own
        here = (row.host, row.device, row.domain)
        if here != cell:
            cell, holder = here, None
            parts.clear()
        if row.attribution:
            hosts.add(row.host)
        before = parts.get(row.run_id) if row.attribution else holder
        if before is not None and utc_time(before.end_at) - utc_time(row.start_at) > TOLERANCE:
            where = f"{row.host} {row.device}/{row.domain} at {row.start_at}"
            pair = (row.host, row.run_id, before.run_id)
            if row.run_id == before.run_id:
                faults.add("overlap", row.entry_id, f"{where}: entry {before.entry_id} of the same run covers it too")
            elif pair not in told:
                told.add(pair)
                reason = f"{where}: run {before.run_id} covers it too; reports count it once"
                resolved.add("overlap", row.entry_id, reason)
        if before is None or row.end_at > before.end_at:
            if row.attribution:
                parts[row.run_id] = row
            else:
                holder = row
    return hosts


def _excess(entries: Iterable[Entry], runs: dict[str, RunRecord], resolved: _List) -> None:
    """Runs that claim together more than the machine used."""
    found = list(entries)
    claiming = {entry.run_id for entry in found if entry.attribution}
    for lost in without_overlaps(found, runs)[1]:
        if lost.run_id in claiming:
            reason = (
                f"{lost.host}: run {lost.run_id} claims {lost.energy_j:.6g} J more than the machine used beside "
                f"{', '.join(lost.counted_in)}; reports cut it"
            )
            resolved.add("overlap", None, reason)


def _statements(ledger: Ledger, faults: _List) -> int:
    """Every revision of every month: its hash, and that none is missing before it."""
    count = 0
    last: dict[Any, int] = {}
    for revision in ledger.history():
        count += 1
        name = f"{revision.chain}, revision {revision.revision}"
        if figures_id(revision.chain, revision.version_key, revision.statements) != revision.content_id:
            faults.add(
                "hash", revision.content_id, f"{name}: the figures are not what they were when they were written"
            )
        if revision.revision > last.get(revision.chain, 0) + 1:
            faults.add("reference", revision.content_id, f"{name}: the revision before it is missing")
        last[revision.chain] = revision.revision
    return count
