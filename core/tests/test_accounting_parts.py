"""What several runs caused stands beside what is left of the machine's record: together the machine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wattbook.accounting import split, total
from wattbook.accounting.overlaps import Overlap, without_overlaps
from wattbook.records import Entry, RunRecord
from wattbook.testing.builders import START
from wattbook.testing.entries import a_run, an_entry

HOUR = timedelta(hours=1)


def energy(entries: Sequence[Entry]) -> float:
    made = total(entries).energy
    return made.value if made else 0.0


def of(run_id: str, entries: Sequence[Entry]) -> float:
    return math.fsum(entry.energy_j or 0.0 for entry in entries if entry.run_id == run_id)


def a_part(joules: float, *, run_id: str, hour: float = 0.0, hours: float = 1.0, of_w: float | None = None,
           **more: Any) -> Entry:  # fmt: skip
    terms = ({"what": "by use", "of_w": of_w},) if of_w is not None else ()
    return an_entry(
        joules, run_id=run_id, start=START + hour * HOUR, hours=hours, attribution="process:used", terms=terms, **more
    )


def a_record(joules: float, *, run_id: str = "watch", hour: float = 0.0, hours: float = 1.0, **more: Any) -> Entry:
    return an_entry(joules, run_id=run_id, start=START + hour * HOUR, hours=hours, **more)


def runs(*names: str, **parents: str) -> dict[str, RunRecord]:
    kinds = {"watch": "watch"}
    return {
        name: a_run(name, hours=50, kind=kinds.get(name, "run"), parent_id=parents.get(name))
        for name in (*names, *parents)
    }


def settled(entries: Sequence[Entry], known: dict[str, RunRecord]) -> tuple[list[Entry], list[Overlap]]:
    return without_overlaps(entries, known)


def test_the_watch_loses_what_the_parts_took_and_no_more() -> None:
    known = runs("watch", "a", "b")
    kept, overlaps = settled([a_record(100.0), a_part(30.0, run_id="a", hours=0.5), a_part(20.0, run_id="b")], known)
    assert (of("a", kept), of("b", kept), of("watch", kept)) == (30.0, 20.0, pytest.approx(50.0))
    assert overlaps == []


def test_a_run_of_the_whole_machine_loses_what_a_part_took_just_as_the_watch_does() -> None:
    known = runs("watch", "whole", "a")
    kept, _ = settled([a_record(100.0), a_record(100.0, run_id="whole"), a_part(30.0, run_id="a")], known)
    assert (of("a", kept), of("whole", kept), of("watch", kept)) == (30.0, pytest.approx(70.0), 0.0)


def test_parts_that_claim_more_than_the_machine_are_cut_and_the_rest_is_an_overlap() -> None:
    known = runs("watch", "a", "b")
    kept, overlaps = settled([a_record(100.0), a_part(90.0, run_id="a"), a_part(60.0, run_id="b")], known)
    assert (of("a", kept), of("b", kept), of("watch", kept)) == (pytest.approx(60.0), pytest.approx(40.0), 0.0)
    assert [(o.run_id, o.counted_in, o.energy_j) for o in overlaps] == [
        ("a", ("watch",), pytest.approx(30.0)), ("b", ("watch",), pytest.approx(20.0)),
    ]  # fmt: skip


def test_parts_without_a_record_stand_beside_each_other() -> None:
    kept, overlaps = settled([a_part(30.0, run_id="a", of_w=1.0), a_part(20.0, run_id="b", of_w=1.0)], runs("a", "b"))
    assert (energy(kept), overlaps) == (50.0, [])


def test_parts_without_a_record_are_no_more_than_the_machine_that_they_state() -> None:
    watts = 100.0 / 3600
    some = [a_part(90.0, run_id="a", of_w=watts), a_part(60.0, run_id="b", of_w=watts)]
    kept, overlaps = settled(some, runs("a", "b"))
    assert energy(kept) == pytest.approx(100.0)
    assert sum(o.energy_j for o in overlaps) == pytest.approx(50.0)


def test_a_part_inside_a_part_is_taken_out_of_it() -> None:
    known = runs("watch", "outer", inner="outer")
    some = [a_record(100.0), a_part(40.0, run_id="outer"), a_part(15.0, run_id="inner", hours=0.5)]
    kept, overlaps = settled(some, known)
    assert (of("inner", kept), of("outer", kept), of("watch", kept)) == (15.0, pytest.approx(25.0), pytest.approx(60.0))
    assert overlaps == []


def test_a_part_inside_a_part_is_taken_out_of_it_without_a_record_too() -> None:
    kept, _ = settled(
        [a_part(40.0, run_id="outer", of_w=1.0), a_part(15.0, run_id="inner", of_w=1.0)], runs("outer", inner="outer")
    )
    assert (of("inner", kept), of("outer", kept)) == (15.0, pytest.approx(25.0))


def test_what_lies_outside_the_record_is_kept() -> None:
    kept, _ = settled([a_record(100.0), a_part(60.0, run_id="a", hour=0.5)], runs("watch", "a"))
    assert (of("a", kept), of("watch", kept)) == (pytest.approx(60.0), pytest.approx(70.0))


def test_a_part_of_the_whole_machine_is_taken_from_all_that_the_record_holds() -> None:
    known = runs("watch", "a")
    some = [a_record(60.0), a_record(40.0, address="dram:0/dram"), a_part(50.0, run_id="a", address="machine/host")]
    kept, _ = settled(some, known)
    left = {entry.device: entry.energy_j for entry in kept if entry.run_id == "watch"}
    assert left == {"cpu:0": pytest.approx(30.0), "dram:0": pytest.approx(20.0)}


def test_the_board_of_a_part_leaves_the_processors_of_the_record_alone() -> None:
    some = [a_record(60.0), a_record(40.0, address="gpu:0/board"), a_part(40.0, run_id="a", address="gpu:0/board")]
    kept, _ = settled(some, runs("watch", "a"))
    assert {(e.run_id, e.device): e.energy_j for e in kept} == {("a", "gpu:0"): 40.0, ("watch", "cpu:0"): 60.0}


def test_another_host_is_left_alone() -> None:
    some = [a_record(60.0), a_part(40.0, run_id="a", host="host-2")]
    assert energy(settled(some, runs("watch", "a"))[0]) == 100.0


def test_the_interval_of_the_rest_is_that_of_its_part_of_the_record() -> None:
    kept, _ = settled([a_record(100.0, error=0.1), a_part(50.0, run_id="a", error=0.1)], runs("watch", "a"))
    made = total(kept).energy
    assert made is not None
    assert (made.low, made.value, made.high) == (pytest.approx(90.0), pytest.approx(100.0), pytest.approx(110.0))


# --- whatever the entries are ---------------------------------------------------------------------

parts = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 40), st.integers(1, 12), st.floats(0, 500)), max_size=8
)
records = st.lists(st.floats(0, 1000), min_size=13, max_size=13)


def make(some: list[tuple[str, int, int, float]], held: list[float]) -> list[Entry]:
    """Four hours in pieces of twenty minutes, and parts inside; those of one run do not meet."""
    entries = [a_record(joules, hour=i / 3, hours=1 / 3) for i, joules in enumerate(held)]
    until: dict[str, int] = {}
    for run, first, length, joules in sorted(some):
        start = max(first, until.get(run, 0))
        if start >= 48:
            continue
        end = until[run] = min(52, start + length)
        entries.append(a_part(joules, run_id=run, hour=start / 12, hours=(end - start) / 12))
    return entries


@given(parts, records)
def test_parts_and_what_is_left_are_the_machine(some: list[tuple[str, int, int, float]], held: list[float]) -> None:
    entries = make(some, held)
    kept, overlaps = settled(entries, runs("watch", "a", "b", "c"))
    machine_j = math.fsum(held)
    claimed_j = math.fsum(entry.energy_j or 0.0 for entry in entries if entry.attribution)
    assert energy(kept) == pytest.approx(machine_j, rel=1e-9, abs=1e-6)
    taken_j = machine_j - of("watch", kept)
    assert taken_j + sum(o.energy_j for o in overlaps) == pytest.approx(claimed_j, rel=1e-9, abs=1e-6)
    assert all((entry.energy_j or 0.0) >= 0 for entry in kept)


@given(parts, records, st.randoms(use_true_random=False))
def test_the_order_of_entries_makes_no_difference(
    some: list[tuple[str, int, int, float]], held: list[float], random: Random
) -> None:
    entries = make(some, held)
    mixed = list(entries)
    random.shuffle(mixed)
    known = runs("watch", "a", "b", "c")

    def said(kept: list[Entry]) -> list[Entry]:
        return sorted(kept, key=lambda e: (e.start, e.end, e.run_id, e.device, e.energy_j or 0.0))

    one, other = settled(entries, known), settled(mixed, known)
    assert said(one[0]) == said(other[0])
    assert one[1] == other[1]


@given(parts, records, st.integers(1, 51))
def test_splitting_a_window_preserves_energy(
    some: list[tuple[str, int, int, float]], held: list[float], at: int
) -> None:
    moment: datetime = START + at * HOUR / 12
    entries = make(some, held)
    pieces = [piece for entry in entries for piece in split(entry, moment) if piece is not None]
    kept, _ = settled(pieces, runs("watch", "a", "b", "c"))
    assert energy(kept) == pytest.approx(math.fsum(held), rel=1e-9, abs=1e-6)


@given(parts, records)
def test_nested_parts_and_what_is_left_are_the_machine_too(
    some: list[tuple[str, int, int, float]], held: list[float]
) -> None:
    kept, _ = settled(make(some, held), runs("watch", "a", b="a", c="b"))
    assert energy(kept) == pytest.approx(math.fsum(held), rel=1e-9, abs=1e-6)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=5), st.floats(0.001, 1e6))
def test_parts_of_runs_at_one_time_never_exceed_the_machine(some: list[tuple[float, float]], watts: float) -> None:
    entries = [a_part(share * watts * 3600, run_id=f"r{i}", of_w=watts) for i, (share, _) in enumerate(some)]
    kept, _ = settled(entries, {f"r{i}": a_run(f"r{i}") for i in range(len(some))})
    assert energy(kept) <= watts * 3600 * (1 + 1e-6)
