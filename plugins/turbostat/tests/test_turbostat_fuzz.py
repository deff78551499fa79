"""Damaged recordings: refused or read, never a traceback, never energy that was not there."""

from __future__ import annotations

import io
import math
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wattbook import ImportFailed, ImportSource, Recording
from wattbook_turbostat.recording import read_stream

DATA = Path(__file__).parent / "data"
WHOLE = sorted(path.name for path in DATA.iterdir() if "emul" in path.name)
TIMED = [name for name in WHOLE if "joules" in name or "fork" in name]


@cache
def content(name: str) -> bytes:
    return (DATA / name).read_bytes()


def attempt(data: bytes) -> Recording | None:
    try:
        return read_stream(io.BytesIO(data), ImportSource())
    except ImportFailed as refused:
        assert str(refused)
        return None


def most_j(name: str) -> float:
    """The energy of the whole recording and the noise of one sample."""
    whole = attempt(content(name))
    assert whole is not None
    assert whole.energy_j is not None
    return whole.energy_j["total"] * (1 + 1.01 / whole.samples)


def check(recording: Recording | None) -> None:
    if recording is None:
        return
    assert recording.samples > 0
    for figures in (recording.mean_power_w, recording.energy_j or {}):
        assert all(math.isfinite(figure) and figure >= 0 for figure in figures.values())
    assert all(watts <= 5_000 * 3 for watts in recording.mean_power_w.values())


@given(st.sampled_from(WHOLE), st.integers(0, 5_000))
def test_a_recording_that_is_cut_has_no_more_energy_than_the_whole(name: str, at: int) -> None:
    recording = attempt(content(name)[:at])
    check(recording)
    if recording is not None and recording.energy_j is not None and name in TIMED:
        assert recording.energy_j["total"] <= most_j(name)


@given(st.sampled_from(WHOLE), st.integers(0, 5_000), st.integers(0, 400))
def test_a_recording_with_a_hole_is_read_or_refused(name: str, at: int, length: int) -> None:
    data = content(name)
    check(attempt(data[:at] + data[at + length :]))


@pytest.mark.parametrize("name", TIMED)
def test_a_recording_that_is_there_twice_has_its_energy_once(name: str) -> None:
    once, twice = attempt(content(name)), attempt(content(name) * 2)
    assert once is not None
    assert twice is not None
    assert twice.energy_j == pytest.approx(once.energy_j)


@given(st.sampled_from(WHOLE), st.sampled_from(WHOLE), st.integers(1, 5))
def test_recordings_that_are_interleaved_are_read_or_refused(one: str, other: str, step: int) -> None:
    a, b = content(one).splitlines(keepends=True), content(other).splitlines(keepends=True)
    mixed = [line for i in range(0, max(len(a), len(b)), step) for line in (*a[i : i + step], *b[i : i + step])]
    check(attempt(b"".join(mixed)))


@given(st.sampled_from(WHOLE), st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=8))
def test_flipped_bytes_are_read_or_refused(name: str, flips: list[tuple[int, int]]) -> None:
    data = bytearray(content(name))
    for at, value in flips:
        if data:
            data[at % len(data)] = value
    check(attempt(bytes(data)))


@given(st.sampled_from(TIMED), st.integers(0, 10_000), st.integers(0, 7))
def test_a_flipped_bit_costs_at_most_one_sample_or_gives_what_one_domain_can_draw(name: str, at: int, bit: int) -> None:
    data = bytearray(content(name))
    data[at % len(data)] ^= 1 << bit
    recording = attempt(bytes(data))
    check(recording)


@given(st.lists(st.sampled_from([b"PkgWatt", b"CPU", b"Package", b"-", b"0", b"42.00", b"nan", b"\t", b"\n", b" sec\n", b"9" * 400, b"\xff", b"Time_Of_Day_Seconds", b"Pkg_J", b"1795404568.023531"]), max_size=60))  # fmt: skip
def test_any_text_made_of_turbostats_words_is_read_or_refused(words: list[bytes]) -> None:
    check(attempt(b"".join(words)))


@given(st.binary(max_size=2_000))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    check(attempt(data))
