"""Two months, projects, runs or commands: what differs, by how much, and whether that is more than noise."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from wattbook.accounting import Interval, Sum
from wattbook.accounting.differences import difference, scaled
from wattbook.cli import main
from wattbook.ledger import Ledger
from wattbook.records import Labels, Place
from wattbook.report.spread import half_width, spread_of, t95
from wattbook.testing.entries import a_run, an_entry

KWH = 3_600_000.0
SEPTEMBER, OCTOBER = (datetime(2026, month, 5, tzinfo=UTC) for month in (9, 10))
SG = Place(site="hall", zone="SG")


def a_sum(value: float, error: float | None, cause: str = "meter") -> Sum:
    made = Sum(unit="J")
    made.add(Interval(value, *(() if error is None else (value * (1 - error), value * (1 + error))), unit="J"), cause)
    return made


def test_an_error_that_both_share_leaves_only_its_part_of_the_difference() -> None:
    change = difference(a_sum(110, 0.1), a_sum(100, 0.1))
    assert change is not None
    assert (change.value, change.low, change.high) == pytest.approx((10, 9, 11))


def test_errors_of_different_causes_add_in_quadrature() -> None:
    change = difference(a_sum(110, 0.1, "a"), a_sum(100, 0.1, "b"))
    assert change is not None
    assert change.high == pytest.approx(10 + (11**2 + 10**2) ** 0.5)


def test_a_difference_to_what_is_unknown_is_unknown() -> None:
    assert difference(a_sum(1, 0.1), Sum(unit="J")) is None
    with pytest.raises(ValueError, match="compared"):
        difference(a_sum(1, 0.1), Sum(unit="g"))


NUMBERS, ERRORS, CAUSES = st.floats(0, 1e9), st.floats(0, 0.9), st.sampled_from(["a", "b", "c"])
SUMS = st.lists(st.tuples(NUMBERS, ERRORS, CAUSES), min_size=1, max_size=6)


def made_of(parts: list[tuple[float, float, str]]) -> Sum:
    made = Sum(unit="J")
    for value, error, cause in parts:
        made.merge(a_sum(value, error, cause))
    return made


@given(SUMS, SUMS)
def test_a_difference_turned_round_is_its_negative(one: Any, other: Any) -> None:
    there, back = difference(made_of(one), made_of(other)), difference(made_of(other), made_of(one))
    assert there is not None
    assert back is not None
    assert there.value == -back.value
    assert there.low == pytest.approx(-(back.high or 0.0), abs=1e-3, rel=1e-6)


@given(SUMS)
def test_a_sum_less_itself_is_nothing_and_certain(one: Any) -> None:
    change = difference(made_of(one), made_of(one))
    assert change is not None
    assert (change.value, change.low, change.high) == (0.0, 0.0, 0.0)


@given(SUMS, st.floats(0.01, 100))
def test_a_multiple_has_the_multiple_of_the_error(one: Any, times: float) -> None:
    plain, more = made_of(one).interval(), scaled(made_of(one), times).interval()
    assert plain is not None
    assert more is not None
    assert more.high == pytest.approx((plain.high or 0.0) * times, rel=1e-9, abs=1e-9)


def test_a_spread_has_mean_deviation_and_number() -> None:
    spread = spread_of([1.0, 2.0, 3.0, 4.0])
    assert spread is not None
    assert (spread.number, spread.mean, spread.deviation) == (4, 2.5, pytest.approx(1.2909944))
    assert spread_of([]) is None
    assert spread_of([1.0]).deviation is None  # type: ignore[union-attr]


def test_welch_is_that_of_the_books() -> None:
    one, other = spread_of([20.0, 22.0, 19.0, 20.0, 22.0]), spread_of([26.0, 24.0, 25.0, 28.0])
    assert one is not None
    assert other is not None
    # standard error 1.0446 with 5.56 degrees of freedom, taken as 5
    assert half_width(one, other) == pytest.approx(2.015 * 1.0446, rel=1e-3)
    assert t95(1e9) == pytest.approx(1.645, abs=1e-3)


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Two months, two projects, and a command that was run four times as it was and three times improved."""
    (tmp_path / "wattbook.toml").write_text('[report]\ntimezone = "Asia/Singapore"\n')
    url = str(tmp_path / "book.db")
    monkeypatch.setenv("WATTBOOK_LEDGER", url)
    monkeypatch.setenv("WATTBOOK_CONFIG", str(tmp_path / "wattbook.toml"))
    monkeypatch.setenv("WATTBOOK_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("NO_COLOR", "1")
    entries, runs = [an_entry(3 * KWH, start=SEPTEMBER, error=0.05, project="ner", place=SG)], [a_run(start=SEPTEMBER)]
    for number, (joules, tag) in enumerate(
        [(10, "old"), (11, "old"), (10, "old"), (11, "old"), (5, "new"), (5.2, "new"), (5.1, "new")]
    ):
        start, name = OCTOBER + timedelta(hours=2 * number), f"{tag}-{number}"
        entries.append(
            an_entry(joules * KWH, start=start, error=0.05, run_id=name, project="asr", place=SG, tags={"v": tag})
        )
        labels = Labels(project="asr", tags={"v": tag})
        runs.append(a_run(name, start=start, command="train.py", labels=labels, units=1000.0, unit="token"))
    with Ledger.open(url) as ledger:
        ledger.add(entries, runs)
    return url


def wattbook(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), prog_name="wattbook")


def compared(*arguments: str) -> Any:
    result = wattbook("report", "--month", "2026-10", "--json", "--compare", *arguments)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_two_months_are_compared(book: str) -> None:
    found = compared("2026-09", "2026-10")
    energy, carbon = found["differences"]
    assert energy["change"] == pytest.approx(54.3 * KWH)
    assert (energy["more_than_noise"], carbon["more_than_noise"]) == (True, True)
    assert found["same_factors"] is True


def test_two_projects_are_compared_within_a_period(book: str) -> None:
    with Ledger.open(book) as ledger:
        ledger.add(
            [an_entry(KWH, start=OCTOBER, error=0.05, project="ner", host="b", run_id="b", place=Place(zone="FR"))]
        )
    found = compared("asr", "ner")
    assert found["differences"][0]["second"] == pytest.approx(KWH)
    assert found["same_factors"] is False
    assert any("factors differ" in note for note in found["notes"])


def test_two_versions_of_a_command_are_compared_by_their_means(book: str) -> None:
    found = compared("command:train.py@v=old", "command:train.py@v=new")
    first, second = found["first"], found["second"]
    assert (first["runs"], second["runs"]) == (4, 3)
    assert first["mean_energy_j"] == pytest.approx(10.5 * KWH)
    assert first["deviation_energy_j"] == pytest.approx(0.57735 * KWH, rel=1e-4)
    energy, _, each, _ = found["differences"]
    assert (energy["change"], energy["more_than_noise"]) == (pytest.approx(-5.4 * KWH), True)
    assert (each["what"], each["first"]) == ("energy per token", pytest.approx(10.5 * KWH / 1000))


def test_two_runs_of_one_command_differ_by_no_more_than_its_runs_do(book: str) -> None:
    found = compared("old-0", "old-1")
    assert found["differences"][0]["more_than_noise"] is False
    assert found["first"]["runs_of_the_command"] == 4


def test_two_runs_that_differ_more_than_their_kinds_do_are_told_apart(book: str) -> None:
    assert compared("old-0", "new-4")["differences"][0]["more_than_noise"] is True


def test_a_single_run_says_nothing_of_how_runs_differ(book: str) -> None:
    with Ledger.open(book) as ledger:
        ledger.add(
            [an_entry(90 * KWH, error=0.05, run_id="lone", start=OCTOBER)], [a_run("lone", command="x", start=OCTOBER)]
        )
    energy = compared("lone", "old-0")["differences"][0]
    assert energy["more_than_noise"] is None
    assert "from 3 of them on" in energy["why"]


@pytest.mark.parametrize("form", ["table", "md", "csv", "html"])
def test_every_format_says_the_same_difference(book: str, form: str) -> None:
    text = wattbook("report", "--compare", "2026-09", "2026-10", "--format", form).stdout
    if form == "csv":
        (row, _) = csv.DictReader(io.StringIO(text))
        assert float(row["change"]) == pytest.approx(54.3 * KWH)
    else:
        assert "52-57 kWh" in text
        assert "+1.81e+03 %" in text or "+1810 %" in text


def test_a_label_is_never_markup(book: str) -> None:
    with Ledger.open(book) as ledger:
        ledger.add([an_entry(KWH, start=OCTOBER, project="<script>", host="b", run_id="b")])
    text = wattbook("report", "--month", "2026-10", "--compare", "asr", "project:<script>", "--format", "html").stdout
    assert "<script>" not in text
    assert "&lt;script&gt;" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("2026-09", "asr"), "not compared with each other"),
        (("2026-13", "2026-10"), "no month 13"),
        (("asr", "2026-10", "--by", "project"), "goes with"),
    ],
)
def test_what_cannot_be_compared_is_wrong_usage(book: str, arguments: tuple[str, ...], said: str) -> None:
    result = wattbook("report", "--month", "2026-10", "--compare", *arguments)
    assert result.exit_code == 2
    assert said in result.output


def test_a_name_that_is_neither_run_nor_project_is_refused_with_what_there_is(book: str) -> None:
    result = wattbook("report", "--month", "2026-10", "--compare", "asr", "nobody")
    assert result.exit_code == 1
    assert "there are asr" in str(result.exception)
