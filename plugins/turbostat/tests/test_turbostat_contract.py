"""The contracts that every plugin keeps, on recorded output."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import pytest
from wattbook import Chip, Host, ImportSource, Meter
from wattbook.testing import MeasureContract, RecordingContract, a_source
from wattbook_turbostat.meter import Machine, Offer

DATA = Path(__file__).parent / "data"


class Playback:
    """A turbostat that prints the next row of a recording whenever it is nudged."""

    def __init__(self, recording: Path) -> None:
        self.header, *self.rows = recording.read_bytes().splitlines(keepends=True)
        reading, self.out = os.pipe()
        silent, self.err = os.pipe()
        self.output: IO[bytes] = os.fdopen(reading, "rb", 0)
        self.errors: IO[bytes] = os.fdopen(silent, "rb", 0)

    def wait_ready(self, limit_s: float) -> None:
        os.write(self.out, self.header)

    def nudge(self) -> bool:
        os.write(self.out, self.rows[0])
        self.rows = [*self.rows[1:], self.rows[0]]
        return True

    def interrupt(self) -> None:
        self.nudge()
        os.close(self.out)
        os.close(self.err)

    def reap(self, limit_s: float) -> int:
        return 0


def a_machine(recording: Path, version: str = "2022.10.04") -> Machine:
    def start(command: Sequence[str]) -> Playback:
        return Playback(recording)

    return Machine(
        start=start,
        find=lambda path: "/usr/sbin/turbostat",
        version=lambda binary: version,
        processor=lambda: ("GenuineIntel", "6:94:3"),
    )


class TestMeasure(MeasureContract):
    @pytest.fixture
    def plugin_name(self) -> str:
        return "turbostat"

    @pytest.fixture
    def host(self) -> Host:
        return Host(name="contract", os="linux", arch="x86_64", cpus=(Chip(name="Skylake"),))

    @pytest.fixture
    def working(self, host: Host) -> Meter:
        recording = DATA / "emul_2022.10.04_skl_joules_S_tod.stdout.txt"
        return Offer(host, machine=a_machine(recording)).meter()


class TestImport(RecordingContract):
    @pytest.fixture
    def plugin_name(self) -> str:
        return "turbostat"

    @pytest.fixture
    def sample(self) -> ImportSource:
        return a_source(DATA / "emul_2026.04.21_icx2pkg_full.stdout.txt")
