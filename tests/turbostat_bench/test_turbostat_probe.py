"""``doctor --probe`` with the real turbostat: known watts, and a package that draws more than one can."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

MachineOf = Callable[..., None]


def probed(turbostat: Path, folder: Path) -> tuple[int, dict[str, Any]]:
    """The exit code, and what the probe of three seconds says about turbostat."""
    config = folder / "wattbook.toml"
    config.write_text(f"[plugins.turbostat]\npath = {json.dumps(str(turbostat))}\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "wattbook", "doctor", "--probe", "3", "--json", "--config", str(config),
         "--ledger", str(folder / "book.db")],
        env={**os.environ, "WATTBOOK_DISABLE_PLUGINS": "rapl,nvidia_smi"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    (meter,) = json.loads(done.stdout)["probe"]["meters"]
    assert meter["plugin"] == "turbostat"
    return done.returncode, meter


def test_the_probe_shows_the_watts_of_the_machine(turbostat: Path, machine: MachineOf, tmp_path: Path) -> None:
    machine(pkg_w=42, core_w=3.5, gfx_w=1, ram_w=5)
    status, meter = probed(turbostat, tmp_path)
    domains = {one["domain"]: one for one in meter["domains"]}
    assert (status, meter["ok"], meter["reason"]) == (0, True, None)
    assert domains["cpu:0/package"]["power_w"] == pytest.approx(42, rel=0.02)
    assert domains["dram:0/dram"]["power_w"] == pytest.approx(5, rel=0.02)
    assert domains["cpu:0/package"]["samples"] >= 3


def test_the_probe_fails_where_a_package_draws_more_than_one_can(
    turbostat: Path, machine: MachineOf, tmp_path: Path
) -> None:
    machine(pkg_w=6_000)
    status, meter = probed(turbostat, tmp_path)
    reasons = {one["domain"]: one["reason"] or "" for one in meter["domains"]}
    assert (status, meter["ok"]) == (1, False)
    assert reasons["cpu:0/package"]
