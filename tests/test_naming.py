"""One rule for all plugins: folder = entry point; wattbook_<folder>; wattbook-<folder with hyphens>."""

from __future__ import annotations

import tomllib
from importlib.metadata import distribution, entry_points
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = sorted(p.parent.name for p in (ROOT / "plugins").glob("*/pyproject.toml"))


def project(folder: Path) -> dict[str, object]:
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_plugins_names_follow_from_its_folder(folder: str) -> None:
    table = project(ROOT / "plugins" / folder)["project"]
    assert isinstance(table, dict)
    assert table["name"] == f"wattbook-{folder.replace('_', '-')}"
    assert table["entry-points"] == {"wattbook": {folder: f"wattbook_{folder}"}}
    assert (ROOT / "plugins" / folder / "src" / f"wattbook_{folder}" / "py.typed").exists()


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_plugin_is_installed_under_its_name(folder: str) -> None:
    (point,) = entry_points(group="wattbook", name=folder)
    assert point.value == f"wattbook_{folder}"


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_plugin_pins_a_range_of_the_core(folder: str) -> None:
    table = project(ROOT / "plugins" / folder)["project"]
    assert isinstance(table, dict)
    assert "wattbook>=0.1,<0.2" in table["dependencies"]


@pytest.mark.parametrize("folder", ["core", *(f"plugins/{f}" for f in FOLDERS)])
def test_a_distribution_has_readme_changelog_and_licence(folder: str) -> None:
    for name in ("README.md", "CHANGELOG.md", "LICENSE"):
        assert (ROOT / folder / name).stat().st_size > 20, f"{folder}/{name}"
    table = project(ROOT / folder)["project"]
    assert isinstance(table, dict)
    assert table["license"] == "Apache-2.0"


@pytest.mark.parametrize("folder", FOLDERS)
def test_plugin_readmes_share_their_headings(folder: str) -> None:
    text = (ROOT / "plugins" / folder / "README.md").read_text(encoding="utf-8")
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    assert headings == ["## What it offers", "## Rights", "## What the numbers mean", "## Formats", "## Limits"]


def test_the_bundle_installs_every_plugin_here() -> None:
    dependencies = project(ROOT)["project"]["dependencies"]  # type: ignore[index]
    for folder in FOLDERS:
        assert any(d.split()[0].split("[")[0] == f"wattbook-{folder.replace('_', '-')}" for d in dependencies)


def test_the_core_installs_at_most_thirteen_distributions() -> None:
    """Followed through the metadata of what is installed here, extras left out."""
    from packaging.requirements import Requirement

    seen: set[str] = set()
    todo = ["wattbook"]
    while todo:
        name = todo.pop().lower().replace("_", "-")
        if name in seen:
            continue
        seen.add(name)
        for text in distribution(name).requires or []:
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                todo.append(requirement.name)
    assert len(seen) <= 13, sorted(seen)
