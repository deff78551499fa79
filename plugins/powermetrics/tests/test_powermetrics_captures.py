"""Every recorded output in the index of captures gives its expected numbers, or the right refusal."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from wattbook import ImportFailed, Recording
from wattbook.testing import a_source
from wattbook_powermetrics.recording import importers

CAPTURES = os.environ.get("WATTBOOK_CAPTURES", "")
NAMES = {
    "CPU": "cpu", "Clusters Total": "cpu", "GPU": "gpu", "ANE": "ane", "DRAM": "dram", "Package": "package",
    "Combined": "soc", "IntelPkgW": "package", "cpu_power": "cpu", "gpu_power": "gpu", "ane_power": "ane",
    "combined_power": "soc",
}  # fmt: skip
#: watts that the index gives in prose, or not at all
IN_PROSE = {
    "randomfoo_mba61_mavericks_2013_fragment.txt": {"package": 0.58},
    "matias_gpu_power.plist": {"gpu": 9e-3 / 5.005449083},
}
NO_POWER = re.compile(r"no power|no energy keys|no samples|none in the fragment")


def rows() -> Iterator[dict[str, str]]:
    if CAPTURES:
        with open(Path(CAPTURES) / "INDEX.tsv", encoding="utf-8") as stream:
            for row in csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE):
                if row["instrument"] == "powermetrics":
                    yield row


ROWS = list(rows()) or [
    pytest.param({}, marks=pytest.mark.skip(reason="WATTBOOK_CAPTURES does not name the folder of recorded outputs"))
]


def named(row: object) -> str:
    return Path(row["file"]).name if isinstance(row, dict) and row else "none"


def imported(path: Path) -> Recording:
    source = a_source(path)
    (importer,) = [offer for offer in importers() if offer.sniff(source.files[0])]
    (recording,) = importer.read(source)
    assert isinstance(recording, Recording)
    return recording


def expected(row: dict[str, str]) -> dict[str, dict[str, float]]:
    """Watts, and joules where the index has them, by domain."""
    found: dict[str, dict[str, float]] = {}
    name = Path(row["file"]).name
    for domain, watts in IN_PROSE.get(name, {}).items():
        found[domain] = {"mean_w": watts}
    for part in row["expected_numbers"].partition("SUMMARY")[0].split(";"):
        several = re.match(r" *(.+?): n=\d+ mean=\S+ timeweighted=([\d.]+)mW energy=([\d.]+)J", part)
        single = re.match(r" *(.+?)=([\d.]+)(mW|W)?$", part)
        if several and several[1] in NAMES:
            found[NAMES[several[1]]] = {"mean_w": float(several[2]) / 1e3, "energy_j": float(several[3])}
        elif single and single[1] in NAMES:
            found[NAMES[single[1]]] = {"mean_w": float(single[2]) / (1 if single[3] == "W" else 1e3)}
    return found


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_a_capture_gives_its_numbers_or_is_refused(row: dict[str, str]) -> None:
    path = Path(CAPTURES) / row["file"]
    numbers = expected(row)
    if not numbers:
        assert NO_POWER.search(row["expected_numbers"] + row["odd"]), "the index gives neither numbers nor a refusal"
        with pytest.raises(ImportFailed, match="no power figure") as refused:
            imported(path)
        assert refused.value.path == str(path)
        return
    recording = imported(path)
    text = row["expected_numbers"]
    if samples := re.search(r"samples=(\d+)|plists=(\d+)", text):
        assert recording.samples == int(samples[1] or samples[2])
    if length := re.search(r"elapsed_ms .*?sum=([\d.]+)", text):
        assert recording.duration_s == pytest.approx(float(length[1]) / 1e3, rel=1e-9)
    for domain, figure in numbers.items():
        assert recording.mean_power_w[domain] == pytest.approx(figure["mean_w"], rel=1e-4, abs=1e-9)
        if "energy_j" in figure:
            assert recording.energy_j is not None
            assert recording.energy_j[domain] == pytest.approx(figure["energy_j"], rel=1e-5, abs=1e-9)
    outermost = next(name for name in ("soc", "package", "gpu") if name in numbers)
    assert recording.mean_power_w["total"] == recording.mean_power_w[outermost]
    assert set(numbers) | {"total"} == set(recording.mean_power_w)


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_the_energy_is_power_times_length(row: dict[str, str]) -> None:
    """Added up here a second time, as bluntly as possible."""
    text = (Path(CAPTURES) / row["file"]).read_text("utf-8", "replace")
    blocks = text.partition("*** Summary")[0].split("*** Sampled system activity")[1:]
    joules = 0.0
    for block in blocks:
        (elapsed_ms,) = re.findall(r"\(([\d.]+)ms elapsed\)", block)
        powers = re.findall(r"^(?:Combined Power \(CPU \+ GPU \+ ANE\)|Package Power): (\d+) mW$", block, re.MULTILINE)
        powers += [float(w) * 1e3 for w in re.findall(r"^Intel energy.*: ([\d.]+)W$", block, re.MULTILINE)]
        joules += sum(float(power) for power in powers) * float(elapsed_ms) / 1e6
    try:
        energy_j = imported(Path(CAPTURES) / row["file"]).energy_j or {}
    except ImportFailed:
        energy_j = {}
    if joules or row["file"].endswith(".txt"):
        assert energy_j.get("total", 0.0) == pytest.approx(joules, rel=1e-9)
