"""CSV tables: header names are found wherever they stand, and nothing is guessed about a row."""

from __future__ import annotations

import codecs
import csv
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import NamedTuple

from wattbook import ImportFailed, SourceFile

from wattbook_csp import csv_rows
from wattbook_csp.bounded import MAX_LINE, BoundedLines, text
from wattbook_csp.notes import Notes

_DELIMITERS = ",;\t"
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def header_of(head: bytes) -> list[str]:
    """The names in the first line of *head*, under the delimiter that makes most of it; for sniffing."""
    encoding = "utf-16" if head.startswith(_WIDE) else "utf-8-sig"
    lines = head.decode(encoding, errors="replace").lstrip("\r\n").splitlines()
    return max((_split(lines[0], delimiter) for delimiter in _DELIMITERS), key=len) if lines else []


class Batch(NamedTuple):
    """Some rows of a table, column by column, with the line that each of them ends in."""

    lines: Sequence[int]
    columns: Sequence[Sequence[str]]


def batches(
    file: SourceFile,
    notes: Notes,
    columns: Sequence[str],
    required: Collection[str] | None = None,
    *,
    canonical: Callable[[str], str] = str,
) -> Iterator[Batch]:
    """The rows of a table, a bounded number at a time, with the *columns* in their order; ``""`` where there is none.

    Of the columns those of *required* must be there; all of them, where it is not given.  *canonical* turns
    the spellings of a header name into the one asked for.  A byte order mark, CRLF, quoted delimiters and
    unknown columns are fine.  Refused are: another encoding, a missing or doubled column, and a row that is
    longer or shorter than the header.
    """
    if file.head.startswith(_WIDE):
        raise ImportFailed("is UTF-16 text; save it as UTF-8", path=file.path)
    if b"\0" in file.head:
        raise ImportFailed("is not text", path=file.path)
    delimiter = _delimiter(file.head, set(columns), canonical)
    line = 0
    with file.open() as stream:
        lines = BoundedLines(stream, file)
        words = text(lines, newline="")
        reader = csv.reader(words, delimiter=delimiter)
        try:
            names = next((cells for cells in reader if any(cells)), None)
            line = reader.line_num
            if names is None:
                raise ImportFailed("is empty", path=file.path)
            names = [canonical(name.strip()) for name in names]
            _check_header(file, names, columns, columns if required is None else required, line)
            places = [names.index(name) if name in names else -1 for name in columns]
            for numbers, rows in csv_rows.bulk(words, delimiter, len(names), line):
                if isinstance(rows, csv_rows.Cells):
                    absent = ("",) * len(rows)
                    yield Batch(numbers, [absent if at < 0 else rows.column(at) for at in places])
                    line = numbers[-1]
                    continue
                wrong = _first_wrong(rows, len(names))
                if wrong is not None:
                    numbers, rows = _without_blanks(numbers, rows)
                    wrong = _first_wrong(rows, len(names))
                if rows[:wrong]:
                    whole = list(zip(*rows[:wrong], strict=True))
                    absent = ("",) * len(whole[0])
                    yield Batch(numbers[:wrong], [absent if at < 0 else whole[at] for at in places])
                if wrong is not None:
                    much = "more" if len(rows[wrong]) > len(names) else "fewer"
                    reason = f"the row has {much} cells than the header ({len(rows[wrong])}, not {len(names)})"
                    raise ImportFailed(reason, path=file.path, line=numbers[wrong])
                line = numbers[-1] if rows else line
        except UnicodeDecodeError:
            raise ImportFailed("is not UTF-8 text", path=file.path, line=_undecodable(file)) from None
        except csv_rows.Malformed as error:
            raise ImportFailed(f"is not CSV: {error}", path=file.path, line=error.line) from None
        except csv.Error as error:
            raise ImportFailed(f"is not CSV: {error}", path=file.path, line=reader.line_num) from None
        except (OSError, EOFError, zlib.error) as error:
            raise ImportFailed(f"cannot be read to its end: {error}", path=file.path, line=line) from error
        if not lines.ended:
            notes.add("the last line has no end: was the file cut?", path=file.path, line=line)


def _check_header(
    file: SourceFile, names: Sequence[str], columns: Sequence[str], required: Collection[str], line: int
) -> None:
    for name in (name for name in columns if name in required):
        if name not in names:
            raise ImportFailed("the column is missing", path=file.path, line=line, field=name)
    for name in columns:
        if names.count(name) > 1:
            raise ImportFailed("the column occurs twice", path=file.path, line=line, field=name)


def _first_wrong(rows: Sequence[Sequence[str]], width: int) -> int | None:
    """The place of the first row that is not *width* cells wide."""
    if set(map(len, rows)) <= {width}:
        return None
    return next(place for place, cells in enumerate(rows) if len(cells) != width)


def _without_blanks(numbers: Sequence[int], rows: Sequence[list[str]]) -> tuple[Sequence[int], list[list[str]]]:
    kept = [place for place, cells in enumerate(rows) if any(cells)]
    return [numbers[place] for place in kept], [rows[place] for place in kept]


def _undecodable(file: SourceFile) -> int:
    """The line of the first byte that is not UTF-8."""
    decode = codecs.getincrementaldecoder("utf-8-sig")().decode
    with file.open() as stream:
        number = 0
        while line := stream.readline(MAX_LINE):
            number += 1
            try:
                decode(line)
            except UnicodeDecodeError:
                break
        return number


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
