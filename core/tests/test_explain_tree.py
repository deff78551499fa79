"""The tree behind a number: its leaves add up to it, to the last digit."""

from __future__ import annotations

import json
import math
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from wattbook.accounting import total
from wattbook.explaining import explain, leaves_of
from wattbook.explaining.as_json import as_json
from wattbook.explaining.lines import as_lines
from wattbook.explaining.tree import REST
from wattbook.records import Entry, Place
from wattbook.testing.builders import START
from wattbook.testing.entries import a_gap_entry, a_run, an_entry


def a_term(what: str, power_w: float) -> dict[str, Any]:
    return {
        "what": what, "power_w": power_w, "low_w": 0.5 * power_w, "high_w": 2 * power_w,
        "formula": "0.15 x TDP", "source": "a paper",
    }  # fmt: skip


powers = st.floats(0, 5000)
estimates = st.builds(
    lambda watts, hours, off: an_entry(
        math.fsum(watts) * hours * 3600 * off, hours=hours, error=0.5, basis="estimated", address="machine/host",
        terms=tuple(a_term(f"part {i}", w) for i, w in enumerate(watts)),
    ),
    st.lists(powers, min_size=1, max_size=6), st.floats(0.001, 1000), st.one_of(st.just(1.0), st.floats(0, 2), st.sampled_from([1e-9, 1e9])),
)  # fmt: skip
measured = st.builds(an_entry, st.floats(0, 1e12), error=st.sampled_from([None, 0.05]))
entries = st.lists(st.one_of(estimates, measured, st.builds(a_gap_entry)), min_size=1, max_size=8)


def leaves_in(document: Any) -> list[float]:
    return [leaf["energy_j"] for reading in document["readings"] for leaf in reading["leaves"]]


@given(entries)
def test_the_leaves_add_up_to_the_number_exactly(some: list[Entry]) -> None:
    document = as_json(explain("run", "run-1", some, a_run()))
    if document["energy_j"] is None:
        assert leaves_in(document) == []
        return
    assert math.fsum(leaves_in(document)) == document["energy_j"]
    whole = total(some).energy
    assert whole is not None
    assert document["energy_j"] == whole.value


@given(entries)
def test_the_grams_of_the_readings_add_up_to_the_number_exactly(some: list[Entry]) -> None:
    document = as_json(explain("run", "run-1", some, a_run()))
    grams = [reading["carbon"]["co2e_g"]["location"] for reading in document["readings"]]
    assert (math.fsum(grams) if grams else None) == document["co2e_g"]["location"]


@given(estimates)
def test_each_reading_is_the_exact_sum_of_its_leaves(entry: Entry) -> None:
    leaves = leaves_of(entry)
    assert math.fsum(leaf.energy_j for leaf in leaves) == entry.energy_j
    assert math.fsum([*(leaf.energy_j for leaf in leaves), -(entry.energy_j or 0.0)]) == 0


def test_a_leaf_is_its_terms_power_times_the_window() -> None:
    entry = an_entry(30 * 3600.0, basis="estimated", terms=(a_term("idle", 10.0), a_term("load", 20.0)))
    assert [(leaf.what, leaf.energy_j) for leaf in leaves_of(entry)] == [("idle", 36_000.0), ("load", 72_000.0)]


def test_what_the_terms_do_not_explain_is_a_leaf_of_its_own() -> None:
    entry = an_entry(100 * 3600.0, basis="estimated", terms=(a_term("idle", 10.0),))
    assert [(leaf.what, leaf.energy_j) for leaf in leaves_of(entry)] == [("idle", 36_000.0), (REST, 324_000.0)]


def test_terms_that_have_nothing_to_do_with_the_reading_are_left_out() -> None:
    entry = an_entry(1.0, basis="estimated", terms=(a_term("idle", 1e12),))
    assert [leaf.energy_j for leaf in leaves_of(entry)] == [1.0]


def test_a_measured_reading_is_its_own_leaf() -> None:
    assert [leaf.energy_j for leaf in leaves_of(an_entry(7.0))] == [7.0]


def test_a_breakdown_is_shown_inside_its_reading_and_not_added() -> None:
    core = an_entry(1.0, address="cpu:0/core", outermost=False)
    document = as_json(explain("run", "run-1", [an_entry(3.0), core], a_run()))
    assert document["energy_j"] == 3.0
    assert [part["domain"] for part in document["readings"][0]["inside"]] == ["core"]


def test_an_entry_is_explained_alone_even_where_it_is_a_breakdown() -> None:
    core = an_entry(1.0, address="cpu:0/core", outermost=False)
    explained = explain("entry", core.entry_id, [core], a_run())
    assert as_json(explained)["energy_j"] == 1.0


def test_losers_gaps_factor_and_evidence_stand_beside_the_number() -> None:
    verdict = {"plugin": "rapl", "source": "energy", "hook": "measure", "domains": [], "fate": "unavailable",
               "reason": "energy_uj is root-only", "remedy": "wattbook doctor"}  # fmt: skip
    explained = explain(
        "run", "run-1", [an_entry(evidence_sha256="ab" * 32), a_gap_entry()], a_run(verdicts=(verdict,))
    )
    document = as_json(explained)
    assert document["verdicts"] == [verdict]
    assert document["gaps"][0]["reason"] == "nothing measures it"
    assert document["factors"][0]["zone"] == "SG"
    assert document["evidence"] == ["ab" * 32]
    text = "\n".join(as_lines(explained))
    for part in ("unavailable: rapl:energy: energy_uj is root-only", "nothing measures it", "498.74 g/kWh", "ab" * 32):
        assert part in text


def test_the_text_prints_every_term_with_formula_and_source() -> None:
    entry = an_entry(30 * 3600.0, basis="estimated", terms=(a_term("idle", 10.0), a_term("load", 20.0)))
    text = "\n".join(as_lines(explain("run", "run-1", [entry], a_run())))
    assert "+ idle  10.0 Wh = 10.0 W x 3600 s" in text
    assert "0.15 x TDP  [a paper]" in text


def test_many_stretches_of_one_domain_are_one_line_of_text_and_all_in_the_document() -> None:
    some = [an_entry(3600.0, start=START + timedelta(hours=i)) for i in range(50)]
    explained = explain("run", "run-1", some, a_run())
    assert len(list(as_lines(explained))) < 20
    assert len(as_json(explained)["readings"]) == 50


def test_unknown_carbon_is_null_and_said() -> None:
    document = as_json(explain("run", "run-1", [an_entry(place=Place(zone="XX"))], None))
    assert document["co2e_g"]["location"] is None
    assert any("no grid factor is known for zone 'XX'" in warning for warning in document["warnings"])


def test_control_characters_of_a_label_never_reach_a_terminal() -> None:
    run = a_run(command="x\x1b[2J", host="h\nost")
    text = "\n".join(as_lines(explain("run", "run-1", [an_entry(method="m\x07")], run)))
    assert "\x1b" not in text
    assert "\x07" not in text


@given(entries)
def test_the_document_is_plain_json(some: list[Entry]) -> None:
    json.dumps(as_json(explain("run", "run-1", some, a_run())), allow_nan=False)
