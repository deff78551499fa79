"""The NVML meters, driven through the real nvidia-ml-py on a stand-in library built here."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
FIRST = "gpu:GPU-aaaaaaaa-0000-4000-8000-000000000001/board"
SECOND = "gpu:GPU-bbbbbbbb-0000-4000-8000-000000000002/board"
COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")

pytestmark = [
    pytest.mark.skipif(COMPILER is None, reason="no C compiler to build the stand-in for libnvidia-ml.so.1"),
    pytest.mark.skipif(sys.platform != "linux", reason="nvidia-ml-py finds the stand-in by LD_LIBRARY_PATH"),
]

Drive = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def drive(tmp_path_factory: pytest.TempPathFactory) -> Drive:
    """Call ``drive_nvml.py`` with a stand-in in which something is wrong."""
    built: dict[tuple[str, ...], Path] = {}

    def build(left_out: tuple[str, ...]) -> Path:
        if left_out not in built:
            folder = tmp_path_factory.mktemp("nvml")
            defines = [f"-DWITHOUT_{name}" for name in left_out]
            command = [str(COMPILER), "-shared", "-fPIC", "-O1", "-Wl,-soname,libnvidia-ml.so.1", *defines]
            library = folder / "libnvidia-ml.so.1"
            subprocess.run([*command, "-o", str(library), str(HERE / "standin_nvml.c")], check=True)
            built[left_out] = folder
        return built[left_out]

    def call(*arguments: str, wrong: str = "", left_out: tuple[str, ...] = ()) -> dict[str, Any]:
        environment = os.environ | {"LD_LIBRARY_PATH": str(build(left_out)), "STANDIN_NVML": wrong}
        command = [sys.executable, str(HERE / "drive_nvml.py"), *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    return call


def test_the_energy_counters_of_two_gpus_are_read(drive: Drive) -> None:
    answer = drive("energy", "3", "0.01")
    assert set(answer["domains"]) == {FIRST, SECOND}
    assert answer["domains"][FIRST] == {"model": "NVIDIA Stand-in 80GB", "within": None}
    first = answer["polls"][0]["samples"]
    last = answer["polls"][2]["samples"]
    assert last[FIRST] - first[FIRST] == pytest.approx(100.0)
    assert last[SECOND] - first[SECOND] == pytest.approx(40.0)
    assert all(not poll["missed"] and poll["error"] is None for poll in answer["polls"])


@pytest.mark.parametrize("meter", ["energy", "power"])
def test_the_slices_of_a_mig_gpu_are_not_counted_beside_it(drive: Drive, meter: str) -> None:
    answer = drive(meter, "1", "0")
    assert sorted(a for a in answer["domains"] if a.endswith("/board")) == [FIRST, SECOND]


def test_a_counter_that_begins_anew_is_missed_time_and_never_negative(drive: Drive) -> None:
    polls = drive("energy", "5", "0.01", wrong="reset")["polls"]
    # probing and opening took a reading each, so the fifth is the third poll
    energy = [poll["samples"][FIRST] for poll in polls]
    assert energy == pytest.approx([0.0, 50.0, 50.0, 100.0, 150.0])
    reason, low_j, missed_s = polls[2]["missed"][FIRST]
    assert "anew" in reason
    assert low_j == pytest.approx(7.0)
    assert missed_s > 0
    assert not any(FIRST in poll["missed"] for i, poll in enumerate(polls) if i != 2)


def test_a_lost_gpu_is_missed_and_the_other_goes_on(drive: Drive) -> None:
    polls = drive("energy", "4", "0.01", wrong="lost")["polls"]
    assert [SECOND in poll["samples"] for poll in polls] == [True, False, False, False]
    assert all("fell off the bus" in poll["missed"][SECOND][0] for poll in polls[1:])
    assert polls[3]["samples"][FIRST] == pytest.approx(150.0)
    assert all(poll["error"] is None for poll in polls)


def test_one_failed_reading_is_covered_by_the_next(drive: Drive) -> None:
    polls = drive("energy", "4", "0.01", wrong="hiccup")["polls"]
    assert FIRST not in polls[1]["samples"]
    assert polls[3]["samples"][FIRST] == pytest.approx(150.0)
    assert not any(poll["missed"] for poll in polls)


def test_a_counter_that_stands_still_under_load_is_no_measured_zero(drive: Drive) -> None:
    polls = drive("energy", "2", "2.1", wrong="stuck")["polls"]
    assert "stands still" in polls[1]["missed"][FIRST][0]


def test_a_gpu_lost_before_the_probe_is_left_out(drive: Drive) -> None:
    assert set(drive("energy", "1", "0", wrong="gone")["domains"]) == {FIRST}


def test_the_gauge_integrates_what_each_gpu_can_show(drive: Drive) -> None:
    answer = drive("power", "2", "0.5")
    memory = FIRST.replace("/board", "/memory")
    assert set(answer["domains"]) == {FIRST, SECOND, memory}
    assert answer["domains"][memory]["within"] == FIRST
    energy = answer["polls"][1]["samples"]
    # the boards are read one after the other: on a busy machine their intervals differ a little
    assert energy[FIRST] / energy[SECOND] == pytest.approx(149 / 60, rel=0.1)
    assert energy[FIRST] / energy[memory] == pytest.approx(149 / 30, rel=0.1)


def test_a_superchip_module_contains_its_gpus_and_is_read_once(drive: Drive) -> None:
    answer = drive("power", "2", "0.2", wrong="module")
    assert "module:0/module" in answer["domains"]
    assert answer["domains"][FIRST]["within"] == answer["domains"][SECOND]["within"] == "module:0/module"
    energy = answer["polls"][1]["samples"]
    assert energy["module:0/module"] / energy[FIRST] == pytest.approx(463.5 / 149, rel=0.1)


@pytest.mark.parametrize("how", [{"wrong": "old"}, {"left_out": ("ENERGY",)}])
def test_without_an_energy_counter_the_gauge_is_offered(drive: Drive, how: dict[str, Any]) -> None:
    refused = drive("energy", "1", "0", **how)
    assert "no GPU here has an energy counter" in refused["unavailable"]
    assert "gauge" in refused["remedy"]
    assert FIRST in drive("power", "1", "0", **how)["domains"]


def test_a_library_without_field_values_still_shows_power(drive: Drive) -> None:
    answer = drive("power", "2", "0.2", left_out=("FIELDS",))
    energy = answer["polls"][1]["samples"]
    assert energy[FIRST] / energy[SECOND] == pytest.approx(150 / 60, rel=1e-2)


@pytest.mark.parametrize(
    ("wrong", "reason", "remedy"),
    [
        ("nodriver", "not loaded", "modprobe"),
        ("mismatch", "different versions", "reboot"),
        ("empty", "sees no GPU", "pass the GPU"),
        ("silent", "no GPU here", ""),
    ],
)
@pytest.mark.parametrize("meter", ["energy", "power"])
def test_what_cannot_be_read_says_why_and_what_would_help(
    drive: Drive, meter: str, wrong: str, reason: str, remedy: str
) -> None:
    answer = drive(meter, "1", "0", wrong=wrong)
    assert reason in answer["unavailable"]
    assert remedy in answer["remedy"]
    assert answer["remedy"]


def test_without_the_library_there_is_no_traceback(tmp_path: Path) -> None:
    command = [sys.executable, str(HERE / "drive_nvml.py"), "energy", "1", "0"]
    environment = os.environ | {"LD_LIBRARY_PATH": str(tmp_path), "STANDIN_NVML": ""}
    (tmp_path / "libnvidia-ml.so.1").write_text("not a library")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert "NVML library" in json.loads(done.stdout)["unavailable"]
    assert done.stderr == ""


def test_power_limits_and_the_users_of_each_board_are_told(drive: Drive) -> None:
    answer = drive("attribute")
    first, second = FIRST.removesuffix("/board"), SECOND.removesuffix("/board")
    assert answer["chips"] == {
        first: ["NVIDIA Stand-in 80GB", 650.0],
        second: ["NVIDIA Stand-in 40GB", None],
    }
    # with MIG the driver tells no utilisation
    users = {first: {"100": 0.3, "101": 0.1, "102": 0.0}, second: {"200": None, "201": None}}
    assert answer["users"] == {"energy": users, "power": users}


def test_a_module_is_used_by_those_who_use_its_gpus(drive: Drive) -> None:
    users = drive("attribute", wrong="module")["users"]["power"]
    assert set(users["module:0"]) == {"100", "101", "102", "200", "201"}


def test_a_driver_that_does_not_list_desktops_still_tells_who_computes(drive: Drive) -> None:
    users = drive("attribute", left_out=("GRAPHICS",))["users"]["power"]
    assert users[FIRST.removesuffix("/board")] == {"100": 0.3, "101": 0.1}


def test_process_numbers_of_the_host_are_not_taken_for_those_of_a_container(drive: Drive) -> None:
    users = drive("attribute", wrong="contained")["users"]
    assert all("container" in why for why in users.values())


def test_a_gpu_without_a_power_sensor_still_tells_how_busy_it_is(drive: Drive) -> None:
    answer = drive("busy", "2", "0", wrong="silent")
    first = FIRST.replace("/board", "/busy")
    assert set(answer["domains"]) == {first}, "with MIG the driver does not tell"
    assert [poll["busy"] for poll in answer["polls"]] == [{first: 0.4}, {first: 0.4}]
