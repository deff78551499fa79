"""Every recorded output of nvidia-smi gives the numbers of the captures' index, or is refused."""

from __future__ import annotations

import csv
import os
import re
from pathlib import Path

import pytest
from wattbook import ImportFailed, Recording
from wattbook.testing import a_source
from wattbook_nvidia_smi.importers import importers

FOLDER = os.environ.get("WATTBOOK_CAPTURES")
REFUSED = r"must raise|no power|pmon:|see the ngesplit_|NO POWER"

#: Where the index tells the numbers in prose.
TOLD = {
    "k80x4_dmon_cut_by_gpu_fall.txt": 73.0 + 253 / 3 + 91.0 + 263 / 3,
    "turing_q_power_samples.txt": None,  # statistics of the driver's buffer, no reading
}


def rows() -> list[dict[str, str]]:
    if not FOLDER:
        return []
    with (Path(FOLDER) / "INDEX.tsv").open(encoding="utf-8") as stream:
        return [row for row in csv.DictReader(stream, delimiter="\t") if row["instrument"] == "nvidia_smi"]


def expected(row: dict[str, str]) -> float | None:
    """The board power of all GPUs that the index names; ``None`` for a refusal."""
    name, text = Path(row["file"]).name, row["expected_numbers"]
    if name in TOLD:
        return TOLD[name]
    if text.startswith("gpus=") and "NO POWER" not in text:
        return sum(filter(None, map(one_gpu, text.partition(": ")[2].split("|"))))
    if re.search(REFUSED, text):
        return None
    for pattern in (
        r"power\.draw \[W\]=([\d.]+) W",
        r"Average Power Draw : ([\d.]+) W",
        r"Instantaneous Power Draw : ([\d.]+) W",
        r"mean=([\d.]+) W",
        r"mean ([\d.]+) W",
        r"table: ([\d.]+)W",
        r"average ([\d.]+) W",
        r"([\d.]+) W",
    ):
        if (found := re.search(pattern, text)) is not None:
            return float(found[1])
    raise AssertionError(f"the index says {text!r}, which this test cannot read")


def one_gpu(text: str) -> float | None:
    for field in ("board.power_draw", "gpu.power_draw", "gpu.average", "gpu.instant"):
        if (found := re.search(rf"(?<![\w.]){re.escape(field)}=([\d.]+) W", text)) is not None:
            return float(found[1])
    return None


def read(path: Path) -> Recording:
    source = a_source(path)
    fitting = [offer for offer in importers() if offer.sniff(source.files[0])]
    assert len(fitting) == 1, f"{[offer.format for offer in fitting]} recognise {path.name}"
    (recording,) = fitting[0].read(source)
    assert isinstance(recording, Recording)
    return recording


@pytest.mark.skipif(not FOLDER, reason="WATTBOOK_CAPTURES does not name the folder of recorded outputs")
@pytest.mark.parametrize("row", rows(), ids=lambda row: Path(row["file"]).name)
def test_a_capture_gives_the_numbers_of_the_index(row: dict[str, str]) -> None:
    path, board_w = Path(str(FOLDER)) / row["file"], expected(row)
    if board_w is None:
        with pytest.raises(ImportFailed) as refused:
            read(path)
        assert path.name in str(refused.value)
        assert len(str(refused.value)) > len(str(path)) + 20
    else:
        assert read(path).mean_power_w["board"] == pytest.approx(board_w, rel=1e-4)


@pytest.mark.skipif(not FOLDER, reason="WATTBOOK_CAPTURES does not name the folder of recorded outputs")
def test_every_row_of_the_index_is_tried() -> None:
    assert len(rows()) == len(list((Path(str(FOLDER)) / "nvidia_smi").iterdir()))


@pytest.mark.skipif(not FOLDER, reason="WATTBOOK_CAPTURES does not name the folder of recorded outputs")
def test_a_superchip_module_counts_once_for_its_two_gpus() -> None:
    recording = read(Path(str(FOLDER)) / "nvidia_smi" / "nvk8s_hw_gb200.xml")
    pairs = (467.17 + 460.15) / 2 + (459.80 + 452.43) / 2
    assert recording.mean_power_w["module"] == pytest.approx(pairs)
    assert recording.mean_power_w["total"] == pytest.approx(pairs)
    assert recording.mean_power_w["memory"] == pytest.approx(30.26 + 29.16 + 31.03 + 34.70)


@pytest.mark.skipif(not FOLDER, reason="WATTBOOK_CAPTURES does not name the folder of recorded outputs")
def test_other_instruments_are_not_recognised() -> None:
    others = [p for folder in ("turbostat", "powermetrics") for p in (Path(str(FOLDER)) / folder).iterdir()]
    assert others
    for path in others:
        (file,) = a_source(path).files
        assert not any(offer.sniff(file) for offer in importers()), path.name
