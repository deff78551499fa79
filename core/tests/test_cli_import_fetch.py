"""``wattbook import NAME --month``: what is fetched, what is only a path, and what is refused before anything is asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import wattbook
from click.testing import CliRunner, Result
from wattbook.cli import main
from wattbook.ledger.store import Ledger
from wattbook.plugins import gather
from wattbook.testing.entries import a_statement

MONTH = "2026-02"


class Acme:
    """A provider with an interface; what it is asked is kept."""

    def __init__(self) -> None:
        self.asked: list[wattbook.Wanted] = []
        self.lines = [f"acme\n{MONTH} 12.5\n"]
        self.fails: Exception | None = None

    def fetch(self, wanted: wattbook.Wanted, folder: Path) -> wattbook.Fetched:
        self.asked.append(wanted)
        if self.fails is not None:
            raise self.fails
        files = []
        for number, text in enumerate(self.lines):
            files.append(folder / f"page{number}.txt")
            files[-1].write_text(text)
        problem = wattbook.Problem(reason="one account was silent")
        return wattbook.Fetched(format="acme", files=tuple(files), account="a1", problems=(problem,))

    def read(self, source: wattbook.ImportSource) -> Iterator[wattbook.Statement]:
        for file in source.files:
            with file.open() as stream:
                for line in stream.read().decode().splitlines()[1:]:
                    month, kilograms = line.split()
                    yield a_statement(kilograms, month=month, account=source.account or "nobody")


@pytest.fixture
def acme() -> Acme:
    return Acme()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, acme: Acme) -> None:
    plugin = ModuleType("fake")

    @wattbook.hookimpl
    def import_provided(source: wattbook.ImportSource, config: object) -> Iterator[Any]:
        yield wattbook.Importer(
            format="acme", basis=wattbook.Basis.PROVIDED, sniff=lambda f: f.head.startswith(b"acme"), read=acme.read,
            gathers=True,
        )  # fmt: skip
        yield wattbook.Fetcher(name="acme", fetch=acme.fetch, options={"project": "whose", "from": "where"})

    plugin.import_provided = import_provided  # type: ignore[attr-defined]
    monkeypatch.setattr("wattbook.plugins.installed", lambda tables=None: gather([("fake", plugin)]))
    monkeypatch.setenv("WATTBOOK_LEDGER", str(tmp_path / "ledger.db"))
    monkeypatch.setenv("WATTBOOK_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("WATTBOOK_CONFIG", str(tmp_path / "wattbook.toml"))
    (tmp_path / "wattbook.toml").write_text('[site]\nzone = "SG"\n')
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")


def run(*args: str) -> Result:
    return CliRunner().invoke(main, ["import", *args])


def said(result: Result) -> str:
    return result.output + str(result.exception or "")


def recorded(tmp_path: Path) -> list[wattbook.Statement]:
    if not (tmp_path / "ledger.db").exists():
        return []
    with Ledger.open(str(tmp_path / "ledger.db")) as book:
        return book.statements()


def test_a_month_is_fetched_and_recorded(tmp_path: Path, acme: Acme) -> None:
    result = run("acme", "--month", MONTH, "--json")
    assert result.exit_code == 0, said(result)
    (one,) = json.loads(result.stdout)["imported"]
    assert (one["format"], one["accounts"], one["statements"]["new"]) == ("acme", ["a1"], 1)
    assert one["paths"] == ["acme:2026-02/page0.txt"]
    assert [problem["reason"] for problem in one["problems"]] == ["one account was silent"]
    assert [s.co2e_kg for s in recorded(tmp_path)] == [Decimal("12.5")]
    assert list(Path.cwd().iterdir()) == []


def test_what_is_fetched_is_the_evidence_that_a_saved_file_is(tmp_path: Path, acme: Acme) -> None:
    (tmp_path / "page0.txt").write_text(acme.lines[0])
    saved = json.loads(run(str(tmp_path / "page0.txt"), "--account", "a1", "--json").stdout)["imported"][0]
    fetched = json.loads(run("acme", "--month", MONTH, "--json").stdout)["imported"][0]
    assert saved["sha256"] == fetched["sha256"]
    assert fetched["statements"] == {"new": 0, "known": 1, "superseded": 0}


def test_a_file_of_that_name_is_a_file_unless_a_month_is_said(acme: Acme) -> None:
    Path("acme").write_text(f"acme\n{MONTH} 3\n")
    assert json.loads(run("acme", "--json").stdout)["imported"][0]["paths"] == ["acme"]
    assert json.loads(run("./acme", "--json").stdout)["imported"][0]["paths"] == ["acme"]
    assert acme.asked == []
    assert run("./acme", "--month", MONTH).exit_code == 2
    assert acme.asked == []


def test_without_a_month_nothing_is_fetched(acme: Acme) -> None:
    result = run("acme")
    assert result.exit_code == 2
    assert "wattbook import acme --month 2026-09" in result.output
    assert acme.asked == []


@pytest.mark.parametrize("month", ["2026-13", "2026", "last", "2999-01", "../x", ""])
def test_another_month_than_one_that_is_over_is_refused_before_anything_is_asked(acme: Acme, month: str) -> None:
    result = run("acme", "--month", month)
    assert result.exit_code != 0
    assert "month" in said(result)
    assert acme.asked == []


def test_an_unknown_option_is_refused_before_anything_is_asked(acme: Acme) -> None:
    result = run("acme", "--month", MONTH, "--option", "colour=red")
    assert "it knows from, project" in said(result)
    assert acme.asked == []


def test_options_reach_the_fetcher(acme: Acme) -> None:
    run("acme", "--month", MONTH, "--project", "ml", "--from", "there", "--account", "a9")
    (wanted,) = acme.asked
    assert (wanted.month, wanted.account, dict(wanted.options)) == (MONTH, "a9", {"project": "ml", "from": "there"})


def test_the_project_of_the_environment_is_a_label_and_no_clouds(acme: Acme, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATTBOOK_PROJECT", "vision")
    run("acme", "--month", MONTH)
    assert dict(acme.asked[0].options) == {}


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (wattbook.Unavailable("no key", remedy="set ACME_TOKEN"), "acme:2026-02: no key; set ACME_TOKEN"),
        (wattbook.ImportFailed("the next page is missing"), "acme:2026-02: the next page is missing"),
        (ZeroDivisionError("x"), "the plugin fake failed to fetch"),
    ],
)
def test_a_failure_is_a_sentence_and_nothing_is_recorded(
    tmp_path: Path, acme: Acme, error: Exception, sentence: str
) -> None:
    acme.fails = error
    result = run("acme", "--month", MONTH)
    assert result.exit_code != 0
    assert sentence in said(result)
    assert recorded(tmp_path) == []


def test_an_answer_about_another_month_is_refused(tmp_path: Path, acme: Acme) -> None:
    acme.lines = ["acme\n2026-01 5\n"]
    assert f"says nothing of {MONTH}" in said(run("acme", "--month", MONTH))
    assert recorded(tmp_path) == []


def test_a_month_that_has_not_begun_is_refused_from_whatever_source(tmp_path: Path) -> None:
    (tmp_path / "late.txt").write_text("acme\n2026-01 5\n2999-01 5\n")
    assert "states 2999-01, which has not begun" in said(run(str(tmp_path / "late.txt")))
    assert recorded(tmp_path) == []


def test_a_dry_run_fetches_and_records_nothing(tmp_path: Path, acme: Acme) -> None:
    assert run("acme", "--month", MONTH, "--dry-run").exit_code == 0
    assert recorded(tmp_path) == []


def test_an_unknown_name_is_told_what_can_be_fetched(acme: Acme) -> None:
    assert "(acme), and 'aws' is a path" in said(run("aws", "--month", MONTH))


def test_where_to_fetch_from_needs_a_month() -> None:
    assert run("x.csv", "--dataset", "d").exit_code == 2
