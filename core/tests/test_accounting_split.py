"""Cutting an entry in time: no joule is lost or made."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from wattbook.accounting import split
from wattbook.accounting.split import MARK
from wattbook.testing.builders import START
from wattbook.testing.entries import a_gap_entry, an_entry


@given(st.floats(0, 1e12), st.floats(0, 1), st.floats(0.001, 10_000), st.floats(0.0001, 0.9999))
def test_splitting_a_window_preserves_energy_exactly(joules: float, error: float, hours: float, at: float) -> None:
    entry = an_entry(joules, error=error, hours=hours)
    before, after = split(entry, START + timedelta(hours=hours) * at)
    pieces = [piece for piece in (before, after) if piece is not None]
    assert sum(piece.energy_j or 0.0 for piece in pieces) == joules
    assert pieces[0].start == entry.start
    assert pieces[-1].end == entry.end
    assert all(one.end == next_.start for one, next_ in pairwise(pieces))
    for piece in pieces:
        assert piece.low_j is not None
        assert piece.energy_j is not None
        assert piece.high_j is not None
        assert 0 <= piece.low_j <= piece.energy_j <= piece.high_j


def test_a_quarter_of_the_time_takes_a_quarter_of_the_energy_and_says_so() -> None:
    before, after = split(an_entry(400.0, hours=4.0), START + timedelta(hours=1))
    assert before is not None
    assert after is not None
    assert (before.energy_j, after.energy_j) == (100.0, 300.0)
    assert MARK in before.warnings
    assert MARK in after.warnings


def test_an_entry_on_one_side_is_not_touched() -> None:
    entry = an_entry()
    assert split(entry, START) == (None, entry)
    assert split(entry, START + timedelta(hours=1)) == (entry, None)


def test_an_entry_without_length_lies_after_its_moment() -> None:
    entry = an_entry(0.0, hours=0.0)
    assert split(entry, START) == (None, entry)


def test_a_gap_keeps_its_bounds_in_proportion() -> None:
    before, after = split(a_gap_entry(low_j=10.0, high_j=100.0), START + timedelta(minutes=30))
    assert before is not None
    assert after is not None
    assert before.energy_j is None
    assert (before.high_j or 0) + (after.high_j or 0) == 100.0
