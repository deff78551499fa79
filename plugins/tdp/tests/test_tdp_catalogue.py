"""The packaged tables: enough, plausible, small, and built from their inputs."""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from wattbook_tdp import catalogue
from wattbook_tdp.instances import find

DATA = files("wattbook_tdp").joinpath("data")
BUILDER = Path(__file__).parents[3] / "tools" / "build_chips.py"


def rows() -> list[list[str]]:
    lines = DATA.joinpath("chips.tsv").read_text("utf-8").splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]


def test_there_are_enough_chips() -> None:
    known = catalogue.size()
    assert known["cpu"] >= 3200
    assert known["gpu"] + known["accelerator"] >= 150


def test_every_row_has_a_source() -> None:
    sources = DATA.joinpath("sources.tsv").read_text("utf-8")
    for row in rows():
        assert len(row) == 11, row
        assert f"{row[9]}\t" in sources


def test_every_figure_has_a_confidence_and_is_plausible() -> None:
    for key, _, _, tdp, *_, confidence, _, _ in rows():
        if tdp:
            assert 0 < float(tdp) <= 1500, key
            assert confidence in ("vendor", "secondary", "unofficial"), key


def test_the_table_is_small() -> None:
    assert sum(len(file.read_bytes()) for file in DATA.iterdir() if file.is_file()) < 1_000_000


def test_the_table_is_not_read_before_it_is_asked() -> None:
    code = "import wattbook_tdp, sys; print('wattbook_tdp.catalogue' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]


@pytest.mark.skipif(not BUILDER.is_file(), reason="the builder is only in the repository")
def test_the_tables_are_what_the_builder_makes() -> None:
    done = subprocess.run([sys.executable, str(BUILDER), "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "threads", "memory_gb", "gpus"),
    [
        ("p4d.24xlarge", 96, 1152, ("NVIDIA A100-SXM4-40GB",) * 8),
        ("ml.p4d.24xlarge", 96, 1152, ("NVIDIA A100-SXM4-40GB",) * 8),
        ("a2-highgpu-1g", 12, 85, ("NVIDIA A100-SXM4-40GB",)),
        ("Standard_NC24ads_A100_v4", 24, 220, ("NVIDIA A100 80GB PCIe",)),
        ("NC24ads A100 v4", 24, 220, ("NVIDIA A100 80GB PCIe",)),
        ("m5.large", 2, 8, ()),
        ("P5.48XLARGE", 192, 2048, ("NVIDIA H100 80GB HBM3",) * 8),
    ],
)
def test_an_instance_type_is_its_parts(name: str, threads: int, memory_gb: float, gpus: tuple[str, ...]) -> None:
    found = find(name)
    assert found is not None
    assert (found.threads, found.memory_gb, found.gpus) == (threads, memory_gb, gpus)


def test_every_accelerator_of_an_instance_type_is_in_the_catalogue() -> None:
    from wattbook_tdp.gpu_names import gpu_key

    lines = DATA.joinpath("instances.tsv").read_text("utf-8").splitlines()
    names = {line.split("\t")[5].partition(" x ")[2] for line in lines if not line.startswith("#")} - {""}
    assert [name for name in names if catalogue.lookup("gpu", gpu_key(name)) is None] == []


def test_an_unknown_instance_type_is_not_guessed() -> None:
    assert find("p4d.25xlarge") is None
