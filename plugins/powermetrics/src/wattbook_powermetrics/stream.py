"""One running powermetrics for all who measure in this process: a thread adds its samples up into joules."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from attrs import define, field
from wattbook import Domain, Missed, ReadError, Sample, Unavailable

from wattbook_powermetrics import text
from wattbook_powermetrics.block import Block
from wattbook_powermetrics.messages import explain
from wattbook_powermetrics.process import Child
from wattbook_powermetrics.sums import Sums

FIRST_LINE_S = 2.0  #: powermetrics prints the machine's model at once
FRESH_S = 0.3  #: a sample that was asked for comes within this, or not at all
STOP_S = 2.0
MAX_MISSED = 1_000


@define(eq=False)
class Consumer:
    """One opened meter: reads the shared sums, and hears of what was missed since its last read."""

    stream: Stream
    domains: tuple[Domain, ...]
    since_s: float
    interval_s: float
    missed: deque[Missed] = field(factory=lambda: deque(maxlen=MAX_MISSED))
    _read_at_s: float | None = None

    def read(self) -> Iterator[Sample | Missed]:
        """The sums as they stand; raises ``ReadError`` where powermetrics has ended."""
        now = self.stream.clock()
        out_of_turn = self._read_at_s is not None and now - self._read_at_s < self.interval_s
        self._read_at_s = now
        if out_of_turn:  # the end of a run: what happened since the last sample would be lost
            self.stream.refresh()
        yield from self.stream.look(self)


class Stream:
    """Starts powermetrics for the first consumer and ends it after the last."""

    def __init__(
        self,
        argv: Sequence[str],
        start: Callable[[Sequence[str]], Child],
        clock: Callable[[], float],
        remedy: str = "",  #: what helps where it does not start
    ) -> None:
        self.clock, self._remedy = clock, remedy
        self._argv, self._start = tuple(argv), start
        self._using = threading.Lock()  # held while a process is started or ended
        self._changed = threading.Condition()
        self._consumers: list[Consumer] = []
        self._child: Child | None = None
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._clear()

    def _clear(self) -> None:
        self._sums = Sums(self.clock())
        self._failure = ""
        self._speaks = False

    @contextlib.contextmanager
    def session(self, domains: Sequence[Domain], interval_s: float) -> Iterator[Consumer]:
        """A consumer of the running stream; raises ``Unavailable`` where powermetrics ends at once."""
        with self._using:
            with self._changed:
                first = not self._consumers
                consumer = Consumer(self, tuple(domains), self._sums.last_s, interval_s)
                self._consumers.append(consumer)
            try:
                if first:
                    self._open()
            except BaseException:
                self._consumers.remove(consumer)
                raise
        try:
            yield consumer
        finally:
            with self._using:
                with self._changed:
                    self._consumers.remove(consumer)
                if not self._consumers:
                    self._close()

    def _open(self) -> None:
        self._clear()
        for consumer in self._consumers:
            consumer.since_s = self._sums.last_s
        self._stopping = False
        self._child = self._start(self._argv)
        self._thread = threading.Thread(target=self._follow, name="powermetrics", daemon=True)
        self._thread.start()
        with self._changed:
            self._changed.wait_for(lambda: self._speaks or self._failure, FIRST_LINE_S)
            failure = "" if self._sums.samples else self._failure
        if failure:
            self._close()
            raise Unavailable(failure, remedy=self._remedy)

    def _close(self) -> None:
        with self._changed:
            self._stopping = True
            child, thread = self._child, self._thread
        if child is not None:
            child.stop()
        if thread is not None:
            thread.join(timeout=STOP_S)
        self._child = self._thread = None

    # --- in the thread -------------------------------------------------------------------------

    def _follow(self) -> None:
        child = self._child
        while child is not None:
            before = self._sums.samples
            for block in text.blocks(self._counted(child), live=True):
                with self._changed:
                    self._take(block)
                    self._changed.notify_all()
            if self._stopping:
                return
            child.stop()
            if self._sums.samples == before:
                self._fail(child.said())
                return
            child = self._again()

    def _again(self) -> Child | None:
        """Start it anew: it ends by itself after a day."""
        try:
            child = self._start(self._argv)
        except OSError as error:
            self._fail(str(error))
            return None
        with self._changed:
            if not self._stopping:
                self._child = child
                return child
        child.stop()
        return None

    def _fail(self, said: str) -> None:
        known = explain(said)
        with self._changed:
            self._failure = known.reason if known and not known.harmless else "powermetrics ended without a sample"
            self._changed.notify_all()

    def _counted(self, child: Child) -> Iterator[bytes]:
        for line in child.lines():
            if not self._speaks:
                with self._changed:
                    self._speaks, self._sums.last_s = True, self.clock()
                    for consumer in self._consumers:
                        consumer.since_s = self._sums.last_s
                    self._changed.notify_all()
            yield line

    def _take(self, block: Block) -> None:
        for loss in self._sums.take(block, self.clock()):
            for consumer in self._consumers:
                consumer.missed.extend(loss.missed(consumer.domains, consumer.since_s))

    # --- for consumers -------------------------------------------------------------------------

    def refresh(self) -> None:
        """Ask for a sample now and wait a moment for it."""
        child = self._child
        if child is None:
            return
        with self._changed:
            before = self._sums.blocks
            with contextlib.suppress(OSError):
                child.poke()
            self._changed.wait_for(lambda: self._sums.blocks > before or self._failure, FRESH_S)

    def look(self, consumer: Consumer) -> list[Sample | Missed]:
        with self._changed:
            found: list[Sample | Missed] = [consumer.missed.popleft() for _ in range(len(consumer.missed))]
            if self._failure:
                if found:
                    return found
                raise ReadError(self._failure)
            return [*found, *self._sums.look(consumer.domains, consumer.since_s)]
