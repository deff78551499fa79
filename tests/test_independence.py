"""Every distribution stands on its own: the core alone, and the core with one plugin."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MB = 1_000_000


class Environment:
    """A virtual environment of its own with some of this repository's distributions."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.python = place / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
        self._uv("venv", "-q", "--python", sys.executable, str(place / "venv"))

    def _uv(self, *arguments: str) -> None:
        done = subprocess.run([sys.executable, "-m", "uv", *arguments], capture_output=True, text=True, cwd=ROOT)
        assert done.returncode == 0, done.stderr

    def install(self, *what: str) -> None:
        self._uv("pip", "install", "-q", "--python", str(self.python), *what)

    def wattbook(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "HOME": str(self.place), "WATTBOOK_LEDGER": str(self.place / "book.db")}
        environment.pop("PYTHONPATH", None)
        command = [str(self.python), "-m", "wattbook", *arguments]
        return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=self.place)

    def verdicts(self) -> dict[str, str]:
        """What doctor says about each plugin: the best fate among its sources."""
        document = json.loads(self.wattbook("doctor", "--json").stdout)
        order = ["broken", "unavailable", "passed over", "chosen"]
        best: dict[str, str] = {}
        for verdict in document["verdicts"]:
            before = best.get(verdict["plugin"], "broken")
            best[verdict["plugin"]] = max(before, verdict["fate"], key=order.index)
        return best


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    environment = Environment(tmp_path_factory.mktemp("core"))
    environment.install("./core")
    return environment


def test_the_core_alone_is_small(core: Environment) -> None:
    site = next((core.place / "venv").rglob("site-packages"))
    distributions = [p for p in site.glob("*.dist-info") if not p.name.startswith(("pip-", "setuptools-"))]
    assert len(distributions) <= 13, sorted(p.name for p in distributions)
    assert sum(p.stat().st_size for p in site.rglob("*") if p.is_file()) < 45 * MB


def test_the_core_alone_says_what_is_missing(core: Environment) -> None:
    done = core.wattbook("doctor")
    assert done.returncode == 0, done.stderr
    assert "pip install wattbook-tdp" in done.stdout
    assert "machine/host" in done.stdout


def test_the_core_alone_runs_a_command_and_books_a_gap(core: Environment) -> None:
    done = core.wattbook("run", "--json", "-o", "out.json", "--", sys.executable, "-c", "print(7)")
    assert (done.returncode, done.stdout) == (0, "7\n")
    document = json.loads((core.place / "out.json").read_text(encoding="utf-8"))
    assert document["energy_j"] is None
    assert "machine/host" in [gap["domain"] for gap in document["gaps"]]


def test_the_core_alone_refuses_to_guess(core: Environment) -> None:
    done = core.wattbook("estimate", "--hours", "1", "--util", "50", "--threads", "4")
    assert done.returncode == 1
    assert "wattbook-tdp" in done.stderr


def test_with_tdp_alone_the_machine_is_estimated(tmp_path: Path) -> None:
    environment = Environment(tmp_path)
    environment.install("./core", "./plugins/tdp")
    found = environment.verdicts()
    assert found["tdp"] == "chosen"
    assert found["csp"] == "unavailable"
    done = environment.wattbook("estimate", "--hours", "1", "--util", "50", "--threads", "4", "--json")
    document = json.loads(done.stdout)
    assert document["energy_low_wh"] < document["energy_wh"] < document["energy_high_wh"]


def test_csp_without_pyarrow_says_how_to_read_parquet(tmp_path: Path) -> None:
    environment = Environment(tmp_path)
    environment.install("./core", "./plugins/csp")
    sample = next((ROOT / "plugins" / "csp" / "tests" / "data").rglob("*.parquet"))
    done = environment.wattbook("import", "--dry-run", str(sample))
    assert done.returncode == 1
    assert "wattbook-csp[parquet]" in done.stderr
    assert "Traceback" not in done.stderr
