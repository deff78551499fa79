"""What the plugin owes the core, from the kit that ships with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
from wattbook import ImportSource, Meter
from wattbook.testing import MeasureContract, RecordingContract, a_source
from wattbook_nvidia_smi.smi import stream

DATA = Path(__file__).parent / "data"


class TestMeasureContract(MeasureContract):
    @pytest.fixture
    def plugin_name(self) -> str:
        return "nvidia_smi"

    @pytest.fixture
    def working(self, meters: list[Meter], fake_smi: Callable[[str], Path]) -> Meter:
        fake_smi("")
        (smi,) = [meter for meter in meters if meter.name == "smi"]
        return attrs.evolve(smi, open=lambda: stream(interval_ms=50))


class NvidiaImport(RecordingContract):
    FILE = ""

    @pytest.fixture
    def plugin_name(self) -> str:
        return "nvidia_smi"

    @pytest.fixture
    def sample(self) -> ImportSource:
        return a_source(DATA / self.FILE)


class TestCsvContract(NvidiaImport):
    FILE = "server_4gpu_synthetic.csv"


class TestXmlContract(NvidiaImport):
    FILE = "loop_synthetic.xml"


class TestTextContract(NvidiaImport):
    FILE = "loop_synthetic_q.txt"


class TestDmonContract(NvidiaImport):
    FILE = "dmon_synthetic.txt"
