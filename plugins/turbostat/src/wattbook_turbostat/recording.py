"""Import turbostat's recorded output: one recording per file, whatever version wrote it."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from typing import IO

from wattbook import ImportFailed, ImportSource, Problem, Recording, RecordingBuilder, SourceFile

from wattbook_turbostat.book import Book
from wattbook_turbostat.header import Header
from wattbook_turbostat.parse import Parser
from wattbook_turbostat.timeline import LONGEST_S, Timeline

ERROR = 0.05  #: relative half width of the 90 % interval of RAPL's package energy
LONGEST_LINE = 1 << 16  #: bytes; 400 columns of a header are 4 kB
SNIFFED_LINES = 2_000
_VERSION_LINE = re.compile(rb"(?m)^turbostat version ")


def sniff(file: SourceFile) -> bool:
    """A table header of turbostat's, or its version line."""
    if _VERSION_LINE.search(file.head):
        return True
    return any(Header.from_line(line) is not None for line in file.head.split(b"\n", SNIFFED_LINES)[:SNIFFED_LINES])


def read(source: ImportSource) -> Iterator[Recording | Problem]:
    """One recording per file; raises ``ImportFailed`` for a file without any power."""
    for file in source.files:
        try:
            with file.open() as stream:
                yield read_stream(stream, source)
        except ImportFailed as refused:
            raise refused.at(file.path) from None
        except (OSError, EOFError, zlib.error) as error:
            raise ImportFailed(f"cannot be read to its end: {error}", path=file.path) from error


def read_stream(stream: IO[bytes], source: ImportSource) -> Recording:
    """Add up one recording in constant memory."""
    if source.interval_s is not None and not 0 < source.interval_s < LONGEST_S:
        raise ImportFailed(f"{source.interval_s:g} s is not a sampling interval", field="--interval-s")
    builder = RecordingBuilder(format="turbostat", source="turbostat", error=ERROR)
    timeline = Timeline(start=source.start, interval_s=source.interval_s, problem=builder.problem)

    def problem(reason: str, line: int | None) -> None:
        builder.problem(reason, line)
        timeline.lose()

    parser = Parser(problem=problem)
    book = Book(builder, parser)
    number = 0
    for number, line in enumerate(lines_of(stream, builder), start=1):
        for interval in parser.feed(line, number):
            for timed in timeline.put(interval):
                book.add(timed)
    for interval in parser.flush():
        for timed in timeline.put(interval):
            book.add(timed)
    for timed in timeline.drain():
        book.add(timed)
    return book.close(number)


def lines_of(stream: IO[bytes], builder: RecordingBuilder) -> Iterator[bytes]:
    """Lines of bounded length; what is longer is left out and said."""
    number = 0
    while line := stream.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE and line[-1:] != b"\n":
            builder.problem("this line is too long to be turbostat's", number)
            while (rest := stream.readline(LONGEST_LINE)) and rest[-1:] != b"\n":
                pass
            line = b"\n"
        yield line[3:] if number == 1 and line.startswith(b"\xef\xbb\xbf") else line
