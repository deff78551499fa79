"""The real turbostat on emulated registers: known watts in, known joules out."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from wattbook import Host, ReadError, Sample, Unavailable
from wattbook.testing import a_source
from wattbook_turbostat.meter import Config, Offer, version_of
from wattbook_turbostat.preamble import version_key
from wattbook_turbostat.recording import read
from wattbook_turbostat.session import Session

HOST = Host(os="linux", arch="x86_64")
SERVER = {"cpu": "intel:606a6", "ram_uj": 15.3}  #: Ice Lake: DRAM counts in units of its own
WRAP_J = 2**32 / 2**14  #: one turn of Intel's package counter
MachineOf = Callable[..., None]


def an_offer(turbostat: Path) -> Offer:
    return Offer(HOST, Config(path=str(turbostat)))


def totals(session: Session) -> dict[str, tuple[float, float]]:
    return {str(s.domain): (s.at_s, s.energy_j) for s in session.read() if isinstance(s, Sample)}


def watts(turbostat: Path, seconds: float = 2.0) -> dict[str, float]:
    """Mean power of every domain over a short measurement."""
    with an_offer(turbostat).open() as session:
        before = totals(session)
        time.sleep(seconds)
        after = totals(session)
    return {d: (after[d][1] - before[d][1]) / (after[d][0] - before[d][0]) for d in after}


def test_every_domain_of_a_client_is_right_to_a_percent(turbostat: Path, machine: MachineOf) -> None:
    machine(pkg_w=42, core_w=3.5, gfx_w=1, ram_w=5)
    measured = watts(turbostat)
    measured.pop("machine/platform", None)
    assert measured == pytest.approx(
        {"cpu:0/package": 42, "cpu:0/core": 3.5, "cpu:0/gfx": 1, "dram:0/dram": 5}, rel=0.01, abs=0.02
    )


def test_two_packages_are_told_apart(turbostat: Path, machine: MachineOf) -> None:
    if (os.cpu_count() or 1) < 2:
        pytest.skip("two packages need two processors")
    machine(packages=2, pkg_w="42,30", ram_w="5,4", **SERVER)
    measured = watts(turbostat)
    assert measured["cpu:0/package"] == pytest.approx(42, rel=0.01)
    assert measured["cpu:1/package"] == pytest.approx(30, rel=0.01)
    if version_key(version_of(str(turbostat)) or "") >= (2021, 5):
        assert measured["dram:0/dram"] == pytest.approx(5, rel=0.01)
        assert measured["dram:1/dram"] == pytest.approx(4, rel=0.01)


def test_the_cores_of_an_amd_package_add_up(turbostat: Path, machine: MachineOf) -> None:
    machine(cpu="amd", pkg_w=42, core_w=2, packages=1)
    measured = watts(turbostat)
    assert measured["cpu:0/package"] == pytest.approx(42, rel=0.01)
    assert measured["cpu:0/core"] == pytest.approx(2 * (os.cpu_count() or 1), rel=0.01)


def test_a_counter_that_wraps_within_an_interval_loses_nothing(turbostat: Path, machine: MachineOf) -> None:
    offer = an_offer(turbostat)
    machine(pkg_w=42, start=2**32 - 60 * 2**14)  # 60 J before the turn, reached after 1.4 s
    offer.probe()
    with offer.open() as session:
        before = totals(session)["cpu:0/package"]
        time.sleep(2.5)
        after = totals(session)["cpu:0/package"]
    assert (after[1] - before[1]) / (after[0] - before[0]) == pytest.approx(42, rel=0.01)
    assert after[1] < WRAP_J / 2


def test_a_device_that_disappears_ends_the_meter_and_keeps_what_was_counted(
    turbostat: Path, machine: MachineOf, tmp_path: Path
) -> None:
    gone = tmp_path / "gone"
    machine(pkg_w=42, gone=gone)
    with an_offer(turbostat).open() as session:
        time.sleep(1)
        before = totals(session)["cpu:0/package"][1]
        gone.touch()
        seen: list[float] = []
        with pytest.raises(ReadError, match="turbostat has ended"):
            follow(session, seen)
    assert before > 0
    assert set(seen) == {before}


def follow(session: Session, seen: list[float]) -> None:
    """Read for two seconds, and keep what is said about the package."""
    for _ in range(20):
        time.sleep(0.1)
        for item in session.read():
            if isinstance(item, Sample) and str(item.domain) == "cpu:0/package":
                seen.append(item.energy_j)


@pytest.mark.parametrize(
    ("deny", "reason"),
    [("nodev", "driver for model-specific registers"), ("open", "kernel denies"), ("access", "may not read"), ("cap", "may not read")],
)  # fmt: skip
def test_missing_rights_are_explained(turbostat: Path, machine: MachineOf, deny: str, reason: str) -> None:
    machine(deny=deny)
    with pytest.raises(Unavailable) as no:
        an_offer(turbostat).probe()
    assert no.value.remedy
    if version_key(version_of(str(turbostat)) or "") < (2024,):
        assert reason in no.value.reason


def test_a_machine_without_counters_is_refused_although_turbostat_exits_with_0(
    turbostat: Path, machine: MachineOf
) -> None:
    machine(cpu="intel:f00")  # a processor that turbostat does not know
    with pytest.raises(Unavailable):
        an_offer(turbostat).probe()


def start(turbostat: Path, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [turbostat, "--quiet", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )


SHOWN = ("--show", "Time_Of_Day_Seconds,PkgWatt,RAMWatt", "--interval", "1")


@pytest.mark.parametrize(("which", "status"), [(signal.SIGINT, 0), (signal.SIGTERM, -signal.SIGTERM)])
def test_a_recording_that_a_signal_ended_is_read(
    turbostat: Path, machine: MachineOf, tmp_path: Path, which: signal.Signals, status: int
) -> None:
    """SIGINT prints a last partial sample, SIGTERM loses it; what is there is right either way."""
    machine(pkg_w=42)
    process = start(turbostat, *SHOWN)
    time.sleep(3.5)
    process.send_signal(which)
    output, _ = process.communicate(timeout=10)
    assert process.returncode == status
    log = tmp_path / "turbostat.log"
    log.write_bytes(output)
    (recording,) = read(a_source(log))
    assert recording.samples == (4 if which == signal.SIGINT else 3)  # type: ignore[union-attr]
    # the partial sample is short, and turbostat reads its clock and the counter one after the other
    assert recording.mean_power_w["package"] == pytest.approx(42, rel=0.05)  # type: ignore[union-attr]


def test_the_meter_ends_its_turbostat(turbostat: Path, machine: MachineOf) -> None:
    with an_offer(turbostat).open() as session:
        pid = session.process._child.pid  # type: ignore[attr-defined]
        assert Path(f"/proc/{pid}").exists()
    assert not Path(f"/proc/{pid}").exists()


def test_a_turbostat_whose_reader_was_killed_ends_by_itself(turbostat: Path, machine: MachineOf) -> None:
    program = (
        "import sys, time; from wattbook import Host; from wattbook_turbostat.meter import *\n"
        f"offer = Offer(Host(os='linux', arch='x86_64'), Config(path={str(turbostat)!r}, interval_s=0.5))\n"
        "with offer.open() as session:\n"
        "    print(session.process._child.pid, flush=True); time.sleep(60)\n"
    )
    reader = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert reader.stdout is not None
    pid = int(reader.stdout.readline())
    reader.kill()
    reader.communicate()
    until = time.monotonic() + 20
    while Path(f"/proc/{pid}/exe").exists() and time.monotonic() < until:
        time.sleep(0.1)
    assert not alive(pid)


def alive(pid: int) -> bool:
    """Whether a process runs; one that nobody reaped yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_run_of_thirty_seconds_is_right_to_a_percent(turbostat: Path, machine: MachineOf, tmp_path: Path) -> None:
    """The whole way: the command line, the choice of the meter, the book."""
    machine(pkg_w=42, ram_w=5)
    config = tmp_path / "config.toml"
    config.write_text(
        f'[plugins.turbostat]\npath = "{turbostat}"\n[select]\nprefer = ["turbostat"]\n', encoding="utf-8"
    )
    result = tmp_path / "run.json"
    environment = {**os.environ, "WATTBOOK_CONFIG": str(config), "XDG_DATA_HOME": str(tmp_path), "HOME": str(tmp_path)}
    command = [sys.executable, "-m", "wattbook", "run", "--json", "-o", str(result), "--", "sleep", "30"]
    subprocess.run(command, env=environment, check=True, timeout=120, capture_output=True)
    run = json.loads(result.read_text(encoding="utf-8"))
    measured = {f"{r['device']}/{r['domain']}": r for r in run["readings"] if r["plugin"] == "turbostat"}
    for address, true_w in (("cpu:0/package", 42), ("dram:0/dram", 5)):
        assert measured[address]["basis"] == "measured"
        assert measured[address]["energy_j"] == pytest.approx(true_w * run["duration_s"], rel=0.01)


def test_doctor_names_every_source_of_the_package_and_chooses_one(
    turbostat: Path, machine: MachineOf, tmp_path: Path
) -> None:
    """powercap and turbostat on one machine: both are usable, one is chosen, the other hears why not."""
    zone = tmp_path / "sys/class/powercap/intel-rapl:0"
    zone.mkdir(parents=True)
    (zone / "name").write_text("package-0\n", encoding="utf-8")
    (zone / "max_energy_range_uj").write_text("262143328850\n", encoding="utf-8")
    config = tmp_path / "config.toml"
    config.write_text(
        f'[plugins.turbostat]\npath = "{turbostat}"\n[plugins.rapl]\nroot = "{tmp_path}"\n', encoding="utf-8"
    )
    environment = {**os.environ, "WATTBOOK_CONFIG": str(config), "XDG_DATA_HOME": str(tmp_path), "HOME": str(tmp_path)}
    with (zone / "energy_uj").open("wb", buffering=0) as counter:
        counter.write(b"%-20d\n" % 1_000_000)
        doctor = subprocess.Popen(
            [sys.executable, "-m", "wattbook", "doctor", "--json"], env=environment, stdout=subprocess.PIPE
        )
        started = time.monotonic()
        while doctor.poll() is None and time.monotonic() - started < 30:
            os.pwrite(counter.fileno(), b"%-20d\n" % int(1e6 + 42e6 * (time.monotonic() - started)), 0)
            time.sleep(0.002)
        output, _ = doctor.communicate(timeout=10)
    verdicts = {(v["plugin"], v["source"]): v for v in json.loads(output)["verdicts"]}
    rapl, other = verdicts["rapl", "powercap"], verdicts["turbostat", "joules"]
    assert (rapl["fate"], rapl["domains"]) == ("chosen", ["cpu:0/package"])
    assert "rapl:powercap is at least as exact for cpu:0/package" in other["reason"] or other["fate"] == "chosen"
    assert "cpu:0/package" not in other["domains"]
