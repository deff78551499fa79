"""Text files read in constant memory: a line without an end is refused before it fills the memory."""

from __future__ import annotations

import io
from typing import IO, TYPE_CHECKING

from wattbook import ImportFailed, SourceFile

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_LINE = 1 << 20  #: bytes; a longer line is no row of an export
_CHUNK = 1 << 16


class BoundedLines(io.RawIOBase):
    """Hands the bytes of a stream on, and counts them since the last line end."""

    def __init__(self, stream: IO[bytes], file: SourceFile) -> None:
        self.ended = True  #: whether the last byte so far ended a line
        self._stream = stream
        self._file = file
        self._since = 0
        self._lines = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        chunk = self._stream.read(len(view))
        if chunk:
            end = chunk.rfind(b"\n")
            self._lines += chunk.count(b"\n")
            self._since = self._since + len(chunk) if end < 0 else len(chunk) - end - 1
            self.ended = chunk.endswith((b"\n", b"\r"))
            if self._since > MAX_LINE:
                raise ImportFailed("a line has no end", path=self._file.path, line=self._lines + 1)
            view[: len(chunk)] = chunk
        return len(chunk)


def text(lines: BoundedLines, *, newline: str | None = None) -> io.TextIOWrapper:
    """*lines* as UTF-8 text, with or without a byte order mark."""
    return io.TextIOWrapper(io.BufferedReader(lines, _CHUNK), "utf-8-sig", newline=newline)
