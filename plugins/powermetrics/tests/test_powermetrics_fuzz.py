"""Damaged recordings: refused or noted, never a traceback, never energy that was not there."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wattbook import ImportFailed, Recording, SourceFile
from wattbook_powermetrics.recording import importers

DATA = Path(__file__).parent / "data"
ALL = sorted(path.name for path in DATA.glob("synthetic_*") if path.stat().st_size < 10_000)
TIMED = (
    "synthetic_m4_sequoia.txt", "synthetic_m1_monterey.txt", "synthetic_m1_bigsur_summary.txt",
    "synthetic_intel_catalina.txt", "synthetic_m1pro_sonoma.plist", "synthetic_m1_monterey.plist",
)  # fmt: skip
#: joules of the largest sample, from the rows that made the file
LARGEST_J = dict(zip(TIMED, (2.65, 3.72, 3.72, 18.95, 2.66, 3.72), strict=True))
PIECE = {"txt": b"*** S", "plist": b"<?xml"}

Imported = Callable[..., Recording]


def energy_j(content: bytes, imported: Imported) -> float | None:
    """Joules in total, ``None`` where the file is refused; checks what holds for every recording."""
    head = SourceFile(path=Path("x"), head=content[:65_536], opener=lambda: pytest.fail("sniffing opens nothing"))
    if not any(offer.sniff(head) for offer in importers()):
        return None
    try:
        recording = imported(content)
    except ImportFailed as refused:
        assert str(refused)
        return None
    for value in (*recording.mean_power_w.values(), *(recording.energy_j or {}).values()):
        assert math.isfinite(value)
        assert value >= 0
    for reading in recording.readings:
        assert reading.window.duration_s >= 0
    return None if recording.energy_j is None else recording.energy_j["total"]


def content_of(name: str) -> bytes:
    return (DATA / name).read_bytes()


def damaged(content: bytes, seed: int, how: str) -> bytes:
    rng, size = random.Random(seed), len(content)
    if how == "cut":
        return content[: rng.randrange(size)]
    if how == "beheaded":
        return content[rng.randrange(size) :]
    if how == "shuffled":
        lines = content.splitlines(keepends=True)
        rng.shuffle(lines)
        return b"".join(lines)
    changed = bytearray(content)
    for _ in range(rng.choice([1, 3, 30])):
        at = rng.randrange(len(changed))
        if how == "flipped":
            changed[at] ^= 1 << rng.randrange(8)
        elif how == "overwritten":
            changed[at] = rng.randrange(256)
        elif len(changed) > 1:
            del changed[at]
    return bytes(changed)


@pytest.mark.parametrize("how", ["cut", "beheaded", "shuffled", "flipped", "overwritten", "thinned"])
@given(name=st.sampled_from(ALL), seed=st.integers(0, 2**32))
@settings(deadline=None, max_examples=150)
def test_whatever_is_damaged_is_refused_or_read(how: str, name: str, seed: int, imported: Imported) -> None:
    energy_j(damaged(content_of(name), seed, how), imported)


@given(
    content=st.binary(max_size=3_000),
    start=st.sampled_from([b"*** Sampled system activity (", b"<plist><key>is_delta</key>"]),
)
@settings(deadline=None)
def test_any_bytes_are_refused_or_read(content: bytes, start: bytes, imported: Imported) -> None:
    energy_j(start + content, imported)


@given(name=st.sampled_from(TIMED), share=st.floats(0, 1))
@settings(deadline=None)
def test_a_cut_file_has_no_more_energy_than_the_whole(name: str, share: float, imported: Imported) -> None:
    content = content_of(name)
    whole, cut = energy_j(content, imported), energy_j(content[: int(share * len(content))], imported)
    assert whole is not None
    assert cut is None or cut <= whole * (1 + 1e-12)


@given(name=st.sampled_from(TIMED), times=st.integers(2, 4))
@settings(deadline=None, max_examples=20)
def test_a_file_several_times_over_has_the_energy_of_once(name: str, times: int, imported: Imported) -> None:
    content = content_of(name)
    assert energy_j(content * times, imported) == energy_j(content, imported)


@given(name=st.sampled_from(TIMED), a=st.floats(0, 1), b=st.floats(0, 1), into=st.floats(0, 1))
@settings(deadline=None)
def test_a_doubled_stretch_adds_at_most_a_sample(
    name: str, a: float, b: float, into: float, imported: Imported
) -> None:
    content = content_of(name)
    first, last, at = (int(x * len(content)) for x in (min(a, b), max(a, b), into))
    whole = energy_j(content, imported)
    more = energy_j(content[:at] + content[first:last] + content[at:], imported)
    assert whole is not None
    assert more is None or more <= whole + LARGEST_J[name]


@given(name=st.sampled_from(TIMED), step=st.integers(1, 60), behind=st.integers(1, 60))
@settings(deadline=None)
def test_two_interleaved_copies_add_at_most_a_sample(name: str, step: int, behind: int, imported: Imported) -> None:
    lines = content_of(name).splitlines(keepends=True)
    mixed: list[bytes] = []
    for i in range(0, len(lines), step):
        mixed += lines[i : i + step] + lines[max(0, i - behind) : max(0, i - behind + step)]
    whole, more = energy_j(b"".join(lines), imported), energy_j(b"".join(mixed), imported)
    assert whole is not None
    assert more is None or more <= whole + LARGEST_J[name]


@given(name=st.sampled_from(TIMED), order=st.randoms(use_true_random=False), again=st.integers(0, 3))
@settings(deadline=None)
def test_samples_in_any_order_and_number_have_no_more_energy(
    name: str, order: random.Random, again: int, imported: Imported
) -> None:
    mark = PIECE[name.rpartition(".")[2]]
    head, *samples = content_of(name).split(mark)
    samples += samples[:again]
    order.shuffle(samples)
    whole, more = energy_j(content_of(name), imported), energy_j(head + b"".join(mark + s for s in samples), imported)
    assert whole is not None
    assert more is None or more <= whole * (1 + 1e-12)


@given(name=st.sampled_from(TIMED), at=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255))
@settings(deadline=None, max_examples=300)
def test_one_wrong_byte_spoils_at_most_one_sample(name: str, at: float, byte: int, imported: Imported) -> None:
    """A leading digit may become nine of it; everything larger is noticed."""
    content = bytearray(content_of(name))
    whole = energy_j(bytes(content), imported)
    content[int(at * len(content))] = byte
    wrong = energy_j(bytes(content), imported)
    assert whole is not None
    assert wrong is None or wrong <= whole + 9 * LARGEST_J[name]
