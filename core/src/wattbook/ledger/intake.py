"""From what an import says to the book: entries of recordings, and whole months of statements."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve, field, frozen

from wattbook.config import Config
from wattbook.errors import ImportFailed
from wattbook.host import host_name, place
from wattbook.importing import Imported, together
from wattbook.ledger.settling import WITHDRAWN, taken_back
from wattbook.ledger.statements import StatementsAdded
from wattbook.ledger.store import Added, Ledger
from wattbook.model import Recording
from wattbook.people.paths import told_abroad
from wattbook.records import Entry, Labels, RunRecord, Snapshot
from wattbook.resolve import Tree

NO_LABELS = Labels()


@frozen(kw_only=True)
class Taken:
    """What one import did to the book."""

    imported: Imported
    entries: Added = field(factory=Added)
    statements: StatementsAdded = field(factory=StatementsAdded)
    warnings: tuple[str, ...] = ()


def take_in(
    ledger: Ledger,
    imports: Iterable[Imported],
    config: Config,
    *,
    host: str | None = None,
    labels: Labels = NO_LABELS,
    site: str | None = None,
    synthetic: bool = False,
    force: bool = False,
) -> list[Taken]:
    """Record all *imports* in one transaction: all of them or, after an error, none."""
    taken = []
    with ledger.transaction():
        for imported in imports:
            entries, runs = booked(imported, config, host=host, labels=labels, site=site, synthetic=synthetic)
            added = Added()
            warnings: list[str] = []
            if entries:
                before = ledger.entries(run_id=entries[0].run_id)
                fresh: list[Entry]
                if imported.assumed and _told_alike(entries, before):
                    fresh, known, warnings = [], len(entries), []  # a copy of the file has another date
                else:
                    fresh, known, warnings = revised(entries, before)
                added = ledger.add(fresh, runs)
                taken_back = sum(entry.kind == WITHDRAWN for entry in fresh)
                added = Added(new=max(0, added.new - taken_back), known=added.known + known)
                warnings += _met(ledger, entries) if added.new else []
            stated = StatementsAdded()
            if imported.statements or imported.sheets:
                snapshot = Snapshot(
                    sha256=imported.sha256,
                    format=imported.format,
                    plugin=imported.plugin,
                    plugin_version=imported.plugin_version,
                    paths=imported.names,
                    synthetic=synthetic,
                )
                try:
                    stated = ledger.add_statements(imported.statements, snapshot, sheets=imported.sheets, force=force)
                except ImportFailed as refused:
                    raise refused.at(together(imported.shown)) from refused
            taken.append(
                Taken(imported=imported, entries=added, statements=stated, warnings=(*warnings, *stated.warnings))
            )
    return taken


def _met(ledger: Ledger, entries: Iterable[Entry]) -> list[str]:
    """What the book has of the same hosts and hours from elsewhere."""
    spans: dict[str, tuple[str, str, str]] = {}
    for entry in entries:
        if entry.outermost and entry.kind != "gap":
            _, start, end = spans.get(entry.host, ("", entry.start, entry.end))
            spans[entry.host] = (entry.run_id, min(start, entry.start), max(end, entry.end))
    others = {host: ledger.beside(run_id, host, start, end) for host, (run_id, start, end) in spans.items()}
    return [
        f"run {other} covers {host} at the same time: reports count it once" for host, other in others.items() if other
    ]


def _told_alike(entries: Iterable[Entry], before: Iterable[Entry]) -> bool:
    """Whether two readings of the same files differ in nothing but the time that was assumed for them."""

    def shape(told: Iterable[Entry]) -> set[tuple[object, ...]]:
        return {(e.host, e.device, e.domain, e.labels.project, e.labels.phase, e.labels.platform) for e in told}

    return shape(entries) == shape(before)


def run_id_of(imported: Imported) -> str:
    """The same files are the same run, so that importing twice is importing once."""
    return f"import:{imported.sha256[:32]}"


def booked(
    imported: Imported,
    config: Config,
    *,
    host: str | None = None,
    labels: Labels = NO_LABELS,
    site: str | None = None,
    synthetic: bool = False,
) -> tuple[list[Entry], list[RunRecord]]:
    """The entries and the run of an import's recordings; raises for a recording that has no times."""
    entries: list[Entry] = []
    here = place(config, site)
    run_id = run_id_of(imported)
    first = host
    for recording in imported.recordings:
        if not recording.readings:
            raise ImportFailed(_no_times(recording), path=together(imported.shown))
        name = host or recording.hardware or host_name()
        first = first or name
        tree = Tree((reading.domain for reading in recording.readings), config.containment)
        addresses = {reading.domain.address for reading in recording.readings}
        for reading in recording.readings:
            inside = any(tree.contains(other, reading.domain.address) for other in addresses)
            entries.append(
                Entry.from_reading(
                    reading,
                    run_id=run_id,
                    host=name,
                    plugin=imported.plugin,
                    source_version=imported.plugin_version,
                    outermost=not inside,
                    labels=labels,
                    place=here,
                    evidence_sha256=imported.sha256,
                    synthetic=synthetic,
                )
            )
        entries += [
            Entry.from_gap(gap, run_id=run_id, host=name, labels=labels, place=here, synthetic=synthetic)
            for gap in recording.gaps
        ]
    if not entries:
        return [], []
    run = RunRecord(
        run_id=run_id,
        kind="import",
        start=min(e.start for e in entries),
        end=max(e.end for e in entries),
        host=first or "",
        command=imported.format,
        labels=labels,
        warnings=told_abroad(
            (*imported.warnings, *(w for recording in imported.recordings for w in recording.warnings))
        ),
    )
    return entries, [run]


def _no_times(recording: Recording) -> str:
    if recording.energy_j is None:
        return (
            "this recording has no times, so its energy is not known: say how often it was sampled with "
            "--interval-s and when it began with --start (or look at it with --dry-run)"
        )
    return (
        "this recording says how long it took but not when: say when it began with --start "
        "(or look at it with --dry-run)"
    )


def revised(entries: Iterable[Entry], before: Iterable[Entry]) -> tuple[list[Entry], int, list[str]]:
    """Entries of an import against those that the book has of the same files.

    What is the same is known, though a later version of the plugin read it; what differs (another host,
    other labels) corrects the entry it stands for, and what is no longer there is taken back.
    """
    old = {_cell(entry): entry for entry in before}
    fresh: list[Entry] = []
    known = changed = 0
    for entry in entries:
        former = old.pop(_cell(entry), None)
        if former is not None and _figures(former) == _figures(entry):
            known += 1
        elif former is None:
            fresh.append(entry)
        else:
            changed += 1
            fresh.append(
                evolve(
                    entry,
                    supersedes=former.entry_id,
                    reason=entry.reason or "the same files were imported again otherwise",
                )
            )
    for former in old.values():
        changed += 1
        fresh.append(taken_back(former, "the same files, imported again, no longer say this"))
    if not changed:
        return fresh, known, []
    return fresh, known, [f"these files were in the book before: {changed} entries were corrected"]


def _cell(entry: Entry) -> tuple[str, ...]:
    return (entry.kind, entry.start, entry.end, entry.device, entry.domain)


def _figures(entry: Entry) -> Entry:
    return evolve(entry, source_version="", supersedes=None, reason=entry.reason if entry.kind == "gap" else "")
