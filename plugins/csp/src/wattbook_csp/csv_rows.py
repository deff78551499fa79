"""Rows of CSV text, many at a time: split at the delimiters where that is the same, else by the csv module."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import chain

CHUNK = 1 << 16  #: characters
BATCH_ROWS = 8_192

Rows = tuple[Sequence[int], "list[list[str]] | Cells"]


class Cells:
    """Rows of one width, in one list of cells."""

    def __init__(self, cells: list[str], width: int) -> None:
        self._cells, self._step = cells, width + 1

    def __len__(self) -> int:
        return len(self._cells) // self._step

    def column(self, at: int) -> list[str]:
        return self._cells[at :: self._step]

    def __iter__(self) -> Iterator[list[str]]:
        for start in range(0, len(self._cells), self._step):
            yield self._cells[start : start + self._step - 1]


class Malformed(Exception):
    """What the csv module says about a line."""

    def __init__(self, reason: str, line: int) -> None:
        super().__init__(reason)
        self.line = line


def bulk(words: io.TextIOWrapper, delimiter: str, width: int, line: int) -> Iterator[Rows]:
    """The rows of *words* after *line* lines, and the number of the line that each ends in.

    Rows of any width come as they are; *width* is that of the header.  Text without quotes, or with every
    cell in quotes, needs no parser; the first other one is parsed, and everything after it.
    """
    rest = ""
    while chunk := words.read(CHUNK):
        text = rest + chunk
        end = text.rfind("\n") + 1
        rest = text[end:]
        rows = _cells(text[:end], delimiter, width) or _split(text[:end], delimiter, width)
        if rows is None:
            yield from _parsed(chain(io.StringIO(text[:end], newline=""), _tail(rest, words)), delimiter, line)
            return
        if rows:
            yield range(line + 1, line + len(rows) + 1), rows
        line += len(rows)
    yield from _parsed(_tail(rest, words), delimiter, line)


def _cells(text: str, delimiter: str, width: int) -> Cells | None:
    """All cells at once, where there is no quote and every line is *width* wide."""
    if '"' in text:
        return None
    if "\r" in text:
        text = text.replace("\r\n", "\n")
        if "\r" in text:
            return None
    # the line ends become cells of their own: where they all stand in their column, every line is as wide
    cells = text.replace("\n", f"{delimiter}\n{delimiter}").split(delimiter)
    cells.pop()  # what is behind the last line end
    lines = text.count("\n")
    if len(cells) != lines * (width + 1) or cells[width :: width + 1] != ["\n"] * lines:
        return None
    return Cells(cells, width)


def _split(text: str, delimiter: str, width: int) -> list[list[str]] | None:
    """The cells of whole lines, or ``None`` where only the parser knows them."""
    if "\r" in text:
        text = text.replace("\r\n", "\n")
        if "\r" in text:
            return None
    lines = text.split("\n")
    lines.pop()  # what is behind the last line end
    if '"' not in text:
        return [line.split(delimiter) for line in lines]
    between = f'"{delimiter}"'
    rows = [line[1:-1].split(between) for line in lines]
    # as many quotes as cells have, and all of them where they belong: then there is none inside of a cell
    if text.count('"') != 2 * width * len(lines) or not set(map(len, rows)) <= {width}:
        return None
    if not all(len(line) > 1 and line.startswith('"') and line.endswith('"') for line in lines):
        return None
    return rows


def _tail(rest: str, words: io.TextIOWrapper) -> Iterator[str]:
    """The lines of *rest* and of what follows it."""
    yield from io.StringIO(rest + words.readline(), newline="")
    yield from words


def _parsed(lines: Iterator[str], delimiter: str, line: int) -> Iterator[Rows]:
    reader = csv.reader(lines, delimiter=delimiter)
    numbers: list[int] = []
    rows: list[list[str]] = []
    try:
        for cells in reader:
            numbers.append(line + reader.line_num)
            rows.append(cells)
            if len(rows) == BATCH_ROWS:
                yield numbers, rows
                numbers, rows = [], []
    except csv.Error as error:
        if rows:
            yield numbers, rows
        raise Malformed(str(error), line + reader.line_num) from None
    if rows:
        yield numbers, rows
