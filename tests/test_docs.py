"""The documents say what the code does."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
from wattbook import hookspecs

ROOT = Path(__file__).parent.parent
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "plugins").glob("*/README.md"))]
HOOKS = {
    name: inspect.signature(function)
    for name, function in vars(hookspecs).items()
    if inspect.isfunction(function) and function.__module__ == hookspecs.__name__
}


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_is_documented_with_its_exact_arguments(name: str) -> None:
    call = f"`{name}({', '.join(HOOKS[name].parameters)})`"
    assert call in (ROOT / "docs" / "hooks.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_has_a_complete_example_that_loads(name: str) -> None:
    """The example of a specification is pasted into a module and taken in like any plugin."""
    import textwrap
    import types

    from wattbook.plugins import gather

    doc = inspect.getdoc(getattr(hookspecs, name)) or ""
    example = textwrap.dedent(doc.rpartition("::\n")[2])
    module = types.ModuleType("example")
    exec(compile(example, f"<example of {name}>", "exec"), vars(module))
    plugins = gather([("example", module)])
    assert plugins.broken == ()
    assert plugins.hooks("example") == [name]


@pytest.mark.parametrize("path", DOCS, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (path.parent / target).exists(), target


def test_the_readme_has_one_line_to_try_and_one_to_test() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for heading in ("## Try it", "## Test it"):
        block = text.split(heading + "\n", 1)[1].split("```")[1]
        assert len([line for line in block.splitlines()[1:] if line.strip()]) == 1


def test_every_verb_help_line_is_the_commands_own() -> None:
    import importlib

    from wattbook.cli import main
    from wattbook.cli.ledger import command as ledger

    for group in (main, ledger):
        for verb, (module, line) in group.verbs.items():
            command = importlib.import_module(f"{group.package}.{module}").command
            assert command.name == verb
            assert command.get_short_help_str(limit=200) == line


def test_every_part_of_the_core_has_its_place_in_the_architecture() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    core = ROOT / "core" / "src" / "wattbook"
    parts = [f"{p.name}/" if p.is_dir() else p.stem for p in core.iterdir() if p.is_dir() or p.suffix == ".py"]
    skipped = ("__", "examples/", ".")
    assert [part for part in parts if not part.startswith(skipped) and f"`{part}`" not in text] == []


FORBIDDEN = re.compile("|".join(("/wo" + "rk/", "/tmp/v" + "env", r"\bpypi-more\b")), re.IGNORECASE)


def test_the_project_speaks_of_itself_alone() -> None:
    """No path of a workplace in any text file that is tracked."""
    import subprocess

    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    for name in listed.stdout.decode().split("\0"):
        path = ROOT / name
        if name and path.is_file() and path.suffix in {".py", ".md", ".toml", ".txt", ".c", ""}:
            found = FORBIDDEN.search(path.read_text(encoding="utf-8", errors="replace"))
            assert found is None, f"{name}: {found}"


SESSIONS = re.findall(r"```console\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("step", [part for session in SESSIONS for part in session.split("$ ")[1:]])
def test_the_readmes_session_is_real(step: str, tmp_path: Path) -> None:
    """Every command of the session prints what stands below it; ``...`` stands for the rest."""
    import os
    import shlex
    import subprocess
    import sys

    command, _, shown = step.partition("\n")
    environment = {**os.environ, "HOME": str(tmp_path), "TZ": "Asia/Singapore"}
    words = [sys.executable, "-m", *shlex.split(command)]
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    expected, rest, _ = shown.rstrip("\n").partition("\n...")
    printed = done.stdout.rstrip("\n")
    assert printed.startswith(expected) if rest else printed == expected
