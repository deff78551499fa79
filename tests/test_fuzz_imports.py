"""Damaged files of every instrument and provider, through all plugins: read or refused, nothing else."""

from __future__ import annotations

import json
import math
import os
import signal
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wattbook.errors import ConfigError, ImportFailed
from wattbook.importing import Imported, choose, open_all, read
from wattbook.model import ImportSource
from wattbook.plugins import Plugins, installed

ROOT = Path(__file__).parent.parent
LARGEST = 12_000  #: bytes of a sample; longer ones are cut after a line
HANG_S = 300  #: of all examples of one test; they take seconds
MAX_W = 5_000.0 * 16  #: sixteen devices
#: kind -> folders; what lies outside of the project is used where it is at hand
FOLDERS = {
    **{plugin.name: [plugin / "tests" / "data"] for plugin in (ROOT / "plugins").iterdir()},
    "examples": [ROOT / "examples"],
    "captures": [Path(os.environ["WATTBOOK_CAPTURES"])] if "WATTBOOK_CAPTURES" in os.environ else [],
    "providers": [Path(os.environ["WATTBOOK_PROVIDERS"])] if "WATTBOOK_PROVIDERS" in os.environ else [],
}

fuzzed = settings(
    max_examples=100, deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)  # fmt: skip


def samples(folder: Path) -> dict[Path, bytes]:
    """Everything in *folder* that is an export or a recording."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix not in (".py", ".md", ".toml", ".tsv") and path.name != "jobs.csv":
            content = path.read_bytes()
            if len(content) > LARGEST and path.suffix not in (".gz", ".parquet"):
                content = content[: content.rfind(b"\n", 0, LARGEST) + 1]
            found[path] = content
    return found


KINDS = {kind: [*chain.from_iterable(samples(folder) for folder in folders)] for kind, folders in FOLDERS.items()}
WHOLE = {path: content for folder in chain.from_iterable(FOLDERS.values()) for path, content in samples(folder).items()}
#: every kind equally often, however many files it has
names = st.sampled_from([kind for kind, files in KINDS.items() if files]).flatmap(lambda k: st.sampled_from(KINDS[k]))


@cache
def plugins() -> Plugins:
    return installed()


@pytest.fixture(autouse=True)
def no_hang() -> Iterator[None]:
    """Everything has to end; where there are no alarms, the test hangs instead of failing."""
    if hasattr(signal, "SIGALRM"):
        signal.signal(signal.SIGALRM, _hung)
        signal.alarm(HANG_S)
    yield
    if hasattr(signal, "SIGALRM"):
        signal.alarm(0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)


def _hung(*_: object) -> None:
    raise AssertionError("this import hangs")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def attempt(folder: Path, name: Path, content: bytes, **said: Any) -> Imported | None:
    """What an import makes of *content* under the name of *name*; ``None`` is a refusal with a sentence."""
    from wattbook.cli.import_ import document
    from wattbook.ledger.intake import Taken

    path = folder / name.name
    path.write_bytes(content)
    try:
        (chosen, *others), _ = choose(plugins(), open_all([path]))
        assert not others
        one = read(chosen, ImportSource(**said))
    except (ImportFailed, ConfigError) as refused:
        assert str(path) in str(refused)
        assert "defect of the plugin" not in str(refused)
        assert "broken" not in str(refused)
        return None
    for recording in one.recordings:
        assert recording.samples > 0
        for figures in (recording.mean_power_w, recording.energy_j or {}):
            assert all(math.isfinite(figure) and figure >= 0 for figure in figures.values())
        assert recording.mean_power_w["total"] <= MAX_W
        assert sum(r.energy_j for r in recording.readings) >= 0
    assert all(statement.co2e_kg.is_finite() for statement in one.statements)
    json.dumps(document(Taken(imported=one), dry_run=True), default=str, allow_nan=False).encode()
    return one


def energy_j(one: Imported | None) -> float:
    return sum((r.energy_j or {}).get("total", 0.0) for r in one.recordings) if one else 0.0


@cache
def intact(name: Path) -> tuple[float, float]:
    """Joules of the whole sample, and those of its largest single sample by a wide margin."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        one = attempt(Path(folder), name, WHOLE[name])
    if one is None or not one.recordings:
        return 0.0, 0.0
    (recording,) = one.recordings
    return energy_j(one), 3 * energy_j(one) / recording.samples


def test_there_are_samples_of_every_instrument_and_of_providers() -> None:
    assert all(KINDS[kind] for kind in ("csp", "nvidia_smi", "powermetrics", "turbostat", "examples"))
    assert sum(intact(name)[0] > 0 for name in WHOLE) >= 15


@fuzzed
@given(name=names, where=st.floats(0, 1))
def test_a_file_that_is_cut_has_no_more_energy(folder: Path, name: Path, where: float) -> None:
    content = WHOLE[name]
    whole_j, sample_j = intact(name)
    found_j = energy_j(attempt(folder, name, content[: int(where * len(content))]))
    assert found_j <= whole_j * (1 + 1e-9) + sample_j


@fuzzed
@given(name=names, where=st.floats(0, 1), length=st.floats(0, 0.5))
def test_a_file_with_a_hole_is_read_or_refused(folder: Path, name: Path, where: float, length: float) -> None:
    content = WHOLE[name]
    at = int(where * len(content))
    attempt(folder, name, content[:at] + content[at + int(length * len(content)) :])


@fuzzed
@given(name=names, data=st.data())
def test_a_file_whose_lines_are_doubled_is_read_or_refused(folder: Path, name: Path, data: st.DataObject) -> None:
    lines = WHOLE[name].splitlines(keepends=True)
    at = data.draw(st.integers(0, len(lines)))
    to = data.draw(st.integers(at, len(lines)))
    attempt(folder, name, b"".join([*lines[:to], *lines[at:to], *lines[to:]]))
    attempt(folder, name, b"".join(line for line in lines for _ in range(2)))


@fuzzed
@given(one=names, other=names, step=st.integers(1, 9), shift=st.integers(0, 20))
def test_files_whose_lines_are_mixed_are_read_or_refused(
    folder: Path, one: Path, other: Path, step: int, shift: int
) -> None:
    """Two streams into one file, of the same tool or of two."""
    lines, others = (WHOLE[name].splitlines(keepends=True) for name in (one, other))
    others = others[shift:] + others[:shift]
    mixed = [lines[i : i + step] + others[i : i + step] for i in range(0, max(len(lines), len(others)), step)]
    attempt(folder, one, b"".join(line for block in mixed for line in block))


@fuzzed
@given(name=names, flips=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=20))
def test_a_file_with_flipped_bytes_is_read_or_refused(folder: Path, name: Path, flips: list[tuple[float, int]]) -> None:
    content = bytearray(WHOLE[name] or b"\n")
    for where, byte in flips:
        content[min(len(content) - 1, int(where * len(content)))] = byte
    attempt(folder, name, bytes(content), interval_s=1.0)


NASTY = [b"nan", b"-1", b"1e400", b"-inf", b"9" * 400, b"0x1p3", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"1,5", b"",
         b'"', b"<!ENTITY a 'b'>", b"{" * 2_000, b"\xd9\xa3", b"\r", b"\x1b[2J", b"null", b"1e-400", b"true"]  # fmt: skip


@fuzzed
@given(name=names, nasty=st.lists(st.tuples(st.integers(0, 10_000), st.sampled_from(NASTY)), min_size=1, max_size=6))
def test_a_file_with_nasty_values_in_place_of_numbers_is_read_or_refused(
    folder: Path, name: Path, nasty: list[tuple[int, bytes]]
) -> None:
    import re

    content = WHOLE[name]
    for where, value in nasty:
        numbers = list(re.finditer(rb"\d+(?:\.\d+)?", content))
        if numbers:
            number = numbers[where % len(numbers)]
            content = content[: number.start()] + value + content[number.end() :]
    attempt(folder, name, content)


@fuzzed
@given(name=names, other=names)
def test_a_name_that_lies_is_no_danger(folder: Path, name: Path, other: Path) -> None:
    attempt(folder, other, WHOLE[name])


@fuzzed
@given(content=st.binary(max_size=500), name=names)
def test_noise_is_refused(folder: Path, name: Path, content: bytes) -> None:
    assert attempt(folder, name, content) is None
