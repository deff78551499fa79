"""What a command caused, what others did and what nobody did are the machine, whatever the policy."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wattbook.cli.run_words import MODES as SHOWN_MODES
from wattbook.cli.run_words import POLICIES as SHOWN_POLICIES
from wattbook.config import MODES, POLICIES
from wattbook.explaining import leaves_of
from wattbook.pipeline.attribute import Divided, Share, Standing, divide, processor_share
from wattbook.pipeline.dividing import Divider, Line, attributed, parts_of
from wattbook.records import Entry
from wattbook.testing.entries import a_gap_entry, an_entry

joules = st.floats(0, 1e12)
parts = st.floats(0, 1)


def a_share(value: float, low: float | None = None, high: float | None = None) -> Share:
    return Share(value=value, low=value if low is None else low, high=value if high is None else high, told="told")


@st.composite
def shares(draw: st.DrawFn) -> Share:
    low, value, high = sorted(draw(st.lists(parts, min_size=3, max_size=3)))
    return Share(value=value, low=low, high=high, told="told")


@st.composite
def divisions(draw: st.DrawFn) -> Divided:
    low, machine, high = sorted(draw(st.lists(joules, min_size=3, max_size=3)))
    idle = sorted(draw(st.lists(st.floats(0, 1e9), min_size=3, max_size=3)))
    return divide(
        machine, draw(st.sampled_from([None, (low, high)])), draw(st.floats(0.001, 1e6)), draw(shares()),
        policy=draw(st.sampled_from(POLICIES)),
        standing=Standing(power_w=idle[1], low_w=idle[0], high_w=idle[2], source="watch"),
        reserved=draw(shares()),
    )  # fmt: skip


@given(divisions())
def test_attributed_and_rest_and_unallocated_are_the_machine(divided: Divided) -> None:
    whole = math.fsum([divided.process_j, divided.rest_j, divided.unallocated_j])
    assert whole == pytest.approx(divided.machine_j, rel=1e-9, abs=1e-9)
    assert min(divided.process_j, divided.rest_j, divided.unallocated_j) >= 0


@given(divisions())
def test_a_part_lies_inside_its_interval(divided: Divided) -> None:
    if divided.low_j is not None and divided.high_j is not None:
        assert 0 <= divided.low_j <= divided.process_j <= divided.high_j


@given(divisions())
def test_the_terms_of_a_part_add_up_to_it(divided: Divided) -> None:
    seconds = 10.0
    entry = an_entry(divided.process_j, hours=seconds / 3600, terms=divided.terms)
    assert math.fsum(leaf.energy_j for leaf in leaves_of(entry)) == divided.process_j
    for term in divided.terms:
        assert term["low_w"] <= term["power_w"] * (1 + 1e-12)
        assert term["power_w"] <= term["high_w"] * (1 + 1e-12)


@given(joules, st.lists(parts, min_size=2, max_size=2).map(sorted), st.sampled_from(POLICIES))
def test_more_processor_time_is_more_energy(energy: float, both: list[float], policy: str) -> None:
    standing = Standing(power_w=10.0, low_w=10.0, high_w=10.0, source="watch")
    less, more = (
        divide(energy, None, 60.0, a_share(part), policy=policy, standing=standing, reserved=a_share(0.5))
        for part in both
    )
    assert less.process_j <= more.process_j


@given(joules, st.lists(parts, min_size=1, max_size=5), st.sampled_from(POLICIES))
def test_several_commands_at_once_never_get_more_than_the_machine(
    energy: float, weights: list[float], policy: str
) -> None:
    whole = max(1.0, sum(weights))
    standing = Standing(power_w=1e6, low_w=1e6, high_w=1e6, source="watch")
    divided = [
        divide(energy, None, 60.0, a_share(w / whole), policy=policy, standing=standing, reserved=a_share(w / whole))
        for w in weights
    ]
    assert math.fsum(d.process_j for d in divided) <= energy * (1 + 1e-9)


@pytest.mark.parametrize(
    ("policy", "process_j", "rest_j", "unallocated_j"),
    [("used", 25.0, 75.0, 0.0), ("reserved", 20.0 + 15.0, 65.0, 0.0), ("none", 15.0, 45.0, 40.0)],
)
def test_the_policies_differ_in_standing_energy(
    policy: str, process_j: float, rest_j: float, unallocated_j: float
) -> None:
    standing = Standing(power_w=4.0, low_w=4.0, high_w=4.0, source="watch")
    divided = divide(100.0, None, 10.0, a_share(0.25), policy=policy, standing=standing, reserved=a_share(0.5))
    assert (divided.process_j, divided.rest_j, divided.unallocated_j) == (process_j, rest_j, unallocated_j)


def test_standing_power_above_the_machines_is_no_more_than_the_machine() -> None:
    standing = Standing(power_w=1000.0, low_w=1000.0, high_w=1000.0, source="watch")
    divided = divide(100.0, None, 10.0, a_share(0.25), policy="none", standing=standing)
    assert (divided.process_j, divided.unallocated_j) == (0.0, 100.0)


def test_a_short_time_widens_the_share_by_the_kernels_ticks() -> None:
    share = processor_share(0.05, 0.1, 2, "of a tree")
    assert share is not None
    assert share.value == pytest.approx(0.5)
    assert (share.low, share.high) == (pytest.approx(0.04 / 0.12), pytest.approx(0.06 / 0.08))


def test_a_share_without_a_busy_machine_is_not_known() -> None:
    assert processor_share(0.001, 0.01, 2, "") is None
    assert processor_share(None, 10.0, 2, "") is None


# --- the entries of a stretch -------------------------------------------------------------------


def a_divider(policy: str = "used", **more: Any) -> Divider:
    return Divider(policy=policy, pid=1, processors=4, **more)


def lines(entries: list[Entry], divider: Divider, cpu_s: float = 1.0, busy_s: float = 4.0) -> list[Line]:
    return divider.lines(entries, cpu_s=cpu_s, busy_s=busy_s, source="of its processes")


def test_the_entries_of_a_part_say_what_they_are() -> None:
    (part,) = parts_of(lines([an_entry(100.0, error=0.1)], a_divider()))
    assert (part.energy_j, part.attribution) == (25.0, "process:used")
    assert part.method.startswith("what the command caused")
    assert "100 J" in part.terms[0]["formula"]
    assert "x 0.25" in part.terms[0]["formula"]


def test_a_policy_without_standing_power_is_told_and_another_one_taken() -> None:
    (line,) = lines([an_entry(100.0)], a_divider("none"))
    assert line.divided is not None
    assert line.divided.policy == "used"
    assert "'none' cannot be applied to cpu:0/package" in line.reason
    (part,) = parts_of([line])
    assert part.attribution == "process:used"
    assert line.reason in part.warnings


def test_a_board_whose_users_nobody_knows_is_a_gap_with_bounds() -> None:
    (gap,) = parts_of(lines([an_entry(100.0, error=0.1, address="gpu:0/board")], a_divider()))
    assert (gap.kind, gap.energy_j, gap.low_j, gap.high_j) == ("gap", None, 0.0, pytest.approx(110.0))
    assert "which processes used it is not known" in gap.reason


def test_the_document_adds_up_to_the_machine() -> None:
    entries = [an_entry(100.0), an_entry(7.0, address="dram:0/dram"), an_entry(1000.0, address="gpu:0/board"),
               an_entry(60.0, address="cpu:0/core", outermost=False), a_gap_entry()]  # fmt: skip
    told = attributed(lines(entries, a_divider()), mode="machine", policy="used", share=0.25, source="")
    assert told["machine_j"] == 1107.0
    assert told["machine_j"] == told["process_j"] + told["rest_j"] + told["unallocated_j"] + told["undivided_j"]
    assert (told["undivided_j"], told["accelerators_j"]) == (1000.0, 1000.0)


def test_the_options_show_what_there_is() -> None:
    assert (SHOWN_MODES, SHOWN_POLICIES) == (MODES, POLICIES)
