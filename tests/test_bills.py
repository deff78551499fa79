"""A bill's hours in the book: estimated, counted once, and inside the provider's figure when that arrives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from wattbook.cli import main

DATA = Path(__file__).parent.parent / "plugins" / "csp" / "tests" / "data"
FOCUS = DATA / "bills" / "focus_1.2_gpu.csv"
CUR = DATA / "bills" / "aws_cur_2.0.csv"
STATEMENT = DATA / "example" / "aws_carbon_2026-09_v3.0.1.csv"
ACCOUNT = "222222222222"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATTBOOK_LEDGER", str(tmp_path / "book.db"))
    monkeypatch.setenv("WATTBOOK_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("WATTBOOK_CONFIG", str(tmp_path / "wattbook.toml"))
    (tmp_path / "wattbook.toml").write_text('[site]\nzone = "SG"\n[report]\ntimezone = "UTC"\n')


def run(*args: str) -> Result:
    result = CliRunner().invoke(main, list(args))
    assert result.exit_code == 0, f"{result.output}{result.exception}"
    return result


def imported(*args: str) -> dict[str, Any]:
    (one,) = json.loads(run("import", "--json", *args).stdout)["imported"]
    assert isinstance(one, dict)
    return one


def report(month: str = "2026-01", by: str = "project") -> dict[str, Any]:
    document = json.loads(run("report", "--month", month, "--by", by, "--json").stdout)
    assert isinstance(document, dict)
    return document


def statement(tmp_path: Path) -> str:
    """AWS's own figure of the account and month of the bill."""
    text = STATEMENT.read_text().replace("2026-10-01 00", "2026-02-01 00").replace("2026-09-01", "2026-01-01")
    path = tmp_path / "carbon.csv"
    path.write_text(text.replace("2026-10-19", "2026-02-19"))
    return str(path)


def only_aws(tmp_path: Path) -> str:
    lines = FOCUS.read_text().splitlines(keepends=True)
    path = tmp_path / "focus.csv"
    path.write_text("".join(line for line in lines if "Microsoft" not in line and "Google" not in line))
    return str(path)


def test_a_bill_is_estimated_with_an_interval_and_says_its_hours(tmp_path: Path) -> None:
    one = imported(only_aws(tmp_path))
    assert (one["format"], one["basis"], one["accounts"], one["instance_hours"]) == (
        "focus", "estimated", [ACCOUNT], 0.75,
    )  # fmt: skip
    assert 0 < one["energy_low_j"] < one["energy_j"] < one["energy_high_j"]
    (usage,) = one["usage"]
    assert (usage["machine"], usage["region"]) == ("p5.48xlarge", "us-east-1")
    total = report()
    assert total["by_basis"]["estimated"]["energy_j"] == pytest.approx(one["energy_j"])
    assert total["by_basis"]["provided"]["co2e_g"]["location"] in (None, 0)


def test_a_statement_claims_the_bill_and_the_month_counts_once(tmp_path: Path) -> None:
    imported(only_aws(tmp_path), "--option", "project_tag=team")
    before = report()
    assert before["claims"] == []
    own = before["total"]["co2e_g"]["location"]
    stated = imported(statement(tmp_path))
    after = report()
    kilograms = float(stated["by_month"]["2026-01"]["location"])
    assert after["total"]["co2e_g"]["location"] == pytest.approx(kilograms * 1000)
    (claim,) = after["claims"]
    assert (claim["provider"], claim["account"], claim["month"]) == ("aws", ACCOUNT, "2026-01")
    assert claim["of_which_g"] == pytest.approx(own)
    assert claim["unallocated_g"] == pytest.approx(kilograms * 1000 - own)
    assert claim["divided_by"] == "carbon"
    projects = {row["key"]: row["co2e_g"]["location"] for row in after["by"]["project"]}
    assert projects["ml"] == pytest.approx(own)
    assert sum(projects.values()) == pytest.approx(kilograms * 1000)


def test_a_statement_of_another_account_claims_nothing(tmp_path: Path) -> None:
    imported(only_aws(tmp_path))
    own = report()["total"]["co2e_g"]["location"]
    other = Path(statement(tmp_path))
    other.write_text(other.read_text().replace(ACCOUNT, "333333333333"))
    stated = imported(str(other))
    after = report()
    assert after["claims"][0]["of_which_g"] in (None, 0)
    kilograms = float(stated["by_month"]["2026-01"]["location"])
    assert after["total"]["co2e_g"]["location"] == pytest.approx(own + kilograms * 1000)


def test_the_order_of_bill_and_statement_makes_no_difference(tmp_path: Path) -> None:
    imported(statement(tmp_path))
    imported(only_aws(tmp_path))
    (claim,) = report()["claims"]
    assert claim["of_which_g"] > 0


def test_the_same_bill_again_is_known(tmp_path: Path) -> None:
    path = only_aws(tmp_path)
    first, total = imported(path), report()["total"]
    again = imported(path)
    assert again["entries"] == {"new": 0, "known": first["entries"]["new"]}
    assert report()["total"] == total


def test_a_later_bill_of_the_month_takes_the_place_of_the_earlier(tmp_path: Path) -> None:
    path = Path(only_aws(tmp_path))
    imported(str(path))
    path.write_text(path.read_text().replace(",,1,Hours,55.04", ",,3,Hours,55.04"))
    later = imported(str(path))
    assert later["instance_hours"] == 2.75
    assert any("takes its place" in warning for warning in later["warnings"])
    assert report()["total"]["energy_j"] == pytest.approx(later["energy_j"])


def test_two_kinds_of_bill_of_one_account_are_never_added(tmp_path: Path) -> None:
    imported(only_aws(tmp_path))
    cur = imported(str(CUR))
    assert report()["total"]["energy_j"] == pytest.approx(cur["energy_j"])
    imported(only_aws(tmp_path))
    assert report()["total"]["energy_j"] < cur["energy_j"]


def test_hours_of_an_unknown_machine_are_a_gap_with_its_reason_and_never_zero() -> None:
    one = imported(str(CUR))
    assert one["unknown_hours"] == 6
    assert any("x99.huge" in warning and "6 hours" in warning for warning in one["warnings"])
    (unknown,) = [usage for usage in one["usage"] if usage["machine"] == "x99.huge"]
    assert unknown["energy_j"] is None
    assert unknown["reason"]
    assert any("6 hours billed" in gap["reason"] and "x99.huge" in gap["reason"] for gap in report()["gaps"])


def test_a_bill_of_unknown_machines_divides_the_statement_by_hours(tmp_path: Path) -> None:
    path = tmp_path / "focus.csv"
    header, first, *_ = FOCUS.read_text().replace("p5.48xlarge", "x99.huge").splitlines(keepends=True)
    rows = [
        first,
        first.replace('""team"":""ml""', '""team"":""nlp""').replace("i-0a", "i-0b").replace(",,1,", ",,3,", 1),
    ]
    path.write_text("".join([header, *rows]))
    one = imported(str(path), "--option", "project_tag=team")
    assert (one["energy_j"], one["unknown_hours"]) == (None, 4)
    imported(statement(tmp_path))
    after = report()
    assert after["claims"][0]["divided_by"] == "hours"
    total = after["total"]["co2e_g"]["location"]
    projects = {row["key"]: row["co2e_g"]["location"] for row in after["by"]["project"]}
    assert projects == {"ml": pytest.approx(total * 0.25), "nlp": pytest.approx(total * 0.75)}


def test_billed_machines_are_bought_as_a_service(tmp_path: Path) -> None:
    imported(only_aws(tmp_path))
    assert "3 category 1  " in run("report", "--month", "2026-01").output


def test_a_region_that_nobody_knows_is_told(tmp_path: Path) -> None:
    path = Path(only_aws(tmp_path))
    path.write_text(path.read_text().replace("us-east-1", "moon-base-1"))
    assert any("moon-base-1" in warning for warning in imported(str(path))["warnings"])


def test_a_dry_run_records_nothing(tmp_path: Path) -> None:
    one = imported(only_aws(tmp_path), "--dry-run")
    assert one["energy_j"] > 0
    assert one["entries"] == {"new": 0, "known": 0}
    assert report()["total"]["energy_j"] in (None, 0)


def test_a_bill_can_be_explained_and_verified(tmp_path: Path) -> None:
    imported(only_aws(tmp_path))
    assert run("ledger", "verify").exit_code == 0
    told = run("explain", f"bill:aws/{ACCOUNT}/2026-01").output
    assert "8 x NVIDIA H100 80GB HBM3" in told
    assert "0.75 h / 1 h x" in told
    assert "not itemised" not in told


def test_runs_on_the_same_provider_are_told(tmp_path: Path) -> None:
    run(
        "log", "--instance", "p5.48xlarge", "--hours", "1", "--platform", "aws", "--region", "us-east-1", "--start",
        "2026-01-15T07:00:00+00:00",
    )  # fmt: skip
    told = imported(only_aws(tmp_path))["warnings"]
    assert any("1 runs on aws" in warning and "counts twice" in warning for warning in told)


def test_a_jobs_csv_is_imported_as_log_books_it(tmp_path: Path) -> None:
    jobs = tmp_path / "jobs.csv"
    jobs.write_text("start,hours,instance,region,project\n2026-01-05T10:00:00+00:00,2,p4d.24xlarge,us-east-1,ner\n")
    one = imported(str(jobs))
    assert (one["format"], one["basis"], one["entries"]) == ("jobs-csv", "estimated", {"new": 1, "known": 0})
    assert report()["total"]["energy_j"] == pytest.approx(one["energy_j"])
    assert "1 known before" in run("log", str(jobs)).stderr
    assert imported(str(jobs))["entries"] == {"new": 0, "known": 1}


def test_a_bad_line_of_a_jobs_csv_refuses_everything_beside_it(tmp_path: Path) -> None:
    jobs = tmp_path / "jobs.csv"
    jobs.write_text("start,hours,instance\n2026-01-05T10:00:00+00:00,two,p4d.24xlarge\n")
    result = CliRunner().invoke(main, ["import", only_aws(tmp_path), str(jobs)])
    assert result.exit_code != 0
    assert "'two' is not a number" in str(result.exception)
    assert report()["total"]["energy_j"] in (None, 0)


def test_formats_are_named_with_the_option(tmp_path: Path) -> None:
    assert imported(only_aws(tmp_path), "--format", "focus")["format"] == "focus"
