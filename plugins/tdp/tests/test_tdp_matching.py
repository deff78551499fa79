"""Names: exact after normalising, otherwise refused with a reason; never a guess."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wattbook_tdp.matching import match
from wattbook_tdp.names import cpu_key


@pytest.mark.parametrize(
    ("name", "watts"),
    [
        ("AMD EPYC 7763 64-Core Processor", 280),
        ("Intel(R) Xeon(R) CPU E5-2680 v4 @ 2.40GHz", 120),
        ("Intel(R) Xeon(R) CPU E5-2670 0 @ 2.60GHz", 115),
        ("Intel(R) Xeon(R) CPU E31230 @ 3.20GHz", 80),
        ("INTEL(R) XEON(R) PLATINUM 8568Y+", 350),
        ("INTEL(R) XEON(R) GOLD 5520+", 205),
        ("Intel® Xeon® Platinum 8380", 270),
        ("IntelÂ® Coreâ„¢ i7-10700K", 125),
        ("Intel(R)\u00a0Core(TM)\u00a0i9-9900K CPU @ 3.60GHz", 95),
        ("12th Gen Intel(R) Core(TM) i7-12700H", 45),
        ("13th Gen Intel(R) CoreT i7-1370P", 28),
        ("Intel(R) Core(TM) Ultra 9 285K", 125),
        ("Intel(R) Core(TM) i7 CPU       M 640  @ 2.80GHz", 35),
        ("Intel(R) Core(TM) i7 CPU         920  @ 2.67GHz", 130),
        ("AMD Opteron(tm) Processor 6376", 115),
        ("Quad-Core AMD Opteron(tm) Processor 2344 HE", 55),
        ("AMD Ryzen 7 7840U w/ Radeon  780M Graphics", 28),
        ("AMD Ryzen Threadripper PRO 5995WX 64-Cores", 280),
        ("AMD A10-7850K Radeon R7, 12 Compute Cores 4C+8G", 95),
        ("AMD® Ryzen 7 3700x 8-core processor × 16", 65),
        ("xeon gold 6230", 125),
        ("Apple M1", 20),
    ],
)
def test_names_as_systems_print_them_match(name: str, watts: float) -> None:
    assert match(name, "cpu").tdp_w == watts


@pytest.mark.parametrize(
    "name",
    [
        "Intel(R) Xeon(R) CPU @ 2.20GHz",
        "Intel Xeon Processor (Skylake, IBRS)",
        "Intel Xeon E312xx (Sandy Bridge)",
        "Intel Core Processor (Haswell, no TSX)",
        "QEMU Virtual CPU version 2.5+",
        "Common KVM processor",
        "AMD EPYC Processor",
        "AMD EPYC-Rome Processor",
        "AMD Opteron 63xx class CPU",
        "AMD Opteron 240 (Gen 1 Class Opteron)",
        "VirtualApple @ 2.50GHz",
        "Neoverse-N1",
        "DO-Premium-AMD",
        "Intel64 Family 6 Model 85 Stepping 4, GenuineIntel",
        "x86_64",
        "Genuine Intel(R) CPU 0000 @ 2.00GHz",
        "Intel(R) Pentium(R) 4 CPU 3.00GHz",
        "Intel Core i7",
        "7763",
        "300",
        "",
        "   ",
        "龙芯 3A5000",
        "AMD EPYC 7763" + "x" * 300,
    ],
)
def test_generic_and_virtual_names_are_refused_with_a_reason(name: str) -> None:
    found = match(name, "cpu")
    assert found.tdp_w is None
    assert found.reason


@pytest.mark.parametrize("name", ["AMD EPYC 9R14", "Intel(R) Xeon(R) Platinum 8369HC CPU @ 3.30GHz"])
def test_a_chip_made_for_a_cloud_is_known_and_has_no_power(name: str) -> None:
    found = match(name, "cpu")
    assert found.tdp_w is None
    assert "cloud" in found.reason


def test_a_refusal_says_what_an_estimate_would_use() -> None:
    assert "1.75 W per hardware thread" in match("AMD EPYC Processor", "cpu").reason
    assert "3.89 W per hardware thread" in match("Intel(R) Xeon(R) CPU @ 2.20GHz", "cpu").reason


@pytest.mark.parametrize(
    ("old", "new"), [("Intel(R) Xeon(R) CPU 5120 @ 1.86GHz", "Intel(R) Xeon(R) Gold 5120 CPU @ 2.20GHz")]
)
def test_a_tier_is_part_of_the_name(old: str, new: str) -> None:
    assert match(old, "cpu").tdp_w == 65
    assert match(new, "cpu").tdp_w == 105


def test_a_suffix_that_changes_the_power_is_never_dropped() -> None:
    assert match("AMD EPYC 7763P", "cpu").tdp_w is None
    assert match("Intel Core i7-9700ZZ", "cpu").tdp_w is None


def test_another_makers_name_is_refused() -> None:
    assert match("Intel EPYC 7763", "cpu").tdp_w is None


@pytest.mark.parametrize(
    ("name", "watts"),
    [
        ("NVIDIA H100 80GB HBM3", 700),
        ("NVIDIA H100 PCIe", 350),
        ("NVIDIA A100-SXM4-40GB", 400),
        ("NVIDIA A100-PCIE-40GB", 250),
        ("3D controller: NVIDIA Corporation GA100 [A100 SXM4 80GB] (rev a1)", 400),
        ("GA102 [GeForce RTX 3080 Lite Hash Rate]", 320),
        ("NVIDIA GeForce RTX 4090", 450),
        ("RTX4090", 450),
        ("NVIDIA GeForce GTX 1080 Ti/PCIe/SSE2", 250),
        ("Tesla K80", 150),
        ("GRID K520", 112.5),
        ("AMD_Instinct_MI300X", 750),
        ("Aldebaran/MI200 [Instinct MI250X/MI250]", 560),
        ("HL-325L", 900),
        ("NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition", 300),
    ],
)
def test_accelerators_match_as_drivers_print_them(name: str, watts: float) -> None:
    assert match(name, "gpu").tdp_w == watts


@pytest.mark.parametrize(
    "name",
    [
        "NVIDIA H100 80GB HBM3 MIG 1g.10gb",
        "MIG 3g.20gb",
        "GRID A100-10C",
        "NVIDIA A40-48Q",
        "NVIDIA Graphics Device",
        "AMD Radeon Graphics",
        "AMD Radeon 8060S",
        "Intel(R) UHD Graphics 770",
        "Microsoft Basic Display Adapter",
        "NVIDIA L20Y",
        "Trainium2",
        "TPU v5e",
        "H100 CNX",
        "2x RTX 3090",
        "NVIDIA",
    ],
)
def test_slices_and_unnamed_accelerators_are_refused(name: str) -> None:
    assert match(name, "gpu").tdp_w is None
    assert match(name, "gpu").reason


def test_a_family_is_refused_and_its_span_is_the_prior() -> None:
    found = match("A100", "gpu")
    assert found.tdp_w is None
    assert found.prior is not None
    assert (found.prior.low_w, found.prior.high_w) == (250, 400)


def test_a_laptops_gpu_is_not_the_desktops() -> None:
    assert match("NVIDIA GeForce RTX 4070 Laptop GPU", "gpu").tdp_w != match("NVIDIA GeForce RTX 4070", "gpu").tdp_w


def test_without_a_kind_the_name_says_what_it_is() -> None:
    assert match("NVIDIA A40").kind == "gpu"
    assert match("AMD EPYC 7763").kind == "cpu"


@given(st.text(max_size=200))
def test_any_text_is_answered(text: str) -> None:
    for kind in ("cpu", "gpu", None):
        found = match(text, kind)
        assert found.facts is not None or found.reason


@given(st.sampled_from(["AMD EPYC 7763 64-Core Processor", "Intel(R) Core(TM) i9-9900K CPU @ 3.60GHz"]), st.randoms())
def test_case_and_blanks_do_not_matter(name: str, random: object) -> None:
    other = "".join(ch.upper() if random.random() < 0.5 else ch.lower() for ch in name)  # type: ignore[attr-defined]
    assert cpu_key("  " + other.replace(" ", "   ")) == cpu_key(name)
