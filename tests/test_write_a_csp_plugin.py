"""The importer that docs/write-a-csp-plugin.md builds works as it stands."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parent.parent / "docs" / "write-a-csp-plugin.md"
FILES = re.findall(r"```\w+ file=(\S+)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The page's files, installed into a folder of their own; and the environment that sees it."""
    place = tmp_path_factory.mktemp("acme")
    for name, text in FILES:
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    site = place / "site"
    command = [sys.executable, "-m", "uv", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--offline"]
    environment = {**os.environ, "UV_CACHE_DIR": str(place / "cache")}
    subprocess.run([*command, "--target", str(site), str(place)], check=True, capture_output=True, env=environment)
    return place, {**os.environ, "PYTHONPATH": str(site), "WATTBOOK_LEDGER": str(place / "book.db"), "HOME": str(place)}


def test_it_takes_less_than_a_hundred_lines() -> None:
    assert {name for name, _ in FILES} >= {"pyproject.toml", "tests/acme_2026-09.csv", "tests/test_acme.py"}
    assert sum(len(text.splitlines()) for _, text in FILES) < 100


def test_it_keeps_the_contract(installed: tuple[Path, dict[str, str]]) -> None:
    place, environment = installed
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(place)]
    done = subprocess.run([*command, str(place / "tests")], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "skipped" not in done.stdout


def test_the_command_line_imports_its_sample(installed: tuple[Path, dict[str, str]]) -> None:
    place, environment = installed
    command = [sys.executable, "-m", "wattbook", "import", "--json", str(place / "tests" / "acme_2026-09.csv")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=place)
    assert done.returncode == 0, done.stderr
    (one,) = json.loads(done.stdout)["imported"]
    assert (one["format"], one["plugin"], one["statements"]["new"]) == ("acme-csv", "csp_acme", 3)
    assert float(one["by_month"]["2026-09"]["unsplit"]) == 12.75
