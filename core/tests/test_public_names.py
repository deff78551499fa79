"""What is public, and what importing it costs."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import pytest
import wattbook

HEAVY = ("sqlalchemy", "cattrs", "psutil", "pynvml", "rich", "pluggy", "attrs", "pyarrow", "jinja2", "zoneinfo")


def loaded_after(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*[m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split()) if done.stdout.strip() else set()


def test_every_public_name_exists() -> None:
    assert [name for name in wattbook.__all__ if getattr(wattbook, name, None) is None] == []


def test_the_version_is_the_distributions() -> None:
    assert wattbook.__version__ == version("wattbook")


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Watts'"):
        _ = wattbook.Watts


def test_importing_wattbook_loads_nothing_heavy() -> None:
    assert loaded_after("import wattbook") == set()


@pytest.mark.parametrize("args", ["--version", "--help"])
def test_version_and_help_load_only_click(args: str) -> None:
    code = f"from wattbook.cli import main\nmain([{args!r}], standalone_mode=False)"
    assert loaded_after(code) == set()


def test_help_loads_no_plugin() -> None:
    code = (
        "import sys; from wattbook.cli import main; main(['--help'], standalone_mode=False); "
        "print([m for m in sys.modules if m.startswith('wattbook_')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.rstrip().endswith("[]")
