"""CSV tables: header names are found wherever they stand, and nothing is guessed about a row."""

from __future__ import annotations

import codecs
import csv
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from operator import itemgetter
from typing import Any

from wattbook import ImportFailed, SourceFile

from wattbook_csp.bounded import BoundedLines, text
from wattbook_csp.notes import Notes

_DELIMITERS = ",;\t"
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

Cells = tuple[str, ...]


def header_of(head: bytes) -> list[str]:
    """The names in the first line of *head*, under the delimiter that makes most of it; for sniffing."""
    encoding = "utf-16" if head.startswith(_WIDE) else "utf-8-sig"
    lines = head.decode(encoding, errors="replace").lstrip("\r\n").splitlines()
    return max((_split(lines[0], delimiter) for delimiter in _DELIMITERS), key=len) if lines else []


def rows(
    file: SourceFile,
    notes: Notes,
    columns: Sequence[str],
    required: Collection[str] | None = None,
    *,
    canonical: Callable[[str], str] = str,
) -> Iterator[tuple[int, Cells]]:
    """Line number and cells of each row, in the order of *columns*; ``""`` where there is none.

    Of the columns those of *required* must be there; all of them, where it is not given.  *canonical* turns the spellings of a header name into the one asked for.  A byte order mark, CRLF, quoted
    delimiters and unknown columns are fine.  Refused are: another encoding, a missing or doubled column,
    and a row that is longer or shorter than the header.
    """
    with _opened(file, columns, columns if required is None else required, canonical) as (reader, pick, width, lines):
        for cells in reader:
            if len(cells) != width:
                if not any(cells):
                    continue
                wrong = "more" if len(cells) > width else "fewer"
                reason = f"the row has {wrong} cells than the header ({len(cells)}, not {width})"
                raise ImportFailed(reason, path=file.path, line=reader.line_num)
            cells.append("")
            yield reader.line_num, pick(cells)
        if not lines.ended:
            notes.add("the last line has no end: was the file cut?", path=file.path, line=reader.line_num)


def distinct(file: SourceFile, columns: Sequence[str], *, canonical: Callable[[str], str] = str) -> set[Cells]:
    """The different combinations of a few columns, at the speed of the csv module; wrong rows are not seen here."""
    with _opened(file, columns, columns, canonical) as (reader, pick, width, _):
        return set(map(pick, (cells for cells in reader if len(cells) == width)))


@contextmanager
def _opened(
    file: SourceFile, columns: Sequence[str], required: Collection[str], canonical: Callable[[str], str]
) -> Iterator[tuple[Any, Callable[[list[str]], Cells], int, BoundedLines]]:
    """The rows after the header, what picks the wanted cells of one, the header's width, and the lines."""
    if file.head.startswith(_WIDE):
        raise ImportFailed("is UTF-16 text; save it as UTF-8", path=file.path)
    if b"\0" in file.head:
        raise ImportFailed("is not text", path=file.path)
    delimiter = _delimiter(file.head, set(columns), canonical)
    with file.open() as stream:
        lines = BoundedLines(stream, file)
        reader = csv.reader(text(lines, newline=""), delimiter=delimiter)
        try:
            names = next((cells for cells in reader if any(cells)), None)
            if names is None:
                raise ImportFailed("is empty", path=file.path)
            names = [canonical(name.strip()) for name in names]
            for name in (name for name in columns if name in required):
                if name not in names:
                    raise ImportFailed("the column is missing", path=file.path, line=reader.line_num, field=name)
            for name in columns:
                if names.count(name) > 1:
                    raise ImportFailed("the column occurs twice", path=file.path, line=reader.line_num, field=name)
            width = len(names)
            # a column that is not there is read from one more, empty, cell
            places = [names.index(name) if name in names else width for name in columns]
            yield reader, itemgetter(*places), width, lines
        except UnicodeDecodeError:
            raise ImportFailed("is not UTF-8 text", path=file.path, line=reader.line_num + 1) from None
        except csv.Error as error:
            raise ImportFailed(f"is not CSV: {error}", path=file.path, line=reader.line_num) from None
        except (OSError, EOFError, zlib.error) as error:
            reason = f"cannot be read to its end: {error}"
            raise ImportFailed(reason, path=file.path, line=reader.line_num) from error


def _delimiter(head: bytes, wanted: set[str], canonical: Callable[[str], str]) -> str:
    """The delimiter that makes most known names of the header."""
    lines = head.decode("utf-8-sig", errors="replace").lstrip("\r\n").splitlines()

    def known(delimiter: str) -> int:
        return sum(canonical(name) in wanted for name in _split(lines[0], delimiter)) if lines else 0

    return max(_DELIMITERS, key=known)


def _split(line: str, delimiter: str) -> list[str]:
    try:
        return [name.strip() for name in next(csv.reader([line], delimiter=delimiter), [])]
    except csv.Error:
        return []
