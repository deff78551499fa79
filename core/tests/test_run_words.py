"""The plain spellings of ``wattbook run``: what is read without click is what click reads."""

from __future__ import annotations

from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wattbook.cli import run
from wattbook.cli.run_words import plain

WORDS = st.sampled_from(
    ["--project", "p", "--phase", "train", "walk", "--tag", "a=b", "a", "=b", "--site", "home", "--interval", "2", "0.5",
     "0", "nan", "-1", "x", "--units", "5:token", "x:y", "-o", "-ofile", "--output", "-", "--ledger", "/tmp/b.db", "mysql://h/b", "--config",
     "/no/such/file", "--json", "-q", "--quiet", "-qq", "--help", "-h", "--", "--project=p", "--interval=3", "--tag=x=y=z",
     "--phase=ci", "--proj", "--no", "", " ", "\n", "ü"]
)  # fmt: skip


def by_click(words: list[str], environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any] | None:
    """The parameters as click hands them on, ``None`` where it refuses or helps."""
    seen: list[dict[str, Any]] = []
    monkeypatch.setattr(run, "run", lambda argv, **more: seen.append({**more, "argv": argv}))
    for name in ("WATTBOOK_PROJECT", "WATTBOOK_PHASE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    try:
        run.command.main(list(words), standalone_mode=False)
    except click.ClickException:
        return None
    return seen[0] if seen else None


@given(
    words=st.lists(WORDS, max_size=7), project=st.sampled_from(["", "p", "\n"]), phase=st.sampled_from(["", "dev", "x"])
)
def test_what_is_read_without_click_is_what_click_reads(words: list[str], project: str, phase: str) -> None:
    environ = {"WATTBOOK_PROJECT": project, "WATTBOOK_PHASE": phase}
    words = [*words, "--", "true", "--", "-q"]
    read = plain(words, environ)
    with pytest.MonkeyPatch.context() as monkeypatch:
        told = by_click(words, environ, monkeypatch)
    assert read is None or read == told


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["-q"],
        ["--json", "-o", "-"],
        ["--project", "p", "--phase=train", "--tag", "a=b", "--tag", "c=d=e", "--interval", "0.5"],
        ["--ledger", "/tmp/x.db", "-o", "out.json", "--site", "home"],
    ],
)
def test_the_usual_spellings_need_no_click(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    words = [*words, "--", "sleep", "1"]
    read = plain(words, {})
    assert read is not None
    assert read == by_click(words, {}, monkeypatch)


def test_a_completing_shell_is_left_to_click() -> None:
    assert plain(["--", "true"], {"_WATTBOOK_COMPLETE": "bash_source"}) is None


def test_every_option_of_run_is_known_or_left_to_click() -> None:
    read = plain(["--", "true"], {})
    assert read is not None
    assert {p.name for p in run.command.params} == (read.keys() - {"argv"}) | {"forgotten"}
