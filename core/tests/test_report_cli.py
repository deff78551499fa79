"""``wattbook report`` and ``wattbook explain`` on a real book."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
from pathlib import Path

import pytest
from attrs import evolve
from click.testing import CliRunner, Result
from wattbook.cli import main
from wattbook.ledger import Ledger
from wattbook.model import Phase
from wattbook.records import Snapshot
from wattbook.testing.builders import START
from wattbook.testing.entries import a_gap_entry, a_run, a_statement, an_entry

HTML = ["html"] if importlib.util.find_spec("jinja2") else []
KEYS = ["period", "as_of", "watermark", "total", "by_basis", "by", "claims", "coverage", "gaps", "factors"]


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A book with one run in October 2026, Singapore, and one provided month."""
    (tmp_path / "wattbook.toml").write_text(
        '[report]\ntimezone = "Asia/Singapore"\n[accounts."acme/1"]\nplatforms = ["cloud"]\n'
    )
    url = str(tmp_path / "book.db")
    monkeypatch.setenv("WATTBOOK_LEDGER", url)
    monkeypatch.setenv("WATTBOOK_CONFIG", str(tmp_path / "wattbook.toml"))
    monkeypatch.setenv("WATTBOOK_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("NO_COLOR", "1")
    with Ledger.open(url) as ledger:
        ledger.add([an_entry(error=0.1, project="=ner", phase=Phase.DEV), a_gap_entry()], [a_run()], recorded_at=START)
        ledger.add_statements(
            [a_statement("10"), a_statement("9", method="market")], Snapshot(sha256="ab", format="csv", plugin="csp"),
            recorded_at=START,
        )  # fmt: skip
    return url


def wattbook(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), prog_name="wattbook")


def test_the_document_has_the_keys_of_the_contract_in_their_order(book: str) -> None:
    result = wattbook("report", "--month", "2026-10", "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert [key for key in document if key in (*KEYS, "warnings")] == [*KEYS, "warnings"]
    assert document["period"] == {
        "start": "2026-09-30T16:00:00Z", "end": "2026-10-31T16:00:00Z", "zone": "Asia/Singapore",
    }  # fmt: skip
    assert list(document["by"]) == ["platform", "phase", "project"]
    assert document["by_basis"]["provided"]["co2e_g"] == {"location": 10_000.0, "market": 9_000.0, "unsplit": None}
    assert document["gaps"][0]["reason"] == "nothing measures it"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--month", "2026-13"), "no month 13"),
        (("--month", "October"), "is not a month"),
        (("--month", "2026-10", "--from", "2026-10-01", "--to", "2026-10-02"), "contradict"),
        (("--from", "2026-10-01"), "belong together"),
        (("--from", "2026-10-02", "--to", "2026-10-01"), "ends"),
        (("--by", "projcet"), "did you mean 'project'"),
        (("--timezone", "Singapoor"), "no IANA time zone"),
        (("--as-of", "tomorrow"), "--as-of is a day or a time"),
        (("--json", "--format", "csv"), "contradict"),
        (("--format", "pdf"), "pdf"),
        (("--fail-over", "50"), "50kg"),
    ],
)
def test_wrong_usage_is_a_sentence_and_exit_2(book: str, arguments: tuple[str, ...], said: str) -> None:
    result = wattbook("report", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""


def test_the_table_is_plain_and_names_every_basis(book: str) -> None:
    result = wattbook("report", "--month", "2026-10")
    assert result.exit_code == 0
    assert "\x1b" not in result.stdout
    assert "Carbon book 2026-10" in result.stdout
    assert "provided" in result.stdout
    assert "0.9-1.1 kWh" in result.stdout


def test_csv_lines_of_a_dimension_add_up_and_formulas_are_disarmed(book: str) -> None:
    result = wattbook("report", "--month", "2026-10", "--format", "csv", "--by", "project")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    whole = next(row for row in rows if row["dimension"] == "total" and row["basis"] == "all")
    parts = [row for row in rows if row["dimension"] == "project" and row["basis"] == "all"]
    assert sum(float(row["co2e_location_g"]) for row in parts) == pytest.approx(float(whole["co2e_location_g"]))
    assert {row["key"] for row in parts} == {"'=ner", "(unallocated)"}
    assert next(row for row in rows if row["basis"] == "provided")["energy_j"] == ""


def test_markdown_goes_to_a_file_and_nothing_to_stdout(book: str, tmp_path: Path) -> None:
    out = tmp_path / "october.md"
    result = wattbook("report", "--month", "2026-10", "--format", "md", "-o", str(out))
    assert (result.exit_code, result.stdout) == (0, "")
    assert out.read_text(encoding="utf-8").startswith("# Carbon book 2026-10")


def test_a_file_that_cannot_be_written_is_a_sentence(book: str, tmp_path: Path) -> None:
    result = wattbook("report", "--month", "2026-10", "-o", str(tmp_path / "none" / "x.txt"))
    assert result.exit_code == 1
    assert "cannot be written" in str(result.exception)


def test_the_book_as_of_an_earlier_day_holds_what_was_known_then(book: str) -> None:
    with Ledger.open(book) as ledger:
        late = an_entry(start=START, host="late")
        ledger.add([late], recorded_at=START.replace(day=20))
    before = json.loads(wattbook("report", "--month", "2026-10", "--as-of", "2026-10-19", "--json").stdout)
    after = json.loads(wattbook("report", "--month", "2026-10", "--as-of", "2026-10-20", "--json").stdout)
    assert before["as_of"] == "2026-10-19T15:59:59.999999Z"
    assert after["total"]["energy_j"] == 2 * before["total"]["energy_j"]


def test_the_same_command_gives_the_same_bytes(book: str) -> None:
    for form in ("table", "json", "csv", "md", *HTML):
        first, second = (wattbook("report", "--month", "2026-10", "--format", form).stdout for _ in range(2))
        assert first == second


def test_an_empty_month_says_so_beside_the_report(book: str) -> None:
    result = wattbook("report", "--month", "2020-01")
    assert result.exit_code == 0
    assert "holds nothing from 2020-01" in result.stderr


def test_explain_last_run_or_entry(book: str) -> None:
    entry = an_entry(error=0.1, project="=ner", phase=Phase.DEV)
    last = json.loads(wattbook("explain", "last", "--json").stdout)
    assert (last["kind"], last["id"], last["energy_j"]) == ("run", "run-1", 3_600_000.0)
    for what in (entry.entry_id, entry.entry_id[:10]):
        alone = json.loads(wattbook("explain", what, "--json").stdout)
        assert (alone["kind"], alone["id"]) == ("entry", entry.entry_id)
    assert "energy 0.9-1.1 kWh" in wattbook("explain", "run").stdout


@pytest.mark.parametrize("what", ["nothing-like-it", "", "%"])
def test_an_id_that_is_not_there_is_a_sentence(book: str, what: str) -> None:
    result = wattbook("explain", what)
    assert result.exit_code == 1
    assert "holds no run or entry" in str(result.exception)


def test_an_empty_book_has_no_last_run(tmp_path: Path, book: str) -> None:
    result = wattbook("explain", "last", "--ledger", str(tmp_path / "new.db"))
    assert result.exit_code == 1
    assert "holds no run yet" in str(result.exception)


def test_a_correction_takes_the_place_of_what_it_corrects(book: str) -> None:
    wrong = an_entry(error=0.1, project="=ner", phase=Phase.DEV)
    with Ledger.open(book) as ledger:
        ledger.add([evolve(wrong, energy_j=1.0, low_j=None, high_j=None, supersedes=wrong.entry_id, reason="typo")])
    assert json.loads(wattbook("report", "--month", "2026-10", "--json").stdout)["total"]["energy_j"] == 1.0


def test_a_report_over_the_limit_is_written_and_exits_with_1(book: str, tmp_path: Path) -> None:
    out = tmp_path / "october.md"
    result = wattbook("report", "--month", "2026-10", "--format", "md", "-o", str(out), "--fail-over", "5kg")
    assert result.exit_code == 1
    assert "over the limit of 5.00 kg" in str(result.exception)
    assert out.read_text(encoding="utf-8").startswith("# Carbon book")
    assert wattbook("report", "--month", "2026-10", "--fail-over", "1t").exit_code == 0


def test_a_budget_of_the_configuration_can_be_the_limit(book: str, tmp_path: Path) -> None:
    assert "there is no budget" in str(wattbook("report", "--month", "2026-10", "--fail-over", "budget").exception)
    with (tmp_path / "wattbook.toml").open("a") as config:
        config.write("[budgets]\nteam_kg_per_month = 5\n")
    result = wattbook("report", "--month", "2026-10", "--fail-over", "budget")
    assert result.exit_code == 1
    assert "over budget: the team" in str(result.exception)
    assert "Budgets" in result.stdout


def test_the_step_summary_is_added_where_the_service_wants_it(
    book: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("# Tests\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    result = wattbook("report", "--month", "2026-10", "--step-summary", "--fail-over", "1g")
    assert result.exit_code == 1
    assert summary.read_text(encoding="utf-8").startswith("# Tests\n# Carbon book 2026-10\n")


def test_without_a_step_summary_there_is_a_word_and_no_failure(book: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    result = wattbook("report", "--month", "2026-10", "--step-summary")
    assert result.exit_code == 0
    assert "GITHUB_STEP_SUMMARY is not set" in result.stderr


def test_a_step_summary_that_cannot_be_written_is_a_sentence(
    book: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    result = wattbook("report", "--month", "2026-10", "--step-summary")
    assert result.exit_code == 1
    assert "cannot be written" in str(result.exception)


def test_the_month_before_is_compared_with(book: str) -> None:
    document = json.loads(wattbook("report", "--month", "2026-11", "--json").stdout)
    assert document["change"]["period"]["start"] == "2026-09-30T16:00:00Z"
    assert document["change"]["before"]["energy_j"] == 3_600_000.0
    assert document["change"]["co2e_g"] is None
    assert json.loads(wattbook("report", "--month", "2026-10", "--json").stdout)["change"] is None


def test_the_html_page_is_written_to_a_file(book: str, tmp_path: Path) -> None:
    pytest.importorskip("jinja2", reason="the HTML page needs the extra 'report'")
    out = tmp_path / "october.html"
    result = wattbook("report", "--month", "2026-10", "--format", "html", "-o", str(out))
    assert (result.exit_code, result.stdout) == (0, "")
    text = out.read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert "<bdi>=ner</bdi>" in text
