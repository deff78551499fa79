"""Observe one run from its start to its last line in the spool: the data flow of ``wattbook run``."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from attrs import define, evolve, field

from wattbook.config import Config, load
from wattbook.errors import ConfigError
from wattbook.host import detect, place
from wattbook.model import Window
from wattbook.pipeline import Survey, survey
from wattbook.pipeline.document import document
from wattbook.pipeline.settle import Stretch, settle
from wattbook.plugins import Plugins, gather, installed
from wattbook.records import Entry, Labels, Place, RunRecord, utc_text
from wattbook.resolve import Resolution, Tree
from wattbook.sampling import CpuTimes, LoadHistogram, MeterThread, poll, stragglers_cpu_s
from wattbook.spool import SpoolWriter

ESTIMATE_TIMEOUT_S = 3.0
SYNC_S = 30.0  #: a crash of the whole machine costs at most this
PIECE_S = 3_600  #: a long run goes to the book in pieces that end with the clock's hour
WORTH_MEASURING_S = 0.05  #: of a command that ended sooner no meter can say anything
LEAST_BUSY_S = 0.05  #: below this, the machine's clock ticks are too coarse for a share


class Event(Protocol):
    @property
    def kind(self) -> str: ...
    @property
    def at_s(self) -> float: ...
    @property
    def stat(self) -> bytes: ...
    @property
    def exit_code(self) -> int | None: ...
    @property
    def signal(self) -> str | None: ...
    @property
    def cpu_s(self) -> float | None: ...


class Events(Protocol):
    ended: bool

    def take(self, timeout_s: float) -> Event | None: ...
    def done(self) -> None: ...


class Box(Protocol):
    document: dict[str, Any] | None
    troubles: list[str]

    def at(self, step: str) -> None: ...


def observe(order: Mapping[str, Any], events: Events, box: Box) -> None:
    """Watch the command of *order* until it has ended; the result lies in *box* and in the spool."""
    Observer(order=order, events=events, box=box).watch()


@define(kw_only=True)
class Observer:
    """One run under observation."""

    order: Mapping[str, Any]
    events: Events
    box: Box
    config: Config = field(factory=Config, init=False)
    plugins: Plugins = field(factory=lambda: gather([]), init=False)
    place: Place = field(factory=Place, init=False)
    surveyed: Survey = field(init=False)
    record: RunRecord = field(init=False)
    spool: SpoolWriter | None = field(default=None, init=False)
    threads: list[MeterThread] = field(factory=list, init=False)
    loads: LoadHistogram = field(factory=LoadHistogram, init=False)
    warnings: dict[str, None] = field(factory=dict, init=False)
    pieces: list[Entry] = field(factory=list, init=False)  #: of stretches that are over
    busy_s: float = field(default=0.0, init=False)  #: of the machine, in stretches that are over
    stretch_s: float = field(default=0.0, init=False)  #: where the running stretch began, monotonic clock
    tick_s: float = field(default=0.0, init=False)
    paused: bool = field(default=False, init=False)
    synced_s: float = field(default=0.0, init=False)

    def watch(self) -> None:
        self.start()
        ended = self.follow()
        self.finish(ended)

    # --- before the first poll ------------------------------------------------------------------

    def start(self) -> None:
        """Steps 1 to 4: configuration, spool, plugins, verdicts, meters."""
        self.stretch_s = self.tick_s = self.order["started_s"]
        self.loads.take(CpuTimes.from_proc_stat(self.order["stat"]) if self.order["stat"] else CpuTimes.now(), 0.0)
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
        if self.events.ended and time.monotonic() - self.order["started_s"] < 2 * WORTH_MEASURING_S:
            self.surveyed = self._nothing_to_measure(host)
        else:
            self.surveyed = survey(host, self.config, self.plugins)
        for verdict in self.surveyed.resolution.verdicts:
            if verdict.fate == "broken":
                self._warn(f"{verdict.source} is broken: {verdict.reason}")
            elif verdict.meter is not None and not self.events.ended:
                thread = MeterThread(verdict.source, verdict.meter)
                thread.start()
                self.threads.append(thread)

    def _configure(self) -> None:
        try:
            self.config = load(self.order["config"])
            self.place = place(self.config, self.order["site"])
        except ConfigError as error:
            self._warn(f"the configuration is not used ({error})")
            self.place = place(self.config)

    def _first_record(self, host: str) -> RunRecord:
        defaults = self.config.defaults
        start = utc_text(self._moment(self.order["started_s"]))
        return RunRecord(
            run_id=self.order["run_id"],
            parent_id=self.order["parent_id"],
            start=start,
            end=start,
            complete=False,
            host=host,
            command=os.path.basename(os.fsencode(self.order["argv"][0])).decode("utf-8", "replace"),
            labels=Labels(
                project=self.order["project"] or defaults.project,
                phase=self.order["phase"] or defaults.phase,
                person=defaults.person,
                platform=defaults.platform,
                tags=self.order["tags"],
            ),
        )

    def _open_spool(self) -> None:
        ledger = self.order["ledger"] or os.environ.get("WATTBOOK_LEDGER") or None
        try:
            self.spool = SpoolWriter.create(self.record, ledger=ledger)
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
        due_s = 0.0
        while True:
            event = self.events.take(due_s - time.monotonic())
            if event is None:
                if not self.paused:
                    self._poll()
                due_s = time.monotonic() + self.order["interval_s"]
                continue
            if event.kind == "ended":
                return event
            if event.kind == "paused" and not self.paused:
                self._seal(event.at_s)
                self.paused = True
            elif event.kind == "resumed" and self.paused:
                self._resume(event.at_s)
            self.events.done()

    def _poll(self) -> None:
        now_s = time.monotonic()
        if int(self._moment(self.stretch_s).timestamp()) // PIECE_S != int(self._moment(now_s).timestamp()) // PIECE_S:
            self._seal(now_s)
        self._tick(now_s, CpuTimes.now())
        if self.spool is None:
            return
        entries = self._settle(now_s)
        sync = now_s - self.synced_s > SYNC_S
        try:
            self.spool.poll(utc_text(self._moment(now_s)), entries, sync=sync)
        except OSError as error:
            self._warn(f"a poll could not be recorded: {_reason(error)}")
        if sync:
            self.synced_s = now_s

    def _tick(self, now_s: float, times: CpuTimes | None, *, stop: bool = False) -> None:
        """Read everything as it stands now."""
        self.loads.take(times, now_s - self.tick_s)
        self.tick_s = now_s
        for late in poll(self.threads, stop=stop):
            self._warn(f"{late.source} did not answer in time")

    def _settle(self, until_s: float) -> list[Entry]:
        """The entries of the running stretch up to now."""
        stretch = Stretch(
            window=Window(start=self._moment(self.stretch_s), end=self._moment(until_s)),
            loads=self.loads.loads(),
            tallies={thread.source: thread.tallies() for thread in self.threads},
            broken={thread.source: thread.broken for thread in self.threads if thread.broken},
        )
        settled = settle(stretch, self.surveyed, self.plugins, pue=self.config.site.pue, timeout_s=ESTIMATE_TIMEOUT_S)
        for broken in settled.broken:
            self._warn(f"the plugin {broken.plugin} is broken: {broken.reason}")
        return settled.entries(
            run_id=self.record.run_id, host=self.record.host, labels=self.record.labels,
            place=self.place, versions=self.plugins.versions,
        )  # fmt: skip

    def _seal(self, now_s: float) -> None:
        """End the running stretch here and start the next one."""
        if now_s <= self.stretch_s:
            return
        self._tick(now_s, CpuTimes.now())
        entries = self._settle(now_s)
        self.pieces += entries
        if self.spool is not None:
            try:
                self.spool.piece(entries)
            except OSError as error:
                self._warn(f"a piece could not be recorded: {_reason(error)}")
        self._start_stretch(now_s)

    def _start_stretch(self, now_s: float) -> None:
        self.busy_s += self.loads.busy_s
        self.loads.clear()
        for thread in self.threads:
            thread.start_stretch()
        self.stretch_s = self.tick_s = now_s

    def _resume(self, now_s: float) -> None:
        poll(self.threads)
        self.loads.skip(CpuTimes.now())
        self._start_stretch(now_s)
        self.paused = False

    # --- afterwards -----------------------------------------------------------------------------

    def finish(self, ended: Event) -> None:
        """Steps 5 to 8: the last readings, the document, the last line of the spool."""
        self._step("reading the meters for the last time")
        entries: list[Entry] = []
        if not self.paused:
            self._tick(ended.at_s, CpuTimes.from_proc_stat(ended.stat) if ended.stat else CpuTimes.now(), stop=True)
            self._step("estimating what nothing measured")
            entries = self._settle(ended.at_s)
        self.busy_s += self.loads.busy_s
        self.record = evolve(
            self.record,
            end=utc_text(self._moment(ended.at_s)),
            complete=True,
            exit_code=ended.exit_code,
            signal=ended.signal,
            process_share=self._share(ended),
            verdicts=tuple(_verdict(v) for v in self.surveyed.resolution.verdicts),
            warnings=tuple(self.warnings),
        )
        self._step("writing the last line")
        if self.spool is not None:
            try:
                self.spool.end(self.record, entries)
            except OSError as error:
                self.box.troubles.append(f"the end of the run is not recorded: {_reason(error)}")
            self.spool.close()
        self.box.document = document(self.record, [*self.pieces, *entries], command=self.order["argv"])

    def _share(self, ended: Event) -> float | None:
        """Processor time of the command's processes over the machine's."""
        if ended.cpu_s is None or self.busy_s < LEAST_BUSY_S:
            return None
        cpu_s = ended.cpu_s
        if ended.at_s - self.order["started_s"] > 1:
            cpu_s += stragglers_cpu_s(self.record.run_id)
        return min(1.0, cpu_s / self.busy_s)

    def _moment(self, at_s: float) -> datetime:
        """The wall clock's time at an instant of the monotonic clock, from the start of the run on."""
        start = datetime.fromtimestamp(self.order["started_at"], UTC)
        return start + timedelta(seconds=at_s - self.order["started_s"])

    def _warn(self, sentence: str) -> None:
        self.warnings[sentence] = None

    def _step(self, step: str) -> None:
        self.box.at(step)


def _reason(error: OSError) -> str:
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{error.strerror or error}"


def _verdict(verdict: Any) -> dict[str, Any]:
    return {
        "plugin": verdict.plugin, "source": verdict.source, "hook": verdict.hook, "fate": str(verdict.fate),
        "domains": [str(domain) for domain in verdict.domains], "reason": verdict.reason, "remedy": verdict.remedy,
    }  # fmt: skip
