"""Observe one run from its start to its last line in the spool: the data flow of ``wattbook run``."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from attrs import evolve

from wattbook.config import Config, load
from wattbook.errors import ConfigError
from wattbook.host import detect, place
from wattbook.model import Window
from wattbook.pipeline import Survey, survey
from wattbook.pipeline.causing import Causing, Clock, share_of
from wattbook.pipeline.document import document, prepare, verdict_as_dict
from wattbook.pipeline.growing import Grower
from wattbook.pipeline.labels import abroad, labels_of, named
from wattbook.pipeline.own import own_energy_j
from wattbook.pipeline.pace import Pace, Rest
from wattbook.pipeline.settle import Stretch, settle, source_of
from wattbook.plugins import Plugins, installed
from wattbook.records import Entry, Place, RunRecord, utc_text
from wattbook.resolve import Resolution, Tree
from wattbook.sampling import CpuTimes, LoadHistogram, asleep_s
from wattbook.spool.writing import SpoolWriter
from wattbook.units import parse_work
from wattbook.utilisation import Utilisation

if TYPE_CHECKING:
    from wattbook.pipeline.events import Box, Events
    from wattbook.pipeline.events import Event as Event
    from wattbook.polling import MeterThread

ESTIMATE_TIMEOUT_S = 10.0  #: long, for a busy machine is no broken plugin
SYNC_S = 30.0  #: a crash of the whole machine costs at most this; nobody waits for the disk after a shorter run
PIECE_S = 3_600  #: a long run goes to the book in pieces that end with the clock's hour
PART_S = 300  #: what only its command caused in pieces like those of the watch, beside which they stand


def observe(order: Mapping[str, Any], events: Events, box: Box) -> None:
    """Watch the command of *order* until it has ended; the result lies in *box* and in the spool."""
    Observer(order, events, box).watch()


class Observer:
    """One run under observation."""

    def __init__(self, order: Mapping[str, Any], events: Events, box: Box) -> None:
        self.order, self.events, self.box = order, events, box
        self.config = Config()
        self.place = Place()
        self.plugins: Plugins
        self.surveyed: Survey
        self.record: RunRecord
        self.spool: SpoolWriter | None = None
        self.threads: list[MeterThread] = []
        self.loads = LoadHistogram()
        self.grower = Grower()
        self.pace, self.rest = Pace(order["interval_s"]), Rest()
        self.seen = Utilisation()
        self.warnings: dict[str, None] = {}
        self.silent: tuple[str, ...] = ()  #: which chosen meters said nothing, and why
        self.clock = self._clock()
        self.causing = Causing(order, self.config.defaults, self.clock)
        self.pieces: list[Entry] = []  #: of stretches that are over: what is recorded
        self.unsaved: list[Entry] = []  #: of them, those that the disk refused
        self.busy_s = 0.0  #: of the machine, in stretches that are over
        self.stretch_s = self.tick_s = order["started_s"]  #: where the running stretch began; the last reading
        self.synced_s = time.monotonic()
        self.paused = False
        self.suspended_s = 0.0  #: how long the command stood still in all
        self.slept_s = asleep_s()  #: the machine's sleep so far, from its own zero
        self.shift_s = 0.0  #: its sleep during the run: the wall clock went on

    def watch(self) -> None:
        self.start()
        ended = self.follow()
        self.finish(ended)

    # --- before the first poll ------------------------------------------------------------------

    def start(self) -> None:
        """Steps 1 to 4: configuration, spool, plugins, verdicts, meters."""
        self.loads.take(CpuTimes.from_proc_stat(self.order["stat"]) if self.order["stat"] else CpuTimes.now(), 0.0)
        if self.order["parent_id"]:
            self._warn(f"it ran inside the run {self.order['parent_id']}; a report counts the machine only once")
        self._step("reading the configuration")
        self._configure()
        host = detect()
        self.record = self._first_record(host.name)
        self._open_spool()
        self._step("loading the plugins")
        try:
            self.plugins = installed(self.config.plugins)
        except ConfigError as error:
            self._warn(f"plugins run without their configuration ({error})")
            self.plugins = installed()
        for broken in self.plugins.broken:
            self._warn(f"the plugin {broken.plugin} is broken: {broken.reason}")
        self._step("asking the plugins what they can measure")
        if self.events.ended:  # too late to open a meter, so there is nothing to probe
            self._warn("the command ended before a meter could be opened")
            self.surveyed = self._nothing_to_measure(host)
        else:
            self.surveyed = survey(host, self.config, self.plugins)
        self.causing.surveyed(host.name, self.plugins, self.surveyed)
        for verdict in self.surveyed.resolution.verdicts:
            if verdict.fate == "broken":
                self._warn(f"{source_of(verdict)} is broken: {verdict.reason}")
            elif verdict.meter is not None and not self.events.ended:
                from wattbook.polling import MeterThread

                thread = MeterThread(source_of(verdict), self.causing.watched(verdict))
                thread.start()
                self.threads.append(thread)

    def _configure(self) -> None:
        try:
            self.config = load(self.order["config"])
            self.place = place(self.config, self.order["site"])
        except ConfigError as error:
            self._warn(f"the configuration is not used ({error})")
            self.place = place(self.config)
        self.causing = Causing(self.order, self.config.defaults, self.clock)

    def _first_record(self, host: str) -> RunRecord:
        start = utc_text(self._moment(self.order["started_s"]))
        return RunRecord(
            run_id=self.order["run_id"],
            # two stretches of one process at one time claim the same part: one is taken out of the other
            parent_id=(self.order.get("beside_id") if self.causing.parts else None) or self.order["parent_id"],
            start=start,
            end=start,
            complete=False,
            host=host,
            command=os.path.basename(os.fsencode(self.order["argv"][0])).decode("utf-8", "replace"),
            labels=labels_of(self.order, self.config, self._warn),
        )

    def _open_spool(self) -> None:
        ledger = self.order["ledger"] or os.environ.get("WATTBOOK_LEDGER")
        try:
            self.spool = SpoolWriter.create(self.record, ledger=named(ledger) if ledger else None)
        except OSError as error:
            self.box.troubles.append(f"the run is not recorded: {_reason(error)}")

    def _nothing_to_measure(self, host: Any) -> Survey:
        from wattbook.resolve import uncovered, wanted

        wants = wanted(host, pue=self.config.site.pue)
        tree = Tree((), self.config.containment)
        return Survey(
            host=host, offers=(), resolution=Resolution(verdicts=(), cover=(), tree=tree),
            open_wants=tuple(uncovered(wants, (), tree)),
        )  # fmt: skip

    # --- while it runs --------------------------------------------------------------------------

    def follow(self) -> Event:
        """Poll at the interval until the command has ended; set stretches apart where it stands still."""
        self._step("watching")
        self._loaded()
        prepared = False
        while True:
            event = self.events.take(self.pace.due_s - time.monotonic())
            if event is None and prepared and time.monotonic() - self.pace.due_s > 1:
                event = self.events.take(0.05)  # we stood still ourselves: somebody will say why
            if event is None:
                began_s = time.monotonic()
                if not self.paused:
                    self._poll()
                self.pace.polled(began_s if self.paused else self.tick_s, time.monotonic())
                if not prepared:
                    prepare()
                    prepared = True
                continue
            if event.kind == "ended":
                return event
            if event.kind == "paused" and not self.paused:
                self._seal(event.at_s)
                self.paused = True
            elif event.kind == "resumed":
                if not self.paused and event.at_s - self.tick_s > self.order["interval_s"] + 1:
                    self._close_stretch(self.tick_s)  # stopped together with us, and nobody could say so
                    self.paused = True
                if self.paused:
                    self._resume(event.at_s)
            self.events.done()

    def _poll(self) -> None:
        now_s = time.monotonic()
        self._mind_sleep(now_s)
        if self._piece(self.stretch_s) != self._piece(now_s):
            self._seal(now_s)
        self._tick(now_s, CpuTimes.now())
        self.rest.look(now_s, self.loads, self.threads)
        if self.spool is None:
            return
        sync = now_s - self.synced_s > SYNC_S
        verdicts = self.surveyed.resolution.verdicts
        figures = None
        if self.spool.can_grow:
            figures = self.grower.grown(now_s - self.stretch_s, self.loads, self.threads, verdicts)
        try:
            if figures is None:
                self._whole_poll(now_s, self.spool, sync=sync)
            else:
                self.spool.grown(utc_text(self._moment(now_s)), figures, sync=sync)
        except OSError as error:
            self._warn(f"a poll could not be recorded: {_reason(error)}")
        if sync:
            self.synced_s = now_s

    def _whole_poll(self, now_s: float, spool: SpoolWriter, *, sync: bool) -> None:
        """Settle the running stretch and write it down; the polls that follow may only let it grow."""
        self.grower.forget()
        cpu_s = self.clock.so_far_s()
        share = share_of(cpu_s, self.busy_s + self.loads.busy_s)
        entries = self.causing.recorded(self._settle(now_s), cpu_s, self.loads.busy_s)
        spool.poll(utc_text(self._moment(now_s)), [*self.unsaved, *entries], share=share, sync=sync)
        if not (self.unsaved or self.causing.parts):
            self.grower.whole(entries, now_s - self.stretch_s, self.loads, self.threads)

    def _mind_sleep(self, now_s: float) -> None:
        """The machine slept since the last poll: that time belongs to no stretch."""
        asleep = asleep_s() - self.slept_s
        if asleep > 1:
            self._close_stretch(self.tick_s)
            self.slept_s += asleep
            self.shift_s += asleep
            self._warn(f"the machine was asleep for {asleep:.0f} s, which are not counted")
            self._read_meters()
            self.loads.skip(CpuTimes.now())
            self._start_stretch(now_s)

    def _piece(self, at_s: float) -> int:
        return int(self._moment(at_s).timestamp()) // (PART_S if self.causing.parts else PIECE_S)

    def _tick(self, now_s: float, times: CpuTimes | None, *, stop: bool = False) -> None:
        """Read everything as it stands now."""
        self.loads.take(times, now_s - self.tick_s)
        self.seen.memory.look(now_s)
        self.tick_s = now_s
        self._read_meters(stop=stop)

    def _read_meters(self, *, stop: bool = False) -> None:
        if self.threads:
            from wattbook.polling import poll

            for late in poll(self.threads, stop=stop):
                self._warn(f"{late.source} did not answer in time")

    def _settle(self, until_s: float, *, over: bool = False) -> list[Entry]:
        """The entries of the running stretch up to now, those of the models too where it is over."""
        window = Window(start=self._moment(self.stretch_s), end=self._moment(until_s))
        stretch = Stretch.from_threads(window, self.loads, self.threads)
        if over:
            self.seen.add(self.loads, stretch.devices(self.surveyed.resolution.verdicts))
        timeout_s = self.order.get("estimate_timeout_s", ESTIMATE_TIMEOUT_S)
        settled = settle(
            stretch, self.surveyed, self.plugins, pue=self.config.site.pue, timeout_s=timeout_s, compare=over
        )
        for broken in settled.broken:
            self._warn(f"the plugin {broken.plugin} is broken: {broken.reason}")
        self.silent = settled.silent
        return settled.entries(
            run_id=self.record.run_id, host=self.record.host, labels=self.record.labels,
            place=self.place, versions=self.plugins.versions,
        )  # fmt: skip

    def _seal(self, now_s: float) -> None:
        """End the running stretch here and start the next one."""
        if now_s > self.stretch_s:
            self._tick(now_s, CpuTimes.now())
            self._close_stretch(now_s)

    def _close_stretch(self, at_s: float) -> None:
        entries = self._settle(at_s, over=True) if at_s > self.stretch_s else []
        entries = self.causing.seal(entries, self.clock.so_far_s(), self.loads.busy_s)
        self.pieces += entries
        self.unsaved += entries
        if self.spool is not None and self.unsaved:
            try:
                self.spool.piece(self.unsaved)
                self.unsaved = []
            except OSError as error:
                self._warn(f"a piece could not be recorded: {_reason(error)}")
        self._start_stretch(at_s)

    def _start_stretch(self, now_s: float) -> None:
        self.busy_s += self.loads.busy_s
        self.loads.clear()
        for thread in self.threads:
            thread.start_stretch()
        self.causing.start_stretch()
        self.grower.forget()
        self.stretch_s = self.tick_s = now_s

    def _resume(self, now_s: float) -> None:
        self.suspended_s += now_s - self.stretch_s
        self._read_meters()
        self.loads.skip(CpuTimes.now())
        self._start_stretch(now_s)
        self.paused = False

    # --- afterwards -----------------------------------------------------------------------------

    def finish(self, ended: Event) -> None:
        """Steps 5 to 8: the last readings, the document, the last line of the spool."""
        self._step("reading the meters for the last time")
        self._mind_sleep(ended.at_s)
        self._tick(ended.at_s, CpuTimes.from_proc_stat(ended.stat) if ended.stat else CpuTimes.now(), stop=True)
        self._step("estimating what nothing measured")
        entries = [] if self.paused else self._settle(ended.at_s, over=True)
        busy_s = self.busy_s + (0.0 if self.paused else self.loads.busy_s)
        lasted_s = ended.at_s - self.order["started_s"]
        cpu_s = self.clock.in_all_s(ended.cpu_s, self.record.run_id, leftovers=lasted_s > 1)
        share = share_of(cpu_s, busy_s)
        entries = self.causing.finish(entries, cpu_s, self.loads.busy_s, known=share is not None)
        for sentence in self.causing.reasons():
            self._warn(sentence)
        if self.paused:
            self.suspended_s += ended.at_s - self.stretch_s
        for sentence in self.silent:
            self._warn(sentence)
        if self.suspended_s:
            self._warn(f"the command stood still for {self.suspended_s:.1f} s, which are not counted")
        work = parse_work(self.order.get("units") or "")
        self.record = evolve(
            self.record,
            end=utc_text(self._moment(ended.at_s)),
            complete=True,
            exit_code=ended.exit_code,
            signal=ended.signal,
            process_share=share,
            activity=self.seen.as_dict(self.surveyed.host.memory_gb),
            units=work[0] if work else None,
            unit=work[1] if work else "",
            **abroad(map(verdict_as_dict, self.surveyed.resolution.verdicts), self.warnings),
        )
        self._step("writing the last line")
        if self.spool is not None:
            try:
                self.spool.end(self.record, [*self.unsaved, *entries], sync=lasted_s > SYNC_S)
            except OSError as error:
                self.box.troubles.append(f"the end of the run is not recorded: {_reason(error)}")
            self.spool.close()
        addends = [(e.device, e.energy_j) for e in self.causing.machine if e.kind == "reading" and e.outermost]
        self.box.document = {
            **document(self.record, [*self.pieces, *entries], command=self.order["argv"]),
            "process_cpu_s": cpu_s,
            "attributed": self.causing.attributed(share),
            "own_energy_j": own_energy_j(addends, share_of(self._own_cpu_s(ended), busy_s)),
            "suspended_s": round(self.suspended_s, 6),
        }
        self._step("closing the meters")
        if self.threads:
            from wattbook.polling import close

            for thread in close(self.threads):
                self.box.troubles.append(f"{thread.source} does not close")

    def _loaded(self) -> None:
        """Everything is loaded and stays; the collection of garbage, which ``run`` put off, goes on with what is new."""
        gc.freeze()
        gc.enable()

    def _own_cpu_s(self, ended: Event) -> float | None:
        """Processor time of wattbook itself until the command had ended: what comes after is not in the window."""
        return ended.own_cpu_s

    def _clock(self) -> Clock:
        """Processor time of the command's processes."""
        from wattbook.pipeline.processor import CommandTime

        return CommandTime(self.order["pid"], self.order["run_id"], before=self.order.get("cgroup"))

    def _moment(self, at_s: float) -> datetime:
        """The wall clock's time at an instant of the monotonic clock, from the start of the run on."""
        start = datetime.fromtimestamp(self.order["started_at"], UTC)
        return start + timedelta(seconds=at_s - self.order["started_s"] + self.shift_s)

    def _warn(self, sentence: str) -> None:
        self.warnings[sentence] = None

    def _step(self, step: str) -> None:
        self.box.step = step


def _reason(error: OSError) -> str:
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{error.strerror or error}"
