"""What levers save, how sure that is, and that they are never added up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wattbook.accounting import combine
from wattbook.config import Config, load
from wattbook.errors import ConfigError
from wattbook.records import Entry, Labels, Place
from wattbook.report import Period, build
from wattbook.report.batches import batched
from wattbook.report.levers import Evidence, Marginal, Options, Saving, every_lever, lever_of, saving_of, together
from wattbook.report.levers.hours import joules_by_hour
from wattbook.report.levers.lines import blocks_of, saving_as_json
from wattbook.report.levers.model import LITERATURE, Share
from wattbook.report.runs import use_of
from wattbook.testing.builders import START
from wattbook.testing.entries import a_run, an_entry

KWH = 3_600_000.0
OCTOBER = Period.from_month("2026-10", "Asia/Singapore")
SG = Place(site="office", zone="SG", pue=1.0)


def evidence(*entries: Entry, runs: Any = (), **more: Any) -> Evidence:
    return Evidence(atoms=build(entries, (), runs, Config(), OCTOBER).atoms, **more)


def saved(name: str, told: Evidence, options: Options | None = None) -> Saving:
    (lever,) = lever_of(name, told, options)
    return saving_of(lever, told)


def a_gpu(joules: float = 10 * KWH, **more: Any) -> Entry:
    return an_entry(joules, address="gpu:0/board", **{"phase": "train", "error": 0.05, **more})


def kwh(saving: Saving) -> tuple[float, ...]:
    assert saving.energy is not None
    assert saving.energy.low is not None
    assert saving.energy.high is not None
    return (saving.energy.value / KWH, saving.energy.low / KWH, saving.energy.high / KWH)


def test_idle_off_saves_all_idle_energy_with_its_interval() -> None:
    told = evidence(an_entry(2 * KWH, phase="idle", error=0.1), an_entry(KWH, phase="dev", host="b"))
    saving = saved("idle-off", told)
    assert kwh(saving) == pytest.approx((2.0, 1.8, 2.2))
    assert saving.lever.at_most
    assert saving.confidence == "measured here"
    assert saving.lever.caution


def test_a_part_with_a_range_widens_the_interval() -> None:
    told = evidence(an_entry(10 * KWH, phase="idle", error=0.0))
    saving = saved("idle-off", told, Options(part=Share(value=0.5, low=0.4, high=0.6)))
    assert kwh(saving) == pytest.approx((5.0, 4.0, 6.0))


def test_what_is_only_estimated_is_not_said_to_be_measured() -> None:
    told = evidence(an_entry(KWH, phase="idle", basis="estimated", error=0.3))
    assert saved("idle-off", told).confidence == "estimated here"
    both = evidence(an_entry(KWH, phase="idle", basis="estimated"), an_entry(KWH, phase="idle", host="b"))
    assert "partly" in saved("idle-off", both).confidence


@pytest.mark.parametrize("name", ["idle-off", "power-cap", "region", "hour", "chip", "ci", "early-stop", "laptop"])
def test_a_lever_without_evidence_is_unknown_and_not_zero(name: str) -> None:
    saving = saved(name, evidence())
    assert (saving.energy, saving.co2e, saving.money) == (None, None, None)
    assert saving.lever.unknown


def test_the_power_cap_of_the_literature_has_its_source_and_acts_on_gpus_at_work_only() -> None:
    told = evidence(a_gpu(), an_entry(5 * KWH, host="b", phase="train"), a_gpu(host="c", phase="idle"))
    saving = saved("power-cap", told)
    assert kwh(saving)[0] == pytest.approx(1.37)
    assert saving.confidence == LITERATURE
    assert "arXiv:2205.09646" in saving.lever.source
    assert "2402.18593" in saving.lever.source


def test_runs_at_two_caps_let_the_book_say_it_by_itself() -> None:
    series = {"a": (400, 10.0), "b": (400, 10.2), "c": (280, 8.0), "d": (280, 8.2)}
    entries = {name: a_gpu(joules * KWH, run_id=name) for name, (_, joules) in series.items()}
    runs = [use_of(name, batched([entries[name]]), a_run(name, command="train.py")) for name in series]
    caps = {name: float(watts) for name, (watts, _) in series.items()}
    saving = saved("power-cap", Evidence(atoms=evidence(a_gpu()).atoms, runs=runs, caps=caps))
    assert saving.confidence == "measured here"
    assert kwh(saving)[0] == pytest.approx(10 * (1 - 8.1 / 10.1))
    assert kwh(saving)[1] > 0
    assert len(saving.lever.arithmetic) == 2


def test_one_run_at_each_cap_proves_nothing() -> None:
    entries = {name: a_gpu(run_id=name) for name in "ab"}
    runs = [use_of(name, batched([entries[name]]), a_run(name, command="train.py")) for name in "ab"]
    told = Evidence(atoms=evidence(a_gpu()).atoms, runs=runs, caps={"a": 400.0, "b": 300.0})
    assert saved("power-cap", told).confidence == LITERATURE


def test_a_region_saves_no_energy_and_the_difference_of_two_averages() -> None:
    told = evidence(a_gpu(place=SG))
    saving = saved("region", told, Options(zone="FI"))
    assert saving.energy is not None
    assert saving.energy.value == 0.0
    assert saving.co2e is not None
    assert saving.co2e.value == pytest.approx(10 * (498.74 - 72.22), rel=1e-3)
    # the errors of both grids and of the meter
    assert saving.co2e.low is not None
    assert saving.co2e.low < saving.co2e.value * 0.93
    assert any("marginal" in note for note in saving.lever.notes)


def test_a_dirtier_region_costs_and_says_so() -> None:
    saving = saved("region", evidence(a_gpu(place=Place(zone="FR"))), Options(zone="SG"))
    assert saving.co2e is not None
    assert saving.co2e.high is not None
    assert saving.co2e.high < 0


def test_marginal_factors_are_kept_apart_from_averages() -> None:
    told = evidence(a_gpu(place=SG), marginal={
        "SG": Marginal(zone="SG", source="x", g_per_kwh=350.0), "FI": Marginal(zone="FI", source="y", g_per_kwh=600.0)})  # fmt: skip
    saving = saved("region", told, Options(zone="FI"))
    assert saving.marginal is not None
    assert saving.marginal.value == pytest.approx(-2500.0)
    assert saving.co2e is not None
    assert saving.co2e.value > 0
    with pytest.raises(ValueError, match="cannot be added"):
        combine([("a", saving.co2e), ("b", saving.marginal)])


def test_one_zone_without_a_marginal_factor_leaves_the_marginal_saving_unknown() -> None:
    told = evidence(a_gpu(place=SG), marginal={"SG": Marginal(zone="SG", source="x", g_per_kwh=350.0)})
    assert saved("region", told, Options(zone="FI")).marginal is None


def test_another_hour_gains_next_to_nothing_in_singapore() -> None:
    saving = saved("hour", evidence(a_gpu(place=SG)))
    assert saving.co2e is not None
    assert saving.co2e.value == 0.0
    assert saving.co2e.high == pytest.approx(10 * 498.74 * 0.05, rel=1e-3)
    assert "flat" in saving.lever.source
    assert any("next to nothing" in note for note in saving.lever.notes)


def test_another_hour_elsewhere_needs_marginal_factors_and_says_so() -> None:
    saving = saved("hour", evidence(a_gpu(place=Place(zone="DE"))))
    assert saving.co2e is None
    assert "needs hourly marginal factors" in (saving.lever.unknown or "")


def test_hourly_marginal_factors_answer_and_never_as_the_inventorys_carbon() -> None:
    hourly = (300.0,) * 12 + (500.0,) * 12
    entry = a_gpu(place=Place(zone="DE"), start=OCTOBER.start + timedelta(hours=12), hours=12.0)
    told = evidence(entry, marginal={"DE": Marginal(zone="DE", source="x", hourly_g_per_kwh=hourly)},
                    by_hour=joules_by_hour([entry], OCTOBER))  # fmt: skip
    saving = saved("hour", told)
    assert saving.co2e is None
    assert saving.marginal is not None
    assert saving.marginal.value == pytest.approx(10 * 200.0)


@given(st.floats(0, 700), st.floats(0.01, 100))
def test_hours_of_the_day_hold_all_the_energy(after: float, hours: float) -> None:
    start = OCTOBER.start + timedelta(hours=min(after, 740 - hours))
    found = joules_by_hour([a_gpu(start=start, hours=hours)], OCTOBER)
    assert sum(found["SG"]) == pytest.approx(10 * KWH)


def test_failed_runs_are_what_early_stopping_could_save() -> None:
    runs = [a_run("a", exit_code=1), a_run("b", exit_code=0, host="two")]
    told = evidence(*(an_entry(KWH, run_id=r.run_id, host=r.host, error=0.1) for r in runs), runs=runs)
    assert kwh(saved("early-stop", told))[0] == pytest.approx(1.0)


def test_pipelines_that_a_newer_one_overtook_within_an_hour_are_known_here() -> None:
    ci = Labels(phase="ci", project="p")
    runs = [
        a_run("a", command="make", labels=ci), a_run("b", command="make", labels=ci, start=START + timedelta(minutes=30)),
        a_run("c", command="make", labels=ci, start=START + timedelta(hours=9)),
    ]  # fmt: skip
    told = evidence(
        *(an_entry(KWH, run_id=r.run_id, host=r.run_id, phase="ci", project="p", error=0.1) for r in runs), runs=runs
    )
    saving = saved("ci", told)
    assert kwh(saving)[0] == pytest.approx(1.0)
    assert saving.confidence == "measured here"


def test_two_branches_do_not_overtake_each_other() -> None:
    runs = [
        a_run(name, command="make", start=START + timedelta(minutes=minutes), labels=Labels(phase="ci", tags={"branch": name}))
        for name, minutes in (("a", 0), ("b", 10))
    ]  # fmt: skip
    told = evidence(*(an_entry(KWH, run_id=r.run_id, host=r.run_id, phase="ci") for r in runs), runs=runs)
    assert saved("ci", told).confidence == LITERATURE


def test_a_smaller_chip_draws_less_at_rest() -> None:
    told = evidence(a_gpu(0.08 * KWH, hours=1.0))
    options = Options(chip=("small", 70.0), instead_of=("large", 400.0))
    assert kwh(saved("chip", told, options))[1] > 0
    busy = evidence(a_gpu(0.39 * KWH, hours=1.0))
    assert kwh(saved("chip", busy, options))[0] < 0.05  # there is no free work: it takes longer


def test_a_laptop_is_compared_by_what_laptops_of_the_book_draw() -> None:
    told = evidence(
        an_entry(0.02 * KWH, host="laptop-1", phase="dev", address="soc:0/package", error=0.0),
        an_entry(KWH, host="server", phase="dev", error=0.0),
    )
    saving = saved("laptop", told)
    assert kwh(saving) == pytest.approx((1 - 0.02 * 1.5, 1 - 0.02 * 3, 1 - 0.02))
    assert "laptops of this book draw 20" in saving.lever.source


def test_work_on_a_gpu_does_not_move_to_a_laptop() -> None:
    assert saved("laptop", evidence(a_gpu(phase="dev"))).energy is None


def test_money_is_energy_at_the_meter_times_the_price() -> None:
    told = evidence(
        an_entry(10 * KWH, phase="idle", error=0.1, place=Place(zone="SG", pue=1.5)), price_per_kwh=0.3, currency="SGD"
    )
    saving = saved("idle-off", told)
    assert saving.money is not None
    assert (saving.money.value, saving.money.low) == pytest.approx((4.5, 4.05))
    assert saving_as_json(saving)["currency"] == "SGD"


def test_without_a_price_money_is_unknown() -> None:
    assert saved("idle-off", evidence(an_entry(KWH, phase="idle"))).money is None


def test_an_unknown_grid_leaves_the_carbon_unknown_and_the_energy_known() -> None:
    saving = saved("idle-off", evidence(an_entry(KWH, phase="idle", place=Place(zone="XX"))))
    assert saving.energy is not None
    assert saving.co2e is None


def test_the_list_says_that_savings_are_not_added() -> None:
    told = evidence(a_gpu(), an_entry(KWH, host="b", phase="idle"))
    savings = [saving_of(one, told) for one in every_lever(told)]
    blocks = list(blocks_of(savings, together(every_lever(told), told), "x"))
    assert any("never added" in row[0] for row in blocks[-1].rows)
    assert [row[0] for row in blocks[0].rows][-1] == "together"


NUMBERS = st.floats(0.01, 1000)


@given(NUMBERS, NUMBERS, NUMBERS, st.sampled_from(["SG", "FR", "DE", "US"]))
def test_together_is_never_more_than_the_sum_nor_less_than_the_best(
    idle: float, gpu: float, ci: float, zone: str
) -> None:
    place = Place(site="hall", zone=zone, pue=1.4)
    told = evidence(
        an_entry(idle * KWH, phase="idle", host="a", place=place, error=0.1), a_gpu(gpu * KWH, place=place),
        an_entry(ci * KWH, phase="ci", host="c", place=place, error=0.2),
    )  # fmt: skip
    levers = every_lever(told)
    combined = together(levers, told)
    assert combined is not None
    known = [
        saving_of(one, told) for one in levers if one.name in ("idle-off", "ci", "power-cap", "facility", "region")
    ]
    for view in ("energy", "co2e"):
        alone = [getattr(one, view).value for one in known if getattr(one, view) is not None]
        whole = getattr(combined, view).value
        assert max(alone) * (1 - 1e-9) <= whole <= sum(alone) * (1 + 1e-9)
    assert combined.co2e is not None
    assert combined.co2e.value <= sum(a.tally.own.value for a in told.atoms) * (1 + 1e-9)


@pytest.mark.parametrize(
    "text",
    ["price_per_kwh = 0.3", "price_per_kwh = -1\ncurrency = 'SGD'", "price_per_kwh = nan\ncurrency = 'SGD'", "price = 1",
     "[whatif.marginal.SG]\ng_per_kwh = 300", "[whatif.marginal.SG]\nsource = 'x'",
     "[whatif.marginal.SG]\nsource = 'x'\nhourly_g_per_kwh = [1, 2]", "[whatif.marginal.SG]\nsource = 'x'\ng_per_kwh = -3"],
)  # fmt: skip
def test_a_wrong_configuration_of_what_ifs_is_refused_with_its_place(tmp_path: Any, text: str) -> None:
    file = tmp_path / "wattbook.toml"
    file.write_text(f"[whatif]\n{text}\n")
    with pytest.raises(ConfigError, match="whatif"):
        load(file)
