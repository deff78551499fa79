"""Text lines of a file with their numbers, in bounded memory whatever the file holds."""

from __future__ import annotations

import codecs
import io
import zlib
from collections.abc import Iterator
from typing import IO, NamedTuple

from wattbook import ImportFailed, SourceFile

MAX_LINE = 65_536  #: the longest line of any captured output has 9,000 characters
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


class Line(NamedTuple):
    number: int
    text: str
    whole: bool = True  #: it ended with a line break; false for a last line that may be cut


def encoding_of(head: bytes) -> str:
    """UTF-8, or UTF-16 as PowerShell writes it when output is redirected into a file."""
    return next((name for bom, name in _BOMS if head.startswith(bom)), "utf-8")


def lines_of(file: SourceFile) -> Iterator[Line]:
    """Lines without their line break; a line beyond ``MAX_LINE`` is cut off and marked as not whole."""
    try:
        with file.open() as raw, io.TextIOWrapper(raw, encoding_of(file.head), errors="replace") as stream:
            yield from number(stream)
    except (OSError, EOFError, zlib.error) as error:
        raise ImportFailed(f"cannot be read to its end: {error}", path=file.path) from error


def number(stream: IO[str]) -> Iterator[Line]:
    """Count the lines of a text stream."""
    count = 0
    while text := stream.readline(MAX_LINE):
        count += 1
        whole = text.endswith("\n")
        yield Line(count, text.rstrip("\r\n"), whole)
        while not whole and len(text) == MAX_LINE:
            text = stream.readline(MAX_LINE)
            if not text or text.endswith("\n"):
                break
