"""The crash-safe outbox: one append-only file of JSON Lines for each running process.

Every line carries a checksum and goes out in one write.  The writer holds an advisory lock on its file
for as long as it lives, so that a reader can tell a running spool from a dead one without waiting and
without trusting process numbers, which are used again.

====== ==========================================================================================
line   content
====== ==========================================================================================
run    the run, as far as it is known; a later line replaces an earlier one
piece  the final entries of a stretch of the run that is over
poll   the entries of the running stretch so far; a later line replaces an earlier one
end    the run as it ended, and the entries of its last stretch
====== ==========================================================================================
"""

from __future__ import annotations

import json
import os
import re
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import IO, Any

from attrs import define, evolve, field, frozen

from wattbook.records import Entry, RunRecord, canonical

try:
    import fcntl
except ImportError:  # not on Windows: there a spool that is not complete counts as dead
    fcntl = None  # type: ignore[assignment]

VERSION = 1
SUFFIX = ".jsonl"
DAMAGED = "damaged"  #: the folder beside the spools for files that nobody can read
MAX_LINE_BYTES = 16 << 20
COMPACT_BYTES = 1 << 20  #: polls that later ones replaced are thrown away beyond this size
UNLOCKED_LIVE_S = 3_600
_SEALED = re.compile(rb'^(.*),"sum":"([0-9a-f]{8})"\}\n?$', re.S)


def folder() -> str:
    """Where the spools lie: ``WATTBOOK_STATE``, else the user's state folder; ``OSError`` where there is none."""
    chosen = os.environ.get("WATTBOOK_STATE")
    if not chosen:
        from platformdirs import user_state_dir

        chosen = user_state_dir("wattbook", appauthor=False)
    if not os.path.isabs(chosen):
        raise OSError(f"there is no home folder, so {chosen!r} is not a place for the spool")
    return os.path.join(chosen, "spool")


def paths(where: str | None = None) -> list[str]:
    """All spools, oldest run first; none where there is no folder."""
    try:
        base = where or folder()
        return sorted(os.path.join(base, name) for name in os.listdir(base) if name.endswith(SUFFIX))
    except OSError:
        return []


def is_live(path: str | os.PathLike[str]) -> bool:
    """Whether the writer of this spool still runs; never waits."""
    if fcntl is None:
        return False
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks: a spool that was written to lately may be live
        return not read(path).complete and time.time() - os.fstat(fd).st_mtime < UNLOCKED_LIVE_S
    finally:
        os.close(fd)
    return False


def set_aside(path: str | os.PathLike[str]) -> str:
    """Move a file that nobody can read out of the way, keeping it; answers with its new name."""
    base, name = os.path.split(os.fspath(path))
    os.makedirs(os.path.join(base, DAMAGED), mode=0o700, exist_ok=True)
    target = os.path.join(base, DAMAGED, name)
    number = 1
    while os.path.exists(target):
        number += 1
        target = os.path.join(base, DAMAGED, f"{name}.{number}")
    os.rename(path, target)
    return target


# --- writing -----------------------------------------------------------------------------------


def sealed(line: dict[str, Any]) -> bytes:
    """A line with its checksum, ready to be written."""
    body = canonical(line).encode()[:-1]
    return b'%s,"sum":"%08x"}\n' % (body, zlib.crc32(body))


@define(kw_only=True)
class SpoolWriter:
    """The one writer of one spool.  Every method raises ``OSError`` where the disk refuses, and may be tried again."""

    path: str
    ledger: str | None = None  #: the book that this run was meant for, where the user named one
    _fd: int = field(alias="fd")
    _size: int = field(default=0, init=False)
    _kept: list[bytes] = field(factory=list, init=False)  #: what compaction must keep: the run and the sealed pieces
    _synced_size: int = field(default=0, init=False)

    @classmethod
    def create(cls, run: RunRecord, *, where: str | None = None, ledger: str | None = None) -> SpoolWriter:
        """Open a new spool: it appears under its name when it is locked and holds its first line."""
        base = where or folder()
        os.makedirs(base, mode=0o700, exist_ok=True)
        path = os.path.join(base, run.run_id + SUFFIX)
        writer = cls(path=path, ledger=ledger, fd=_open_locked(path + ".new"))
        try:
            writer.run(run)
            os.rename(path + ".new", path)
        except OSError:
            os.unlink(path + ".new")
            writer.close()
            raise
        return writer

    def run(self, run: RunRecord) -> None:
        line: dict[str, Any] = {"type": "run", "spool": VERSION, "pid": os.getpid(), "run": run.as_dict()}
        if self.ledger:
            line["ledger"] = self.ledger
        data = sealed(line)
        self._append(data)
        self._kept = [data, *(kept for kept in self._kept if b'"type":"run"' not in kept)]

    def piece(self, entries: Iterable[Entry]) -> None:
        data = sealed({"type": "piece", "entries": [entry.as_dict() for entry in entries]})
        self._append(data)
        self._kept.append(data)

    def poll(self, at: str, entries: Iterable[Entry], *, share: float | None = None, sync: bool = False) -> None:
        plain = [entry.as_dict() for entry in entries]
        data = sealed({"type": "poll", "at": at, "entries": plain, "process_share": share})
        if self._size + len(data) > COMPACT_BYTES and self._size > 2 * sum(map(len, self._kept)):
            self._compact(data)
        else:
            self._append(data)
        if sync:
            self.sync()

    def end(self, run: RunRecord, entries: Iterable[Entry]) -> None:
        self._append(sealed({"type": "end", "run": run.as_dict(), "entries": [e.as_dict() for e in entries]}))
        self.sync()

    def sync(self) -> None:
        if self._synced_size != self._size:
            getattr(os, "fdatasync", os.fsync)(self._fd)
            self._synced_size = self._size

    def close(self) -> None:
        """Give the lock back: from now on the spool is dead."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _append(self, data: bytes) -> None:
        try:
            written = os.write(self._fd, data)
            if written != len(data):
                raise OSError(28, "No space left on device")
        except OSError:
            # half a line must not spoil the next one; nobody else writes here
            os.ftruncate(self._fd, self._size)
            raise
        self._size += written

    def _compact(self, last: bytes) -> None:
        """Write what still counts into a new file and put it in the old one's place."""
        fd = _open_locked(self.path + ".new")
        data = b"".join([*self._kept, last])
        try:
            if os.write(fd, data) != len(data):
                raise OSError(28, "No space left on device")
            os.fsync(fd)
            os.rename(self.path + ".new", self.path)
        except OSError:
            os.close(fd)
            os.unlink(self.path + ".new")
            raise
        os.close(self._fd)
        self._fd, self._size = fd, len(data)


def _open_locked(path: str) -> int:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o600)
    if fcntl is not None:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return fd


# --- reading -----------------------------------------------------------------------------------


@frozen(kw_only=True)
class SpoolContent:
    """What one spool says.

    A spool without an end gives the entries of its last poll, and a run that is not complete and ends
    there.  ``damaged`` means that the file is foreign or was edited: then there is nothing to take.
    """

    run: RunRecord | None = None
    entries: tuple[Entry, ...] = ()
    complete: bool = False
    problems: tuple[str, ...] = ()
    damaged: bool = False
    ledger: str | None = None  #: the book that the run was meant for; ``None`` is the default one


def read(path: str | os.PathLike[str]) -> SpoolContent:
    """Read a spool, live or dead; raises ``OSError`` where the file cannot be read."""
    run: RunRecord | None = None
    ledger: str | None = None
    pieces: list[Entry] = []
    latest: list[Entry] = []
    problems: list[str] = []
    complete, until = False, ""
    share: float | None = None
    with open(path, "rb") as stream:
        for number, (line, reason) in enumerate(_lines(stream), start=1):
            if line is None:
                if reason == CUT:
                    problems.append(f"{os.path.basename(path)}:{number}: {CUT} and was dropped")
                    break
                return _damaged(path, number, reason)
            try:
                kind = line["type"]
                if number == 1 and (kind != "run" or line["spool"] > VERSION):
                    return _damaged(path, number, "this is no spool that this version of wattbook can read")
                if kind in ("run", "end"):
                    run = RunRecord.from_dict(line["run"])
                    ledger = line.get("ledger", ledger)
                if kind in ("piece", "poll", "end"):
                    entries = [Entry.from_dict(plain) for plain in line["entries"]]
                    if kind == "piece":
                        pieces += entries
                        latest = []
                    else:
                        latest = entries
                        share = line.get("process_share", share)
                    until = max([until, line.get("at", ""), *(entry.end for entry in entries)])
                complete = complete or kind == "end"
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                return _damaged(path, number, f"a line of a spool does not look like this ({error!r})")
    if run is not None and not complete:
        run = evolve(run, complete=False, end=max(run.start, until), process_share=share)
    return SpoolContent(run=run, entries=(*pieces, *latest), complete=complete, problems=tuple(problems), ledger=ledger)


def first_run(path: str | os.PathLike[str]) -> RunRecord | None:
    """The run of a spool as it was first written, without reading the rest."""
    try:
        with open(path, "rb") as stream:
            line = next(_lines(stream), (None, ""))[0]
        return None if line is None else RunRecord.from_dict(line["run"])
    except (OSError, KeyError, TypeError, ValueError):
        return None


CUT = "the last line was cut short"


def _lines(stream: IO[bytes]) -> Iterator[tuple[dict[str, Any] | None, str]]:
    """Every line as (content, "") or (None, what is wrong with it)."""
    raw = stream.readline(MAX_LINE_BYTES)
    while raw:
        following = stream.readline(MAX_LINE_BYTES)
        match = _SEALED.match(raw)
        try:
            line = json.loads(raw)
            whole = isinstance(line, dict)
        except ValueError:
            line, whole = None, False
        if match and whole and int(match[2], 16) == zlib.crc32(match[1]):
            yield line, ""
        elif not following and not whole:
            yield None, CUT
            return
        else:
            yield None, "the line was changed after it was written" if match else "this is no line of a spool"
            return
        raw = following


def _damaged(path: str | os.PathLike[str], number: int, reason: str) -> SpoolContent:
    return SpoolContent(problems=(f"{os.path.basename(path)}:{number}: {reason}",), damaged=True)
