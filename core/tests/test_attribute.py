"""What a command caused and the rest are the machine, whatever the share."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wattbook.pipeline.attribute import attributed

joules = st.floats(0, 1e12)
devices = st.sampled_from(["machine", "cpu:0", "cpu:1", "dram:0", "gpu:0", "gpu:GPU-1"])


@given(st.lists(st.tuples(devices, joules), min_size=1), st.floats(0, 1))
def test_attributed_and_rest_are_the_machine(addends: list[tuple[str, float]], share: float) -> None:
    divided = attributed(addends, share)
    assert divided is not None
    whole = divided.process_j + divided.rest_j + divided.accelerators_j
    assert whole == pytest.approx(sum(energy for _, energy in addends), rel=1e-9, abs=1e-9)
    assert min(divided.process_j, divided.rest_j, divided.accelerators_j) >= 0


@given(joules, st.lists(st.floats(0, 1), min_size=2, max_size=2).map(sorted))
def test_more_processor_time_is_more_energy(energy: float, shares: list[float]) -> None:
    less, more = (attributed([("machine", energy)], share) for share in shares)
    assert less is not None
    assert more is not None
    assert less.process_j <= more.process_j


def test_what_is_not_known_is_not_divided() -> None:
    assert attributed([("machine", 1.0)], None) is None
    assert attributed([], 0.5) is None
    assert attributed([("machine", None)], 0.5) is None


def test_accelerators_are_told_apart() -> None:
    divided = attributed([("machine", 100.0), ("gpu:0", 1000.0), ("dram:0", None)], 0.25)
    assert divided is not None
    assert (divided.process_j, divided.rest_j, divided.accelerators_j) == (25.0, 75.0, 1000.0)
    assert divided.as_dict()["idle"] == "used"
