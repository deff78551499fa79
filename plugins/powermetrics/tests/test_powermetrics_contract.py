"""What the plugin owes the core, for both of its hooks and both of its meters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from wattbook import Host, ImportSource, Meter
from wattbook.testing import MeasureContract, RecordingContract, a_source
from wattbook_powermetrics import session

DATA = Path(__file__).parent / "data"
MAC = Host(name="mac", os="darwin", arch="arm64", model="Mac16,8", virtual=False)


class TestText(RecordingContract):
    @pytest.fixture
    def plugin_name(self) -> str:
        return "powermetrics"

    @pytest.fixture
    def sample(self) -> ImportSource:
        return a_source(DATA / "synthetic_laptop_day.txt")


class TestPlist(TestText):
    @pytest.fixture
    def sample(self) -> ImportSource:
        return a_source(DATA / "synthetic_laptop_day.plist")


class TestMeter(MeasureContract):
    @pytest.fixture
    def plugin_name(self) -> str:
        return "powermetrics"

    @pytest.fixture
    def working(self, runner: Any, recorded: Any, data: Callable[[str], bytes]) -> Meter:
        start = runner(recorded(data("synthetic_m4_sequoia.txt")))
        return session.meter(MAC, start=start, root=True, installed=lambda _: True, release="24.5.0")


class TestOldMeter(TestMeter):
    @pytest.fixture
    def working(self, runner: Any, recorded: Any, data: Callable[[str], bytes]) -> Meter:
        start = runner(recorded(data("synthetic_m1_monterey.txt")))
        return session.meter(MAC, start=start, root=True, installed=lambda _: True, release="21.6.0")


class TestIntelMeter(TestMeter):
    @pytest.fixture
    def working(self, runner: Any, recorded: Any, data: Callable[[str], bytes]) -> Meter:
        host = Host(name="mac", os="darwin", arch="x86_64", virtual=False)
        start = runner(recorded(data("synthetic_intel_catalina.txt")))
        return session.meter(host, start=start, root=True, installed=lambda _: True, release="19.6.0")
