"""Imports point downwards only, and the core never knows a plugin."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CORE = ROOT / "core" / "src" / "wattbook"
PLUGINS = sorted(p.parent.parent for p in (ROOT / "plugins").glob("*/src/wattbook_*"))

#: from the rim to the middle; a module may import from its own layer and from those below it
LAYERS = [
    {"cli", "__main__"},
    {"byhand", "closing", "diagnosis", "explaining", "selfcheck", "tracking", "watching"},
    {"pipeline"},
    {
        "plugins",
        "cgroups",
        "corrections",
        "polling",
        "sampling",
        "utilisation",
        "spool",
        "host",
        "importing",
        "ledger",
        "jobs",
        "sharing",
        "people",
    },
    {"recording", "report", "calibrating"},
    {"accounting"},
    {"resolve", "factors", "counters"},
    {"hookspecs"},
    {"records", "config"},
    {"metering", "model", "imported", "cloud", "errors", "units"},
]
#: pure: values in, values out
NO_IO = {
    "resolve",
    "accounting",
    "calibrating",
    "counters",
    "recording",
    "report",
    "model",
    "imported",
    "metering",
    "cloud",
    "records",
    "units",
    "errors",
    "hookspecs",
}
IO_MODULES = {
    "os",
    "subprocess",
    "socket",
    "sqlite3",
    "sqlalchemy",
    "psutil",
    "threading",
    "urllib",
    "tempfile",
    "shutil",
}


def part(path: Path) -> str:
    """The part of the core that a file belongs to: its folder or its own name."""
    relative = path.relative_to(CORE)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def imported(path: Path) -> set[str]:
    """Every module that a file imports, wherever in the file."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def level(name: str) -> int:
    return next(i for i, layer in enumerate(LAYERS) if name in layer)


CORE_FILES = sorted(p for p in CORE.rglob("*.py") if part(p) not in ("__init__", "testing", "examples"))


@pytest.mark.parametrize("path", CORE_FILES, ids=lambda p: str(p.relative_to(CORE)))
def test_a_core_file_imports_downwards(path: Path) -> None:
    mine = part(path)
    known = set().union(*LAYERS)
    assert mine in known, f"{mine} has no place in the layers"
    for name in imported(path):
        pieces = name.split(".")
        if pieces[0] == "wattbook" and len(pieces) > 1 and pieces[1] in known:
            assert level(pieces[1]) >= level(mine), f"{path.name} imports upwards: {name}"


@pytest.mark.parametrize("path", [p for p in CORE_FILES if part(p) in NO_IO], ids=lambda p: str(p.relative_to(CORE)))
def test_the_middle_does_no_io(path: Path) -> None:
    found = {name.split(".")[0] for name in imported(path)} & IO_MODULES
    allowed = {"os"} if path.name == "errors.py" else set()  # os.PathLike, a type
    assert found <= allowed


@pytest.mark.parametrize("path", CORE_FILES, ids=lambda p: str(p.relative_to(CORE)))
def test_the_core_knows_no_plugin(path: Path) -> None:
    assert not {name for name in imported(path) if name.startswith("wattbook_")}


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda p: p.name)
def test_a_plugin_uses_public_names_only(plugin: Path) -> None:
    import wattbook

    own = f"wattbook_{plugin.name}"
    for path in (plugin / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                top = node.module.split(".")[0]
                if top == "wattbook":
                    assert node.module == "wattbook", f"{path.name} imports the private {node.module}"
                    assert {alias.name for alias in node.names} <= set(wattbook.__all__)
                assert not top.startswith("wattbook_") or top == own, f"{path.name} imports another plugin"
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    assert not alias.name.startswith("wattbook."), f"{path.name} imports the private {alias.name}"


def test_most_files_can_be_read_with_a_coffee() -> None:
    sizes = {p: len(p.read_text(encoding="utf-8").splitlines()) for p in (*CORE_FILES, *_plugin_files())}
    long = {str(p.relative_to(ROOT)): n for p, n in sizes.items() if n > 400}
    assert not long, "a file that everybody adds to is a sign that a part is missing"


def _plugin_files() -> list[Path]:
    return [path for plugin in PLUGINS for path in (plugin / "src").rglob("*.py")]


@pytest.mark.parametrize("path", [*CORE_FILES, *_plugin_files()], ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_opens_with_one_sentence(path: Path) -> None:
    doc = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert doc
    first = doc.split("\n\n")[0]
    assert first.rstrip().endswith((".", "?", "!")), first
