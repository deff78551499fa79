"""An opened turbostat: a thread reads its rows and adds the joules up; ``read`` hands out the sums."""

from __future__ import annotations

import os
import selectors
import threading
import time
from collections.abc import Iterator, Mapping

from attrs import define, field
from wattbook import Domain, Missed, ReadError, Sample

from wattbook_turbostat.interval import Interval
from wattbook_turbostat.parse import Parser
from wattbook_turbostat.process import Process

START_S = 1.0  #: how long turbostat may take until it counts
FRESH_S = 0.05  #: rows younger than this need no nudge
ANSWER_S = 0.8  #: how long turbostat may take to answer a nudge; it needs 0.15 s for 272 CPUs
NUDGES = 3  #: one that arrives while turbostat prints is lost
QUIET_S = 0.02  #: a table is complete when nothing follows for this long
MAX_DEVICE_W = 5_000.0
MAX_MISSED = 100
CHUNK = 1 << 16
LONGEST_LINE = 1 << 16


@define
class Session:
    """Cumulative joules per domain since the session was opened.

    ``domains`` maps (package, name) to the domain; the package is ``None`` for the whole machine and,
    where there is only one, for the package too.
    """

    process: Process
    domains: Mapping[tuple[int | None, str], Domain]
    latest: Interval | None = field(default=None, init=False)  #: as it was printed
    _totals: dict[Domain, float] = field(factory=dict, init=False)
    _missed: list[Missed] = field(factory=list, init=False)
    _at_s: float = field(default=0.0, init=False)
    _asleep_s: float = field(default=0.0, init=False)
    _rows: int = field(default=0, init=False)
    _ended: bool = field(default=False, init=False)
    _errors: bytes = field(default=b"", init=False)
    _news: threading.Condition = field(factory=threading.Condition, init=False)
    _thread: threading.Thread | None = field(default=None, init=False)

    def start(self, *, limit_s: float = START_S) -> None:
        """Wait until turbostat counts, and read on from there: the first interval begins now."""
        self.process.wait_ready(limit_s)
        self._at_s, self._asleep_s = time.monotonic(), _asleep_s()
        self._totals = dict.fromkeys(self.domains.values(), 0.0)
        self._thread = threading.Thread(target=self._follow, name="turbostat", daemon=True)
        self._thread.start()

    def read(self) -> Iterator[Sample | Missed]:
        """The sums as of now, or of the last row where turbostat cannot be nudged."""
        self._renew()
        with self._news:
            missed, self._missed = self._missed, []
            at_s, totals, ended = self._at_s, dict(self._totals), self._ended
        yield from missed
        for domain, energy_j in totals.items():
            yield Sample(at_s=at_s, domain=domain, energy_j=energy_j)
        if ended:
            said = [line.strip() for line in self.errors.splitlines() if line.strip()]
            raise ReadError(f"turbostat has ended{f': {said[-1]}' if said else ''}")

    def wait(self, seconds: float) -> None:
        """Let turbostat count for a moment, or until it ends by itself."""
        with self._news:
            self._news.wait_for(lambda: self._ended, seconds)

    def close(self, *, limit_s: float = ANSWER_S) -> int:
        """End turbostat, take its last row in, and answer with its exit status."""
        self.process.interrupt()
        if self._thread is not None:
            self._thread.join(limit_s)
        status = self.process.reap(limit_s / 2)
        if self._thread is not None:
            self._thread.join(limit_s)
        else:
            self._hang_up()
        return status

    @property
    def errors(self) -> str:
        """What turbostat said on stderr, the last of it."""
        return self._errors.decode("utf-8", "replace")

    def _renew(self) -> None:
        """Have turbostat print a row now, unless there is a fresh one."""
        with self._news:
            before = self._rows
            if self._ended or time.monotonic() - self._at_s < FRESH_S:
                return
            for _ in range(NUDGES):
                if not self.process.nudge():
                    return
                if self._news.wait_for(lambda: self._rows > before or self._ended, ANSWER_S / NUDGES):
                    return

    # --- the thread that reads ----------------------------------------------------------------------

    def _follow(self) -> None:
        parser = Parser(per_package=True)
        rest = b""
        number = 0
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(self.process.output, selectors.EVENT_READ)
                selector.register(self.process.errors, selectors.EVENT_READ)
                waiting = False
                arrived_s = 0.0
                while selector.get_map():
                    ready = selector.select(QUIET_S if waiting else None)
                    if not ready:
                        self._book(parser.flush(), arrived_s)
                        waiting = False
                    for key, _ in ready:
                        chunk = os.read(key.fd, CHUNK)
                        if not chunk:
                            selector.unregister(key.fileobj)
                        elif key.fileobj is self.process.errors:
                            self._errors = (self._errors + chunk)[-4_096:]
                        else:
                            arrived_s = time.monotonic()
                            *lines, rest = (rest + chunk).split(b"\n")
                            rest = rest[-LONGEST_LINE:]
                            for line in lines:
                                number += 1
                                self._book(parser.feed(line + b"\n", number), arrived_s)
                            waiting = True
                self._book(parser.flush(), arrived_s)
        finally:
            self._hang_up()
            with self._news:
                self._ended = True
                self._news.notify_all()

    def _hang_up(self) -> None:
        """Only the thread that reads closes: a number that is closed may be another file's in no time."""
        self.process.output.close()
        self.process.errors.close()

    def _book(self, intervals: list[Interval], arrived_s: float) -> None:
        for interval in intervals:
            self._add(interval, _moment(interval, arrived_s))

    def _add(self, interval: Interval, until_s: float) -> None:
        """Add one interval's joules, or say why they are not known."""
        with self._news:
            since_s, self._at_s = self._at_s, max(self._at_s, until_s)
            asleep_s, self._asleep_s = self._asleep_s, _asleep_s()
            slept_s = self._asleep_s - asleep_s
            most_j = MAX_DEVICE_W * (self._at_s - since_s + QUIET_S)
            for (package, name), domain in self.domains.items():
                figures = interval.figures if package is None else interval.by_package.get(package, {})
                joules = figures.get(name)
                if slept_s > 1:
                    self._miss(domain, since_s, f"the machine slept for {slept_s:.0f} s")
                elif joules is None:
                    self._miss(domain, since_s, "turbostat printed no figure")
                elif joules > most_j:
                    self._miss(domain, since_s, f"turbostat printed {joules:g} J, which is not plausible")
                else:
                    self._totals[domain] += joules
            self.latest = interval
            self._rows += 1
            self._news.notify_all()

    def _miss(self, domain: Domain, since_s: float, reason: str) -> None:
        if len(self._missed) < MAX_MISSED:
            self._missed.append(
                Missed(
                    since_s=since_s, until_s=self._at_s, domain=domain, reason=reason,
                    high_j=MAX_DEVICE_W * (self._at_s - since_s),
                )
            )  # fmt: skip


def _moment(interval: Interval, arrived_s: float) -> float:
    """When the interval ended on the monotonic clock: turbostat's own time says how late the row came."""
    if interval.time_us is None:
        return arrived_s
    late_s = time.time() - interval.time_us / 1e6 - (time.monotonic() - arrived_s)
    return arrived_s - late_s if 0 <= late_s < 2 else arrived_s


def _asleep_s() -> float:
    """How long the machine slept since it started."""
    if not hasattr(time, "CLOCK_BOOTTIME"):
        return 0.0
    return time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()
