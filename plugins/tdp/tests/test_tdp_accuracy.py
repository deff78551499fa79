"""What the plugin must reach on names and measurements of real machines."""

from __future__ import annotations

import csv
import os
import re
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest
from wattbook_tdp import constants as c
from wattbook_tdp import models
from wattbook_tdp.matching import match

Row = dict[str, str]


def folder(variable: str) -> Path:
    named = os.environ.get(variable)
    if not named or not Path(named).is_dir():
        pytest.skip(f"{variable} names no folder with the data")
    return Path(named)


def strings(name: str) -> Iterator[Row]:
    with (folder("WATTBOOK_CHIPS") / name).open(encoding="utf-8") as stream:
        yield from csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)


def fits(watts: float, truth: str, absolute_w: float) -> bool:
    """Within 5 % (or *absolute_w*) of a figure, of one of several, or inside a range."""
    numbers = [float(n) for n in re.findall(r"\d+(?:\.\d+)?", truth)]
    if "-" in truth and min(numbers) * 0.95 <= watts <= max(numbers) * 1.05:
        return True
    return any(abs(watts - number) <= max(absolute_w, 0.05 * number) for number in numbers)


def score(name: str, kind: str, absolute_w: float) -> tuple[dict[str, int], list[str]]:
    counts = {"right": 0, "wrong": 0, "missed": 0, "abstained": 0, "answered": 0}
    odd = []
    for row in strings(name):
        found = match(row["string"], kind)
        if not row["tdp_w"].strip():
            if row.get("kind") == "apple":
                continue  # Apple publishes no power: what is shipped is marked unofficial
            outcome = "abstained" if found.tdp_w is None else "answered"
        elif found.tdp_w is None:
            outcome = "missed"
        else:
            outcome = "right" if fits(found.tdp_w, row["tdp_w"], absolute_w) else "wrong"
        counts[outcome] += 1
        if outcome not in ("right", "abstained"):
            odd.append(f"{outcome}: {row['string']} ({row['tdp_w']} W, found {found.tdp_w})")
    return counts, odd


def test_processors_are_right_or_refused() -> None:
    counts, odd = score("cpu_strings.tsv", "cpu", 1.0)
    named = counts["right"] + counts["wrong"] + counts["missed"]
    print(f"processors: {counts['right'] / named:.1%} right, {counts['wrong'] / named:.1%} wrong, "
          f"{counts['abstained']} of {counts['abstained'] + counts['answered']} refused")  # fmt: skip
    assert counts["right"] >= 0.97 * named, odd
    assert counts["wrong"] <= 0.005 * named, odd
    assert counts["answered"] == 0, odd


def test_accelerators_are_right_or_refused() -> None:
    counts, odd = score("gpu_strings.tsv", "gpu", 0.0)
    named = counts["right"] + counts["wrong"] + counts["missed"]
    print(f"accelerators: {counts['right'] / named:.1%} right, {counts['wrong'] / named:.1%} wrong, "
          f"{counts['abstained']} of {counts['abstained'] + counts['answered']} refused")  # fmt: skip
    assert counts["right"] >= 0.97 * named, odd
    assert counts["wrong"] == 0, odd
    assert counts["answered"] == 0, odd


def test_the_package_model_is_within_14_percent_on_real_processors() -> None:
    """Runs of February 2021 begin before the machine is idle, and are left out."""
    errors = []
    with (folder("WATTBOOK_ESTIMATION") / "cpu_rapl_profiles.csv").open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            if "February21" in row["run"] or not row["pkg_w"]:
                continue
            tdp_w = float(row["tdp"]) * float(row["sockets"] or 1)
            predicted = models.package(tdp_w, float(row["load"]) / 100)
            if float(row["pkg_w"]) > 0:
                errors.append(abs(predicted / float(row["pkg_w"]) - 1))
    assert len(errors) > 100
    assert statistics.median(errors) <= 0.14


@pytest.mark.parametrize("only_full_limit", [False, True])
def test_the_gpu_interval_covers_nine_tenths_of_real_training_runs(only_full_limit: bool) -> None:
    with (folder("WATTBOOK_ESTIMATION") / "gpu_power_zeus.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    full = {gpu: max(float(r["power_limit"]) for r in rows if r["gpu"] == gpu) for gpu in {r["gpu"] for r in rows}}
    if only_full_limit:
        rows = [row for row in rows if float(row["power_limit"]) == full[row["gpu"]]]
    low, high = c.GPU_Q
    ratios = [float(row["average_power"]) / models.gpu(float(row["power_limit"]), 1.0) for row in rows]
    covered = sum(low <= ratio <= high for ratio in ratios) / len(ratios)
    assert 0.87 <= covered <= 0.95
