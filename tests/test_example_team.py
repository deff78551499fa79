"""The example team: its inputs are made by a script, and playing them twice gives the same book."""

from __future__ import annotations

import gzip
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
TEAM = ROOT / "examples" / "team-sg"


def made() -> dict[str, bytes]:
    spec = importlib.util.spec_from_file_location("make_example_team", ROOT / "tools" / "make_example_team.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    files: dict[str, bytes] = module.files()
    return files


def unpacked(content: bytes) -> bytes:
    return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content


def test_the_inputs_are_what_the_script_makes() -> None:
    files = made()
    lying = {str(p.relative_to(TEAM)): p.read_bytes() for p in TEAM.rglob("*") if p.is_file()}
    assert set(lying) == set(files)
    assert [name for name in files if unpacked(files[name]) != unpacked(lying[name])] == []


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """What ``wattbook demo --json`` prints, twice, from different folders and at different times."""
    printed = []
    for name in ("one", "two"):
        place = tmp_path_factory.mktemp(name)
        environment = {**os.environ, "HOME": str(place), "TMPDIR": str(place), "TZ": "America/New_York"}
        environment.pop("WATTBOOK_LEDGER", None)
        command = [sys.executable, "-m", "wattbook", "demo", "--json"]
        done = subprocess.run(command, cwd=place, env=environment, capture_output=True, check=True)
        assert done.stderr == b""
        assert [p.name for p in place.iterdir() if not p.name.startswith(".")] == []
        printed.append(done.stdout)
    return printed


def test_twice_gives_the_same_bytes(demo: list[bytes]) -> None:
    assert demo[0] == demo[1]


def document(demo: list[bytes]) -> Any:
    return json.loads(demo[0])


def test_all_three_bases_are_there(demo: list[bytes]) -> None:
    by_basis = document(demo)["by_basis"]
    assert by_basis["provided"]["co2e_g"]["location"] > 0
    assert by_basis["measured"]["energy_j"] > 0
    assert by_basis["estimated"]["energy_j"] > 0


def test_the_bases_add_up_to_the_total(demo: list[bytes]) -> None:
    report = document(demo)
    for method in ("location", "market"):
        parts = [report["by_basis"][basis]["co2e_g"][method] for basis in ("provided", "measured", "estimated")]
        assert report["total"]["co2e_g"][method] == pytest.approx(sum(parts))


def test_the_restated_month_counts_once(demo: list[bytes]) -> None:
    """Model 3.1.0 says 93 % of what 3.0.1 said; the older figure is in no total."""
    (claim,) = document(demo)["claims"]
    assert claim["provided_g"]["location"] == pytest.approx(0.93 * (148_200 + 900 + 41_300 + 5_610 + 1_515), rel=1e-4)


def test_the_cloud_job_is_inside_the_bill_and_not_added(demo: list[bytes]) -> None:
    report = document(demo)
    (claim,) = report["claims"]
    assert claim["of_which_g"] > 0
    assert claim["unallocated_g"] == pytest.approx(claim["provided_g"]["location"] - claim["of_which_g"])
    assert report["by_basis"]["provided"]["co2e_g"]["location"] == pytest.approx(claim["provided_g"]["location"])


def test_coverage_is_stated(demo: list[bytes]) -> None:
    coverage = document(demo)["coverage"]
    assert 0 < coverage["share"] <= 1


def test_the_report_says_that_it_is_synthetic(demo: list[bytes]) -> None:
    assert "synthetic" in document(demo)["watermark"].lower()
