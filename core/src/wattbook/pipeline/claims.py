"""Which part of a run's time another run of this machine already answers for.

Several runs on one machine (a run inside a run, the ranks of one job, two terminals) all see the whole
machine.  The book counts its energy once: it belongs to the run that started first, for as long as that
one runs, and is a breakdown in the others.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC, datetime

from attrs import define, evolve, field

from wattbook import spool
from wattbook.accounting import split
from wattbook.records import Entry, RunRecord, utc_text, utc_time

FOREVER = "9999-12-31T23:59:59.999999Z"
QUIET_S = 2 * 3_600  #: a spool that nothing was written to for so long is not looked at


@define
class Elders:
    """The runs of this host that started before *me* and reach into its time."""

    me: RunRecord
    where: str | None = None
    _seen: set[str] = field(factory=set, init=False)
    _alive: dict[str, str] = field(factory=dict, init=False)  #: path to run id
    _until: str = field(default="", init=False)
    holder: str | None = field(default=None, init=False)  #: the id of such a run, the latest to end

    def claimed_until(self) -> str:
        """Up to when others answer for the machine (``utc_text``); ``FOREVER`` while one of them runs."""
        self._look()
        for path, run_id in list(self._alive.items()):
            if spool.is_live(path):
                self.holder = run_id
                return FOREVER
            del self._alive[path]
            self._ended(run_id, _end_of(path))
        return self._until

    def _look(self) -> None:
        start_s = utc_time(self.me.start).timestamp()
        for path in spool.paths(self.where):
            if path in self._seen:
                continue
            self._seen.add(path)
            try:
                written_s = os.stat(path).st_mtime
            except OSError:
                continue
            if written_s < start_s - QUIET_S:
                continue
            live = spool.is_live(path)
            if not live and written_s < start_s:
                continue
            run = spool.first_run(path)
            if run is None or run.host != self.me.host or (run.start, run.run_id) >= (self.me.start, self.me.run_id):
                continue
            if live:
                self._alive[path] = run.run_id
            else:
                self._ended(run.run_id, _end_of(path))

    def _ended(self, run_id: str, end: str) -> None:
        if end > max(self._until, self.me.start):
            self._until, self.holder = end, run_id


def _end_of(path: str) -> str:
    """When a dead run ended; one whose spool is already in the book ended just now."""
    try:
        run = spool.read(path).run
    except OSError:
        run = None
    return utc_text(datetime.now(UTC)) if run is None else run.end


def booked(entries: Iterable[Entry], claimed_until: str, holder: str | None) -> list[Entry]:
    """The entries as the book takes them: addends up to *claimed_until* are breakdowns of *holder*'s."""
    taken: list[Entry] = []
    for entry in entries:
        if not entry.outermost or entry.start >= claimed_until:
            taken.append(entry)
            continue
        before, after = split(entry, utc_time(claimed_until))
        if before is not None:
            note = f"the run {holder} counts this machine's energy here"
            taken.append(evolve(before, outermost=False, warnings=(*before.warnings, note)))
        if after is not None:
            taken.append(after)
    return taken
