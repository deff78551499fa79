"""``wattbook explain`` of a total, a part of it and a provider's figure, down to what they are sums of."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from wattbook.accounting.statements import totals_of
from wattbook.cli import main
from wattbook.explaining.parts import VIEWS, stated_leaves
from wattbook.imported import Statement
from wattbook.ledger import Ledger
from wattbook.records import Place, Snapshot
from wattbook.testing.entries import a_run, a_statement, an_entry

KWH = 3_600_000.0
HALL = Place(site="hall", zone="SG", pue=1.5)
OCTOBER = datetime(2026, 10, 5, tzinfo=UTC)


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Three projects on two hosts, and a cloud whose figure holds what we know of it."""
    (tmp_path / "wattbook.toml").write_text(
        '[report]\ntimezone = "Asia/Singapore"\n[accounts."acme/1"]\nplatforms = ["cloud"]\n'
    )
    url = str(tmp_path / "book.db")
    for name, value in (("LEDGER", url), ("CONFIG", str(tmp_path / "wattbook.toml")), ("STATE", str(tmp_path / "s"))):
        monkeypatch.setenv(f"WATTBOOK_{name}", value)
    common: dict[str, Any] = {"start": OCTOBER, "place": HALL}
    with Ledger.open(url) as ledger:
        ledger.add(
            [
                an_entry(1.1 * KWH, host="a", project="ner", error=0.1, run_id="run-1", **common),
                an_entry(0.7 * KWH, host="b", project="ner", error=0.3, basis="estimated", cause="model:tdp", run_id="run-1", **common),
                an_entry(0.3 * KWH, host="c", project="asr", error=0.1, run_id="run-2", **common),
                an_entry(0.2 * KWH, host="d", error=0.1, run_id="run-2", **common),
                an_entry(3 * KWH, host="vm", platform="cloud", project="ner", error=0.1, run_id="run-2", **common),
            ],
            [a_run("run-1", start=OCTOBER), a_run("run-2", start=OCTOBER)],
        )  # fmt: skip
        stated = [a_statement("10.5"), a_statement("9.25", method="market")]
        ledger.add_statements(stated, Snapshot(sha256="ab", format="csv", plugin="csp"))
    return url


def wattbook(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, list(arguments), prog_name="wattbook")
    assert result.exit_code == code, (result.output, result.exception)
    return result


def explained(what: str, *more: str) -> Any:
    return json.loads(wattbook("explain", what, "--month", "2026-10", "--json", *more).stdout)


def reported(*more: str) -> Any:
    return json.loads(wattbook("report", "--month", "2026-10", "--json", *more).stdout)


def test_the_addends_of_a_total_add_up_to_it(book: str) -> None:
    told, whole = explained("total"), reported()["total"]
    assert {key: told[key] for key in whole} == whole
    assert len(told["addends"]) == 4
    assert math.fsum(one["energy_j"] for one in told["addends"]) == pytest.approx(told["energy_j"], rel=1e-15)
    for view in ("location", "market"):
        parts = [one["co2e_g"][view] for one in (*told["addends"], *told["provided"])]
        assert math.fsum(parts) == pytest.approx(told["co2e_g"][view], rel=1e-15), view


def test_the_interval_follows_from_its_causes(book: str) -> None:
    told = explained("total")
    causes = told["interval"]["energy_by_cause_j"]
    assert {one["cause"] for one in causes} >= {"model:tdp"}
    down, up = (math.sqrt(math.fsum(one[end] ** 2 for one in causes)) for end in ("down", "up"))
    assert told["energy_low_j"] == pytest.approx(told["energy_j"] - down)
    assert told["energy_high_j"] == pytest.approx(told["energy_j"] + up)


@pytest.mark.parametrize(("what", "dim", "key"), [
    ("project:ner", "project", "ner"), ("project:asr", "project", "asr"), ("project:", "project", None),
    ("project:(unallocated)", "project", "(unallocated)"), ("host:a", "host", "a"),
])  # fmt: skip
def test_a_part_is_what_the_report_says_and_its_addends_add_up(book: str, what: str, dim: str, key: str | None) -> None:
    told = explained(what)
    row = next(row for row in reported("--by", dim)["by"][dim] if row["key"] == key)
    assert all(told[name] == row[name] for name in ("energy_j", "energy_low_j", "co2e_g", "co2e_high_g"))
    parts = [one["co2e_g"]["location"] for one in (*told["addends"], *told["provided"])]
    assert math.fsum(parts) == pytest.approx(row["co2e_g"]["location"], rel=1e-15)


def test_every_addend_has_its_arithmetic_and_its_runs(book: str) -> None:
    (a, b) = explained("project:ner")["addends"]
    assert (a["name"], a["basis"], a["runs"]) == ("a cpu:0/package", "measured", ["run-1"])
    assert a["formula"] == "1.1 kWh x PUE 1.5 x 498.74 g/kWh = 822.921 g CO2e"
    text = wattbook("explain", "project:ner", "--month", "2026-10").stdout
    assert a["formula"] in text
    assert "wattbook explain run-1" in text
    assert b["basis"] == "estimated"


def test_a_statement_is_the_exact_sum_of_what_the_provider_states(book: str) -> None:
    told = explained("acme/1")
    assert told["stated_kg"] == {"location": "10.5", "market": "9.25", "unsplit": None}
    for view in ("location", "market"):
        some = [Decimal(one["co2e_kg"]) for one in told["stated"] if view in one["views"]]
        assert sum(some) == Decimal(told["stated_kg"][view])
    assert told["addends"] == []
    assert [one["name"] for one in told["inside"]] == ["vm cpu:0/package"]
    inside_g = told["inside"][0]["co2e_g"]["location"]
    assert told["unallocated_g"] == pytest.approx(10_500 - inside_g)
    text = wattbook("explain", "acme/1", "--month", "2026-10").stdout
    assert "10.5 kg, scope total, method location, 1 figure; in location" in text
    assert "inside it and not added" in text


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["1", "2", "3", "total"]), st.sampled_from(VIEWS),
            st.decimals(-1000, 1000, places=6), st.sampled_from(["EC2", "S3", ""]),
        ),
        max_size=12,
    )
)  # fmt: skip
def test_the_leaves_of_every_view_add_up_to_it_exactly(rows: list[tuple[str, str, Decimal, str]]) -> None:
    statements = [
        evolve(a_statement("1"), scope=scope, method=method, co2e_kg=kg, service=service)
        for scope, method, kg, service in rows
    ]
    assert all(isinstance(one, Statement) for one in statements)
    totals, leaves = totals_of(statements), list(stated_leaves(statements))
    assert sum(leaf.count for leaf in leaves) == len(statements)
    for view in VIEWS:
        some = [leaf.co2e_kg for leaf in leaves if view in leaf.views]
        assert (sum(some, Decimal(0)) if some else None) == getattr(totals, view), view


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("project:nobody", "--month", "2026-10"), 1, "by project there are"),
        (("colour:red", "--month", "2026-10"), 1, "no dimension 'colour'"),
        (("acme/2", "--month", "2026-10"), 1, "there are acme/1"),
        (("nonsense", "--month", "2026-10"), 1, "no part of a period"),
        (("nonsense",), 1, "total, project:NAME"),
        (("import:nothing",), 1, "no run or entry"),
        (("total", "--month", "October"), 2, "--month"),
        (("project:" + "x" * 500,), 1, ""),
    ],
)
def test_what_there_is_not_is_a_sentence(book: str, arguments: tuple[str, ...], code: int, said: str) -> None:
    result = wattbook("explain", *arguments, code=code)
    assert said in result.stderr + str(result.exception)
    assert result.stdout == ""


def test_an_empty_month_is_unknown_and_not_zero(book: str) -> None:
    told = json.loads(wattbook("explain", "total", "--month", "2020-01", "--json").stdout)
    assert (told["energy_j"], told["co2e_g"]["location"], told["addends"]) == (None, None, [])
    assert "energy unknown: the sum of 0 sources" in wattbook("explain", "total", "--month", "2020-01").stdout


def test_control_characters_of_a_name_never_reach_a_terminal(book: str) -> None:
    with Ledger.open(book) as ledger:
        ledger.add([an_entry(KWH, host="e\x1b[2J", project="p\u202e", start=OCTOBER, run_id="r\x1b")], [])
    text = wattbook("explain", "total", "--month", "2026-10").stdout
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_a_closed_month_is_explained_as_it_was_closed(book: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = int(datetime.now(UTC).timestamp())
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(now_s + 60))
    wattbook("ledger", "close", "2026-10")
    before = [explained(what) for what in ("total", "project:ner", "acme/1")]
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(now_s + 120))
    with Ledger.open(book) as ledger:
        ledger.add([an_entry(9 * KWH, host="late", project="ner", start=OCTOBER, place=HALL)], [])
        later = [
            evolve(a_statement("3"), version_key=(9,)),
            evolve(a_statement("2", method="market"), version_key=(9,)),
        ]
        ledger.add_statements(later, Snapshot(sha256="cd", format="csv", plugin="csp"))
    assert [explained(what) for what in ("total", "project:ner", "acme/1")] == before
