"""Finding plugins without importlib.metadata gives what importlib.metadata gives."""

from __future__ import annotations

import importlib.metadata
import sys
import zipfile
from pathlib import Path

import pytest
from wattbook.plugins import entry_points


def install(folder: Path, info: str, entry_points: str) -> None:
    (folder / info).mkdir(parents=True)
    (folder / info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {info.split('-')[0]}\nVersion: 1.2\n")
    (folder / info / "entry_points.txt").write_text(entry_points)


@pytest.mark.parametrize("group", ["wattbook", "console_scripts", "pytest11", "no.such.group"])
def test_it_finds_what_the_library_finds(group: str) -> None:
    theirs = {(point.name, point.value) for point in importlib.metadata.entry_points(group=group)}
    assert {(point.name, point.value) for point in entry_points(group)} == theirs


def test_the_first_distribution_of_a_name_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path / "a", "some_one-1.0.dist-info", "[g]\nx = a\n")
    install(tmp_path / "b", "Some.One-2.0.dist-info", "[g]\nx = b\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "a"), str(tmp_path / "b")])
    (point,) = entry_points("g")
    assert (point.value, point.dist.version) == ("a", "1.0")


def test_comments_other_groups_and_extras_are_read_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "# a comment\n[other]\ny = nothing\n\n[g]\n; another\nx = os.path:join [extra]\n"
    install(tmp_path, "one-1.0.dist-info", text)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    (point,) = entry_points("g")
    import os

    assert point.name == "x"
    assert point.load() is os.path.join


def test_a_zip_file_on_the_path_is_left_to_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "pack.zip", "w") as pack:
        pack.writestr("zipped-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: zipped\nVersion: 1.0\n")
        pack.writestr("zipped-1.0.dist-info/entry_points.txt", "[g]\nx = zipped\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "pack.zip")])
    assert [point.name for point in entry_points("g")] == ["x"]


def test_folders_that_are_not_there_are_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path / "gone")])
    assert list(entry_points("g")) == []
