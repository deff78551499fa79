"""Scopes, budgets, reductions and the gate of a report."""

from __future__ import annotations

from typing import Any

import pytest
from wattbook import WattbookError
from wattbook.config import Account, Budgets, Config, Site, load
from wattbook.errors import ConfigError
from wattbook.records import Entry, Place
from wattbook.report import Period, Report, build
from wattbook.report.gate import over, over_budget, parse_mass
from wattbook.report.reductions import BEST
from wattbook.testing.entries import a_gap_entry, a_run, a_statement, an_entry

KWH = 3_600_000.0
OCTOBER = Period.from_month("2026-10", "Asia/Singapore")
CLOUD = Config(accounts={"acme/1": Account(platforms=("cloud",))})


def a_place(site: str = "hall", grams: float = 1000.0, pue: float | None = None) -> Place:
    return Place(site=site, pue=pue, intensity_g_per_kwh=grams, intensity_source="test")


def report(*entries: Entry, **more: Any) -> Report:
    told: dict[str, Any] = {"statements": (), "runs": (), "config": CLOUD, "period": OCTOBER, **more}
    return build(entries, **told)


def named(made: Report) -> dict[str, float]:
    return {one.name: pytest.approx(one.saves_g.value) for one in made.reductions}


@pytest.mark.parametrize(
    ("control", "scope"),
    [("owned", "2"), ("leased", "2"), ("colo", "2"), ("iaas", "3 category 1"), ("home", "3 category 7"), (None, "2")],
)
def test_who_controls_the_site_decides_the_scope(control: str | None, scope: str) -> None:
    config = Config(sites={"hall": Site(name="hall", controlled_by=control)})
    (use,) = report(an_entry(KWH, place=a_place()), config=config).scopes
    assert (use.scope, use.total.location_g.value if use.total.location_g else None) == (scope, 1000.0)


def test_a_providers_own_scopes_are_scope_3_of_its_customer() -> None:
    made = report(an_entry(KWH, place=a_place()), statements=(a_statement("1", scope="1", method="unsplit"), a_statement("5", scope="2")))  # fmt: skip
    assert [(use.scope, use.provided) for use in made.scopes] == [("2", False), ("3 category 1", True)]


def test_scopes_add_up_to_the_total() -> None:
    made = report(
        an_entry(KWH, place=a_place()), an_entry(KWH, place=a_place("home"), host="b"),
        statements=(a_statement("10"), a_statement("9", method="market")),
        config=Config(sites={"home": Site(name="home", controlled_by="home")}),
    )  # fmt: skip
    for view in ("location_g", "market_g"):
        whole = getattr(made.total, view)
        assert sum(getattr(use.total, view).value for use in made.scopes) == pytest.approx(whole.value)


def test_a_budget_counts_location_based_carbon_and_that_of_no_method() -> None:
    config = Config(
        accounts=CLOUD.accounts, budgets=Budgets(team_kg_per_month=10.0, projects_kg_per_month={"ner": 4.0, "x": 1.0})
    )
    made = report(
        an_entry(KWH, place=a_place(), project="ner"), an_entry(KWH, host="vm", platform="cloud", project="ner", place=a_place()),
        statements=(a_statement("5"), a_statement("2", account="2", method="unsplit")), config=config,
    )  # fmt: skip
    told = {use.project: (use.limit_g, use.used_g.value if use.used_g else None, use.share) for use in made.budgets}
    assert told == {
        None: (10_000.0, 8_000.0, 0.8),
        "ner": (4_000.0, 2_000.0, 0.5),
        "x": (1_000.0, None, None),
    }


def test_two_months_have_two_budgets_and_half_a_month_none() -> None:
    config = Config(budgets=Budgets(team_kg_per_month=10.0))
    two = Period.from_days("2026-09-01", "2026-10-31", "Asia/Singapore")
    half = Period.from_days("2026-10-01", "2026-10-15", "Asia/Singapore")
    assert report(an_entry(KWH), period=two, config=config).budgets[0].limit_g == 20_000.0
    assert report(an_entry(KWH), period=half, config=config).budgets == ()


@pytest.mark.parametrize("text", ["team_kg_per_month = 0", "team_kg_per_month = -1", "team_kg_per_month = nan",
                                  "[budgets.projects_kg_per_month]\nner = inf", "tons = 1", 'team_kg_per_month = "50"'])  # fmt: skip
def test_a_wrong_budget_is_refused_with_its_place(tmp_path: Any, text: str) -> None:
    file = tmp_path / "wattbook.toml"
    file.write_text(f"[budgets]\n{text}\n")
    with pytest.raises(ConfigError, match="budgets"):
        load(file)


def test_idle_energy_is_a_reduction() -> None:
    assert named(report(an_entry(KWH, place=a_place(grams=20.0), phase="idle"))) == {"Switch idle machines off": 20.0}


def test_work_that_can_move_saves_the_difference_of_the_grids() -> None:
    made = report(an_entry(KWH, place=a_place(), phase="train"), an_entry(KWH, place=a_place(), phase="dev", host="b"))
    (one,) = made.reductions
    assert one.name == "Work where the grid is cleaner"
    assert 900 < one.saves_g.value < 1000
    assert one.saves_g.low is not None
    assert one.saves_g.low < one.saves_g.value
    assert "not what one more kWh causes" in one.caution


def test_a_clean_grid_leaves_nothing_to_move() -> None:
    assert named(report(an_entry(KWH, place=a_place(grams=20.0), phase="train"))) == {}


def test_failed_runs_are_a_reduction_and_their_number_is_told() -> None:
    runs = [a_run("a", exit_code=1), a_run("b", exit_code=0, host="two"), a_run("c", signal="SIGKILL", host="three")]
    made = report(
        *(an_entry(KWH, run_id=run.run_id, host=run.host, place=a_place(grams=20.0)) for run in runs), runs=runs
    )
    assert named(made) == {"Find failures earlier": 40.0}
    assert "2 runs ended with an error" in made.reductions[0].what


def test_a_facility_that_uses_much_is_a_reduction() -> None:
    made = report(
        an_entry(KWH, place=a_place(grams=20.0, pue=2.0)), an_entry(KWH, host="b", place=a_place("good", 20.0, 1.05))
    )
    assert named(made) == {"Cool hall better": 40.0 * (1 - 1.1 / 2.0)}


def test_only_the_best_are_told_the_largest_first() -> None:
    made = report(
        an_entry(9 * KWH, place=a_place(pue=1.5), phase="train"), an_entry(KWH, phase="idle", host="b", place=a_place()),
        an_entry(2 * KWH, phase="ci", host="c", place=a_place()),
    )  # fmt: skip
    sizes = [one.saves_g.value for one in made.reductions]
    assert len(sizes) == BEST
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize(
    ("text", "grams"), [("50kg", 50e3), ("50 kg", 50e3), ("300g", 300.0), ("1.5t", 1.5e6), (".5g", 0.5)]
)
def test_a_mass_has_a_unit(text: str, grams: float) -> None:
    assert parse_mass(text) == grams


@pytest.mark.parametrize("text", ["50", "kg", "-5kg", "5 kWh", "1e999t", "nan kg", "", "5kg5kg", "٥kg"])
def test_what_is_no_mass_is_refused(text: str) -> None:
    with pytest.raises(WattbookError, match="no mass"):
        parse_mass(text)


def test_the_gate_opens_below_the_limit_and_at_it() -> None:
    made = report(an_entry(KWH, place=a_place()))
    assert over(made, 1000.0) is None
    sentence = over(made, 999.0)
    assert sentence is not None
    assert "over the limit of 999 g" in sentence


def test_unknown_carbon_is_over_every_limit_and_an_empty_month_over_none() -> None:
    sentence = over(report(an_entry(KWH, place=Place(zone="XX"))), 1e9)
    assert sentence is not None
    assert "is not known" in sentence
    assert "only market-based" in (over(report(statements=(a_statement("1", method="market"),)), 1e9) or "")
    assert over(report(), 0.0) is None


def test_a_gate_of_budgets_names_those_that_are_exceeded() -> None:
    config = Config(budgets=Budgets(team_kg_per_month=10.0, projects_kg_per_month={"ner": 0.5, "asr": 5.0}))
    made = report(an_entry(KWH, place=a_place(), project="ner"), config=config)
    assert over_budget(made) == "Carbon book 2026-10: over budget: ner 0.9-1.1 kg of 500 g"
    held = Config(budgets=Budgets(team_kg_per_month=10.0))
    assert over_budget(report(an_entry(KWH, place=a_place()), config=held)) is None


def test_what_is_not_known_holds_no_budget() -> None:
    config = Config(budgets=Budgets(team_kg_per_month=10.0))
    assert "is not known" in (over_budget(report(an_entry(KWH, place=Place(zone="XX")), config=config)) or "")
    assert over_budget(report(config=config)) is None


def test_a_month_with_only_gaps_passes_no_gate() -> None:
    config = Config(budgets=Budgets(team_kg_per_month=10.0))
    made = report(a_gap_entry(), config=config)
    assert "has gaps and no figure" in (over(made, 1e9) or "")
    assert "has gaps and no figure" in (over_budget(made) or "")
    assert over(report(a_gap_entry(), an_entry(KWH, place=a_place())), 1e9) is None


def test_a_gate_without_a_budget_is_a_mistake() -> None:
    with pytest.raises(WattbookError, match="there is no budget"):
        over_budget(report(an_entry(KWH)))
