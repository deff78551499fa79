"""The engine of a tracked stretch: the observer of ``wattbook run`` in a thread of the process that it observes."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Mapping
from contextvars import ContextVar, Token
from typing import Any, NamedTuple

from wattbook.tracking.figures import TrackedRun
from wattbook.units import parse_work

STALLED_S = 10.0  #: how long a step may do nothing at the end
LONGEST_S = 60.0  #: and how long all of them may take
FORK_WAIT_S = 5.0  #: how long a fork waits for modules to be loaded, so that the child finds no lock held
RUN_ID = "WATTBOOK_RUN_ID"
LONGEST_LABEL = 200

_inside: ContextVar[Engine | None] = ContextVar("wattbook_run", default=None)
_lock = threading.Lock()
_active: list[Engine] = []  #: of this process, in the order of their start
_outer: list[str | None] = []  #: what the environment said before the first of them


class Ended(NamedTuple):
    """The one thing that happens to a tracked stretch."""

    at_s: float
    kind: str = "ended"
    stat: bytes = b""
    exit_code: int | None = 0
    signal: str | None = None
    cpu_s: float | None = None
    own_cpu_s: float | None = None


class Ending:
    """Where the observer hears of it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._event: Ended | None = None
        self.ended = False

    def put(self, event: Ended) -> None:
        with self._changed:
            self._event = self._event or event
            self.ended = True
            self._changed.notify_all()

    def take(self, timeout_s: float) -> Ended | None:
        with self._changed:
            self._changed.wait_for(lambda: self._event is not None, max(0.0, timeout_s))
            return self._event

    def done(self) -> None:
        """Nothing waits for it."""


class Engine:
    """One run of this process from its start to its last line in the spool."""

    def __init__(self, order: Mapping[str, Any], *, strict: bool) -> None:
        self.owner: object = None
        self.troubles: list[str] = []  #: what is wrong with the recording, for the user to hear of
        self.document: dict[str, Any] | None = None
        self.step = "starting"
        self.started = False
        self.ready = threading.Event()  #: everything is loaded, and the first poll is over
        self._pid = os.getpid()
        self._ending = Ending()
        self._observer: Any = None
        self._token: Token[Engine | None] | None = None
        self._thread: threading.Thread | None = None
        self.run = TrackedRun(run_id=f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.urandom(5).hex()}")
        self._order = self._checked(order, strict=strict)

    def _checked(self, order: Mapping[str, Any], *, strict: bool) -> dict[str, Any]:
        """The order with what cannot be recorded left out, or refused."""
        from wattbook.config import MODES, POLICIES
        from wattbook.model import Phase

        wrong: list[str] = []
        checked = dict(order)
        for name in ("project", "site"):
            if checked[name] is not None and not _printable(checked[name]):
                wrong.append(f"{name}: it is one line of up to {LONGEST_LABEL} printable characters")
                checked[name] = None
        if checked["phase"] is not None and checked["phase"] not in list(Phase):
            wrong.append(f"phase: it is one of {', '.join(Phase)}, not {checked['phase']!r}")
            checked["phase"] = None
        checked["phase"] = None if checked["phase"] is None else str(checked["phase"])
        for name, known in (("attribute", MODES), ("idle", POLICIES)):
            if checked[name] not in (None, *known):
                wrong.append(f"{name}: it is one of {', '.join(known)}, not {checked[name]!r}")
                checked[name] = None
        checked["tags"] = {k: v for k, v in checked["tags"].items() if _printable(k) and _printable(v)}
        if len(checked["tags"]) != len(order["tags"]):
            wrong.append("tags: keys and values are lines of printable characters")
        if not (isinstance(checked["interval_s"], (int, float)) and 0 < checked["interval_s"] <= 3600):
            wrong.append("interval_s: it is more than 0 and at most 3600 seconds")
            checked["interval_s"] = 1.0
        if strict:
            if wrong:
                raise ValueError("; ".join(wrong))
            from wattbook.config import load
            from wattbook.host import place

            place(load(checked["config"]), checked["site"])
        self.troubles += wrong
        return checked

    # --- begin and end --------------------------------------------------------------------------

    def start(self) -> None:
        around = _inside.get()
        with _lock:
            if not _active:
                _outer[:] = [os.environ.get(RUN_ID) or None]
            self.run.parent_id = around.run.run_id if around is not None else _outer[0]
            beside = _active[-1].run.run_id if around is None and _active else None
            self._order |= {
                "beside_id": beside, "run_id": self.run.run_id, "parent_id": self.run.parent_id, "argv": [_program()], "stat": _stat(),
                "pid": self._pid, "started_at": time.time(), "started_s": time.monotonic(), "cpu_before_s": _cpu_s(),
            }  # fmt: skip
            thread = threading.Thread(target=self._observe, name="wattbook", daemon=True)
            thread.start()
            self._thread = thread
            _active.append(self)
            _tell_children()
        self._token = _inside.set(self)
        self.started = True
        _mind_this_process()

    def _observe(self) -> None:
        try:
            from wattbook.tracking.inside import InProcess

            self._observer = InProcess(self._order, self._ending, self)
            self._observer.watch()
        except BaseException as error:
            text = str(error).strip().splitlines()
            reason = f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
            self.troubles.append(f"the run is not recorded ({reason})")
        finally:
            self.ready.set()

    def end(self, error: BaseException | None = None) -> None:
        """The stretch is over; *error* is what left it."""
        if not self.started or self._pid != os.getpid():
            return
        now_s, before_s, cpu_s = time.monotonic(), self._order["cpu_before_s"], _cpu_s()
        spent_s = None if cpu_s is None or before_s is None else max(0.0, cpu_s - before_s)
        code, signal = (None, "SIGINT") if isinstance(error, KeyboardInterrupt) else (_exit_code(error), None)
        self._order["units"] = self._work()
        self._ending.put(Ended(at_s=now_s, stat=_stat(), cpu_s=spent_s, exit_code=code, signal=signal))

    def _work(self) -> str | None:
        """What the program said that it did, ``1000:token``; what is no such thing is told and left out."""
        if self.run.units is None:
            return None
        text = f"{self.run.units}:{self.run.unit}" if self.run.unit else str(self.run.units)
        if parse_work(text) is None:
            self.troubles.append(f"units: {text[:60]!r} is no amount of work; a number above 0, and what of")
            return None
        return text

    def wait(self) -> None:
        """Wait for the last readings as long as it makes progress, and fill in the figures."""
        if self._thread is None or self._pid != os.getpid():
            return
        began_s = moved_s = time.monotonic()
        step = self.step
        while self._thread.is_alive():
            self._thread.join(0.2)
            now_s = time.monotonic()
            if self.step != step:
                step, moved_s = self.step, now_s
            if now_s - moved_s > STALLED_S or now_s - began_s > LONGEST_S:
                self.troubles.append(f"the run is recorded only up to its last poll: {step} takes too long")
                break
        if self.document is not None:
            self.run.take(self.document)

    def leave(self) -> None:
        """What comes from now on is no longer inside this run."""
        if self._pid != os.getpid():
            self.troubles.clear()
            self.run.warnings = (*self.run.warnings, "this process was forked from the one that is tracked")
        if self._token is not None:
            with contextlib.suppress(ValueError):  # left in another context than it was entered in
                _inside.reset(self._token)
            self._token = None
        with _lock:
            if self in _active:
                _active.remove(self)
                _tell_children()
        self.run.warnings = tuple(dict.fromkeys([*self.run.warnings, *self.troubles]))

    def disown(self) -> None:
        """In a forked child: the spool is the parent's, and its lock must not outlive it here."""
        if self._observer is not None and self._observer.spool is not None:
            with contextlib.suppress(OSError):
                self._observer.spool.close()


def innermost(owner: object) -> Engine | None:
    """The innermost run around this code that *owner* began."""
    engine = _inside.get()
    return engine if engine is not None and engine.owner is owner else None


def _tell_children() -> None:
    """What this process starts sees the run that it is started in."""
    told = _active[-1].run.run_id if _active else _outer[0]
    if told is None:
        os.environ.pop(RUN_ID, None)
    else:
        os.environ[RUN_ID] = told


_minded: list[bool] = []


def _mind_this_process() -> None:
    """Before a fork, let what is loading be loaded; after it, leave the parent's spool alone; at exit, end all."""
    if _minded:
        return
    _minded.append(True)
    import atexit

    atexit.register(_at_exit)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_before_fork, after_in_child=_in_child)


def _before_fork() -> None:
    for engine in list(_active):
        if engine._pid == os.getpid():
            engine.ready.wait(FORK_WAIT_S)


def _in_child() -> None:
    global _lock
    _lock = threading.Lock()
    for engine in _active:
        engine.disown()
    _active.clear()
    _outer[:] = [os.environ.get(RUN_ID) or None]


def _at_exit() -> None:
    for engine in reversed(list(_active)):
        with contextlib.suppress(Exception):
            engine._order["estimate_timeout_s"] = None  # an interpreter that shuts down starts no thread to wait for
            engine.end()
            engine.wait()
            engine.leave()


# --- small facts ---------------------------------------------------------------------------------


def _printable(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and value.isprintable() and len(value) <= LONGEST_LABEL


def _program() -> str:
    """The program's name; a notebook and ``python -c`` have none of their own."""
    name = os.path.basename((getattr(sys, "argv", None) or [""])[0])
    return name if name and name != "-c" else "python"


def _stat() -> bytes:
    try:
        with open("/proc/stat", "rb") as stream:
            return stream.read()
    except OSError:
        return b""


def _cpu_s() -> float | None:
    from wattbook.sampling import tree_cpu_s

    return tree_cpu_s(os.getpid())


def _exit_code(error: BaseException | None) -> int:
    """What the program would exit with if *error* went on to its end."""
    if error is None or isinstance(error, GeneratorExit):
        return 0
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    return 1
