"""The reference of the command line is what the commands say."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner
from wattbook.cli import VERBS

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("cli_reference", ROOT / "tools" / "cli_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_is_that_of_the_commands(tool: ModuleType) -> None:
    told = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert told == tool.page(), "python tools/cli_reference.py writes docs/cli.md again"


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_a_section(verb: str) -> None:
    assert f"\n## wattbook {verb}\n" in (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")


def test_every_example_is_a_command_with_options_that_it_has(tool: ModuleType) -> None:
    from wattbook.cli.group import main

    for path, example in tool.EXAMPLES.items():
        assert example.startswith(f"wattbook {path}")
        helped = CliRunner().invoke(main, [*path.split(), "--help"]).output
        for option in re.findall(r" (--?[a-z][a-z-]*)", example.partition(" -- ")[0]):
            assert option in helped, f"{path} has no {option}"
