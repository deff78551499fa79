"""A comparison as tables of text, as one JSON document and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from wattbook.accounting import Interval
from wattbook.report.as_csv import safe
from wattbook.report.compare import Comparison, Difference, Side
from wattbook.report.lines import Block, clean, numbers_of
from wattbook.report.numbers import CARBON_SCALE, ENERGY_SCALE, digits, spread_text
from wattbook.units import J_PER_WH

CSV_HEADER = ("what", "unit", "first", "first_low", "first_high", "second", "second_low", "second_high",
              "change", "change_low", "change_high", "more_than_noise", "why")  # fmt: skip


def blocks_of(made: Comparison) -> Iterator[Block]:
    """What is compared, the difference, and what a reader should know."""
    heads = ("", "energy", "location-based", "market-based", "runs", "mean", "deviation", "work", "factors")
    rows = [_side(side) for side in (made.first, made.second)]
    told = [number for number in range(len(heads)) if any(row[number] for row in rows)]  # no empty columns
    yield Block(
        title=f"{_name(made.first)} and {_name(made.second)}",
        columns=tuple(heads[number] for number in told),
        rows=tuple(tuple(row[number] for number in told) for row in rows),
    )
    yield Block(
        title="Difference, the second less the first",
        columns=("", "first", "second", "difference", "change", "more than noise", "why"),
        rows=tuple(
            (
                one.what, _text(one.first, one.unit), _text(one.second, one.unit), _text(one.change, one.unit),
                _ratio(one), {True: "yes", False: "no", None: "not known"}[one.real], clean(one.why),
            )
            for one in made.differences
        ),
    )  # fmt: skip
    factors = {True: "both by the same grid factors", False: "by different grid factors", None: "grid factors unknown"}
    yield Block(title="Notes", rows=tuple((clean(note),) for note in (factors[made.same_factors], *made.notes)))


def _name(side: Side) -> str:
    return clean(side.name if side.kind == "month" else f"{side.kind} {side.name}")


def _side(side: Side) -> tuple[str, ...]:
    spread = side.spread_j
    mean = "" if spread is None else _text(Interval(spread.mean), "J")
    deviation = "" if spread is None or spread.deviation is None else _text(Interval(spread.deviation), "J")
    number = (
        str(side.runs)
        if spread is None
        else f"{spread.number} of the command"
        if side.kind == "run"
        else str(spread.number)
    )
    work = "" if side.units is None else clean(f"{digits(side.units)} {side.unit}")
    return (_name(side), *numbers_of(side.total), number, mean, deviation, work, clean(", ".join(side.factors)))


def _text(interval: Interval | None, unit: str) -> str:
    kind, _, per = unit.partition("/")
    text = spread_text(interval, J_PER_WH, ENERGY_SCALE) if kind == "J" else spread_text(interval, 1.0, CARBON_SCALE)
    return text if not per or interval is None else clean(f"{text} / {per}")


def _ratio(one: Difference) -> str:
    if one.change is None or one.first is None or one.first.value <= 0:
        return ""
    return f"{one.change.value / one.first.value * 100:+.3g} %"


def as_json(made: Comparison) -> dict[str, Any]:
    """Joules and grams; ``change`` is the second less the first."""
    return {
        "first": _side_json(made.first),
        "second": _side_json(made.second),
        "differences": [
            {
                "what": one.what, "unit": one.unit, **_three("first", one.first), **_three("second", one.second),
                **_three("change", one.change), "more_than_noise": one.real, "why": one.why,
            }
            for one in made.differences
        ],
        "same_factors": made.same_factors,
        "notes": list(made.notes),
    }  # fmt: skip


def _side_json(side: Side) -> dict[str, Any]:
    from wattbook.report.as_json import total_as_json

    return {
        "kind": side.kind, "name": side.name, **total_as_json(side.total), "runs": side.runs,
        "mean_energy_j": side.spread_j.mean if side.spread_j else None,
        "deviation_energy_j": side.spread_j.deviation if side.spread_j else None,
        "mean_co2e_g": side.spread_g.mean if side.spread_g else None,
        "deviation_co2e_g": side.spread_g.deviation if side.spread_g else None,
        "runs_of_the_command": side.spread_j.number if side.spread_j else None,
        "units": side.units, "unit": side.unit or None, "factors": list(side.factors),
    }  # fmt: skip


def _three(name: str, interval: Interval | None) -> dict[str, float | None]:
    return {
        name: None if interval is None else interval.value,
        f"{name}_low": None if interval is None else interval.low,
        f"{name}_high": None if interval is None else interval.high,
    }


def as_csv(made: Comparison) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_HEADER)
    for one in as_json(made)["differences"]:
        real = {True: "yes", False: "no", None: ""}[one["more_than_noise"]]
        numbers = ["" if one[key] is None else repr(one[key]) for key in CSV_HEADER[2:11]]
        writer.writerow([safe(one["what"]), safe(one["unit"]), *numbers, real, safe(one["why"])])
    return text.getvalue()
