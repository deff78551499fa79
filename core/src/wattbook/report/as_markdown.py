"""The report as Markdown, for a wiki page, a pull request or a summary of a pipeline."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from wattbook.report.cards import with_short
from wattbook.report.lines import Block, subtitle, title
from wattbook.report.model import Report


def as_markdown(report: Report, *, most: int | None = None) -> str:
    """One page; labels are escaped, so that none of them becomes markup.

    *most* rows of each table, where a service takes no more; the page says how many are left out.
    """
    return "\n".join(_lines(report, most)) + "\n"


def blocks_as_markdown(blocks: Iterable[Block]) -> str:
    """Titled tables and lists without the frame of a report."""
    lines: list[str] = []
    for block in blocks:
        lines += [*([""] if lines else []), f"## {_escape(block.title)}", "", *_block(block, None)]
    return "\n".join(lines) + "\n"


def _lines(report: Report, most: int | None) -> Iterator[str]:
    yield f"# {_escape(title(report))}"
    yield ""
    if report.watermark:
        yield f"**{_escape(report.watermark)}**"
        yield ""
    yield _escape(subtitle(report))
    for block in with_short(report):
        yield ""
        yield f"## {_escape(block.title)}"
        yield ""
        yield from _block(block, most)
    yield ""
    yield "P provided, M measured, E estimated; location- and market-based are two views and never one sum."


def _block(block: Block, most: int | None) -> Iterator[str]:
    rows = block.rows[:most]
    if block.columns:
        for row in (block.columns, tuple("---" for _ in block.columns), *rows):
            yield "| " + " | ".join(cell if cell == "---" else _escape(cell) for cell in row) + " |"
    else:
        yield from (f"- {_escape(sentence)}" for (sentence,) in rows)
    if len(rows) < len(block.rows):
        yield ""
        yield f"{len(block.rows) - len(rows)} more are not shown here."


def _escape(text: str) -> str:
    return re.sub(r"([\\`*_\[\]|<>#~])", r"\\\1", text)
