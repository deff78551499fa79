"""The plugin that docs/write-a-plugin.md builds works as it stands."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parent.parent / "docs" / "write-a-plugin.md"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The page's files, installed into a folder of their own; and the environment that sees it."""
    place = tmp_path_factory.mktemp("strip")
    for name, text in re.findall(r"```\w+ file=(\S+)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    site = place / "site"
    command = [sys.executable, "-m", "uv", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--offline"]
    environment = {**os.environ, "UV_CACHE_DIR": str(place / "cache")}
    subprocess.run([*command, "--target", str(site), str(place)], check=True, capture_output=True, env=environment)
    return place, {**os.environ, "PYTHONPATH": str(site), "WATTBOOK_LEDGER": str(place / "book.db"), "HOME": str(place)}


def test_it_keeps_the_contract(installed: tuple[Path, dict[str, str]]) -> None:
    place, environment = installed
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(place)]
    done = subprocess.run([*command, str(place / "tests")], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def doctor(place: Path, environment: dict[str, str], config: str) -> dict[str, object]:
    (place / "wattbook.toml").write_text(config, encoding="utf-8")
    command = [sys.executable, "-m", "wattbook", "doctor", "--json", "--config", str(place / "wattbook.toml")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    verdicts = json.loads(done.stdout)["verdicts"]
    (verdict,) = [v for v in verdicts if v["plugin"] == "strip"]
    assert isinstance(verdict, dict)
    return verdict


def test_doctor_says_why_it_cannot_be_used(installed: tuple[Path, dict[str, str]]) -> None:
    verdict = doctor(*installed, "")
    assert (verdict["fate"], verdict["remedy"]) == ("unavailable", "start stripd")


def test_doctor_chooses_it_where_it_works(installed: tuple[Path, dict[str, str]]) -> None:
    place, environment = installed
    counter = place / "energy_mj"
    counter.write_text("5000", encoding="utf-8")
    verdict = doctor(place, environment, f'[plugins.strip]\ncounter = "{counter}"\n')
    assert (verdict["fate"], verdict["domains"]) == ("chosen", ["machine/wall"])
