"""Why a total changed: the parts add up to the change, and nothing is called activity that may be method."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wattbook.config import Account, Config
from wattbook.model import Statement
from wattbook.records import Entry, Place
from wattbook.report import Period, Report, build
from wattbook.report.change import ACTIVITY, FACILITY, GRID, METHOD, ONE_SIDED, POWER, PROVIDER
from wattbook.report.lines import change_text
from wattbook.report.model import Change
from wattbook.testing.builders import START
from wattbook.testing.entries import a_statement, an_entry

KWH = 3_600_000.0
SEPTEMBER, OCTOBER = (Period.from_month(month, "Asia/Singapore") for month in ("2026-09", "2026-10"))
BEFORE = START - timedelta(days=30)
CLOUD = Config(accounts={"acme/1": Account(platforms=("cloud",))})


def a_place(grams: float, pue: float | None = None) -> Place:
    return Place(site="hall", pue=pue, intensity_g_per_kwh=grams, intensity_source="test")


def compared(then: list[Entry], now: list[Entry], stated: tuple[Statement, ...] = (), config: Config = CLOUD) -> Report:
    previous = build(then, stated, (), config, SEPTEMBER, ())
    return build(now, stated, (), config, OCTOBER, previous=previous)


def change(*arguments: Any) -> Change:
    made = compared(*arguments).change
    assert made is not None
    return made


def steps(made: Change) -> dict[str, float]:
    """The causes that moved anything."""
    return {step.cause: pytest.approx(step.co2e_g) for step in made.steps if abs(step.co2e_g) > 1e-9}


PLACE = a_place(1000.0)


def test_more_hours_at_the_same_power_are_activity() -> None:
    made = change([an_entry(KWH, start=BEFORE, place=PLACE)], [an_entry(3 * KWH, hours=3.0, place=PLACE)])
    assert made.co2e_g == 2000.0
    assert steps(made) == {ACTIVITY: 2000.0}


def test_more_power_in_the_same_hours_is_power() -> None:
    assert steps(change([an_entry(KWH, start=BEFORE, place=PLACE)], [an_entry(2 * KWH, place=PLACE)])) == {
        POWER: 1000.0
    }


def test_another_grid_factor_is_grid_and_another_pue_facility() -> None:
    then = [an_entry(KWH, start=BEFORE, place=a_place(1000.0, 1.0))]
    assert steps(change(then, [an_entry(KWH, place=a_place(500.0, 1.0))])) == {GRID: -500.0}
    assert steps(change(then, [an_entry(KWH, place=a_place(1000.0, 1.5))])) == {FACILITY: 500.0}


def test_the_same_machine_from_another_source_is_method() -> None:
    then = [an_entry(3 * KWH, start=BEFORE, place=PLACE, basis="estimated", plugin="tdp")]
    assert steps(change(then, [an_entry(KWH, place=PLACE)])) == {METHOD: -2000.0}


def test_another_kind_of_component_of_a_host_that_was_there_is_method() -> None:
    then = [an_entry(KWH, start=BEFORE, place=PLACE, address="machine/host", basis="estimated")]
    now = [an_entry(KWH, place=PLACE), an_entry(2 * KWH, place=PLACE, address="gpu:0/board")]
    assert steps(change(then, now)) == {METHOD: 2000.0}


def test_one_more_gpu_of_a_host_and_a_new_host_are_activity() -> None:
    then = [an_entry(KWH, start=BEFORE, place=PLACE, address="gpu:0/board")]
    now = [an_entry(KWH, place=PLACE, address=f"gpu:{i}/board") for i in range(2)]
    now.append(an_entry(KWH, place=PLACE, host="new", address="cpu:0/package"))
    assert steps(change(then, now)) == {ACTIVITY: 2000.0}


def test_jobs_by_hand_of_another_kind_are_activity() -> None:
    then = [an_entry(KWH, start=BEFORE, place=PLACE, host="", platform="notebooks", address="machine/host")]
    now = [an_entry(3 * KWH, place=PLACE, host="", platform="notebooks", address="gpu:0/board")]
    assert steps(change(then, now)) == {ACTIVITY: 2000.0}


def test_a_host_that_a_provider_tells_of_in_one_month_only_is_method() -> None:
    then = [an_entry(KWH, start=BEFORE, place=PLACE, host="vm", platform="cloud")]
    now = [an_entry(KWH, place=PLACE, host="vm", platform="cloud")]
    made = change(then, now, (a_statement("10"),))
    assert steps(made) == {METHOD: -1000.0, ONE_SIDED: 10_000.0}
    assert made.co2e_g == 9_000.0


def test_an_account_of_both_months_is_the_provider_and_another_model_is_named() -> None:
    stated = (
        a_statement("8", month="2026-09", model_version="1"), a_statement("10", model_version="2"),
    )  # fmt: skip
    made = change([], [], stated)
    assert steps(made) == {PROVIDER: 2000.0}
    assert any("model is 2, it was 1" in note for note in made.notes)


def test_nothing_before_is_no_change_and_says_what_it_was_to_be_compared_with() -> None:
    made = compared([], [an_entry(KWH)])
    assert made.change is None
    assert made.before == SEPTEMBER


def test_carbon_that_is_not_known_is_not_compared() -> None:
    nowhere = Place(site="hall", zone="XX")
    made = change([an_entry(KWH, start=BEFORE, place=nowhere)], [an_entry(KWH, place=PLACE)])
    assert made.co2e_g is None
    assert made.steps == ()
    assert any("no grid factor" in note for note in made.notes)


def test_synthetic_data_of_one_month_only_is_named() -> None:
    made = change([an_entry(KWH, start=BEFORE, synthetic=True)], [an_entry(KWH)])
    assert any("2026-09 holds synthetic data" in note for note in made.notes)


def test_ranges_that_meet_are_named() -> None:
    assert change([an_entry(KWH, start=BEFORE, error=0.5)], [an_entry(1.1 * KWH, error=0.5)]).ranges_meet
    assert not change([an_entry(KWH, start=BEFORE, error=0.1)], [an_entry(9 * KWH, error=0.1)]).ranges_meet


@pytest.mark.parametrize(
    ("then", "now", "said"),
    [(1.0, 1.2, "+20 %"), (2.0, 1.0, "-50 %"), (1.0, 30.0, "30.0 times as much"), (0.0, 1.0, "from nothing")],
)
def test_a_change_is_told_in_words(then: float, now: float, said: str) -> None:
    made = change(
        [an_entry(then * KWH, start=BEFORE, error=0.001, place=PLACE)], [an_entry(now * KWH, error=0.001, place=PLACE)]
    )
    assert change_text(made).split(";")[0] == said


entries = st.lists(
    st.builds(
        lambda joules, hours, grams, pue, **more: an_entry(joules, hours=hours, place=a_place(grams, pue), **more),
        st.floats(0, 1e10), st.sampled_from([0.0, 0.5, 2.0]), st.sampled_from([0.0, 30.0, 500.0]),
        st.sampled_from([None, 1.0, 1.5]),
        host=st.sampled_from(["", "a", "b"]), platform=st.sampled_from(["cloud", "laptops"]),
        address=st.sampled_from(["gpu:0/board", "gpu:1/board", "cpu:0/package"]),
        plugin=st.sampled_from(["tdp", "meter"]), basis=st.sampled_from(["measured", "estimated"]),
    ),
    max_size=6,
)  # fmt: skip
statements = st.lists(
    st.builds(
        lambda kg, month, method: a_statement(str(kg), month=month, method=method), st.decimals(-100, 1000, places=3),
        st.sampled_from(["2026-09", "2026-10"]), st.sampled_from(["location", "unsplit", "market"]),
    ),
    max_size=3,
)  # fmt: skip


@given(entries, entries, statements)
def test_the_parts_always_add_up_to_the_change(then: list[Entry], now: list[Entry], stated: list[Statement]) -> None:
    from attrs import evolve
    from wattbook.records import utc_text, utc_time

    shift = START - BEFORE
    earlier = [
        evolve(e, start=utc_text(utc_time(e.start) - shift), end=utc_text(utc_time(e.end) - shift)) for e in then
    ]
    made = compared(earlier, now, tuple(stated)).change
    if made is not None and made.co2e_g is not None:
        assert math.fsum(step.co2e_g for step in made.steps) == pytest.approx(made.co2e_g, rel=1e-9, abs=1e-6)
        parts = [abs(step.co2e_g) for step in made.steps]
        assert all(abs(step.co2e_g) <= 1e-6 * max(parts) for step in made.steps if step.cause == "rounding")


@pytest.mark.parametrize("joules", [2.2250738585072014e-308, 5e-324, 1e-30])
def test_next_to_no_energy_is_no_ratio(joules: float) -> None:
    place = a_place(30.0, None)
    made = compared([an_entry(joules, place=place, start=BEFORE)], [an_entry(4.0, place=place)], ()).change
    assert made is not None
    assert made.co2e_g is not None
    assert math.fsum(step.co2e_g for step in made.steps) == pytest.approx(made.co2e_g)
    assert {step.cause for step in made.steps if step.co2e_g} == {"activity"}
