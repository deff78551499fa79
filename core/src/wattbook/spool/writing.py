"""Write a spool: the one writer of the one file of a running process."""

from __future__ import annotations

import errno
import os
import zlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from wattbook.records import Entry, RunRecord, canonical
from wattbook.spool import SUFFIX, folder

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

VERSION = 1
NEW = ".new"  #: what a file is called until it is whole
COMPACT_BYTES = 1 << 20  #: polls that later ones replaced are thrown away beyond this size


def sealed(line: dict[str, Any]) -> bytes:
    """A line with its checksum, ready to be written."""
    body = canonical(line).encode()[:-1]
    return b'%s,"sum":"%08x"}\n' % (body, zlib.crc32(body))


class SpoolWriter:
    """The one writer of one spool.

    Every method raises ``OSError`` where the disk refuses, and leaves the file as it was before.
    A plain class: what every run loads is kept small.
    """

    def __init__(self, path: str, fd: int, ledger: str | None = None) -> None:
        self.path = path
        self.ledger = ledger  #: the book that the run was meant for, where the user named one
        self._fd = fd
        self._size = self._synced_size = 0
        self._run = b""
        self._pieces: list[bytes] = []  #: what compaction keeps, with the run
        self.can_grow = False  #: whether the running stretch has a poll that ``grown`` can go on from

    @classmethod
    def create(cls, run: RunRecord, *, where: str | None = None, ledger: str | None = None) -> SpoolWriter:
        """Open a new spool: it appears under its name when it is locked and holds its first line."""
        base = where or folder()
        os.makedirs(base, mode=0o700, exist_ok=True)
        path = os.path.join(base, run.run_id + SUFFIX)
        writer = cls(path, _open_locked(path + NEW), ledger)
        try:
            writer.run(run)
            os.rename(path + NEW, path)
        except OSError:
            os.unlink(path + NEW)
            writer.close()
            raise
        return writer

    def run(self, run: RunRecord) -> None:
        line: dict[str, Any] = {"type": "run", "spool": VERSION, "pid": os.getpid(), "run": run.as_dict()}
        if self.ledger:
            line["ledger"] = self.ledger
        data = sealed(line)
        self._append(data)
        self._run = data

    def piece(self, entries: Iterable[Entry]) -> None:
        data = sealed({"type": "piece", "entries": [entry.as_dict() for entry in entries]})
        self._append(data)
        self._pieces.append(data)
        self.can_grow = False

    def poll(self, at: str, entries: Iterable[Entry], *, share: float | None = None, sync: bool = False) -> None:
        plain = [entry.as_dict() for entry in entries]
        data = sealed({"type": "poll", "at": at, "entries": plain, "process_share": share})
        kept = len(self._run) + sum(map(len, self._pieces))
        if self._size + len(data) > COMPACT_BYTES and self._size > 2 * kept:
            self._compact(data)
        else:
            self._append(data)
        self.can_grow = True
        if sync:
            self.sync()

    def grown(self, at: str, figures: Iterable[Sequence[float | None] | None], *, sync: bool = False) -> None:
        """Where ``can_grow``: the entries of the last poll go on to *at*: for each its joules and their bounds, ``None`` for a gap."""
        self._append(sealed({"type": "grown", "at": at, "figures": [None if f is None else list(f) for f in figures]}))
        if sync:
            self.sync()

    def end(self, run: RunRecord, entries: Iterable[Entry], *, sync: bool = True) -> None:
        self._append(sealed({"type": "end", "run": run.as_dict(), "entries": [e.as_dict() for e in entries]}))
        if sync:
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
                raise OSError(errno.ENOSPC, "No space left on device")
        except OSError:
            # half a line must not spoil the next one; nobody else writes here
            os.ftruncate(self._fd, self._size)
            raise
        self._size += written

    def _compact(self, last: bytes) -> None:
        """Write what still counts into a new file and put it in the old one's place."""
        fd = _open_locked(self.path + NEW)
        data = b"".join([self._run, *self._pieces, last])
        try:
            if os.write(fd, data) != len(data):
                raise OSError(errno.ENOSPC, "No space left on device")
            os.fsync(fd)
            os.rename(self.path + NEW, self.path)
        except OSError:
            os.close(fd)
            os.unlink(self.path + NEW)
            raise
        os.close(self._fd)
        self._fd, self._size = fd, len(data)


def _open_locked(path: str) -> int:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o600)
    if fcntl is not None:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return fd
