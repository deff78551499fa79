"""Stand in for one command: start it, pass signals on, stop and go on with it, and leave as it left.

Only light modules are imported here, because nothing but this comes before the command starts.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from typing import Any, NamedTuple, NoReturn

#: passed on as they come
FORWARDED = ("SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGVTALRM", "SIGPROF", "SIGPWR", "SIGTSTP")
#: a terminal sends these to the whole foreground group, the command included; otherwise they are passed on
FROM_TERMINAL = ("SIGWINCH", "SIGQUIT")
#: never passed on: the command has it already, and a second one would interrupt its clean-up
IGNORED = ("SIGINT",)
#: the command stopped as a job of the shell; somebody's SIGSTOP is not followed, for he may continue it alone
JOB_CONTROL = {signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU}
NOT_FOUND, NOT_EXECUTABLE = 127, 126


class NotStarted(Exception):
    """The command did not start; ``code`` is what a shell would exit with."""

    def __init__(self, reason: str, code: int) -> None:
        super().__init__(reason)
        self.code = code


class Event(NamedTuple):
    """What happened to the command, for those who observe it."""

    kind: str  #: ``paused``, ``resumed``, ``ended``
    at_s: float  #: monotonic clock
    stat: bytes = b""  #: ``/proc/stat`` at that moment
    exit_code: int | None = None
    signal: str | None = None
    cpu_s: float | None = None  #: processor time of the command and of all that it waited for
    own_cpu_s: float | None = None  #: processor time of wattbook until then


class Events:
    """A letter box from the waiting thread to the observing one."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._events: list[Event] = []
        self._taken = 0
        self.ended = False

    def put(self, event: Event) -> None:
        with self._changed:
            self._events.append(event)
            self.ended = self.ended or event.kind == "ended"
            self._changed.notify_all()

    def take(self, timeout_s: float) -> Event | None:
        """The next event, ``None`` where none comes within *timeout_s*."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._events) > self._taken, max(0.0, timeout_s)):
                return None
            return self._events[self._taken]

    def done(self) -> None:
        """The event taken last has been dealt with."""
        with self._changed:
            self._taken += 1
            self._changed.notify_all()

    def wait_until_done(self, timeout_s: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._taken == len(self._events), timeout_s)


def machine_stat() -> bytes:
    """The machine's processor times as the kernel counts them; empty where there is no such file."""
    try:
        with open("/proc/stat", "rb") as stream:
            return stream.read()
    except OSError:
        return b""


class Child:
    """A running command that shares our streams, our terminal and our process group."""

    def __init__(self, argv: list[str], env: dict[str, str]) -> None:
        self._pid = 0
        self._stopped = self._continued = False
        self._early: list[int] = []
        self._over: tuple[int, Any] | None = None  #: status and usage, where its end was met by the way
        self._catch()
        self.started_at = time.time()
        self.started_s = time.monotonic()
        self.pid = self._pid = _spawn(argv, env)
        for number in self._early:
            self._forward(number)

    def _catch(self) -> None:
        """From now on no signal ends us before the command has ended; ignored ones stay ignored."""
        if hasattr(signal, "SIGCHLD") and signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # else the kernel throws the exit status away
        handlers = {
            **dict.fromkeys(FORWARDED, self._on_signal),
            **dict.fromkeys(FROM_TERMINAL, self._on_terminal_signal),
            **dict.fromkeys(IGNORED, lambda number, frame: None),
            "SIGCONT": self._on_continue,
        }
        numbers = {getattr(signal, name): handler for name, handler in handlers.items() if hasattr(signal, name)}
        if hasattr(signal, "SIGRTMIN"):
            numbers |= dict.fromkeys(range(signal.SIGRTMIN, signal.SIGRTMAX + 1), self._on_signal)
        for number, handler in numbers.items():
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: Any) -> None:
        self._forward(number)

    def _on_terminal_signal(self, number: int, frame: Any) -> None:
        if not _in_foreground():
            self._forward(number)

    def _on_continue(self, number: int, frame: Any) -> None:
        self._continued = True
        if self._stopped:
            self._forward(number)

    def _forward(self, number: int) -> None:
        if not self._pid:
            self._early.append(number)
        elif self._pid > 0:
            with suppress(ProcessLookupError):
                os.kill(self._pid, number)

    def wait(self, events: Events) -> Event:
        """Wait for the command to end, stopping and going on with it."""
        while True:
            status, usage = self._over or os.wait4(self.pid, os.WUNTRACED | os.WCONTINUED)[1:]
            now_s = time.monotonic()
            if os.WIFSTOPPED(status):
                self._stopped = True
                events.put(Event("paused", now_s))
                if os.WSTOPSIG(status) in JOB_CONTROL:
                    self._stop_too(os.WSTOPSIG(status), events)
            elif os.WIFCONTINUED(status):
                self._stopped = False
                events.put(Event("resumed", now_s))
            else:
                self._pid = -1  # its number may belong to another process from now on
                died = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
                if self._stopped and not died:  # it went on, and was over before anybody looked
                    events.put(Event("resumed", now_s))
                return Event(
                    "ended",
                    now_s,
                    machine_stat(),
                    exit_code=None if died else os.WEXITSTATUS(status),
                    signal=_name(died) if died else None,
                    cpu_s=usage.ru_utime + usage.ru_stime,
                    own_cpu_s=time.process_time(),
                )

    def _stop_too(self, number: int, events: Events) -> None:
        events.wait_until_done(0.3)
        self._continued = False
        before = signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)  # here we stand still until somebody continues us
        signal.signal(number, before)
        until = time.monotonic() + 0.05
        while self._continued and self._stopped and time.monotonic() < until:
            pid, status, usage = os.wait4(self.pid, os.WCONTINUED | os.WNOHANG)
            if pid and os.WIFCONTINUED(status):
                self._stopped = False
                events.put(Event("resumed", time.monotonic()))
            elif pid:
                self._over = status, usage
                return
            else:
                time.sleep(0.005)
        if self._continued and self._stopped:  # only we were continued
            self._forward(signal.SIGCONT)


def _in_foreground() -> bool:
    """Whether our group is the one that the terminal's keys go to."""
    try:
        with open("/dev/tty", "rb", buffering=0) as terminal:
            return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    except OSError:
        return False


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIG{number}"


# --- starting and leaving ----------------------------------------------------------------------


def _spawn(argv: list[str], env: dict[str, str]) -> int:
    """Start the command with our open files and the signals that we found; Python's own changes undone."""
    name = argv[0]
    changed = [number for each in ("SIGPIPE", "SIGXFSZ") if (number := getattr(signal, each, None))]
    try:
        if not name:
            raise FileNotFoundError
        try:
            return os.posix_spawnp(name, argv, env, setsigdef=changed)
        except OSError as error:
            script = _script(name) if error.errno == errno.ENOEXEC else None
            if script is None:
                raise
            return os.posix_spawn("/bin/sh", ["sh", script, *argv[1:]], env, setsigdef=changed)
    except FileNotFoundError as error:
        raise NotStarted(f"there is no command {name!r}", NOT_FOUND) from error
    except PermissionError as error:
        raise NotStarted(f"{name!r} cannot be executed: {error.strerror}", NOT_EXECUTABLE) from error
    except OSError as error:
        raise NotStarted(f"{name!r} cannot be started: {error.strerror}", NOT_EXECUTABLE) from error
    except ValueError as error:  # a zero byte in an argument
        raise NotStarted(f"{name!r} cannot be started: {error}", NOT_EXECUTABLE) from error


def _script(name: str) -> str | None:
    """The file that a shell would run as a script of its own: text without a first line that names a program."""
    folders = [""] if "/" in name else os.environ.get("PATH", os.defpath).split(os.pathsep)
    for path in (os.path.join(folder, name) for folder in folders):
        if os.access(path, os.X_OK):
            with open(path, "rb") as stream:
                return None if b"\0" in stream.read(128) else path
    return None


def leave(event: Event) -> NoReturn:
    """End as the command ended, whatever threads still hang."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    if event.signal is not None:
        number = getattr(signal, event.signal, None) or int(event.signal.removeprefix("SIG"))
        _no_core_dump()
        with suppress(OSError, ValueError):  # SIGKILL has no other disposition
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [number])
        os.kill(os.getpid(), number)
        time.sleep(0.1)  # the first process of a container cannot end itself so
        os._exit(128 + number)
    os._exit(event.exit_code or 0)


def _no_core_dump() -> None:
    import resource

    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    # one byte also keeps Linux from starting a core handler; zero would not
    resource.setrlimit(resource.RLIMIT_CORE, (1 if hard == resource.RLIM_INFINITY or hard >= 1 else 0, hard))
