"""The report as one self-contained HTML page: no network, no script, every figure a link to how it is made."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wattbook.errors import WattbookError
from wattbook.report.as_html.charts import charts_of
from wattbook.report.as_html.draw import Draw, draw
from wattbook.report.as_html.page import page_of, rows_for
from wattbook.report.derivation import Derived
from wattbook.report.model import Report

if TYPE_CHECKING:
    from jinja2 import Template

HERE = Path(__file__).parent

__all__ = ["as_html", "rows_for"]


def as_html(report: Report, derived: Derived, *, draw: Draw = draw) -> str:
    """The page; *derived* says how each figure is made, *draw* turns a chart's specification into SVG.

    Where *draw* cannot, the page says so in one sentence and its tables stand alone.  Raises
    ``WattbookError`` where jinja2 is not installed.
    """
    page = page_of(report, derived)
    pictures: dict[str, str] = {}
    trouble = ""
    for name, chart in charts_of(report, page.most_rows).items():
        try:
            pictures[name] = draw(chart)
        except WattbookError as error:
            trouble = str(error)
            break
    return _template().render(
        page=page, report=report, style=_markup(_text("style.css")), trouble=trouble,
        pictures={name: _markup(svg) for name, svg in pictures.items()},
    ) + "\n"  # fmt: skip


@cache
def _template() -> Template:
    try:
        from jinja2 import DictLoader, Environment, StrictUndefined
    except ImportError as error:
        raise WattbookError("the HTML page needs jinja2: pip install 'wattbook[report]' brings it") from error
    sources = {name: _text(name) for name in ("page.html", "parts.html")}
    environment = Environment(
        loader=DictLoader(sources), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("page.html")


def _text(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _markup(text: str) -> Any:
    """Text of our own that is markup already; everything else is escaped."""
    from markupsafe import Markup

    return Markup(text)
