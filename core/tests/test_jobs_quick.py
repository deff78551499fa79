"""Lines of a jobs CSV that tell the same again are read once, and come out as if each were read by itself."""

from __future__ import annotations

from datetime import UTC

from hypothesis import given
from hypothesis import strategies as st
from wattbook.jobs import COLUMNS, Job
from wattbook.jobs.job import _plainly, job_from_fields

TEXTS = {
    "start": ["2026-10-05T10:00:00+08:00", "2026-10-05", "yesterday"],
    "hours": ["1", "36.5", "-1", "x"],
    "util": ["60", "60..80", "training", "0.5", "80..60", "101"],
    "gpu_util": ["60", "ci", "0", "0.5", "1..0.5"],
    "gpu_count": ["0", "4", "1.5", "9999"],
    "count": ["1", "3", "0"],
    "sockets": ["2", "0"],
    "threads": ["8", "-3"],
    "tdp_w": ["225", "5000"],
    "gpu_tdp_w": ["300", "0"],
    "memory_gb": ["512", "none"],
    "load": ["os", "throughput", "half"],
    "boundary": ["wall", "package", "room"],
    "phase": ["train", "nap"],
    "note": ["hello", "a" * 300],
}

lines = st.fixed_dictionaries(
    {},
    optional={name: st.sampled_from(["", " ", *TEXTS.get(name, ["A", "B", "a\x07"])]) for name in (*COLUMNS, "note")},
)


@given(st.lists(lines, min_size=1, max_size=6))
def test_a_line_read_quickly_is_the_line_read_plainly(some: list[dict[str, str]]) -> None:
    for number, fields in enumerate(some):
        given_texts = {name: text.strip() for name, text in fields.items() if text.strip()}
        plain = _plainly(given_texts, number, UTC)
        quick = job_from_fields(fields, line=number)
        assert quick == plain
        if isinstance(plain, Job) and isinstance(quick, Job):
            assert quick.warnings == plain.warnings
            assert list(quick.labels.tags.items()) == list(plain.labels.tags.items())
