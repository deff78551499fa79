"""The report as Markdown, for a wiki page, a pull request or a summary of a pipeline."""

from __future__ import annotations

import re
from collections.abc import Iterator

from wattbook.report.lines import Block, blocks, subtitle, title
from wattbook.report.model import Report


def as_markdown(report: Report) -> str:
    """One page; labels are escaped, so that none of them becomes markup."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield f"# {_escape(title(report))}"
    yield ""
    if report.watermark:
        yield f"**{_escape(report.watermark)}**"
        yield ""
    yield _escape(subtitle(report))
    for block in blocks(report):
        yield ""
        yield f"## {_escape(block.title)}"
        yield ""
        yield from _block(block)
    yield ""
    yield "P provided, M measured, E estimated; location- and market-based are two views and never one sum."


def _block(block: Block) -> Iterator[str]:
    if not block.columns:
        yield from (f"- {_escape(sentence)}" for (sentence,) in block.rows)
        return
    for row in (block.columns, tuple("---" for _ in block.columns), *block.rows):
        yield "| " + " | ".join(cell if cell == "---" else _escape(cell) for cell in row) + " |"


def _escape(text: str) -> str:
    return re.sub(r"([\\`*_\[\]|<>#~])", r"\\\1", text)
