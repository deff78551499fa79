"""From a chart's specification to static SVG that is safe to stand in a page, by the library vl-convert."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from xml.etree import ElementTree

from attrs import frozen

from wattbook.errors import WattbookError

SVG = "{http://www.w3.org/2000/svg}"
#: what a static chart is made of; anything else has no business in the page
ELEMENTS = {SVG + name for name in ("svg", "g", "path", "text", "line", "rect", "tspan", "title", "circle")}
#: an inline chart may refer to the page's own patterns and to nothing else
FOREIGN = re.compile(r"url\((?!#pattern-)|javascript:|://", re.IGNORECASE)


SPOKEN = re.compile(r' (?:role|aria-[a-z]+)="[^"]*"')


@frozen(kw_only=True)
class Chart:
    """A Vega-Lite specification, and what it shows in one sentence."""

    spec: Mapping[str, Any]
    label: str


Draw = Callable[[Chart], str]


def draw(chart: Chart) -> str:
    """The chart as an ``svg`` element; raises ``WattbookError`` with a sentence where there is none."""
    try:
        import vl_convert

        svg = vl_convert.vegalite_to_svg(dict(chart.spec))
    except ImportError as error:
        raise WattbookError(
            "there are no charts, because vl-convert is not installed (pip install 'wattbook[report]' brings it)"
        ) from error
    except BaseException as error:  # a panic of the library is no Exception
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
        raise WattbookError(
            f"there are no charts, because vl-convert could not draw them ({type(error).__name__})"
        ) from error
    return framed(str(svg), chart.label)


def framed(svg: str, label: str) -> str:
    """The SVG as one labelled picture; raises ``WattbookError`` for one that holds more than a drawing."""
    from markupsafe import escape

    check(svg)
    size = re.search(r'width="(\d+)" height="(\d+)"', svg)
    assert size is not None
    # the whole is one picture with a label; roles of its parts would only be read out one by one
    body = re.sub(r"<[a-z][^<>]*>", lambda tag: SPOKEN.sub("", tag[0]), svg[svg.index(">") + 1 :])
    return (
        f'<svg role="img" aria-label="{escape(label)}" xmlns="http://www.w3.org/2000/svg" '
        f'width="{size[1]}" height="{size[2]}" viewBox="0 0 {size[1]} {size[2]}">{body}'
    )


def check(svg: str) -> None:
    """Raises ``WattbookError`` unless *svg* is a drawing and nothing else."""
    try:
        found = list(ElementTree.fromstring(svg).iter())
    except ElementTree.ParseError as error:
        raise WattbookError("there are no charts, because what vl-convert drew is not SVG") from error
    for element in found:
        names = [name.lower() for name in element.attrib]
        strange = element.tag not in ELEMENTS or any(name.startswith("on") or name.endswith("href") for name in names)
        pointing = [value for name, value in element.attrib.items() if not name.startswith("aria-")]
        if strange or any(FOREIGN.search(value) for value in pointing):
            raise WattbookError("there are no charts, because what vl-convert drew is more than a drawing")
    if re.search(r'^<svg [^>]*width="\d+" height="\d+"', svg) is None:
        raise WattbookError("there are no charts, because what vl-convert drew has no size")
