"""Families: chips of one generation are corrected together, others are not."""

from __future__ import annotations

import pytest
from wattbook import Chip, Domain, Gap, Host
from wattbook.testing import an_activity
from wattbook_tdp import estimate
from wattbook_tdp.families import family


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("AMD EPYC 7763", "AMD EPYC 7003"),
        ("AMD EPYC 7F52", "AMD EPYC 7002"),
        ("AMD EPYC 9965", "AMD EPYC 9005"),
        ("AMD EPYC 4585PX", "AMD EPYC 4005"),
        ("Intel Xeon Platinum 8480+", "Intel Xeon Scalable, 4th generation"),
        ("Intel Xeon Platinum 8275CL", "Intel Xeon Scalable, 2nd generation"),
        ("Intel Xeon 6980P", "Intel Xeon 6 with P-cores"),
        ("Intel Xeon 6780E", "Intel Xeon 6 with E-cores"),
        ("Intel Xeon E5-2620 v3", "Intel Xeon E5 v3"),
        ("Intel Xeon E5-2690", "Intel Xeon E5 v1"),
        ("Intel Core i9-13900K", "Intel Core generation 13"),
        ("Intel Core i7-1365U", "Intel Core generation 13 mobile"),
        ("Intel Core Ultra 9 285K", "Intel Core Ultra 200"),
        ("Intel Core Ultra 7 258V", "Intel Core Ultra 200 mobile"),
        ("AMD Ryzen 9 9950X3D", "AMD Ryzen 9000"),
        ("AMD Ryzen 7 7840U", "AMD Ryzen 7000 mobile"),
        ("AMD Ryzen Threadripper PRO 9995WX", "AMD Ryzen Threadripper 9000"),
        ("AMD Ryzen AI Max+ 395", "AMD Ryzen AI 300"),
        ("Apple M4 Max", "Apple M4"),
        ("NVIDIA A100-SXM4-80GB", "NVIDIA A100"),
        ("NVIDIA H100 80GB HBM3", "NVIDIA H100"),
        ("NVIDIA GeForce RTX 4090", "NVIDIA GeForce RTX 4090"),
        ("AMD Instinct MI300X", "AMD Instinct MI300X"),
    ],
)
def test_a_chip_belongs_to_its_family(name: str, expected: str) -> None:
    assert family(name) == expected


def families(host: Host, *addresses: str) -> list[str]:
    activity = an_activity(host, {"cpu": 0.5, "gpu:0": 0.5})
    gaps = []
    for address in addresses:
        device, _, name = address.rpartition("/")
        gaps.append(Gap(domain=Domain(device=device, name=name), window=activity.window, reason="nothing measures it"))
    found = []
    for answer in estimate(gaps=gaps, activity=activity, config=None):
        assert not isinstance(answer, Gap), answer.reason
        found.append(next((term.family for term in answer.terms if term.family), ""))
    return found


def test_an_estimate_names_the_family_of_the_chip_that_it_is_about() -> None:
    host = Host(
        cpus=(Chip(name="AMD EPYC 7763 64-Core Processor", device="cpu:0"),), memory_gb=256,
        gpus=(Chip(name="NVIDIA A100-SXM4-80GB", device="gpu:0"),),
    )  # fmt: skip
    told = families(host, "machine/host", "cpu:0/package", "dram:0/dram", "gpu:0/board")
    assert told == ["AMD EPYC 7003", "AMD EPYC 7003", "", "NVIDIA A100"]


def test_a_chip_that_nobody_knows_has_no_family() -> None:
    given = Host(cpus=(Chip(name="ACME 9", device="cpu:0", tdp_w=100.0),), memory_gb=64)
    assert families(given, "machine/host", "cpu:0/package") == ["", ""]
    guest = Host(cpus=(Chip(name="AMD EPYC 7763 64-Core Processor"),), threads=4, virtual=True)
    assert families(guest, "machine/host") == [""]


def test_the_driver_s_limit_keeps_the_family_of_the_board() -> None:
    board = Chip(name="NVIDIA A100-SXM4-80GB", device="gpu:0", power_limit_w=325.0)
    assert families(Host(gpus=(board,)), "gpu:0/board") == ["NVIDIA A100"]
