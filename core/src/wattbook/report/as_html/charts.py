"""What the page draws, as Vega-Lite specifications: patterns and letters say what colour says too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wattbook.report.as_html.draw import Chart
from wattbook.report.lines import LETTERS, clean, mix, name_of
from wattbook.report.model import Change, Report, Row, carbon_of_both
from wattbook.report.numbers import carbon_text, share_text, signed_text
from wattbook.report.sums import BASES, folded

WIDTH = 360
MOST_BARS = 8
PATTERNS = [f"url(#pattern-{basis})" for basis in BASES]
INK = "currentColor"
CONFIG: Mapping[str, Any] = {
    "aria": False,
    "background": None,
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": {"domain": False, "grid": False, "ticks": False, "labelColor": INK, "labelFontSize": 13, "title": None},
    "text": {"fill": INK, "fontSize": 13},
}


def charts_of(report: Report, most_rows: int) -> dict[str, Chart]:
    """The charts of a page by name; none for what has nothing to show."""
    found: dict[str, Chart | None] = {"mix": _mix(report)}
    for number, dim in enumerate(report.by):
        rows, rest = folded(report, dim, min(MOST_BARS, most_rows))
        found[f"by-{number}"] = _bars(f"Carbon by {clean(dim)}", [*rows, *([rest] if rest else [])])
    if report.change is not None and report.change.steps:
        found["change"] = _bridge(report, report.change)
    return {name: chart for name, chart in found.items() if chart is not None}


def _parts(row: Row) -> list[tuple[str, float]]:
    """The bases of a row and their grams, location-based and of unstated method."""
    found = []
    for basis in BASES:
        total = row.by_basis.get(basis)
        grams = carbon_of_both(total) if total is not None else None
        if grams is not None and grams.value > 0:
            found.append((basis, grams.value))
    return found


def _mix(report: Report) -> Chart | None:
    parts = _parts(Row(key="", total=report.total, by_basis=report.by_basis))
    whole = sum(grams for _, grams in parts)
    if whole <= 0:
        return None
    values, start = [], 0.0
    for basis, grams in parts:
        share = grams / whole
        label = f"{LETTERS[basis]} {share_text(share)}" if share >= 0.2 else LETTERS[basis] if share >= 0.04 else ""
        values.append({"b": basis, "from": start, "to": start + share, "mid": start + share / 2, "label": label})
        start += share
    layer: list[dict[str, Any]] = [
        {"mark": {"type": "bar", "height": 34, "stroke": INK, "strokeWidth": 1}, "encoding": _filled("from", "to")},
        # the same letters twice: first as a ground of the page's colour, so that they are legible on any pattern
        *(
            {
                "mark": {"type": "text", "fontWeight": "bold", **ground},
                "encoding": {"x": {"field": "mid", "type": "quantitative"}, "text": {"field": "label"}},
            }
            for ground in ({"stroke": "var(--page)", "strokeWidth": 6, "strokeJoin": "round"}, {})
        ),
    ]
    spec = _spec(values, layer, 44, [0, 1])
    return Chart(spec=spec, label=f"How the total is known, by carbon: {mix(report.by_basis)}")


def _bars(title: str, rows: Sequence[Row]) -> Chart | None:
    values: list[dict[str, Any]] = []
    ends: list[dict[str, Any]] = []
    for place, row in enumerate(rows):
        start = 0.0
        for basis, grams in _parts(row):
            values.append({"k": place, "b": basis, "from": start, "to": start + grams})
            start += grams
        both = carbon_of_both(row.total)
        if both is not None:
            high = both.high if both.high is not None else both.value
            low = both.low if both.low is not None else both.value
            ends.append(
                {"k": place, "low": low, "high": high, "end": max(start, high), "text": carbon_text(both.value)}
            )
    most = max((end["end"] for end in ends), default=0.0)
    if most <= 0:
        return None
    names = [name_of(row) for row in rows]
    y = {"field": "k", "type": "ordinal", "axis": _names(names), "scale": {"domain": list(range(len(rows)))}}
    layer: list[dict[str, Any]] = [
        {
            "mark": {"type": "bar", "height": 18, "stroke": INK, "strokeWidth": 1},
            "encoding": {"y": y, **_filled("from", "to")},
        },
        {
            "data": {"values": ends},
            "mark": {"type": "rule", "stroke": INK, "strokeWidth": 3},
            "encoding": {
                "y": y, "x": {"field": "low", "type": "quantitative"}, "x2": {"field": "high"},
            },
        },
        {
            "data": {"values": ends},
            "mark": {"type": "text", "align": "left", "dx": 6},
            "encoding": {"y": y, "x": {"field": "end", "type": "quantitative"}, "text": {"field": "text"}},
        },
    ]  # fmt: skip
    told = "; ".join(
        f"{name} {carbon_text(carbon_of_both(row.total))}, {mix(row.by_basis)}"
        for name, row in zip(names, rows, strict=True)
    )
    return Chart(spec=_spec(values, layer, 26 * len(rows), [0, most * 1.45]), label=f"{title}: {told}")


def _bridge(report: Report, change: Change) -> Chart | None:
    before, now = carbon_of_both(change.total), carbon_of_both(report.total)
    if before is None or now is None:
        return None
    bars = [
        {
            "name": clean(change.period.title),
            "from": 0.0,
            "to": before.value,
            "text": carbon_text(before.value),
            "b": "sum",
        }
    ]
    level = before.value
    for step in change.steps:
        up = step.co2e_g >= 0
        bars.append(
            {
                "name": step.cause, "from": level, "to": level + step.co2e_g, "text": signed_text(step.co2e_g),
                "b": "more" if up else "less",
            }
        )  # fmt: skip
        level += step.co2e_g
    bars.append(
        {
            "name": clean(report.period.title or "now"),
            "from": 0.0,
            "to": now.value,
            "text": carbon_text(now.value),
            "b": "sum",
        }
    )
    values = [
        {**bar, "k": place, "end": max(float(str(bar["from"])), float(str(bar["to"])))}
        for place, bar in enumerate(bars)
    ]
    lowest = min(0.0, *(min(float(str(bar["from"])), float(str(bar["to"]))) for bar in bars))
    most = max(float(str(value["end"])) for value in values)
    if most <= 0:
        return None
    names = [str(bar["name"]) for bar in bars]
    y = {"field": "k", "type": "ordinal", "axis": _names(names), "scale": {"domain": list(range(len(bars)))}}
    fill = {
        "field": "b", "type": "nominal", "legend": None,
        "scale": {"domain": ["sum", "more", "less"], "range": [f"url(#pattern-{n})" for n in ("sum", "more", "less")]},
    }  # fmt: skip
    layer: list[dict[str, Any]] = [
        {
            "mark": {"type": "bar", "height": 18, "stroke": INK, "strokeWidth": 1},
            "encoding": {"y": y, "x": {"field": "from", "type": "quantitative"}, "x2": {"field": "to"}, "fill": fill},
        },
        {
            "mark": {"type": "text", "align": "left", "dx": 6},
            "encoding": {"y": y, "x": {"field": "end", "type": "quantitative"}, "text": {"field": "text"}},
        },
    ]
    told = "; ".join(f"{bar['name']} {bar['text']}" for bar in bars)
    return Chart(
        spec=_spec(values, layer, 26 * len(bars), [lowest, most * 1.45]),
        label=f"From the period before to this one, by cause: {told}",
    )


def _filled(start: str, end: str) -> dict[str, Any]:
    scale = {"domain": list(BASES), "range": PATTERNS}
    return {
        "x": {"field": start, "type": "quantitative"}, "x2": {"field": end},
        "fill": {"field": "b", "type": "nominal", "scale": scale, "legend": None},
    }  # fmt: skip


def _names(names: Sequence[str]) -> dict[str, Any]:
    """An axis of names: keys are numbers, so that two names alike stay two bars."""
    return {
        "labelExpr": f"{_js([_short(name) for name in names])}[datum.value]", "labelLimit": 100, "labelPadding": 6,
        "minExtent": 126, "maxExtent": 126,  # the reader's font may be wider than the library's
    }  # fmt: skip


def _short(name: str, most: int = 16) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"


def _js(names: Sequence[str]) -> str:
    import json

    return json.dumps(names)


def _spec(
    values: list[dict[str, Any]], layer: list[dict[str, Any]], height: int, domain: list[float]
) -> dict[str, Any]:
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": WIDTH, "height": height, "autosize": {"type": "fit", "contains": "padding"}, "padding": 2,
        "data": {"values": values}, "layer": layer, "config": CONFIG,
        "encoding": {"x": {"axis": None, "scale": {"domain": domain, "nice": False}}},
    }  # fmt: skip
