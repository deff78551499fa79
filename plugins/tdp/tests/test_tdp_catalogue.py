"""The packaged tables: enough, plausible, small, and built from their inputs."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from importlib.metadata import distribution
from importlib.resources import files
from pathlib import Path

import pytest
from wattbook_tdp import catalogue
from wattbook_tdp.instances import find
from wattbook_tdp.matching import match

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
        ("Standard_E96s_v6", 96, 768, ()),
        ("Standard_E128ds_v6", 128, 1024, ()),
        ("Standard_EC96as_v6", 96, 672, ()),
        ("Standard_D128s_v6", 128, 512, ()),
        ("c9g.48xlarge", 192, 384, ()),
        ("mac-m4max.metal", 16, 128, ()),
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


def test_every_aws_type_has_the_threads_and_the_memory_that_moto_knows() -> None:
    resources = distribution("moto").locate_file("moto/ec2/resources/instance_types.json.gz")
    known = 0
    for name, facts in json.loads(gzip.decompress(Path(str(resources)).read_bytes())).items():
        found = find(name)
        if found is None:  # newer than this table
            continue
        known += 1
        assert found.threads == facts["VCpuInfo"]["DefaultVCpus"], name
        assert found.memory_gb == pytest.approx(facts["MemoryInfo"]["SizeInMiB"] / 1024, rel=0.01), name
    assert known >= 1_300


def test_an_unknown_instance_type_is_not_guessed() -> None:
    assert find("Standard_E20ps_v6") is None  # the series leaves it out
    assert find("p4d.25xlarge") is None


@pytest.mark.parametrize(
    ("name", "watts"),
    [
        ("NVIDIA A30X", 230), ("NVIDIA A30", 165), ("HL-325", 900), ("NVIDIA GeForce RTX 5090", 575),
        ("NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition", 300), ("AMD Instinct MI355X", 1400),
        ("NVIDIA H200 NVL", 600), ("AMD 1002:74a1", 750), ("Intel(R) Arc(TM) B580 Graphics", 190),
    ],
)  # fmt: skip
def test_a_letter_more_is_another_board(name: str, watts: float) -> None:
    assert match(name, "gpu").tdp_w == watts


@pytest.mark.parametrize(
    ("name", "watts"),
    [
        ("Intel(R) Xeon(R) 6980P", 500), ("INTEL(R) XEON(R) 6520P", 210), ("Intel(R) Xeon(R) 6780E", 330),
        ("AMD EPYC 9965 192-Core Processor", 500), ("AMD EPYC 9575F 64-Core Processor", 400),
        ("AMD EPYC 4585PX 16-Core Processor", 170), ("AMD Ryzen 9 9950X3D 16-Core Processor", 170),
        ("AMD Ryzen Threadripper PRO 9995WX 96-Cores", 350), ("AMD RYZEN AI MAX+ 395 w/ Radeon 8060S", 55),
        ("Intel(R) Core(TM) Ultra 9 285K", 125), ("Intel(R) Core(TM) Ultra 7 258V", 17), ("Intel(R) N150", 6),
    ],
)  # fmt: skip
def test_the_newest_processors_are_known_by_the_name_that_they_print(name: str, watts: float) -> None:
    assert match(name, "cpu").tdp_w == watts


@pytest.mark.parametrize(
    "name",
    [
        "c4d-standard-384", "h4d-standard-192", "n4d-standard-96", "c4-standard-288", "ct6e-standard-8t", "a4x-highgpu-4g",
        "Standard_D160as_v7", "Standard_HB368rs_v5", "Standard_L96s_v4", "Standard_ND96is_H100_v5", "p6-b300.48xlarge",
        "g7e.48xlarge", "m8i-flex.large",
    ],
)  # fmt: skip
def test_the_newest_instance_types_are_known(name: str) -> None:
    assert find(name) is not None


def test_every_name_of_the_catalogue_can_be_printed() -> None:
    for line in DATA.joinpath("chips.tsv").read_text("utf-8").splitlines()[1:]:
        name = line.split("\t")[2]
        assert name.isprintable(), name


@pytest.mark.parametrize("name", ["AMD Ryzen 9 6900HS with Radeon Graphics", "AMD Ryzen 9 6900HS\u200b"])
def test_a_character_without_a_width_changes_no_name(name: str) -> None:
    assert match(name, "cpu").tdp_w == 35
