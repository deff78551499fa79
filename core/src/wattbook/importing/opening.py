"""Open what the user handed over: files, folders, pipes; as streams, and within bounds."""

from __future__ import annotations

import gzip
import os
import stat
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, cast

from attrs import frozen

from wattbook.errors import ImportFailed
from wattbook.model import ImportSource, SourceFile

HEAD_BYTES = 65_536
MAX_FILES = 10_000  #: of one import; their heads are held in memory
MANY_FILES, SMALL_HEAD_BYTES = 1_000, 4_096  #: the heads of that many files are shorter
MAX_PIPE_BYTES = 4 << 30  #: of standard input, which is kept in a temporary file
STDIN = Path("-")


@frozen(kw_only=True)
class Handed:
    """One file that the user handed over: itself, or with a whole folder."""

    file: SourceFile
    shown: str  #: its name in messages: ``-`` for standard input
    folder: Path | None = None


def open_file(path: Path, head_bytes: int = HEAD_BYTES) -> SourceFile:
    """One file, its head read and decompressed; raises ``ImportFailed`` where it cannot be read."""

    def opener() -> IO[bytes]:
        return cast("IO[bytes]", gzip.open(path)) if packed else path.open("rb")

    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ImportFailed("is no file", path=path)
        with path.open("rb") as stream:
            packed = stream.read(2) == b"\x1f\x8b"
        with opener() as whole:
            head = whole.read(head_bytes)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ImportFailed(f"cannot be read: {reason}", path=path) from error
    return SourceFile(path=path, head=head, gzip=packed, opener=opener)


def open_all(paths: Iterable[Path], *, spool: Path | None = None) -> list[Handed]:
    """The files of *paths*, folders walked in the order of their names.

    A file that is named twice is taken once.  ``-`` and pipes are copied into the folder *spool* first, because an importer reads more than once.
    """
    handed: list[Handed] = []
    for path in paths:
        if spool is not None and (path == STDIN or _is_pipe(path)):
            handed.append(Handed(file=open_file(_spooled(path, spool)), shown=str(path)))
        elif path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.is_file())
            if len(inside) > MAX_FILES:
                raise ImportFailed(f"holds {len(inside)} files; one import takes {MAX_FILES}", path=path)
            if not inside:
                raise ImportFailed("this folder is empty", path=path)
            head_bytes = HEAD_BYTES if len(inside) <= MANY_FILES else SMALL_HEAD_BYTES
            handed += [Handed(file=open_file(p, head_bytes), shown=str(p), folder=path) for p in inside]
        else:
            handed.append(Handed(file=open_file(path), shown=str(path)))
    once: dict[str, Handed] = {}
    for one in handed:
        once.setdefault(os.path.realpath(one.file.path), one)
    return list(once.values())


def open_source(
    paths: Iterable[Path],
    *,
    account: str | None = None,
    host: str | None = None,
    start: datetime | None = None,
    interval_s: float | None = None,
    options: dict[str, str] | None = None,
) -> ImportSource:
    """What an importer is given: the files of *paths* and what the user said about them."""
    files = tuple(handed.file for handed in open_all(paths))
    return ImportSource(
        files=files, account=account, host=host, start=start, interval_s=interval_s, options=options or {}
    )


@contextmanager
def spool_folder() -> Iterator[Path]:
    """A folder for what comes through a pipe; gone afterwards."""
    with TemporaryDirectory(prefix="wattbook-") as folder:
        yield Path(folder)


def _is_pipe(path: Path) -> bool:
    try:
        return stat.S_ISFIFO(path.stat().st_mode)
    except OSError:
        return False


def _spooled(path: Path, folder: Path) -> Path:
    target = folder / f"{len(os.listdir(folder))}" / "stdin"
    target.parent.mkdir()
    with os.fdopen(os.dup(0), "rb") if path == STDIN else path.open("rb") as pipe, target.open("wb") as copy:
        left = MAX_PIPE_BYTES
        while block := pipe.read(1 << 20):
            left -= len(block)
            if left < 0:
                raise ImportFailed(f"more than {MAX_PIPE_BYTES >> 30} GiB came through the pipe", path=path)
            copy.write(block)
    return target
