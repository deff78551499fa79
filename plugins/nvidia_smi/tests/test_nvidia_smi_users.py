"""Who uses a board, as nvidia-smi's XML report tells it."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest
from wattbook import ReadError
from wattbook_nvidia_smi import smi_users
from wattbook_nvidia_smi.smi_users import SmiUsers, parse

REPORT = b"""<?xml version="1.0" ?>
<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v12.dtd">
<nvidia_smi_log><attached_gpus>3</attached_gpus>
<gpu id="00000000:00:1E.0"><uuid>GPU-5ea1f00d-0000-4000-8000-000000000000</uuid>
<processes><process_info><pid>725</pid><type>C</type></process_info>
<process_info><pid>[N/A]</pid><type>G</type></process_info></processes></gpu>
<gpu id="00000000:00:1F.0"><uuid>GPU-5ea1f00d-0000-4000-8000-000000000001</uuid><processes></processes></gpu>
<gpu id="00000000:00:20.0"><uuid>GPU-5ea1f00d-0000-4000-8000-000000000002</uuid><processes>N/A</processes></gpu>
</nvidia_smi_log>
"""
NAME = "gpu:GPU-5ea1f00d-0000-4000-8000-00000000000"


def test_an_unused_board_has_no_users_and_one_that_does_not_tell_is_left_out() -> None:
    assert parse(REPORT) == {f"{NAME}0": {725: None}, f"{NAME}1": {}}


@pytest.mark.parametrize("report", [b"", b"No devices were found", b"<a><b></a>", b"\x00\xff",
    b'<!DOCTYPE x [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><x>&c;</x>'])  # fmt: skip
def test_a_report_that_is_none_tells_nothing(report: bytes) -> None:
    with pytest.raises(ReadError, match="does not tell"):
        parse(report)


@pytest.fixture
def smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in that counts how often it is started."""
    if sys.platform == "win32":
        pytest.skip("the stand-in for nvidia-smi is a script")
    monkeypatch.setattr(smi_users, "numbers_mean_something", lambda: True)
    (tmp_path / "report.xml").write_bytes(REPORT)
    script = tmp_path / "nvidia-smi"
    script.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/starts\ncat {tmp_path}/report.xml\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return script


def test_nvidia_smi_is_asked_now_and_then(smi: Path) -> None:
    now = [0.0]
    asked = SmiUsers([str(smi)], clock=lambda: now[0])
    for now[0] in (0.0, 1.0, 9.0, 10.0, 11.0):
        assert asked.users()[f"{NAME}0"] == {725: None}
    assert (smi.parent / "starts").read_text().splitlines() == ["-q -x -d PIDS"] * 2


def test_a_tool_that_fails_leaves_the_users_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smi_users, "numbers_mean_something", lambda: True)
    asked = SmiUsers([str(tmp_path / "none")])
    for _ in range(2):
        with pytest.raises(ReadError, match="does not tell"):
            asked.users()


def test_in_a_container_its_numbers_mean_nothing(smi: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smi_users, "numbers_mean_something", lambda: False)
    with pytest.raises(ReadError, match="container"):
        SmiUsers([str(smi)]).users()
    assert not (smi.parent / "starts").exists()
