"""CSV tables: header names are found wherever they stand, and nothing is guessed about a row."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter

from wattbook import ImportFailed, SourceFile

from wattbook_csp.notes import Notes

MAX_LINE = 1 << 20  #: characters; a longer line is no row of an export
_DELIMITERS = ",;\t"
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def header_of(head: bytes) -> list[str]:
    """The names in the first line of *head*, under the delimiter that makes most of it; for sniffing."""
    encoding = "utf-16" if head.startswith(_WIDE) else "utf-8-sig"
    text = head.decode(encoding, errors="replace").lstrip("\r\n")
    line = text.splitlines()[0] if text else ""
    return max((_split(line, delimiter) for delimiter in _DELIMITERS), key=len)


def rows(
    file: SourceFile,
    notes: Notes,
    required: Sequence[str],
    optional: Sequence[str] = (),
    *,
    canonical: Callable[[str], str] = str,
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Line number and cells of each row, in the order of *required* and *optional*; ``""`` where there is none.

    *canonical* turns the spellings of a header name into the one asked for.  A byte order mark, CRLF, quoted
    delimiters and unknown columns are fine.  Refused are: another encoding, a missing or doubled column,
    and a row that is longer or shorter than the header.
    """
    _refuse_binary(file)
    with file.open() as stream:
        text = io.TextIOWrapper(stream, "utf-8-sig", newline="")
        lines = _Lines(text, file)
        try:
            yield from _rows(file, lines, required, optional, canonical)
            if lines.last[-1:] not in ("\n", "\r"):
                notes.add("the last line has no end: was the file cut?", path=file.path, line=lines.number)
        except UnicodeDecodeError:
            raise ImportFailed("is not UTF-8 text", path=file.path, line=lines.number + 1) from None
        except csv.Error as error:
            raise ImportFailed(f"is not CSV: {error}", path=file.path, line=lines.number) from None
        except (OSError, EOFError) as error:
            raise ImportFailed(f"cannot be read to its end: {error}", path=file.path, line=lines.number) from error


class _Lines:
    """The lines of a text, none of them endless, counted."""

    def __init__(self, text: io.TextIOWrapper, file: SourceFile) -> None:
        self.number = 0
        self.last = ""
        self._read = text.readline
        self._file = file

    def __iter__(self) -> Iterator[str]:
        read = self._read
        while line := read(MAX_LINE):
            self.number += 1
            self.last = line
            if len(line) == MAX_LINE and line[-1] != "\n":
                raise ImportFailed("a line has no end", path=self._file.path, line=self.number)
            yield line


def _rows(
    file: SourceFile, lines: _Lines, required: Sequence[str], optional: Sequence[str], canonical: Callable[[str], str]
) -> Iterator[tuple[int, tuple[str, ...]]]:
    source = iter(lines)
    first = next(source, "")
    while first and not first.strip():
        first = next(source, "")
    if not first:
        raise ImportFailed("is empty", path=file.path)
    delimiter = _delimiter(first, required, canonical)
    names = [canonical(name) for name in _split(first.rstrip("\r\n"), delimiter)]
    for name in required:
        if name not in names:
            raise ImportFailed("the column is missing", path=file.path, line=lines.number, field=name)
    for name in (*required, *optional):
        if names.count(name) > 1:
            raise ImportFailed("the column occurs twice", path=file.path, line=lines.number, field=name)
    width = len(names)
    # a column that is not there is read from one more, empty, cell
    places = [names.index(name) if name in names else width for name in (*required, *optional)]
    pick = itemgetter(*places)  # of one column it would give a bare text; every format needs more
    for cells in csv.reader(source, delimiter=delimiter):
        if len(cells) != width:
            if not any(cells):
                continue
            wrong = "more" if len(cells) > width else "fewer"
            raise ImportFailed(f"the row has {wrong} cells than the header ({len(cells)}, {width})",
                               path=file.path, line=lines.number)  # fmt: skip
        cells.append("")
        yield lines.number, pick(cells)


def _refuse_binary(file: SourceFile) -> None:
    if file.head.startswith(_WIDE):
        raise ImportFailed("is UTF-16 text; save it as UTF-8", path=file.path)
    if b"\0" in file.head:
        raise ImportFailed("is not text", path=file.path)


def _delimiter(line: str, required: Sequence[str], canonical: Callable[[str], str]) -> str:
    def known(delimiter: str) -> int:
        return sum(canonical(name) in required for name in _split(line.rstrip("\r\n"), delimiter))

    return max(_DELIMITERS, key=known)


def _split(line: str, delimiter: str) -> list[str]:
    try:
        return [name.strip() for name in next(csv.reader([line], delimiter=delimiter), [])]
    except csv.Error:
        return []
