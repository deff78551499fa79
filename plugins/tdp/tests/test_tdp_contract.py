"""The tdp plugin keeps the contract of every plugin and of every estimator."""

from __future__ import annotations

import pytest
from wattbook import Activity, Chip, Gap, Host
from wattbook.testing import EstimateContract, an_activity
from wattbook.testing.builders import a_gap

HOST = Host(
    name="server",
    cpus=(Chip(name="AMD EPYC 7763 64-Core Processor", device="cpu:0", threads=128),) * 2,
    gpus=(Chip(name="NVIDIA A100-SXM4-40GB", device="gpu:0"),),
    threads=256,
    memory_gb=512,
)


class TestContract(EstimateContract):
    @pytest.fixture
    def plugin_name(self) -> str:
        return "tdp"

    @pytest.fixture
    def activity(self) -> Activity:
        return an_activity(HOST, {"cpu": (0.2, 0.4), "gpu:0": 0.8})

    @pytest.fixture
    def gaps(self, activity: Activity) -> list[Gap]:
        addresses = ("machine/host", "cpu:0/package", "dram:0/dram", "gpu:0/board", "machine/other", "soc:0/soc")
        return [a_gap(activity, address) for address in addresses]
