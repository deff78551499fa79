"""Every recorded output of turbostat that there is gives its known numbers, or the right refusal."""

from __future__ import annotations

import csv
import os
import re
from pathlib import Path

import pytest
from wattbook import ImportFailed, Recording
from wattbook.testing import a_source
from wattbook_turbostat.recording import read

OWN = Path(__file__).parent / "data"
COLUMNS = {"PkgWatt": "package", "CorWatt": "core", "GFXWatt": "gfx", "RAMWatt": "dram", "SysWatt": "platform"}
REFUSED = re.compile(r"no power|must raise|must REFUSE|refuse|headers=0")

#: where the index speaks prose: samples, mean watts, joules (``None``: no lengths in the recording)
PROSE: dict[str, tuple[int, dict[str, float], dict[str, float] | None]] = {
    "aws_c4.8xlarge_2014_old-format_1.stderr.txt": (
        1, {"package": 94.04, "dram": 32.70}, {"package": 94.04 * 10.002556, "dram": 32.70 * 10.002556},
    ),
    "aws_c4.8xlarge_2014_old-format_2.stderr.txt": (1, {"package": 228.59, "dram": 31.33}, None),
    "codecarbon_docs_amd_corwatt_pkgwatt.txt": (1, {"package": 169.82, "core": 133.13}, None),
    "lkml_troll4_optane_20.09.30_joules.stderr.txt": (1, {"package": 459.78 / 5.011506}, {"package": 459.78}),
    "lkml_troll4_optane_21.05.04_joules.stderr.txt": (
        1, {"package": 457.55 / 5.014223, "dram": 335.42 / 5.014223}, {"package": 457.55, "dram": 335.42},
    ),
    "lkml_xeon_joules_78s_onesshot.stderr.txt": (
        1, {"package": 4747.52 / 78.062895, "dram": 2509.05 / 78.062895}, {"package": 4747.52, "dram": 2509.05},
    ),
}  # fmt: skip
#: three rows of joules a second apart: (package, core, gfx, dram) of all rows, and seconds of the last two
JOULES = {
    "20.09.30": ((126.06, 10.50, 3.00, 15.00), 2.000820),
    "2022.10.04": ((126.06, 10.50, 3.00, 15.00), 2.000904),
    "2024.07.26": ((126.05, 10.50, 3.00, 15.00), 2.000781),
    "2026.04.21": ((126.04, 10.50, 3.00, 15.00), 2.000711),
}


def the_index() -> dict[str, str]:
    """File name to expected numbers, of the captures that are at hand."""
    folder = os.environ.get("WATTBOOK_CAPTURES")
    if folder is None:
        return {}
    with (Path(folder) / "INDEX.tsv").open(encoding="utf-8", newline="") as stream:
        rows = csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
        return {r["file"]: r["expected_numbers"] for r in rows if r["instrument"] == "turbostat"}


def own_files() -> list[str]:
    return sorted(path.name for path in OWN.iterdir())


def record(path: Path, **said: object) -> Recording:
    (recording,) = read(a_source(path, **said))
    assert isinstance(recording, Recording)
    return recording


def check(path: Path, expected: str) -> None:
    if path.name in PROSE:
        samples, mean_w, energy_j = PROSE[path.name]
    elif "joules_S_tod" in path.name:
        joules, last_two_s = JOULES[path.name.split("_")[1]]
        names = ("package", "core", "gfx", "dram")
        seconds = last_two_s * 1.5
        samples, energy_j = 3, dict(zip(names, joules, strict=True))
        mean_w = {name: total / seconds for name, total in energy_j.items()}
    elif columns := re.findall(r"(\w+Watt): n=(\d+) mean=([\d.]+)", expected):
        samples = int(columns[0][1])
        mean_w = {COLUMNS[name]: float(mean) for name, _, mean in columns if float(mean)}
        energy_j = None
        if duration := re.search(r'duration="([\d.]+) sec"', expected):
            energy_j = {name: watts * float(duration[1]) for name, watts in mean_w.items()}
        if total := re.search(r"energy after 1st row=.*=([\d.]+)J", expected):
            energy_j = {"package": float(total[1])}
    else:
        assert REFUSED.search(expected) or "0 samples" in expected, f"no expectation for {path.name}: {expected}"
        with pytest.raises(ImportFailed) as refused:
            record(path)
        assert str(path) in str(refused.value)
        return
    recording = record(path)
    assert recording.samples == samples
    found = {name: watts for name, watts in recording.mean_power_w.items() if name != "total"}
    assert set(found) == set(mean_w)
    for name, watts in mean_w.items():
        assert found[name] == pytest.approx(watts, rel=1e-4, abs=5.1e-5), name  # four decimals
    if energy_j is None:
        assert recording.energy_j is None
    else:
        assert recording.energy_j is not None
        for name, joules_of_it in energy_j.items():
            assert recording.energy_j[name] == pytest.approx(joules_of_it, rel=1e-5), name


@pytest.mark.parametrize("name", sorted(the_index()) or ["none"])
def test_a_capture_gives_its_expected_numbers_or_the_right_refusal(name: str) -> None:
    index = the_index()
    if not index:
        pytest.skip("WATTBOOK_CAPTURES is not set to the folder of recorded outputs")
    check(Path(os.environ["WATTBOOK_CAPTURES"]) / name, index[name])


@pytest.mark.parametrize("name", own_files())
def test_our_own_recordings_give_the_watts_that_were_emulated(name: str) -> None:
    nothing = "headers=0" if "stderr" in name and "fork" not in name else ""
    if "nodev" in name or name.startswith("vm_"):
        nothing = "no power"
    dram = 10.0 if "20.09.30" in name else 2.51
    truth = {
        "amd": "PkgWatt: n=2 mean=42.0; CorWatt: n=2 mean=7.0",
        "icx2pkg": f"PkgWatt: n=2 mean=84.0; RAMWatt: n=2 mean={dram}"
        + ("; SysWatt: n=2 mean=80.0" if "2026" in name else ""),
        "fork": "PkgWatt: n=1 mean=42.0; CorWatt: n=1 mean=3.5",
        "show4": "PkgWatt: n=3 mean=42.0; CorWatt: n=3 mean=3.5; GFXWatt: n=3 mean=1.0; RAMWatt: n=3 mean=5.0",
        "joules": "",
    }
    expected = nothing or next((text for part, text in truth.items() if part in name), "")
    if "fork" in name:
        text = (OWN / name).read_text(encoding="utf-8")
        expected += f' duration="{re.search(r"([0-9.]+) sec", text)[1]} sec"'  # type: ignore[index]
    check(OWN / name, expected)


def test_the_first_row_of_a_stream_weighs_as_a_typical_one() -> None:
    folder = os.environ.get("WATTBOOK_CAPTURES")
    if folder is None:
        pytest.skip("WATTBOOK_CAPTURES is not set to the folder of recorded outputs")
    recording = record(Path(folder) / "turbostat" / "sc_adl0.stream.txt")
    assert recording.samples == 23
    assert recording.mean_power_w["package"] == pytest.approx(1.3435, rel=1e-4)
    assert recording.energy_j is not None
    assert recording.energy_j["package"] == pytest.approx(148.206, rel=1e-5)
    assert recording.hardware == "GenuineIntel 6:154:3"
    assert recording.tool_version == "2024.12.03"
    assert set(recording.energy_j) == {"total", "package", "core"}, "columns that are always 0.00 are not a zero"
