"""The report as text for a terminal or a pipe; bold is the only decoration, and nothing depends on it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap

from attrs import evolve

from wattbook.report.cards import with_short
from wattbook.report.lines import Block, subtitle, title
from wattbook.report.model import Report

MAX_CELL = 60
NARROW = 6  #: a column of a table that must fit is never narrower


def as_table(report: Report, *, bold: bool = False, width: int | None = None, most: int | None = None) -> str:
    """The whole report; *bold* puts headings in ANSI bold; *width* folds everything into so many columns.

    *most* rows of each table, where nobody would scroll through thousands; the text says how many are left out.
    """
    return "\n".join(_lines(report, bold, width, most)) + "\n"


def _lines(report: Report, bold: bool, width: int | None, most: int | None) -> Iterator[str]:
    yield _heading(title(report), bold)
    if report.watermark:
        yield from _sentence(f"*** {report.watermark} ***", width)
    yield from _sentence(subtitle(report), width)
    for block in with_short(report):
        yield ""
        yield _heading(block.title, bold)
        left = 0 if most is None or not block.columns else max(0, len(block.rows) - most)
        yield from _block(evolve(block, rows=block.rows[:most]) if left else block, width)
        if left:
            yield from _sentence(f"  {left} more are not shown here: --format csv, or a pipe, has all of them", width)
    yield ""
    yield from _sentence(
        "P provided, M measured, E estimated; location- and market-based are two views and never one sum", width
    )


def blocks_as_text(blocks: Iterable[Block], *, bold: bool = False, width: int | None = None) -> str:
    """Titled tables and lists without the frame of a report."""
    lines: list[str] = []
    for block in blocks:
        lines += [*([""] if lines else []), _heading(block.title, bold), *_block(block, width)]
    return "\n".join(lines) + "\n"


def _sentence(text: str, width: int | None) -> list[str]:
    return [text] if width is None else wrap(text, width)


def _heading(text: str, bold: bool) -> str:
    return f"\x1b[1m{text}\x1b[0m" if bold else text


def _block(block: Block, width: int | None) -> Iterator[str]:
    if not block.columns:
        for (sentence,) in block.rows:
            yield from wrap(sentence, width or 100, initial_indent="  ", subsequent_indent="    ")
        return
    rows = [block.columns, *block.rows]
    widths = [min(MAX_CELL, max(columns_of(row[i]) for row in rows)) for i in range(len(block.columns))]
    if width is None:
        for row in rows:
            yield "  " + _row(row, widths)
        return
    widths = fitting(widths, width - 2)
    for row in rows:
        cells = [folded(cell, most) for cell, most in zip(row, widths, strict=True)]
        for number in range(max(map(len, cells))):
            yield "  " + _row([cell[number] if number < len(cell) else "" for cell in cells], widths)


def fitting(widths: Sequence[int], room: int) -> list[int]:
    """Column widths that fit, taken from the widest columns; none becomes narrower than ``NARROW``."""
    fitted = list(widths)
    while sum(fitted) + 2 * (len(fitted) - 1) > room and max(fitted) > NARROW:
        fitted[fitted.index(max(fitted))] -= 1
    return fitted


def folded(text: str, most: int) -> list[str]:
    """The lines of a cell, none wider than *most* columns; a word that is too long is broken, after a hyphen if it can be."""
    lines, line = [], ""
    for word in text.split(" "):
        candidate = f"{line} {word}" if line else word
        if columns_of(candidate) <= most:
            line = candidate
            continue
        if line:
            lines.append(line)
        line = ""
        for piece in re.findall(r"[^-/]*[-/]|[^-/]+", word):
            if line and columns_of(line + piece) > most:
                lines.append(line)
                line = ""
            for letter in piece:
                if columns_of(line + letter) > most:
                    lines.append(line)
                    line = ""
                line += letter
    return [*lines, line]


def _row(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [cell + " " * max(0, width - columns_of(cell)) for cell, width in zip(row, widths, strict=True)]
    return "  ".join(cells).rstrip()


def columns_of(text: str) -> int:
    """How many columns of a terminal a text takes: wide letters take two, combining ones none."""
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )
