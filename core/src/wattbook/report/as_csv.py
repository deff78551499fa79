"""The report as one flat CSV table: a line for each key, dimension and basis; numbers in joules and grams."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from wattbook.accounting import Interval, Total
from wattbook.report.adjusted import adjusted_lines
from wattbook.report.as_json import VIEWS, moment_text, total_as_json
from wattbook.report.lines import clean
from wattbook.report.model import Report

HEADER = (
    "start", "end", "zone", "dimension", "key", "basis", "energy_j", "energy_low_j", "energy_high_j",
    *(f"co2e_{view}{end}_g" for view in VIEWS for end in ("", "_low", "_high")),
    "watermark",
)  # fmt: skip


def as_csv(report: Report) -> str:
    """The lines of one dimension with basis ``all`` add up to the line ``total``; unknown is empty.

    ``previous`` is the period before, ``change`` its difference to this one by cause.  ``adjustment`` is what became
    known of a closed month, which no total of this period holds; the lines of ``adjustment:MONTH`` are its causes.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for dimension, key, basis, total in _totals(report):
        writer.writerow(
            [
                moment_text(report.period.start), moment_text(report.period.end), safe(report.period.zone),
                dimension, safe(key), basis, *_numbers(total), safe(report.watermark or ""),
            ]
        )  # fmt: skip
    return text.getvalue()


def _totals(report: Report) -> Iterator[tuple[str, str, str, Total]]:
    yield "total", "", "all", report.total
    for basis, total in report.by_basis.items():
        yield "total", "", basis, total
    for dim, rows in report.by.items():
        for row in rows:
            yield safe(dim), row.key or "", "all", row.total
            for basis, total in row.by_basis.items():
                yield safe(dim), row.key or "", basis, total
    if report.change is not None:
        yield "previous", report.change.period.title, "all", report.change.total
        for step in report.change.steps:
            grams = Interval(step.co2e_g)
            yield "change", step.cause, "all", Total(energy=None, location_g=grams, market_g=None)
    for line in adjusted_lines(report):
        if line.cause is None:
            yield "adjustment", line.month, "all", line.total
        else:
            yield f"adjustment:{line.month}", line.cause, "all", line.total


def _numbers(total: Total) -> list[object]:
    plain = total_as_json(total)
    numbers = [plain["energy_j"], plain["energy_low_j"], plain["energy_high_j"]]
    for view in VIEWS:
        numbers += [plain[name][view] for name in ("co2e_g", "co2e_low_g", "co2e_high_g")]
    return ["" if number is None else repr(number) for number in numbers]


def safe(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = clean(text)
    return f"'{text}" if text.lstrip()[:1] in ("=", "+", "-", "@") else text
