"""Prove the book: every hash, no joule twice, nothing that no machine can do, a factor for everything."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from attrs import frozen

from wattbook.accounting.carbon import factor_of
from wattbook.ledger import entry_rows, periods, view
from wattbook.ledger.chains import figures_id
from wattbook.ledger.faults import Fault, Faults, Runs
from wattbook.ledger.store import Ledger
from wattbook.ledger.sweep import BATCH, sweep
from wattbook.records import Entry, RunRecord, utc_text, utc_time
from wattbook.units import MAX_DEVICE_W

MAX_FLEET_W = 1e8  #: above this not even a line that stands for many machines is plausible
LATE = timedelta(days=1)  #: clocks of machines may differ
STALE = timedelta(days=5 * 365)  #: a run that ended so long before it was recorded had a wrong clock


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


def verify(ledger: Ledger, *, now: datetime | None = None) -> Verdict:
    """Check every row of the book; reads only."""
    faults, resolved = Faults(), Faults()
    runs = Runs(ledger)
    latest = utc_text((now or datetime.now(UTC)) + LATE)
    places: set[tuple[Any, int]] = set()
    count = 0
    for row, entry, run in _entries(ledger, runs):
        count += 1
        if entry is None:
            faults.add("reference", row.entry_id, "the row that tells where this entry comes from is missing")
            continue
        if entry_rows.stored_id(entry) != row.entry_id:
            faults.add("hash", row.entry_id, "its content is not what it was when it was written")
        _plausible(entry, row.entry_id, faults)
        _clock(entry, row, run, latest, faults)
        if entry.kind == "reading" and entry.outermost:
            places.add((entry.place, int(entry.start[:4])))
    for row in ledger.scan(view.dangling()):
        faults.add("reference", row.entry_id, f"it corrects {row.supersedes}, which is not in the book")
    for row in ledger.scan(view.corrected_twice()):
        faults.add("reference", row.supersedes, f"{row.times} entries correct it, and all of them count")
    for place, year in sorted(places, key=str):
        if factor_of(place, year) is None:
            where = f"zone {place.zone}" if place.zone else "a place without a zone"
            faults.add("factor", None, f"no factor for {where} in {year}: its carbon is not known (set site.zone)")
    sweep(ledger, runs, faults, resolved)
    revisions = _statements(ledger, faults)
    _periods(ledger, faults)
    return Verdict(entries=count, revisions=revisions, faults=faults.all(), resolved=resolved.all())


def _entries(ledger: Ledger, runs: Runs) -> Iterator[tuple[Any, Entry | None, RunRecord | None]]:
    """Every row with its entry and its run, a few at a time."""
    found = ledger.pairs(view.everything())
    while some := list(islice(found, BATCH)):
        known = runs.of({row.run_id for row, _ in some})
        for row, entry in some:
            yield row, entry, known.get(row.run_id)


def _plausible(entry: Entry, entry_id: str, faults: Faults) -> None:
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


def _clock(entry: Entry, row: Any, run: RunRecord | None, latest: str, faults: Faults) -> None:
    if entry.end > latest:
        faults.add("clock", row.entry_id, f"it ends at {entry.end}, which is in the future")
    elif run is not None and run.kind == "run":
        margin = timedelta(seconds=1)
        start, end = utc_time(run.start) - margin, utc_time(run.end) + margin
        if not (start <= utc_time(entry.start) and utc_time(entry.end) <= end):
            faults.add("clock", row.entry_id, f"it lies outside its run {run.run_id}: the clock jumped")
        elif utc_time(row.recorded_at) - utc_time(entry.end) > STALE:
            faults.add("clock", row.entry_id, f"it ended {entry.end}, years before it was recorded")


def _statements(ledger: Ledger, faults: Faults) -> int:
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


def _periods(ledger: Ledger, faults: Faults) -> None:
    """Every manifest: its hash, that none is missing before it, and that the book still holds what was closed."""
    last: dict[str, int] = {}
    for act in periods.history(ledger):
        name = f"{act.month}, revision {act.revision}"
        if act.revision != last.get(act.month, 0) + 1:
            faults.add("reference", act.manifest_id, f"{name}: what was done to the month before is missing")
        last[act.month] = act.revision
        if not act.sound:
            faults.add("hash", act.manifest_id, f"{name}: the manifest is not what it was when it was written")
        elif act.act == periods.CLOSE:
            _closing(ledger, act, name, faults)


def _closing(ledger: Ledger, act: periods.Act, name: str, faults: Faults) -> None:
    try:
        start, end = (datetime.fromisoformat(act.manifest[edge]) for edge in ("start", "end"))
        there = periods.content_of(
            ledger, utc_text(start), utc_text(end), act.manifest["months"], utc_time(act.watermark)
        )
    except (KeyError, TypeError, ValueError):
        faults.add("period", act.manifest_id, f"{name}: its manifest does not say what was closed")
        return
    was = act.manifest["content"]
    if there != was:
        told = ", ".join(f"{there[kind]} {kind}" for kind in ("entries", "runs", "statement_sets"))
        before = ", ".join(f"{was.get(kind)} {kind}" for kind in ("entries", "runs", "statement_sets"))
        faults.add("period", act.manifest_id, f"{name}: the book holds {told} from before it was closed with {before}")
