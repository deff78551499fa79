"""Titled tables as one small self-contained page, for what is no whole report."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path

from wattbook.report.lines import Block

HERE = Path(__file__).parent


def blocks_as_html(title: str, blocks: Iterable[Block]) -> str:
    """No script and no request; everything that a label says is escaped."""
    style = (HERE / "style.css").read_text(encoding="utf-8")
    parts = "".join(_section(block) for block in blocks)
    return (
        f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{style}</style></head>\n<body><main><h1>{escape(title)}</h1>\n{parts}</main></body></html>\n"
    )


def _section(block: Block) -> str:
    if not block.columns:
        items = "".join(f"<li>{escape(sentence)}</li>" for (sentence,) in block.rows)
        return f"<section><h2>{escape(block.title)}</h2><ul>{items}</ul></section>\n"
    # an empty heading would be read as nothing
    head = "".join(f'<th role="columnheader" scope="col">{escape(name) or "what"}</th>' for name in block.columns)
    rows = "".join(
        f'<tr role="row"><th role="rowheader" scope="row">{escape(row[0])}</th>'
        + "".join(_cell(head, cell) for head, cell in zip(block.columns[1:], row[1:], strict=True))
        + "</tr>"
        for row in block.rows
    )
    table = (
        f'<table role="table"><thead role="rowgroup"><tr role="row">{head}</tr></thead>'
        f'<tbody role="rowgroup">{rows}</tbody></table>'
    )
    return f"<section><h2>{escape(block.title)}</h2>{table}</section>\n"


def _cell(head: str, text: str) -> str:
    """On a phone a row becomes a list, and each cell says what it is of."""
    return f'<td role="cell" data-head="{escape(head)}">{escape(text)}</td>'
