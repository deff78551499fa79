"""What a period of the book adds up to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wattbook import WattbookError
from wattbook.accounting import total
from wattbook.config import Account, Config
from wattbook.model import Statement
from wattbook.records import Entry, Place
from wattbook.report import Period, Report, build
from wattbook.report.as_csv import as_csv
from wattbook.report.as_json import as_json
from wattbook.report.as_markdown import as_markdown
from wattbook.report.as_table import as_table
from wattbook.report.dimensions import DIMENSIONS
from wattbook.report.model import UNALLOCATED
from wattbook.testing.builders import START
from wattbook.testing.entries import a_gap_entry, a_run, a_statement, an_entry

OCTOBER = Period.from_month("2026-10", "Asia/Singapore")
CLOUD = Config(accounts={"acme/1": Account(platforms=("cloud",))})
OWN = Place(intensity_g_per_kwh=1000.0, intensity_source="test")
KWH = 3_600_000.0


def report(*entries: Entry, statements: tuple[Statement, ...] = (), **more: Any) -> Report:
    told: dict[str, Any] = {"runs": (), "config": CLOUD, "period": OCTOBER, **more}
    return build(entries, statements, **told)


def keys(made: Report, dim: str) -> dict[str | None, float | None]:
    return {row.key: row.total.location_g.value if row.total.location_g else None for row in made.by[dim]}


def test_entries_are_added_by_basis() -> None:
    made = report(an_entry(KWH), an_entry(2 * KWH, basis="estimated", host="host-2"))
    assert made.by_basis["measured"].energy is not None
    assert made.by_basis["estimated"].energy is not None
    assert (made.by_basis["measured"].energy.value, made.by_basis["estimated"].energy.value) == (KWH, 2 * KWH)
    assert made.by_basis["provided"].energy is None


def test_an_empty_month_is_unknown_rather_than_zero() -> None:
    made = as_json(report())
    assert made["total"]["energy_j"] is None
    assert made["total"]["co2e_g"] == {"location": None, "market": None, "unsplit": None}
    assert made["coverage"]["share"] is None


def test_an_entry_across_the_end_of_the_month_counts_in_proportion_and_says_so() -> None:
    across = an_entry(KWH, start=OCTOBER.end - timedelta(minutes=15), hours=1.0)
    october, november = report(across), report(across, period=Period.from_month("2026-11", "Asia/Singapore"))
    assert october.total.energy is not None
    assert november.total.energy is not None
    assert (october.total.energy.value, november.total.energy.value) == (KWH / 4, KWH * 3 / 4)
    assert any("in proportion to time" in warning for warning in october.warnings)


def test_the_month_is_that_of_the_reports_zone() -> None:
    early = an_entry(start=datetime(2026, 9, 30, 17, tzinfo=UTC))
    assert report(early).total.energy is not None
    assert report(early, period=Period.from_month("2026-10", "UTC")).total.energy is None


def test_a_provided_figure_stands_in_place_of_the_entries_it_claims() -> None:
    made = report(
        an_entry(4 * KWH, platform="cloud", project="ner", place=OWN),
        an_entry(KWH, platform="laptop", project="ner", place=OWN, host="host-2"),
        statements=(a_statement("10"), a_statement("2", method="market")),
    )
    assert made.total.location_g is not None
    assert made.total.market_g is not None
    assert made.total.location_g.value == 11_000.0
    assert made.total.market_g.value == 3_000.0
    assert made.total.energy is not None
    assert made.total.energy.value == KWH
    (one,) = as_json(made)["claims"]
    assert (one["provider"], one["account"], one["month"]) == ("acme", "1", "2026-10")
    assert one["provided_g"] == {"location": 10_000.0, "market": 2_000.0, "unsplit": None}
    assert (one["of_which_g"], one["unallocated_g"], one["ratio"]) == (4_000.0, 6_000.0, 0.4)
    assert one["of_which_energy_j"] == 4 * KWH


def test_ours_are_compared_with_the_providers_scope_2_where_it_tells_its_scopes_apart() -> None:
    some = (
        a_statement("40"), a_statement("1", scope="1", method="unsplit"), a_statement("8", scope="2"),
        a_statement("31", scope="3"),
    )  # fmt: skip
    made = report(an_entry(4 * KWH, platform="cloud", place=OWN), statements=some)
    (one,) = as_json(made)["claims"]
    assert (one["ratio"], one["ratio_to"]) == (0.5, "location-based scope 2")
    assert one["unallocated_g"] == 36_000.0
    assert not any("times the provider's" in warning for warning in made.warnings)


def test_the_providers_own_scopes_are_told_beside_its_totals() -> None:
    some = (a_statement("1", scope="1", method="unsplit"), a_statement("5", scope="2"))
    (one,) = as_json(report(statements=some))["claims"]
    assert one["provided_g"]["location"] == 6_000.0
    assert one["provider_scopes_g"] == {
        "scope1": 1_000.0, "scope2_location": 5_000.0, "scope2_market": None, "scope3_location": None,
        "scope3_market": None,
    }  # fmt: skip


def test_a_figure_far_from_the_providers_is_a_warning() -> None:
    made = report(an_entry(KWH, platform="cloud", place=OWN), statements=(a_statement("10"),))
    assert any("our figure is 0.1 times the provider's" in warning for warning in made.warnings)


def test_a_provided_figure_is_divided_among_projects_and_the_rest_shown() -> None:
    made = report(an_entry(4 * KWH, platform="cloud", project="ner", place=OWN), statements=(a_statement("10"),))
    assert keys(made, "project") == {UNALLOCATED: 6_000.0, "ner": 4_000.0}
    assert keys(made, "platform") == {"cloud": 10_000.0}


def test_a_figure_without_a_method_stands_beside_both_views() -> None:
    made = report(an_entry(KWH, place=OWN), statements=(a_statement("7", method="unsplit"),))
    assert as_json(made)["total"]["co2e_g"] == {"location": 1000.0, "market": 1000.0, "unsplit": 7000.0}
    assert any("without a method" in warning for warning in made.warnings)


def test_a_view_that_a_provider_leaves_out_is_named() -> None:
    made = report(statements=(a_statement("7"),))
    assert any("market-based total leaves out acme/1" in warning for warning in made.warnings)


def test_a_yearly_figure_is_not_split_into_months() -> None:
    made = report(statements=(a_statement("120", month="2026"),))
    assert made.total.location_g is None
    assert any("acme/1 2026" in warning and "not split" in warning for warning in made.warnings)
    year = report(
        statements=(a_statement("120", month="2026"),), period=Period.from_days("2026-01-01", "2026-12-31", "UTC")
    )
    assert year.total.location_g is not None


def test_entries_of_a_month_whose_figure_is_left_out_still_count() -> None:
    half = Period.from_days("2026-10-01", "2026-10-15", "Asia/Singapore")
    made = report(an_entry(KWH, platform="cloud"), statements=(a_statement("10"),), period=half)
    assert made.total.energy is not None
    assert made.claims == ()


def test_two_runs_at_once_count_once_and_the_report_names_them() -> None:
    made = report(an_entry(run_id="a"), an_entry(run_id="b"), runs=[a_run("a"), a_run("b")])
    assert made.total.energy is not None
    assert made.total.energy.value == KWH
    assert any("run b on host-1 ran beside a" in warning for warning in made.warnings)


def test_coverage_counts_the_hours_that_nothing_covered() -> None:
    later = START + timedelta(hours=1)
    made = report(an_entry(), an_entry(address="gpu:0/board"), a_gap_entry(start=later), a_gap_entry(start=START))
    assert (made.coverage.known_host_hours, made.coverage.expected_host_hours) == (1.0, 2.0)
    assert made.coverage.share == 0.5


def test_a_run_without_a_reading_lowers_the_coverage() -> None:
    made = report(an_entry(), runs=[a_run(), a_run("run-2", start=START + timedelta(hours=1), complete=False)])
    assert made.coverage.share == 0.5
    assert any("ended without a summary" in warning for warning in made.warnings)


def test_figures_by_hand_without_a_host_are_hosts_of_their_own() -> None:
    made = report(an_entry(host="", run_id="a"), an_entry(host="", run_id="b"))
    assert made.coverage.known_host_hours == 2.0


def test_gaps_with_one_reason_are_one_line() -> None:
    made = report(*(a_gap_entry(host=f"host-{i}") for i in range(3)), a_gap_entry("off"))
    assert [(gap.reason, gap.count, gap.hours) for gap in made.gaps] == [
        ("nothing measures it", 3, 3.0),
        ("off", 1, 1.0),
    ]


def test_factors_are_listed_with_their_source_and_what_they_were_applied_to() -> None:
    made = as_json(report(an_entry(KWH), an_entry(KWH, host="host-2")))
    assert len(made["factors"]) == 1
    factor = made["factors"][0]
    assert (factor["zone"], factor["energy_j"], factor["assumed"]) == ("SG", 2 * KWH, False)
    assert "Ember" in factor["source"]
    assert factor["co2e_g"] == pytest.approx(made["total"]["co2e_g"]["location"])


def test_synthetic_entries_put_a_watermark_on_every_format() -> None:
    made = report(an_entry(synthetic=True))
    assert made.watermark is not None
    for text in (as_table(made), as_markdown(made), as_csv(made), str(as_json(made))):
        assert "synthetic" in text


def test_a_wrong_dimension_is_refused_with_the_nearest() -> None:
    with pytest.raises(WattbookError, match="did you mean 'project'"):
        report(dims=("projcet",))


def test_tags_and_time_are_dimensions() -> None:
    made = report(an_entry(KWH, place=OWN, tags={"team": "nlp"}), dims=("tag:team", "month", "day"))
    assert keys(made, "tag:team") == {"nlp": 1000.0}
    assert keys(made, "month") == {"2026-10": 1000.0}
    assert keys(made, "day") == {"2026-10-01": 1000.0}


def test_services_of_a_provider_add_up_to_its_figure() -> None:
    some = (a_statement("10", service="vm"), a_statement("5", service="disk"), a_statement("1"))
    assert keys(report(statements=some, dims=("service",)), "service") == {
        "vm": 10_000.0,
        "disk": 5_000.0,
        None: 1_000.0,
    }


labels = st.fixed_dictionaries(
    {
        "project": st.sampled_from([None, "ner", "=1+1"]),
        "phase": st.sampled_from([None, "dev", "train"]),
        "platform": st.sampled_from([None, "cloud", "laptop"]),
        "host": st.sampled_from(["host-1", "host-2"]),
        "run_id": st.sampled_from(["a", "b"]),
        "basis": st.sampled_from(["measured", "estimated"]),
        "hours": st.sampled_from([0.5, 3.0, 1000.0]),
        "start": st.datetimes(datetime(2026, 9, 1), datetime(2026, 11, 30), timezones=st.just(UTC)),
        "error": st.sampled_from([None, 0.1]),
    }
)
entries = st.lists(st.builds(lambda joules, more: an_entry(joules, **more), st.floats(0, 1e10), labels), max_size=8)
statements = st.lists(
    st.builds(
        lambda kg, method, month, service: a_statement(str(kg), method=method, month=month, service=service),
        st.decimals(0, 1000, places=3), st.sampled_from(["location", "market", "unsplit"]),
        st.sampled_from(["2026-09", "2026-10", "2026"]), st.sampled_from(["", "vm"]),
    ),
    max_size=5,
)  # fmt: skip


@given(entries, statements)
def test_every_breakdown_adds_up_to_the_total(some: list[Entry], stated: list[Statement]) -> None:
    made = report(*some, statements=tuple(stated), dims=DIMENSIONS)
    for dim, rows in made.by.items():
        for view in ("energy", "location_g", "market_g", "unsplit_g"):
            whole = getattr(made.total, view)
            parts = [getattr(row.total, view).value for row in rows if getattr(row.total, view) is not None]
            assert sum(parts) == pytest.approx(whole.value if whole else 0.0, rel=1e-9, abs=1e-6), (dim, view)


@given(entries, statements, st.lists(st.builds(a_gap_entry, start=st.just(START)), max_size=2))
def test_breakdowns_and_gaps_never_change_the_total(
    some: list[Entry], stated: list[Statement], gaps: list[Entry]
) -> None:
    inside = [an_entry(1e6, address="cpu:0/core", outermost=False)]
    assert (
        report(*some, *inside, *gaps, statements=tuple(stated)).total == report(*some, statements=tuple(stated)).total
    )


@given(entries, statements, st.randoms())
def test_the_same_book_gives_the_same_bytes_in_any_order(
    some: list[Entry], stated: list[Statement], random: Any
) -> None:
    def texts(made: Report) -> tuple[str, ...]:
        return as_table(made), as_markdown(made), as_csv(made), repr(as_json(made))

    once = texts(report(*some, statements=tuple(stated)))
    random.shuffle(some)
    random.shuffle(stated)
    assert texts(report(*some, statements=tuple(stated))) == once


@given(entries)
def test_months_add_up_to_the_energy_of_the_book(some: list[Entry]) -> None:
    apart = [entry for number, entry in enumerate(some) if not any(_meet(entry, other) for other in some[:number])]
    months = [
        Period.from_month(month, "Asia/Singapore")
        for month in ("2026-08", "2026-09", "2026-10", "2026-11", "2026-12", "2027-01")
    ]
    sums = [report(*apart, period=month).total.energy for month in months]
    whole = total(apart).energy
    assert sum(part.value for part in sums if part) == pytest.approx(whole.value if whole else 0.0)


def _meet(one: Entry, other: Entry) -> bool:
    return one.host == other.host and one.start < other.end and other.start < one.end


def test_provided_grams_are_exact_decimals() -> None:
    made = report(statements=(a_statement("0.1"), a_statement("0.2", service="vm")))
    assert made.claims[0].provided.location == Decimal("0.3")
    assert made.total.location_g is not None
    assert made.total.location_g.value == 300.0
