"""``wattbook demo --html`` writes one page, the same every time, and nothing else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("jinja2", reason="the page needs the extra 'report'")
pytest.importorskip("vl_convert", reason="the charts need the extra 'report'")


def page(place: Path) -> str:
    environment = {**os.environ, "HOME": str(place), "TMPDIR": str(place), "TZ": "America/New_York"}
    environment.pop("WATTBOOK_LEDGER", None)
    command = [sys.executable, "-m", "wattbook", "demo", "--json", "--html", "out.html"]
    subprocess.run(command, cwd=place, env=environment, check=True, capture_output=True)
    assert [p.name for p in place.iterdir() if not p.name.startswith(".")] == ["out.html"]
    return (place / "out.html").read_text(encoding="utf-8")


def test_the_demos_page_is_the_same_every_time_and_has_everything(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    first, second = page(tmp_path / "one"), page(tmp_path / "two")
    assert first == second
    assert len(first.encode()) < 1_000_000
    assert first.count('<svg role="img"') == 5
    assert "synthetic example data" in first
    assert re.search(r"<h3>Since 2026-09</h3>", first)
    assert "the tables say the same" not in first


def test_a_page_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    environment = {**os.environ, "HOME": str(tmp_path)}
    environment.pop("WATTBOOK_LEDGER", None)
    command = [sys.executable, "-m", "wattbook", "demo", "--quiet", "--html", "none/out.html"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "none/out.html cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
