"""Keep the book of a machine: five-minute entries of what it used, whatever happens to it or to us.

Everything goes to the spool; the book takes it in when somebody reads it, so it may be away for months.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import NamedTuple

from attrs import evolve

from wattbook.model import Domain, Gap, Reading, Window
from wattbook.people.paths import told_abroad, verdicts_abroad
from wattbook.pipeline.document import verdict_as_dict
from wattbook.pipeline.own import own_energy_j
from wattbook.pipeline.pace import IDLE_BELOW
from wattbook.pipeline.settle import Settled
from wattbook.records import Entry, Labels, Place, RunRecord, utc_text
from wattbook.sampling import asleep_s
from wattbook.spool.writing import SpoolWriter
from wattbook.watching.absence import Absence, Now, Seen, absences
from wattbook.watching.clock import boot_id, up_s
from wattbook.watching.frame import OWN_DOMAIN
from wattbook.watching.idle import Keeper, is_idle
from wattbook.watching.lastseen import LastSeen
from wattbook.watching.machine import Machine, moment_of
from wattbook.watching.timeline import JUMP_S, Timeline

PIECE_S = 300  #: one set of entries; they end with the clock's five minutes
SPOOL_S = 3_600  #: one spool; the book can take it in when its hour is over
SLEPT_S = 1.0  #: the machine slept, and was not merely slow
SYNC_S = 30.0  #: a crash of the whole machine costs at most this
LOOK_S = 900.0  #: how often the sources are asked anew, for one may have come
RETRY_S = 5.0  #: how soon after one was lost; doubled until it is back
SELDOM_S = 300.0  #: but at least so often
AGAIN_S = 10.0  #: how often a disk that refuses is asked again
MAX_UNSAVED = 5_000  #: entries that wait for a disk that refuses: some days
WHOLE = Domain(device="machine", name="host")


class Clock(NamedTuple):
    """Where the recorder has its times from; a test has its own."""

    at_s: Callable[[], float] = time.monotonic
    wall_s: Callable[[], float] = time.time
    slept_s: Callable[[], float] = asleep_s
    up_s: Callable[[], float] = up_s
    boot_id: Callable[[], str] = boot_id


UNLABELLED, NOWHERE, SYSTEM = Labels(), Place(), Clock()


class Recorder:
    """One watch that records; ``start``, then ``poll`` at an interval, then ``end``."""

    def __init__(
        self, machine: Machine, seen: LastSeen, *, labels: Labels = UNLABELLED, place: Place = NOWHERE,
        ledger: str | None = None, idle_below: float = IDLE_BELOW, clock: Clock = SYSTEM,
        say: Callable[[str], None] = lambda sentence: None,
    ) -> None:  # fmt: skip
        self.machine, self.seen, self.labels, self.place = machine, seen, labels, place
        self.ledger, self.idle_below, self.clock, self.say = ledger, idle_below, clock, say
        self.idle = False  #: whether the machine was idle at the last poll
        self._keeper = Keeper(machine.host.name, os.path.dirname(seen.path))
        self.runs: list[str] = []  #: the last ones
        self._timeline: Timeline
        self._spool: SpoolWriter | None = None
        self._record: RunRecord
        self._hour: list[Entry] = []  #: what the running spool holds for good
        self._unsaved: list[Entry] = []  #: what the disk refused
        self._tick_s = self._synced_s = self._looked_s = self._slept_s = self._refused_s = 0.0
        self._retry_s = RETRY_S
        self._told: dict[str, None] = {}

    # --- begin and end --------------------------------------------------------------------------

    def start(self) -> None:
        """What happened before is told as gaps, and the first stretch begins."""
        before = self.seen.read()
        now_s, wall_s = self.clock.at_s(), self.clock.wall_s()
        self._slept_s = self.clock.slept_s()
        missed = absences(before, Now(self.clock.boot_id(), wall_s, self._slept_s, self.clock.up_s()))
        ended_s = wall_s if missed or before is None else before.wall_s  # later than now, if the clock was set back
        self._timeline = Timeline(now_s, wall_s, not_before_s=ended_s)
        self._begin_run()
        self._keep([self._gap(absence) for absence in missed])
        self.machine.look()
        self._looked_s = now_s
        self._begin(now_s)

    def end(self) -> None:
        """A clean end: the last stretch is sealed, the spool closed, and the next watch knows."""
        now_s = self.clock.at_s()
        self._mind_sleep(now_s)
        self._seal(now_s)
        self._end_run()
        self._remember(now_s, clean=True)
        for name in self.machine.close():
            self._warn(f"{name} does not close")
        self.seen.close()

    # --- while it watches -----------------------------------------------------------------------

    def poll(self) -> None:
        """Read the machine as it stands, and write it down."""
        now_s = self.clock.at_s()
        self._mind_sleep(now_s)
        self._mind_clock(now_s)
        piece = int(self._timeline.start_s) // PIECE_S, int(self._timeline.start_s) // SPOOL_S
        label_s = int(self._timeline.label(now_s))
        if piece[0] != label_s // PIECE_S:
            self._seal(now_s)
            if piece[1] != label_s // SPOOL_S and self._end_run():
                self._begin_run()
            self._begin(now_s)
        else:
            self.machine.tick(now_s)
        self._tick_s = now_s
        self._mind_meters(now_s)
        self._write(now_s)

    def _mind_sleep(self, now_s: float) -> None:
        """The machine slept since the last poll: that time belongs to no stretch."""
        slept_s = self.clock.slept_s() - self._slept_s
        if slept_s <= SLEPT_S:
            return
        self._slept_s += slept_s
        before_s = self._close(self._tick_s)
        wall_s = self.clock.wall_s()
        self._timeline.begin(now_s, wall_s)
        after_s = self._timeline.start_s
        if after_s > before_s:
            reason = f"asleep: the machine slept for {slept_s:.0f} s"
            self._keep([self._gap(Absence(before_s, after_s, "asleep", reason))])
        self.machine.begin(now_s, skip=True)
        self._tick_s = now_s

    def _mind_clock(self, now_s: float) -> None:
        """The wall clock was set: what came before keeps its labels, what comes after gets the new ones."""
        jump_s = self._timeline.jump_s(now_s, self.clock.wall_s())
        if abs(jump_s) <= JUMP_S:
            return
        self._seal(now_s)
        before_s = self._timeline.end(now_s)
        self._begin(now_s)
        after_s = self._timeline.start_s
        self._warn(f"the clock was set {'forward' if jump_s > 0 else 'back'} by {abs(jump_s):.0f} s")
        if after_s > before_s:
            reason = f"clock set forward by {jump_s:.0f} s: no time passed here"
            self._keep([self._gap(Absence(before_s, after_s, "clock", reason), high_j=0.0)])

    def _mind_meters(self, now_s: float) -> None:
        """A meter that stopped ends the stretch; from then on it is looked for, sooner first, then seldom."""
        for thread in self.machine.lost():
            self._warn(f"{thread.source} stopped ({thread.broken}); it is looked for again")
            self._seal(now_s)
            self._begin(now_s)
            self._looked_s, self._retry_s = now_s, RETRY_S
        due_s = LOOK_S if self.machine.complete else self._retry_s
        if now_s - self._looked_s < due_s:
            return
        self._looked_s = now_s
        self._retry_s = RETRY_S if self.machine.complete else min(2 * self._retry_s, SELDOM_S)
        sealed_s = self.clock.at_s()
        self._seal(sealed_s)
        self.machine.look()
        self._begin(sealed_s)

    # --- stretches ------------------------------------------------------------------------------

    def _begin(self, now_s: float) -> None:
        self._timeline.begin(now_s, self.clock.wall_s())
        self.machine.begin(now_s)
        self._tick_s = now_s

    def _seal(self, now_s: float) -> None:
        """The running stretch ends here, with a last reading."""
        if now_s > self._tick_s:
            self.machine.tick(now_s)
            self._tick_s = now_s
        self._close(now_s)

    def _close(self, at_s: float) -> float:
        """The running stretch ended at *at_s*, where it was read last; answers with its label."""
        entries = self._entries(at_s, over=True)
        self._keep(entries)
        if self.idle and self._timeline.rate == 1.0:  # else its labels tell no durations
            try:
                self._keeper.take(entries)
            except OSError as error:
                self._warn(f"what this machine draws while it is idle is not remembered: {reason_of(error)}")
        return self._timeline.end(at_s)

    def _entries(self, until_s: float, *, over: bool = False) -> list[Entry]:
        """The running stretch as lines of the book, none where it has no length."""
        start_s, end_s = self._timeline.start_s, self._timeline.label(until_s)
        if end_s - start_s < 0.001:
            return []
        settled = self.machine.settle(moment_of(start_s), over=over)
        loads = self.machine.loads
        readings = [reading for _, reading, outermost in settled.readings if outermost]
        self.idle = is_idle(loads.busy_s, loads.total_s, readings, below=self.idle_below)
        labels = evolve(self.labels, phase="idle") if self.idle else self.labels
        entries = self._with_own(settled).entries(
            run_id=self._record.run_id, host=self._record.host, labels=labels, place=self.place,
            versions=self.machine.plugins.versions,
        )  # fmt: skip
        start, end = utc_text(moment_of(start_s)), utc_text(moment_of(end_s))
        return [evolve(entry, start=start, end=end) for entry in entries]

    def _with_own(self, settled: Settled) -> Settled:
        """The stretch with a line for what wattbook itself used: a breakdown, not an addend."""
        share = self.machine.own_share()
        own_j = own_energy_j(
            ((r.domain.device, r.energy_j) for _, r, outermost in settled.readings if outermost), share
        )
        if own_j is None or not settled.readings:
            return settled
        window: Window = settled.readings[0][1].window
        own = Reading(
            domain=Domain(device="machine", name=OWN_DOMAIN, within="machine/host"), window=window, energy_j=own_j,
            basis=settled.readings[0][1].basis.ESTIMATED, source=OWN_DOMAIN,
            method=f"the machine without accelerators x {share:.3g}, wattbook's part of the processors' busy time",
        )  # fmt: skip
        return settled._replace(readings=(*settled.readings, (OWN_DOMAIN, own, False)))

    def _gap(self, absence: Absence, *, high_j: float | None = None) -> Entry:
        window = Window(start=moment_of(absence.start_s), end=moment_of(absence.end_s))
        gap = Gap(domain=WHOLE, window=window, reason=absence.reason, high_j=high_j)
        return Entry.from_gap(
            gap, run_id=self._record.run_id, host=self._record.host, labels=self.labels, place=self.place
        )

    # --- the spool ------------------------------------------------------------------------------

    def _begin_run(self) -> None:
        moment = moment_of(self._timeline.start_s)
        run_id = f"{moment:%Y%m%dT%H%M%SZ}-{os.urandom(5).hex()}"
        self.runs = [*self.runs[-99:], run_id]
        self._record = RunRecord(
            run_id=run_id, kind="watch", start=utc_text(moment), end=utc_text(moment), complete=False,
            host=self.machine.host.name, command="watch", labels=self.labels,
        )  # fmt: skip
        self._hour, self._unsaved = [], []
        self._told = {}
        self._open_spool()

    def _open_spool(self) -> None:
        """The running spool, made anew where somebody removed it; without one, entries wait."""
        if self._spool is not None:
            if os.path.exists(self._spool.path):
                return
            self._spool.close()
            self._spool, self._unsaved = None, list(self._hour)
            self._warn("the spool was removed while it was written; it was made anew")
        try:
            self._spool = SpoolWriter.create(self._record, ledger=self.ledger)
        except OSError as error:
            self._warn(f"nothing can be recorded at present: {reason_of(error)}")

    def _keep(self, entries: list[Entry]) -> None:
        """These entries are final."""
        self._hour += entries
        self._unsaved = [*self._unsaved, *entries][-MAX_UNSAVED:]
        self._open_spool()
        if self._spool is None or not self._unsaved:
            return
        try:
            self._spool.piece(self._unsaved)
            self._unsaved = []
        except OSError as error:
            self._warn(f"a piece could not be recorded: {reason_of(error)}")

    def _write(self, now_s: float) -> None:
        """The running stretch so far: what a kill leaves."""
        if self._unsaved or self._spool is None:
            if now_s - self._refused_s < AGAIN_S:
                return
            self._refused_s = now_s
            self._keep([])
        if self._spool is None or self._unsaved:
            return
        sync = now_s - self._synced_s > SYNC_S
        try:
            moment = utc_text(moment_of(self._timeline.label(now_s)))
            figures = self.machine.grown() if self._spool.can_grow else None
            if figures is None:
                entries = self._entries(now_s)
                self._spool.poll(moment, entries, sync=sync)
                self.machine.settled(entries)
            else:
                self._spool.grown(moment, figures, sync=sync)
        except OSError as error:
            self._warn(f"a poll could not be recorded: {reason_of(error)}")
            return
        self._synced_s = now_s if sync else self._synced_s
        self._remember(now_s)

    def _end_run(self) -> bool:
        """The spool's last line; after it the book may take it in. Whether the disk took it."""
        verdicts = verdicts_abroad(map(verdict_as_dict, self.machine.surveyed.resolution.verdicts))
        ends = [entry.end for entry in self._hour]
        record = evolve(
            self._record, end=max([self._record.start, *ends]), complete=True, verdicts=verdicts,
            activity=self.machine.seen_so_far(),
            warnings=told_abroad((*self._told, *self.machine.warnings)),
        )  # fmt: skip
        self._open_spool()
        if self._spool is None:
            return False
        try:
            self._spool.end(record, self._unsaved)
        except OSError as error:
            self._warn(f"the end of an hour is not recorded: {reason_of(error)}")
            return False
        self.machine.warnings.clear()
        self._spool.close()
        self._spool = None
        return True

    def _remember(self, now_s: float, *, clean: bool = False) -> None:
        seen = Seen(
            boot_id=self.clock.boot_id(), wall_s=self._timeline.label(now_s), slept_s=self._slept_s, clean=clean,
            run_id=self._record.run_id,
        )  # fmt: skip
        try:
            self.seen.write(seen)
        except OSError as error:
            self._warn(f"when this machine was seen last is not remembered: {reason_of(error)}")

    def _warn(self, sentence: str) -> None:
        """Once an hour each."""
        if sentence not in self._told:
            self._told[sentence] = None
            self.say(sentence)


def reason_of(error: OSError) -> str:
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{error.strerror or error}"
