"""``wattbook ledger close``, ``reopen``, ``periods``, ``why``, ``roles``, and ``report`` of a closed month."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from wattbook.cli.group import main
from wattbook.ledger.store import Ledger
from wattbook.testing.ledger import a_run, a_snapshot, a_statement, an_entry

NOVEMBER = "1794355200"  #: seconds: 2026-11-11


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATTBOOK_LEDGER", str(tmp_path / "ledger.db"))
    monkeypatch.setenv("WATTBOOK_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("WATTBOOK_CONFIG", str(tmp_path / "config.toml"))
    (tmp_path / "config.toml").write_text('report.timezone = "UTC"\n')
    monkeypatch.setenv("SOURCE_DATE_EPOCH", NOVEMBER)
    with Ledger.open() as book:
        book.add([an_entry(n) for n in range(3)], [a_run(end=an_entry(2).end)])
        book.add_statements([a_statement("100", month="2026-10")], a_snapshot())


def wattbook(*args: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, args)
    assert result.exit_code == code, (result.output, result.exception)
    return result


def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """A late entry and a restated bill, a day after the closing."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int(NOVEMBER) + 86_400))
    with Ledger.open() as book:
        book.add([an_entry(7, host="late")])
        book.add_statements([a_statement("90", month="2026-10", version=2)], a_snapshot("two"))


def test_a_month_is_closed_and_its_manifest_shown() -> None:
    document = json.loads(wattbook("ledger", "close", "2026-10", "--by", "Kim", "--note", "audited", "--json").stdout)
    assert [document[key] for key in ("month", "act", "revision", "by", "note", "zone")] == [
        "2026-10", "close", 1, "Kim", "audited", "UTC",
    ]  # fmt: skip
    assert (document["entries"], document["runs"], document["statement_sets"]) == (3, 1, 1)
    assert document["energy_j"] == 3 * 3600
    assert document["factors"][0]["factor"]["id"].startswith("ember:SG")
    shown = json.loads(wattbook("ledger", "periods", "--json").stdout)
    assert shown["closed"] == ["2026-10"]
    assert [(p["manifest_id"], p["in_force"]) for p in shown["periods"]] == [(document["manifest_id"], True)]
    assert "closed on 2026-11-11 by Kim" in wattbook("ledger", "periods").stdout


def test_the_report_of_a_closed_month_is_the_same_in_every_format(monkeypatch: pytest.MonkeyPatch) -> None:
    wattbook("ledger", "close", "2026-10")
    forms = ("json", "table", "csv", "md", "html")
    before = {form: wattbook("report", "--month", "2026-10", "--format", form).stdout for form in forms}
    later(monkeypatch)
    for form in forms:
        again = wattbook("report", "--month", "2026-10", "--format", form)
        assert again.stdout == before[form]
        assert "known since: -10.0 kg (late entries +" in again.stderr
    assert wattbook("report", "--month", "2026-10", "--quiet").stderr == ""


def test_the_month_after_has_the_adjustments(monkeypatch: pytest.MonkeyPatch) -> None:
    wattbook("ledger", "close", "2026-10")
    later(monkeypatch)
    (one,) = json.loads(wattbook("report", "--month", "2026-11", "--json").stdout)["adjustments"]
    assert (one["month"], one["large"], one["energy_j"]) == ("2026-10", True, 3600)
    assert [(cause["cause"], cause["count"]) for cause in one["causes"]] == [("late entries", 1), ("restatement", 1)]
    table = wattbook("report", "--month", "2026-11").stdout
    assert "Adjustments of closed months, not in the total above" in table
    assert "more than 5 % of what it was closed with" in table


def test_why_gives_decimals_that_add_up_to_the_last_digit(monkeypatch: pytest.MonkeyPatch) -> None:
    wattbook("ledger", "close", "2026-10")
    assert "nothing changed" in wattbook("ledger", "why", "2026-10").stdout
    later(monkeypatch)
    document: Any = json.loads(
        wattbook("ledger", "why", "2026-10", "--json").stdout, parse_float=Decimal, parse_int=Decimal
    )
    for get in (lambda d: d["energy_j"], lambda d: d["co2e_g"]["location"]):
        parts = sum(get(cause) for cause in document["causes"])
        assert parts == get(document["difference"]) == get(document["after"]) - get(document["before"]) != 0
    assert "restatement (1): -10.0 kg" in wattbook("ledger", "why", "2026-10").stdout


def test_why_between_two_moments_needs_no_closing(monkeypatch: pytest.MonkeyPatch) -> None:
    later(monkeypatch)
    document = json.loads(wattbook("ledger", "why", "2026-10", "--from", "2026-11-11", "--json").stdout)
    assert [cause["cause"] for cause in document["causes"]] == ["late entries", "restatement"]
    assert "nothing changed" in wattbook("ledger", "why", "2026-10", "--from", "2026-11-13").stdout


def test_a_longer_report_says_which_closed_months_it_adds_up_anew() -> None:
    wattbook("ledger", "close", "2026-10")
    told = wattbook("report", "--from", "2026-10-01", "--to", "2026-11-30").stderr
    assert "2026-10 is closed" in told
    assert wattbook("report", "--from", "2026-10-01", "--to", "2026-10-31", "--json").stdout == (
        wattbook("report", "--month", "2026-10", "--json").stdout
    )


def test_a_closed_month_keeps_its_zone_wherever_it_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wattbook("ledger", "close", "2026-10", "--timezone", "Asia/Singapore")
    document = json.loads(wattbook("report", "--month", "2026-10", "--json").stdout)
    assert (document["period"]["zone"], document["closed"] is None) == ("Asia/Singapore", False)
    other = wattbook("report", "--month", "2026-10", "--timezone", "UTC", "--json")
    assert json.loads(other.stdout)["closed"] is None
    assert "is closed, in the zone Asia/Singapore" in other.stderr


@pytest.mark.parametrize("verb", ["close", "reopen", "why"])
@pytest.mark.parametrize("month", ["2026-13", "october", "2026", "", "2026-10; DROP TABLE entry"])
def test_what_is_no_month_is_wrong_usage(verb: str, month: str) -> None:
    assert "month" in wattbook("ledger", verb, month, code=2).stderr


def test_reopening_what_is_not_closed_and_closing_twice_are_refused() -> None:
    from wattbook.errors import WattbookError

    for args, said in ((("reopen", "2026-10"), "not closed"), (("close", "2026-12"), "not over")):
        result = CliRunner().invoke(main, ["ledger", *args])
        assert isinstance(result.exception, WattbookError)
        assert said in str(result.exception)
    wattbook("ledger", "close", "2026-10")
    again = CliRunner().invoke(main, ["ledger", "close", "2026-10"])
    assert "closed already" in str(again.exception)
    assert "open again" in wattbook("ledger", "reopen", "2026-10", "--note", "a bill came").stderr
    assert "a bill came" in wattbook("ledger", "periods").stdout


def test_the_script_of_roles_is_printed_and_opens_no_book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATTBOOK_LEDGER", "postgresql://nowhere.invalid/x")
    sql = wattbook("ledger", "roles", "--reader", 'r"; DROP TABLE x; --').stdout
    assert 'GRANT SELECT ON ALL TABLES IN SCHEMA wattbook TO "wattbook_writer", "r""; DROP TABLE x; --";' in sql
    assert json.loads(wattbook("ledger", "roles", "--json").stdout)["roles"]["owner"] == "wattbook_owner"


def test_a_name_that_postgresql_would_cut_is_refused() -> None:
    from wattbook.errors import LedgerError

    for name in ("x" * 64, "", "a\nb", "wattbook_writer"):
        result = CliRunner().invoke(main, ["ledger", "roles", "--reader", name])
        assert isinstance(result.exception, LedgerError)
