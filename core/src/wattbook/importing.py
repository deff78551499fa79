"""From paths to records: find the one importer that fits, read, and check before anything is recorded."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import IO, cast

from wattbook.errors import ImportFailed
from wattbook.model import ImportSource, SourceFile

HEAD_BYTES = 65_536


def open_file(path: Path) -> SourceFile:
    """One file, its head read and decompressed; raises ``ImportFailed`` where it cannot be read."""

    def opener() -> IO[bytes]:
        return cast("IO[bytes]", gzip.open(path)) if packed else path.open("rb")

    try:
        with path.open("rb") as stream:
            packed = stream.read(2) == b"\x1f\x8b"
        with opener() as stream:
            head = stream.read(HEAD_BYTES)
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ImportFailed(f"cannot be read: {reason}", path=path) from error
    return SourceFile(path=path, head=head, gzip=packed, opener=opener)


def open_source(
    paths: Iterable[Path],
    *,
    account: str | None = None,
    host: str | None = None,
    start: datetime | None = None,
    interval_s: float | None = None,
    options: dict[str, str] | None = None,
) -> ImportSource:
    """The files of *paths*, folders walked in the order of their names."""
    files: list[SourceFile] = []
    for path in paths:
        inside = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        files += [open_file(p) for p in inside]
    return ImportSource(
        files=tuple(files), account=account, host=host, start=start, interval_s=interval_s, options=options or {}
    )
