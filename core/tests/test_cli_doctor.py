"""The command ``doctor``: its probe with a plugin that is installed, and the state of the book."""

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
from wattbook.cli.doctor import _cannot_be_made

PLUGIN = """
import contextlib, os, time
from wattbook import Domain, Meter, Sample, hookimpl

WATTS = float(os.environ.get("FAKE_W", "42"))
SAYS = os.environ.get("FAKE_SAYS")
BOARD = Domain(device="gpu:0", name="board")

class Session:
    def read(self):
        now_s = time.monotonic()
        yield Sample(at_s=now_s, domain=BOARD, energy_j=WATTS * now_s)

@contextlib.contextmanager
def opened():
    print("", end="", file=open(os.environ["FAKE_MARK"] + ".opened", "w"))
    try:
        yield Session()
    finally:
        open(os.environ["FAKE_MARK"] + ".closed", "w").close()

@hookimpl
def measure(host, config):
    if SAYS:
        raise ValueError(SAYS)
    yield Meter(name="fake", domains=(BOARD,), error=0.01, interval_s=0.05, probe=lambda: None, open=opened)
"""


@pytest.fixture
def command(tmp_path: Path) -> Callable[..., list[str]]:
    """``wattbook doctor`` in an environment with one fake plugin; sets the environment of this process's children."""
    (tmp_path / "fake_probe.py").write_text(PLUGIN, encoding="utf-8")
    info = tmp_path / "fake_probe-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fake-probe\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[wattbook]\nfake_probe = fake_probe\n", encoding="utf-8")
    return lambda *more: [sys.executable, "-m", "wattbook", "doctor", "--ledger", str(tmp_path / "book.db"), *more]


def environment(tmp_path: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(tmp_path), "FAKE_MARK": str(tmp_path / "mark"), **more}


def test_doctor_probes_what_it_chose(command: Callable[..., list[str]], tmp_path: Path) -> None:
    done = subprocess.run(
        command("--probe", "0.3", "--json"), env=environment(tmp_path), capture_output=True, text=True, check=False
    )
    probe = json.loads(done.stdout)["probe"]
    (meter,) = [m for m in probe["meters"] if m["plugin"] == "fake_probe"]
    assert meter["domains"][0]["power_w"] == pytest.approx(42)
    assert (tmp_path / "mark.closed").exists()


def test_doctor_fails_where_a_figure_is_implausible(command: Callable[..., list[str]], tmp_path: Path) -> None:
    done = subprocess.run(
        command("--probe", "0.3"), env=environment(tmp_path, FAKE_W="7000"), capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "gpu:0/board: 7000 W" in done.stdout


def test_what_a_plugin_says_cannot_steer_the_terminal(command: Callable[..., list[str]], tmp_path: Path) -> None:
    done = subprocess.run(
        command(),
        env=environment(tmp_path, FAKE_SAYS="\x1b]0;owned\x07 no"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "owned" in done.stdout
    assert "\x1b" not in done.stdout


def test_doctor_opens_nothing_unless_asked(command: Callable[..., list[str]], tmp_path: Path) -> None:
    done = subprocess.run(command("--json"), env=environment(tmp_path), capture_output=True, text=True, check=False)
    assert json.loads(done.stdout)["probe"] is None
    assert not (tmp_path / "mark.opened").exists()


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="this system has no SIGHUP")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_closes_the_meters(command: Callable[..., list[str]], tmp_path: Path, name: str) -> None:
    with subprocess.Popen(command("--probe", "600"), env=environment(tmp_path), stderr=subprocess.DEVNULL) as child:
        for _ in range(600):
            if (tmp_path / "mark.opened").exists():
                break
            time.sleep(0.05)
        child.send_signal(getattr(signal, name))
        assert child.wait(30) != 0
    assert (tmp_path / "mark.closed").exists()


@pytest.mark.parametrize("bad", ["0", "-1", "3601", "nan", "inf", "five", ""])
def test_a_bad_number_of_seconds_is_wrong_usage(command: Callable[..., list[str]], tmp_path: Path, bad: str) -> None:
    done = subprocess.run(
        command("--probe", bad), env=environment(tmp_path), capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "--probe takes seconds, more than 0 and at most 3600" in done.stderr


# --- the book ----------------------------------------------------------------------------------


def ledger_of(command: Callable[..., list[str]], tmp_path: Path, place: Path) -> tuple[int, dict[str, object]]:
    done = subprocess.run(
        [*command("--json"), "--ledger", str(place)],
        env=environment(tmp_path), capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    return done.returncode, json.loads(done.stdout)["ledger"]


def test_a_book_that_is_not_there_yet_is_fine_and_is_not_made(
    command: Callable[..., list[str]], tmp_path: Path
) -> None:
    place = tmp_path / "new" / "book.db"
    status, ledger = ledger_of(command, tmp_path, place)
    assert (status, ledger["ok"], ledger["entries"]) == (0, True, 0)
    assert not place.parent.exists()


def test_a_file_that_is_no_book_is_broken(command: Callable[..., list[str]], tmp_path: Path) -> None:
    place = tmp_path / "notes.txt"
    place.write_text("no book", encoding="utf-8")
    status, ledger = ledger_of(command, tmp_path, place)
    assert (status, ledger["ok"]) == (1, False)
    assert place.read_text(encoding="utf-8") == "no book"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_as_a_book_is_broken_and_not_waited_for(command: Callable[..., list[str]], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    status, ledger = ledger_of(command, tmp_path, tmp_path / "pipe")
    assert (status, ledger["ok"]) == (1, False)
    assert "is no file" in str(ledger["reason"])


def test_a_place_where_no_book_can_be_made_is_told(tmp_path: Path) -> None:
    assert _cannot_be_made(str(tmp_path / "a" / "b" / "book.db")) is None
    (tmp_path / "file").touch()
    assert "is no folder that this user may write to" in (_cannot_be_made(str(tmp_path / "file" / "book.db")) or "")
