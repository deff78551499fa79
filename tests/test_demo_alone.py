"""The demo stands by itself: no setting of the user gets in, and no real book is touched."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from wattbook.cli import main
from wattbook.cli.replay import script_of
from wattbook.errors import ConfigError, LedgerError


def wattbook(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WATTBOOK_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("WATTBOOK_LEDGER", raising=False)
    return tmp_path


def test_settings_of_the_user_do_not_get_in(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = json.loads(wattbook("demo", "--json").stdout)
    for name, value in (
        ("PROJECT", "mine"),
        ("PHASE", "no-phase"),
        ("CONFIG", "nowhere.toml"),
        ("LEDGER", "mysql://x"),
    ):
        monkeypatch.setenv(f"WATTBOOK_{name}", value)
    assert json.loads(wattbook("demo", "--json").stdout) == before


def test_it_may_be_played_into_the_same_book_twice(elsewhere: Path) -> None:
    assert wattbook("demo", "--quiet", "--keep", elsewhere / "demo.db").exit_code == 0
    assert wattbook("demo", "--quiet", "--keep", elsewhere / "demo.db").exit_code == 0


def test_a_book_with_real_figures_is_left_alone(elsewhere: Path) -> None:
    book = elsewhere / "real.db"
    assert wattbook("log", "--hours", "1", "--tdp", "100", "--util", "50", "--ledger", book).exit_code == 0
    refused = wattbook("demo", "--keep", book)
    assert isinstance(refused.exception, LedgerError)
    assert "holds real figures" in str(refused.exception)
    assert json.loads(wattbook("ledger", "show", "--json", "--ledger", book).stdout)["entries"] == 1


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "month"),
        ('month = "2026-13"', "month"),
        ('month = "2026-10"\nrecorded_at = "yesterday"', "recorded_at"),
        ('month = "2026-10"\n[[steps]]\nhost = "a"', r"steps\[0\]"),
        ('month = "2026-10"\n[[steps]]\nfiles = ["a"]\njobs = "b"', r"steps\[0\]"),
        ('month = "2026-10"\n[[steps]]\nfolder = "a"', r"steps\[0\]"),
        ("month = ", "TOML"),
    ],
)
def test_a_script_with_a_mistake_is_refused_with_its_place(tmp_path: Path, text: str, where: str) -> None:
    (tmp_path / "replay.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=f"replay.toml.*{where}"):
        script_of(tmp_path)
