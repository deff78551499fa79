"""A provider's figure and what lies inside it: shown, divided, never added."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wattbook.accounting import MonthTotals, claim
from wattbook.config import Account
from wattbook.records import Entry, Place
from wattbook.testing.entries import a_gap_entry, an_entry

OCTOBER = {("acme", "1", "2026-10"): MonthTotals(location=Decimal(10), market=Decimal(2))}
ACCOUNTS = {"acme/1": Account(platforms=("cloud",), hosts=("vm-1",))}
OWN = Place(intensity_g_per_kwh=1000.0, intensity_source="test")


def month_of(entry: Entry) -> str:
    return entry.start[:7]


def test_an_entry_of_the_accounts_platform_or_host_is_claimed() -> None:
    by_platform, by_host = an_entry(platform="cloud"), an_entry(host="vm-1")
    free, claims = claim([by_platform, by_host, an_entry()], OCTOBER, ACCOUNTS, month_of)
    assert free == [an_entry()]
    assert claims[0].entries == (by_platform, by_host)


def test_a_month_without_a_figure_claims_nothing() -> None:
    entry = an_entry(platform="cloud")
    free, claims = claim([entry], {("acme", "1", "2026-09"): MonthTotals(location=Decimal(1))}, ACCOUNTS, month_of)
    assert free == [entry]
    assert claims[0].entries == ()


def test_a_figure_that_claims_nothing_is_still_there() -> None:
    _, claims = claim([], OCTOBER, {}, month_of)
    assert claims[0].provided.location == 10
    assert claims[0].unallocated_g == 10_000.0


def test_a_platform_called_like_the_provider_belongs_to_its_only_account() -> None:
    free, claims = claim([an_entry(platform="ACME")], OCTOBER, {}, month_of)
    assert free == []
    assert len(claims[0].entries) == 1


def test_a_platform_called_like_a_provider_of_two_accounts_is_left_to_the_user() -> None:
    two = {**OCTOBER, ("acme", "2", "2026-10"): MonthTotals(location=Decimal(1))}
    free, _ = claim([an_entry(platform="acme")], two, {}, month_of)
    assert len(free) == 1


def test_what_is_not_accounted_for_is_left_unallocated() -> None:
    _, (one,) = claim([an_entry(3_600_000.0 * 4, platform="cloud", place=OWN)], OCTOBER, ACCOUNTS, month_of)
    assert one.of_which.location_g is not None
    assert one.of_which.location_g.value == 4_000.0
    assert one.unallocated_g == 6_000.0


def test_more_than_the_provider_states_leaves_a_negative_rest_that_is_shown() -> None:
    _, (one,) = claim([an_entry(3_600_000.0 * 40, platform="cloud", place=OWN)], OCTOBER, ACCOUNTS, month_of)
    assert one.unallocated_g == -30_000.0


def test_without_a_location_based_figure_nothing_is_compared() -> None:
    provided = {("acme", "1", "2026-10"): MonthTotals(market=Decimal(2))}
    _, (one,) = claim([an_entry(platform="cloud")], provided, ACCOUNTS, month_of)
    assert one.unallocated_g is None


def test_shares_follow_the_grams_and_the_rest_is_named() -> None:
    some = [
        an_entry(3_600_000.0 * 1, platform="cloud", project="ner", place=OWN),
        an_entry(3_600_000.0 * 4, platform="cloud", project="speech", place=OWN),
    ]
    _, (one,) = claim(some, OCTOBER, ACCOUNTS, month_of)
    assert one.shares(lambda e: e.labels.project) == ({"ner": 0.1, "speech": 0.4}, pytest.approx(0.5))


@given(
    st.lists(st.tuples(st.sampled_from([None, "a", "b"]), st.floats(0, 1e12)), max_size=8),
    st.decimals(0, 10**6, places=3),
)
def test_shares_and_rest_are_never_negative_and_make_the_whole(
    some: list[tuple[str | None, float]], kg: Decimal
) -> None:
    entries = [an_entry(joules, platform="cloud", project=project) for project, joules in some]
    provided = {("acme", "1", "2026-10"): MonthTotals(location=kg)}
    _, (one,) = claim(entries, provided, ACCOUNTS, month_of)
    shares, rest = one.shares(lambda e: e.labels.project)
    assert all(share >= 0 for share in shares.values())
    assert rest >= 0
    assert sum(shares.values()) + rest == pytest.approx(1.0)


def a_bills(energy_j: float | None, account: str = "1", **more: Any) -> Entry:
    return an_entry(energy_j, run_id=f"bill:acme/{account}/2026-10", platform="acme", **more)


def test_an_entry_of_a_bill_says_itself_whose_it_is() -> None:
    entries = [a_bills(1.0), a_bills(2.0, "2"), a_bills(4.0, "3")]
    free, (one, two) = claim(
        entries, {**OCTOBER, ("acme", "2", "2026-10"): MonthTotals(location=Decimal(1))}, {}, month_of
    )
    assert [e.energy_j for e in one.entries] == [1.0]
    assert [e.energy_j for e in two.entries] == [2.0]
    assert [e.energy_j for e in free] == [4.0]


def test_without_a_grid_the_figure_is_divided_by_energy() -> None:
    nowhere = Place(site="moon", zone="XX")
    entries = [a_bills(3.0, place=nowhere, project="a"), a_bills(1.0, place=nowhere, project="b")]
    _, (one,) = claim(entries, OCTOBER, {}, month_of)
    assert one.divided_by == "energy"
    assert one.shares(lambda e: e.labels.project) == ({"a": 0.75, "b": 0.25}, 0.0)


def test_without_any_energy_the_figure_is_divided_by_the_hours_of_a_bill() -> None:
    gaps = [
        a_gap_entry(run_id="bill:acme/1/2026-10", project=project, tags={"billed_hours": hours})
        for project, hours in (("a", "30"), ("b", "10"), (None, "nonsense"))
    ]
    _, (one,) = claim([], OCTOBER, {}, month_of, [*gaps, a_gap_entry(platform="acme", tags={"billed_hours": "5"})])
    assert one.divided_by == "hours"
    assert one.shares(lambda e: e.labels.project) == ({"a": 0.75, "b": 0.25}, 0.0)


def test_hours_without_energy_take_nothing_from_what_is_measured() -> None:
    gaps = [a_gap_entry(run_id="bill:acme/1/2026-10", project="b", tags={"billed_hours": "1000"})]
    _, (one,) = claim([a_bills(1.0, project="a")], OCTOBER, {}, month_of, gaps)
    assert one.divided_by == "carbon"
    shares, rest = one.shares(lambda e: e.labels.project)
    assert set(shares) == {"a"}
    assert rest > 0
