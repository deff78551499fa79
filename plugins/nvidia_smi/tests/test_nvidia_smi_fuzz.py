"""Whatever happens to a file, there is no traceback, no hang, no negative and no invented energy."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wattbook import ImportFailed, ImportSource, Recording, SourceFile
from wattbook_nvidia_smi.importers import importers

DATA = Path(__file__).parent / "data"
NAMES = ("server_4gpu_synthetic.csv", "loop_synthetic.xml", "loop_synthetic_q.txt", "dmon_synthetic.txt")
WHOLE = {name: (DATA / name).read_bytes() for name in NAMES}
_rows = WHOLE[NAMES[0]].split(b"\n")
WHOLE[NAMES[0]] = b"\n".join([_rows[0], *_rows[55 * 4 : 75 * 4]])  # five minutes, in which the load begins
OFFERS = {offer.format: offer for offer in importers()}
fuzzed = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])


def file_of(content: bytes) -> SourceFile:
    from io import BytesIO

    return SourceFile(path=Path("log"), head=content[:65_536], opener=lambda: BytesIO(content))


def read(content: bytes, *, forced: str | None = None, interval_s: float | None = None) -> Recording | None:
    """What an import makes of *content*; ``None`` for a refusal.  Any other exception fails the test."""
    file = file_of(content)
    source = ImportSource(files=(file,), interval_s=interval_s, options={"timezone": "UTC"})
    fitting = [offer for offer in OFFERS.values() if offer.sniff(file)]
    assert len(fitting) <= 1, "two formats recognise it"
    offer = OFFERS[forced] if forced else (fitting or [None])[0]
    if offer is None:
        return None
    try:
        (recording,) = offer.read(source)
    except ImportFailed as refused:
        assert str(refused).startswith("log")
        return None
    assert isinstance(recording, Recording)
    for value in (*recording.mean_power_w.values(), *(recording.energy_j or {}).values()):
        assert math.isfinite(value)
        assert value >= 0
    return recording


def energy_j(recording: Recording | None) -> float:
    return 0.0 if recording is None or recording.energy_j is None else recording.energy_j["total"]


def most_j(name: str) -> float:
    """The intact file's energy and the noise of one sample: the longest interval at the largest power."""
    one = {"server_4gpu_synthetic.csv": 15.1 * 400, "loop_synthetic.xml": 3_100, "loop_synthetic_q.txt": 3_060}
    return energy_j(read(WHOLE[name])) + one.get(name, 140.0)


names = st.sampled_from(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_intact_file_has_energy(name: str) -> None:
    assert energy_j(read(WHOLE[name])) > 0


@fuzzed
@given(names, st.floats(0, 1))
def test_a_cut_file_has_no_more_energy(name: str, where: float) -> None:
    content = WHOLE[name]
    assert energy_j(read(content[: int(where * len(content))])) <= most_j(name)


@fuzzed
@given(names, st.integers(2, 3), st.data())
def test_repeated_blocks_have_no_more_energy(name: str, times: int, data: st.DataObject) -> None:
    lines = WHOLE[name].splitlines(keepends=True)
    at = data.draw(st.integers(0, len(lines)))
    to = data.draw(st.integers(at, len(lines)))
    assert energy_j(read(b"".join(lines[:to] + lines[at:to] * times + lines[to:]))) <= most_j(name)
    assert energy_j(read(WHOLE[name] * times)) <= most_j(name)


@fuzzed
@given(names, st.data())
def test_lines_out_of_order_cover_no_more_time(name: str, data: st.DataObject) -> None:
    """Which figure stands for which time is lost with the order; how much time there is, is not."""
    lines = WHOLE[name].splitlines(keepends=True)
    shift = data.draw(st.integers(0, 20))
    pairs = zip(lines, lines[shift:] + lines[:shift], strict=True)
    whole = read(WHOLE[name])
    assert whole is not None
    for mixed in ([line for pair in pairs for line in pair], data.draw(st.permutations(lines))):
        recording = read(b"".join(mixed))
        if recording is not None:
            assert (recording.duration_s or 0.0) <= (whole.duration_s or 0.0) + 1e-6
            assert energy_j(recording) <= (whole.duration_s or 0.0) * 4 * 400


@fuzzed
@given(names, st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=30))
def test_flipped_bytes_invent_nothing_beyond_a_few_samples(name: str, flips: list[tuple[float, int]]) -> None:
    content = bytearray(WHOLE[name])
    for where, byte in flips:
        content[min(len(content) - 1, int(where * len(content)))] = byte
    recording = read(bytes(content))
    # a damaged digit changes one figure, a damaged time one length, which is never longer than a minute
    assert energy_j(recording) <= energy_j(read(WHOLE[name])) + len(flips) * 60 * 1_000


@fuzzed
@given(names, st.sampled_from(sorted(OFFERS)), st.floats(0, 1))
def test_a_format_named_by_the_user_is_refused_or_read(name: str, forced: str, where: float) -> None:
    content = WHOLE[name]
    read(content[: int(where * len(content))], forced=forced, interval_s=1.0)


@fuzzed
@given(st.binary(max_size=2_000), st.sampled_from(sorted(OFFERS)))
def test_noise_is_refused(content: bytes, forced: str) -> None:
    read(content)
    read(content, forced=forced)


WORDS = st.sampled_from(
    [
        "timestamp, uuid, power.draw [W]", "power.draw [W]", "# gpu pwr", "#Time gpu pwr", "0 100", "0, 100.00 W", "-",
        "GPU 00000000:01:00.0", "GPU Power Readings", "Power Draw : 5.00 W", "Average Power Draw : N/A",
        "Timestamp : Mon Sep 14 09:00:00 2026", "==============NVSMI LOG==============", "Power Samples", ",", '"', "|",
        "2026/09/14 09:00:00.000, GPU-5ea1f00d-0000-4000-8000-000000000000, 1.00 W", "<nvidia_smi_log>", "<gpu>",
        "</gpu>", "<?xml version='1.0'?>", "</nvidia_smi_log>", "0, pwrDraw , 1515942330734500, 114", "\ufeff", "[N/A]",
        "<timestamp>", "Pwr:Usage/Cap", "| N/A   29C    P0   ERR! / 250W |", "24:61:61", "99999999999999999999",
    ]
)  # fmt: skip


@fuzzed
@given(st.lists(WORDS, max_size=30), st.sampled_from(["\n", "\r\n", " ", "\n\n"]))
def test_the_words_of_the_formats_in_any_order_do_no_harm(words: list[str], separator: str) -> None:
    content = separator.join(words).encode()
    read(content)
    read(content, interval_s=1.0)
    for forced in OFFERS:
        read(content, forced=forced)
