"""What became known of closed months, as rows of a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from wattbook.report.model import Report
from wattbook.report.numbers import energy_text, signed_text


def adjustment_rows(report: Report) -> Iterator[tuple[str, ...]]:
    """One row for every closed month and cause, and one for the month in all."""
    for one in report.adjustments:
        for cause in one.told["causes"]:
            yield one.month, cause["cause"], *_numbers(cause), _some(cause["count"])
        large = "more than 5 % of what it was closed with" if one.large else ""
        yield one.month, "in all", *_numbers(one.told), large


def _numbers(told: Mapping[str, Any]) -> tuple[str, str, str, str]:
    joules, grams = told["energy_j"], told["co2e_g"]
    energy = "–" if joules is None else f"{'−' if joules < 0 else '+'}{energy_text(abs(joules))}"
    return energy, *(signed_text(grams[view]) for view in ("location", "market", "unsplit"))  # type: ignore[return-value]


def _some(count: int) -> str:
    return f"{count} rows" if count > 1 else "1 row" if count else ""
