"""A parcel: some runs or months of a book as one immutable file, named by the hash of what it says."""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import zlib
from collections.abc import Iterator
from typing import Any

from wattbook.errors import ImportFailed
from wattbook.ledger.exchange import MARK, VERSION, json_lines
from wattbook.records import canonical

SUFFIX = ".jsonl.gz"
NAME = re.compile(r"[0-9a-f]{64}\.jsonl\.gz")
MAX_PACKED = 16 << 20  #: bytes of a file; ours are far smaller
MAX_BYTES = 128 << 20  #: and unpacked
MAX_RATIO = 200  #: JSON Lines of a book pack to a tenth or so


class Parcel:
    """Lines that are collected until they are sealed."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self.counts: dict[str, int] = {}
        self.size = 0

    def add(self, line: dict[str, Any]) -> None:
        text = canonical(line)
        kind = next(iter(line))
        self._lines.append(text)
        self.counts[kind] = self.counts.get(kind, 0) + 1
        self.size += len(text)

    def sealed(self) -> tuple[str, bytes]:
        """The name and the content; the same lines give the same name wherever they are packed."""
        text = "\n".join([canonical({MARK: VERSION}), *self._lines, canonical({"end": self.counts}), ""]).encode()
        packed = gzip.compress(text, 6, mtime=0)
        return hashlib.sha256(text).hexdigest() + SUFFIX, packed


def opened(name: str, packed: bytes) -> Iterator[tuple[int, Any]]:
    """The lines of a parcel; raises ``ImportFailed`` for one that is damaged, foreign or a trap."""
    if not NAME.fullmatch(name):
        raise ImportFailed("is not named like a parcel", path=name)
    text = _unpacked(name, packed)
    if hashlib.sha256(text).hexdigest() + SUFFIX != name:
        raise ImportFailed("its content does not have the hash that its name says", path=name)
    return json_lines(io.BytesIO(text), name)


def _unpacked(name: str, packed: bytes) -> bytes:
    if len(packed) > MAX_PACKED:
        raise ImportFailed(f"is larger than {MAX_PACKED >> 20} MiB", path=name)
    most = min(MAX_BYTES, max(MAX_RATIO * len(packed), 1 << 20))
    unpack = zlib.decompressobj(wbits=31)
    try:
        text = unpack.decompress(packed, most + 1)
    except zlib.error as error:
        raise ImportFailed("the file is cut or damaged", path=name) from error
    if len(text) > most:
        raise ImportFailed(f"unpacks to more than {MAX_RATIO} times its size", path=name)
    if not unpack.eof or unpack.unused_data:
        raise ImportFailed("the file is cut or damaged", path=name)
    return text
