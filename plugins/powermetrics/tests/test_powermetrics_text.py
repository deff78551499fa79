"""Text, line by line: what is a figure, whose it is, and what is not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from wattbook_powermetrics.block import Block
from wattbook_powermetrics.text import blocks, date_of, lines_of

HEADER = b"*** Sampled system activity (Tue Oct  6 09:00:01 2026 +0800) (1000.00ms elapsed) ***\n"
TOTAL = b"CPU Power: 20 mW\nGPU Power: 3 mW\nANE Power: 0 mW\nCombined Power (CPU + GPU + ANE): 23 mW\n"


def read(text: bytes, **options: bool) -> list[Block]:
    return list(blocks(text.splitlines(keepends=True), **options))


def test_a_sample_has_its_date_length_and_powers() -> None:
    (block,) = read(HEADER + TOTAL)
    assert block.power_mw == {"cpu": 20.0, "gpu": 3.0, "ane": 0.0, "combined": 23.0}
    assert block.elapsed_s == 1.0
    assert block.date == datetime(2026, 10, 6, 1, 0, 1, tzinfo=UTC)


def test_the_gpu_is_printed_twice_and_counted_once() -> None:
    (block,) = read(HEADER + TOTAL + b"**** GPU usage ****\nGPU Power: 3 mW\n")
    assert block.power_mw["gpu"] == 3.0
    assert not block.fault


def test_the_clusters_of_macos_11_are_the_cpu(data: Callable[[str], bytes]) -> None:
    first = read(data("synthetic_m1_bigsur_summary.txt"))[0]
    assert first.power_mw == {"ane": 0, "dram": 120, "cpu": 640, "gpu": 31, "package": 1010}


def test_a_summary_is_no_sample(data: Callable[[str], bytes]) -> None:
    assert len(read(data("synthetic_m1_bigsur_summary.txt"))) == 3


def test_intel_watts_are_glued_to_their_unit() -> None:
    (block,) = read(HEADER + b"Intel energy model derived package power (CPUs+GT+SA): 4.87W\n")
    assert block.power_mw == {"intel": 4870.0}


def test_what_stands_before_the_header_is_passed_over(data: Callable[[str], bytes]) -> None:
    noise = b"Password:\nSorry, try again.\nPassword:\n*** Running tasks ***\nPerfPowerServices  350  1.02  81.1\n"
    assert read(noise + data("synthetic_m4_sequoia.txt")) == [
        block.__class__(**{**_fields(block), "line": (block.line or 0) + 5})
        for block in read(data("synthetic_m4_sequoia.txt"))
    ]


def _fields(block: Block) -> dict[str, object]:
    return {name: getattr(block, name) for name in block.__class__.__slots__ if name != "__weakref__"}


def test_a_process_that_is_named_like_a_figure_is_none() -> None:
    table = b"CPU Power: 99 mW   4711   12.3   45.6\nPerfPowerServices   12  0.1\n"
    (block,) = read(HEADER + table + TOTAL)
    assert block.fault == "'99 mW   4711   12.3   45.6' is not a power in mW"


@pytest.mark.parametrize("figure", [b"nan mW", b"12,5 mW", b"12", b"mW", b"1e3 mW", b"12 mWh", b"ERR!", b"", b"12 W"])
def test_what_is_not_a_number_is_a_fault_and_not_zero(figure: bytes) -> None:
    (block,) = read(HEADER + b"CPU Power: " + figure + b"\nGPU Power: 3 mW\n")
    assert "cpu" not in block.power_mw
    assert "is not a power in mW" in block.fault


def test_a_header_in_the_middle_starts_another_run(data: Callable[[str], bytes]) -> None:
    found = read(data("synthetic_two_runs.txt"))
    assert len(found) == 6
    assert {block.hardware for block in found} == {"Mac16,8"}


def test_a_missing_last_newline_loses_nothing() -> None:
    assert read((HEADER + TOTAL).rstrip(b"\n"))[0].power_mw["combined"] == 23.0


def test_windows_line_ends_and_a_byte_order_mark_do_not_matter() -> None:
    text = b"\xef\xbb\xbf" + (b"Machine model: Mac16,8\n" + HEADER + TOTAL).replace(b"\n", b"\r\n")
    assert read(text)[0].power_mw["combined"] == 23.0


def test_cores_that_were_active_make_a_sample_busy() -> None:
    idle = b"E-Cluster HW active residency:   0.00% (600 MHz:   0%)\n"
    assert read(HEADER + idle + TOTAL)[0].busy is False
    assert read(HEADER + idle.replace(b"E-Cluster", b"P0-Cluster").replace(b"0.00%", b"2.50%") + TOTAL)[0].busy is True
    assert read(HEADER + b"cpu 3 active residency:   0.51% (600 MHz: .51%)\n" + TOTAL)[0].busy is True
    assert read(HEADER + b"GPU HW active residency:  40.00% (338 MHz: 40%)\n" + TOTAL)[0].busy is False


def test_figures_of_two_samples_in_one_are_a_fault() -> None:
    (block,) = read(HEADER + TOTAL + TOTAL.replace(b"20", b"70").replace(b"23", b"73"))
    assert block.fault == "figures of two samples are mixed up in this one"


def test_a_damaged_header_is_named_and_its_figures_are_left_out() -> None:
    found = read(HEADER + TOTAL + HEADER.replace(b"Sampled", b"Samplxd") + TOTAL)
    assert [block.fault for block in found] == ["", "the header of this sample is damaged"]


def test_figures_before_the_first_header_are_named() -> None:
    found = read(TOTAL + HEADER + TOTAL)
    assert found[0].fault == "power figures without a header belong to no sample"
    assert found[1].power_mw["combined"] == 23.0


def test_without_any_header_a_repeated_figure_starts_the_next_sample() -> None:
    found = read(TOTAL + b"GPU Power: 3 mW\n" + TOTAL + b"GPU Power: 3 mW\n", headed=False)
    assert [block.power_mw["combined"] for block in found] == [23.0, 23.0]
    assert {block.elapsed_s for block in found} == {None}


def test_live_a_sample_is_known_with_its_total_and_not_with_the_next_header() -> None:
    stream = blocks(iter((HEADER + TOTAL).splitlines(keepends=True) + [b"more to come\n"] * 5), live=True)
    assert next(stream).power_mw["combined"] == 23.0


def test_live_and_recorded_give_the_same_powers(data: Callable[[str], bytes]) -> None:
    for name in ("synthetic_m4_sequoia.txt", "synthetic_m1_monterey.txt", "synthetic_intel_catalina.txt"):
        text = data(name)
        assert [b.power_mw for b in read(text, live=True)] == [b.power_mw for b in read(text)]


def test_an_endless_line_is_read_in_bounded_memory() -> None:
    import io

    stream = io.BytesIO(b"x" * 300_000 + b"\n" + HEADER)
    lines = list(lines_of(stream))
    assert max(map(len, lines)) <= 65_536
    assert lines[1] == HEADER


@pytest.mark.parametrize(
    "text",
    [b"Tue Oct  6 09:00:01 2026", b"Tue Okt  6 09:00:01 2026 +0800", b"Tue Feb 30 09:00:01 2026 +0800", b"", b"\xff" * 20,
     b"Tue Oct  6 09:00:01 2026 +9900", b"Sat Jan  1 00:00:00 0001 +0800"],
)  # fmt: skip
def test_a_damaged_date_is_unknown(text: bytes) -> None:
    assert date_of(text) is None
