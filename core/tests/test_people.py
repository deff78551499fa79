"""People in the book are pseudonyms, in a report a group, and forgotten when their key is gone."""

from __future__ import annotations

import json
import multiprocessing
from datetime import timedelta
from functools import partialmethod
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from wattbook.cli import main
from wattbook.config import Privacy
from wattbook.ledger.store import Ledger
from wattbook.people import PSEUDONYM, hidden, introduce
from wattbook.people.keys import Keys
from wattbook.people.paths import HIDDEN, without_paths
from wattbook.records import Labels
from wattbook.testing.ledger import START, a_run, an_entry, text_of


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WATTBOOK_LEDGER", str(tmp_path / "ledger.db"))
    monkeypatch.setenv("WATTBOOK_STATE", str(tmp_path / "state"))
    (tmp_path / "few.toml").write_text("[privacy]\nminimum_group = 3\n")
    return tmp_path


def run(*args: str, code: int = 0) -> str:
    result = CliRunner().invoke(main, list(args))
    assert result.exit_code == code, (result.output, result.exception)
    return result.stdout


def label(name: str) -> str:
    labels, why = hidden(Labels(person=name), Privacy())
    assert why == ""
    assert labels.person is not None
    return labels.person


def report(*more: str) -> Any:
    return json.loads(run("report", "--month", "2026-10", "--timezone", "UTC", "--json", *more))


def add(*people: str | None, **tags: str) -> None:
    with Ledger.open() as book:
        for number, person in enumerate(people):
            labels = Labels(person=None if person is None else label(person), tags=tags)
            more = {"run_id": f"r{number}", "host": f"h{number}", "energy_j": 3600.0 * (number + 1), "labels": labels}
            book.add([an_entry(0, low_j=None, high_j=None, **more)], [a_run(f"r{number}", end=an_entry(9).end)])


# --- pseudonyms ---------------------------------------------------------------------------------------


def test_a_name_becomes_one_pseudonym_and_stays_it() -> None:
    assert PSEUDONYM.fullmatch(label("ada"))
    assert label("ada") == label(" ada ") == label(label("ada"))
    assert label("ada") != label("bob")


def test_another_file_of_keys_gives_another_pseudonym(tmp_path: Path) -> None:
    here, _ = hidden(Labels(person="ada"), Privacy())
    there, _ = hidden(Labels(person="ada"), Privacy(keys=str(tmp_path / "other.json")))
    assert here.person != there.person


def test_a_tag_that_names_a_person_is_one() -> None:
    labels, _ = hidden(Labels(tags={"person": "ada", "gpu": "H100"}), Privacy())
    assert labels.tags == {"person": label("ada"), "gpu": "H100"}


def test_names_are_kept_where_the_user_says_so() -> None:
    labels = Labels(person="ada")
    assert hidden(labels, Privacy(pseudonyms=False)) == (labels, "")


def test_where_no_key_can_be_kept_there_is_no_person(home: Path) -> None:
    (home / "state").write_text("in the way")
    labels, why = hidden(Labels(person="ada", tags={"person": "bob", "a": "b"}), Privacy())
    assert labels == Labels(tags={"a": "b"})
    assert "no person" in why


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"people": {"x": 1}, "erased": []}', '{"people": [], "erased": 1}']
)
def test_a_file_that_is_none_of_keys_is_left_alone(home: Path, content: str) -> None:
    path = home / "keys.json"
    path.write_text(content)
    _, why = hidden(Labels(person="ada"), Privacy(keys=str(path)))
    assert "left alone" in why
    assert path.read_text() == content


def _ask(path: str, name: str) -> str:
    return Keys(path).pseudonym(name)


def test_processes_that_ask_at_once_get_one_answer(home: Path) -> None:
    path = str(home / "keys.json")
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        found = pool.starmap(_ask, [(path, f"name {n % 3}") for n in range(12)])
    assert len(set(found)) == 3


def _counted(self: Keys, method: Any, name: str, calls: list[str], *given: Any) -> Any:
    calls.append(name)
    return method(self, *given)


def test_many_new_people_cost_two_readings_of_the_file_and_one_writing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    for name in ("_read", "_write"):
        plain = getattr(Keys, name)
        monkeypatch.setattr(Keys, name, partialmethod(_counted, plain, name, calls))
    introduce([Labels(person=f"Person {n}", tags={"person": f"Guest {n}"}) for n in range(200)], Privacy())
    for n in range(200):
        hidden(Labels(person=f"Person {n}", tags={"person": f"Guest {n}"}), Privacy())
    assert calls == ["_read", "_read", "_write"]


def test_a_file_of_keys_never_grows_beyond_what_can_be_read(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wattbook.people.keys.MAX_BYTES", 400)
    labels, why = hidden(Labels(person="Ada"), Privacy())
    assert labels.person is not None
    assert why == ""
    refused, why = hidden(Labels(person="B" * 400), Privacy())
    assert refused.person is None
    assert "more people do not fit" in why
    assert hidden(Labels(person="Ada"), Privacy())[0] == labels


def test_a_figure_by_hand_is_booked_on_a_pseudonym() -> None:
    run("log", "--hours", "1", "--tdp", "100", "--person", "Zoltan Q", "--project", "x")
    with Ledger.open() as book:
        assert "Zoltan" not in text_of(book)
        assert label("Zoltan Q") in text_of(book)


# --- small groups -----------------------------------------------------------------------------------


def rows(dim: str, *more: str) -> dict[str | None, float]:
    return {row["key"]: row["energy_j"] for row in report("--by", dim, *more)["by"][dim]}


def test_a_few_people_are_one_row_with_what_is_nobodys(home: Path) -> None:
    add("ada", "bob", None)
    found = rows("person", "--config", str(home / "few.toml"))
    assert list(found.values()) == [3600.0 * 6]
    assert "fewer than 3" in str(next(iter(found)))


def test_enough_people_are_shown_by_name_to_whoever_has_the_keys(home: Path) -> None:
    add("ada", "bob", "cy", None)
    config = ("--config", str(home / "few.toml"))
    assert rows("person", *config) == {"ada": 3600.0, "bob": 7200.0, "cy": 10800.0, None: 14400.0}
    (home / "state" / "people.json").unlink()
    assert all(key is None or PSEUDONYM.fullmatch(key) for key in rows("person", *config))


def test_a_tag_of_persons_hides_them_too(home: Path) -> None:
    add("ada", "bob", person=label("ada"))
    assert len(rows("tag:person", "--config", str(home / "few.toml"))) == 1


def test_a_shorter_period_with_fewer_people_tells_no_more(home: Path) -> None:
    add("ada", "bob", "cy")
    with Ledger.open() as book:
        late = an_entry(100, run_id="late", host="z", labels=Labels(person=label("ada")))
        book.add([late], [a_run("late", end=late.end)])
    day = START + timedelta(hours=100)
    told = json.loads(
        run("report", "--from", f"{day:%Y-%m-%d}", "--to", f"{day:%Y-%m-%d}", "--json", "--by", "person",
            "--timezone", "UTC", "--config", str(home / "few.toml"))
    )  # fmt: skip
    assert [row["key"] for row in told["by"]["person"]] == ["(fewer than 3 people, and nobody's)"]


@given(st.lists(st.sampled_from(["p-1", "p-2", "p-3", "p-4", None]), min_size=1, max_size=8), st.integers(1, 5))
def test_no_row_and_no_rest_is_a_smaller_group(people: list[str | None], minimum: int) -> None:
    from wattbook.report.people import group_of, keyed

    entries = [an_entry(n, labels=Labels(person=person)) for n, person in enumerate(people)]
    group = group_of(["person"], entries, minimum)
    read = keyed("person", lambda entry: entry.labels.person, group)
    keys = {read(entry) for entry in entries}
    several = len({person for person in people if person})
    assert len(keys) == 1 or several >= minimum


# --- forgetting ---------------------------------------------------------------------------------------


def test_erasing_destroys_the_key_and_changes_nothing_in_the_book(home: Path) -> None:
    add("ada", "bob", "cy")
    config = ("--config", str(home / "few.toml"))
    gone = label("ada")
    with Ledger.open() as book:
        before = text_of(book)
    assert json.loads(run("ledger", "erase", "ada", "--json"))["erased"] == [gone]
    assert '"ada"' not in (home / "state" / "people.json").read_text()
    with Ledger.open() as book:
        assert text_of(book) == before
    assert json.loads(run("ledger", "verify", "--json"))["ok"]
    assert set(rows("person", *config)) == {f"erased person ({gone})", "bob", "cy"}
    assert label("ada") != gone


def test_somebody_unknown_is_not_erased() -> None:
    result = CliRunner().invoke(main, ["ledger", "erase", "nobody"])
    assert result.exit_code == 1
    assert "knows nobody" in str(result.exception)


def test_a_name_in_plain_from_an_older_book_cannot_be_forgotten_and_that_is_said() -> None:
    with Ledger.open() as book:
        book.add([an_entry(0, labels=Labels(person="ada"))], [a_run()])
    result = CliRunner().invoke(main, ["ledger", "erase", "ada"])
    assert result.exit_code == 1
    assert "1 entries of the book hold this name in plain" in str(result.exception)


# --- paths --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("the configuration is not used (/home/ada x/secret/team.toml: is not TOML)",
         f"the configuration is not used ({HIDDEN}: is not TOML)"),
        ("/sys/class/powercap/intel-rapl:0/energy_uj: Permission denied",) * 2,
        ("12 J/s, 3/4 of it, gCO2e/kWh, https://example.org/x",) * 2,
        ("cannot open '/data/run 5/a.csv', try ~/b", f"cannot open '{HIDDEN}', try {HIDDEN}"),
        (r"C:\Users\ada\x is bad", f"{HIDDEN} is bad"),
    ],
)  # fmt: skip
def test_paths_of_a_user_are_hidden_and_those_of_the_system_are_not(said: str, kept: str) -> None:
    assert without_paths(said) == kept


def test_a_long_sentence_is_read_in_a_moment() -> None:
    without_paths("/a" * 50_000 + " " * 50_000 + "~/" * 50_000)
