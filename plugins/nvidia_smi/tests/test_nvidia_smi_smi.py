"""The fallback: one nvidia-smi process, started, read and ended by us alone."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from wattbook import Missed, ReadError, Sample, Unavailable
from wattbook_nvidia_smi import presence, smi
from wattbook_nvidia_smi.smi_session import SmiSession

FIRST, SECOND = (f"gpu:GPU-5ea1f00d-0000-4000-8000-00000000000{gpu}/board" for gpu in range(2))
FakeSmi = Callable[[str], Path]


def samples(session: SmiSession) -> dict[str, float]:
    return {item.domain.address: item.energy_j for item in session.read() if isinstance(item, Sample)}


def wait_for(
    session: SmiSession, done: Callable[[dict[str, float]], bool], timeout_s: float = 20.0
) -> dict[str, float]:
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        found = samples(session)
        if done(found):
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


def test_the_boards_are_found_with_their_model(fake_smi: FakeSmi) -> None:
    fake_smi("")
    found = smi.probe()
    assert [domain.address for domain in found] == [FIRST, SECOND]
    assert found[0].model == "NVIDIA Stand-in"


def test_rows_are_integrated_on_our_own_clock(fake_smi: FakeSmi) -> None:
    fake_smi("")
    with smi.stream(interval_ms=50) as session:
        begin = time.monotonic()
        energy = wait_for(session, lambda found: found.get(FIRST, 0.0) > 15.0)
        elapsed_s = time.monotonic() - begin
    assert energy[FIRST] <= 150.0 * (elapsed_s + 5.0)
    assert energy[FIRST] / energy[SECOND] == pytest.approx(2.5, rel=0.1)


@pytest.mark.parametrize("mood", ["", "stubborn"])
def test_the_process_has_its_own_group_and_is_gone_afterwards(fake_smi: FakeSmi, mood: str) -> None:
    log = fake_smi(mood)
    with smi.stream(interval_ms=50) as session:
        samples(session)
        pid, group = map(int, log.read_text().split()[:2])
        assert pid == group != os.getpgid(0)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_another_nvidia_smi_is_left_alone(fake_smi: FakeSmi) -> None:
    fake_smi("")
    other = subprocess.Popen(["nvidia-smi", "--loop-ms=50"], stdout=subprocess.DEVNULL)
    try:
        with smi.stream(interval_ms=50) as session:
            samples(session)
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_an_exception_in_the_middle_still_ends_the_process(fake_smi: FakeSmi) -> None:
    log = fake_smi("")

    def fail() -> None:
        with smi.stream(interval_ms=50) as session:
            samples(session)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with pytest.raises(ProcessLookupError):
        os.kill(int(log.read_text().split()[0]), 0)


def test_a_gpu_that_gives_no_number_is_missed_and_the_other_goes_on(fake_smi: FakeSmi) -> None:
    fake_smi("error")
    with smi.stream(interval_ms=50) as session:
        missed: list[Missed] = []
        until = time.monotonic() + 20
        while not missed and time.monotonic() < until:
            missed += [item for item in session.read() if isinstance(item, Missed)]
            time.sleep(0.05)
        assert {item.domain.address for item in missed} == {SECOND}
        assert "Unknown Error" in missed[0].reason
        before = samples(session)[FIRST]
        wait_for(session, lambda found: found[FIRST] > before)


def test_a_gpu_that_is_no_longer_printed_becomes_missed_time(
    fake_smi: FakeSmi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wattbook_nvidia_smi.smi_session.STALE_S", 0.3)
    fake_smi("lost")
    with smi.stream(interval_ms=50) as session:
        missed: list[Missed] = []
        until = time.monotonic() + 20
        while not missed and time.monotonic() < until:
            missed += [item for item in session.read() if isinstance(item, Missed)]
            time.sleep(0.05)
    assert {item.domain.address for item in missed} == {SECOND}


def test_a_process_that_ends_is_an_error_of_the_poll(fake_smi: FakeSmi) -> None:
    fake_smi("ends")
    with smi.stream(interval_ms=10) as session, pytest.raises(ReadError, match="ended"):
        wait_for(session, lambda _: False)


@pytest.mark.parametrize(
    ("mood", "reason", "remedy"),
    [("mismatch", "different versions", "reboot"), ("unsupported", "no power", "-d POWER")],
)
def test_what_it_says_instead_of_watts_is_explained(fake_smi: FakeSmi, mood: str, reason: str, remedy: str) -> None:
    fake_smi(mood)
    with pytest.raises(Unavailable, match=reason) as no:
        smi.probe()
    assert remedy in no.value.remedy


def test_one_that_hangs_is_given_up(fake_smi: FakeSmi, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_smi("hang")
    monkeypatch.setattr(smi, "PROBE_S", 0.2)
    with pytest.raises(Unavailable, match="did not answer") as no:
        smi.probe()
    assert "persistence" in no.value.remedy


def test_without_nvidia_smi_it_is_unavailable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(presence, "_PLACES", ())
    with pytest.raises(Unavailable, match="not here") as no:
        smi.probe()
    assert no.value.remedy


@pytest.mark.skipif(sys.platform == "win32", reason="a file without rights")
def test_one_that_cannot_be_started_is_unavailable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "nvidia-smi"
    broken.write_text("#!/no/such/interpreter\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="does not start"):
        smi.probe()
    with pytest.raises(Unavailable, match="does not start"), smi.stream():
        pass
