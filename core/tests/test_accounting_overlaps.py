"""Two runs on one host at one time: their joules count once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wattbook.accounting import total
from wattbook.accounting.overlaps import without_overlaps
from wattbook.records import Entry
from wattbook.testing.builders import START
from wattbook.testing.entries import a_run, an_entry


def energy(entries: list[Entry]) -> float:
    made = total(entries).energy
    return made.value if made else 0.0


def test_two_wrappers_at_once_count_the_machine_once() -> None:
    runs = {name: a_run(name) for name in ("a", "b")}
    kept, overlaps = without_overlaps([an_entry(100.0, run_id="a"), an_entry(100.0, run_id="b")], runs)
    assert energy(kept) == 100.0
    assert [(o.run_id, o.counted_in, o.energy_j) for o in overlaps] == [("b", ("a",), 100.0)]


def test_a_run_inside_a_run_is_not_added_though_it_began_in_the_same_moment() -> None:
    runs = {"z": a_run("z"), "a": a_run("a", parent_id="z")}
    kept, overlaps = without_overlaps([an_entry(10.0, run_id="a"), an_entry(100.0, run_id="z")], runs)
    assert energy(kept) == 100.0
    assert overlaps[0].run_id == "a"


def test_half_an_overlap_drops_half_of_it() -> None:
    runs = {"a": a_run("a"), "b": a_run("b", start=START + timedelta(minutes=30))}
    later = an_entry(100.0, run_id="b", start=START + timedelta(minutes=30))
    kept, _ = without_overlaps([an_entry(100.0, run_id="a"), later], runs)
    assert energy(kept) == 150.0


def test_measured_goes_before_estimated() -> None:
    runs = {"a": a_run("a"), "b": a_run("b")}
    guess = an_entry(500.0, run_id="a", basis="estimated", address="machine/host")
    seen = an_entry(100.0, run_id="b", address="machine/host")
    kept, _ = without_overlaps([guess, seen], runs)
    assert [entry.run_id for entry in kept] == ["b"]


def test_a_part_inside_a_container_of_another_run_overlaps_it() -> None:
    runs = {"a": a_run("a"), "b": a_run("b")}
    whole = an_entry(500.0, run_id="a", address="machine/host")
    part = an_entry(100.0, run_id="b", address="cpu:0/package")
    assert energy(without_overlaps([whole, part], runs)[0]) == 500.0


def test_an_accelerator_of_another_run_stands_beside_the_processor() -> None:
    runs = {"a": a_run("a"), "b": a_run("b")}
    kept, overlaps = without_overlaps(
        [an_entry(500.0, run_id="a"), an_entry(100.0, run_id="b", address="gpu:0/board")], runs
    )
    assert energy(kept) == 600.0
    assert overlaps == []


@pytest.mark.parametrize("change", [{"host": "host-2"}, {"start": START + timedelta(hours=1)}])
def test_another_host_or_another_hour_is_no_overlap(change: dict[str, object]) -> None:
    runs = {"a": a_run("a"), "b": a_run("b")}
    kept, overlaps = without_overlaps([an_entry(1.0, run_id="a"), an_entry(1.0, run_id="b", **change)], runs)  # type: ignore[arg-type]
    assert (energy(kept), overlaps) == (2.0, [])


def test_figures_by_hand_are_machines_of_their_own() -> None:
    runs = {"a": a_run("a", kind="log"), "b": a_run("b", kind="log")}
    kept, _ = without_overlaps([an_entry(1.0, run_id="a"), an_entry(1.0, run_id="b")], runs)
    assert energy(kept) == 2.0


def test_parents_in_a_circle_do_not_hang() -> None:
    runs = {"a": a_run("a", parent_id="b"), "b": a_run("b", parent_id="a")}
    kept, _ = without_overlaps([an_entry(1.0, run_id="a"), an_entry(1.0, run_id="b")], runs)
    assert energy(kept) == 1.0


stretches = st.lists(
    st.tuples(
        st.sampled_from("abc"), st.integers(0, 20), st.integers(1, 10), st.sampled_from(["measured", "estimated"])
    ),
    max_size=10,
)


@given(stretches, st.randoms())
def test_what_is_kept_never_covers_one_moment_twice(some: list[tuple[str, int, int, str]], random: object) -> None:
    entries = [
        an_entry(3600.0 * hours, run_id=run, start=START + timedelta(hours=first), hours=hours, basis=basis)
        for run, first, hours, basis in some
    ]
    random.shuffle(entries)  # type: ignore[attr-defined]
    runs = {name: a_run(name, hours=50) for name in "abc"}
    kept, _ = without_overlaps(entries, runs)
    for run in "abc":
        for other in "abc":
            if run < other:
                mine = [(e.start, e.end) for e in kept if e.run_id == run]
                theirs = [(e.start, e.end) for e in kept if e.run_id == other]
                assert not any(a < d and c < b for a, b in mine for c, d in theirs)
    covered = {hour for _, first, hours, _ in some for hour in range(first, first + hours)}
    assert energy(kept) >= 3600.0 * len(covered) * (1 - 1e-9)
    assert energy(kept) <= energy(entries) * (1 + 1e-9)
