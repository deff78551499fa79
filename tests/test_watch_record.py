"""``wattbook watch`` as a user runs it: real processes that are killed, stopped, ended and started again."""

from __future__ import annotations

import itertools
import json
import os
import plistlib
import pty
import re
import select
import shlex
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from wattbook import spool
from wattbook.records import Entry, utc_time
from wattbook.testing import until
from wattbook.watching.absence import LEAST_S

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and terminals are POSIX")
WATTBOOK = [sys.executable, "-m", "wattbook"]
POLLS = re.compile(r'"type":"(poll|grown)"')
GRACE_S = 60.0  #: how long a loaded machine may take for what is a moment on a quiet one
waited = partial(until, within_s=GRACE_S)


class Home:
    """A user's folders of his own, and wattbook run in them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.state = folder, folder / "state"
        keep = {k: v for k, v in os.environ.items() if not k.startswith(("WATTBOOK_", "XDG_"))}
        self.env = {**keep, "HOME": str(folder), "WATTBOOK_STATE": str(self.state), "TZ": "Asia/Singapore"}
        self.env["WATTBOOK_LEDGER"] = str(folder / "book.db")

    def start(self, *options: str, **more: Any) -> subprocess.Popen[str]:
        env = {**self.env, **more.pop("env", {})}
        streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen([*WATTBOOK, *options], env=env, **{**streams, **more})

    def run(self, *options: str, **more: Any) -> subprocess.CompletedProcess[str]:
        with self.start(*options, **more) as process:
            out, err = process.communicate(timeout=GRACE_S)
        return subprocess.CompletedProcess(options, process.returncode, out, err)

    def record(self, *options: str) -> subprocess.Popen[str]:
        """A recording watch that has polled at least once."""
        before = self.polls()
        process = self.start("watch", "--record", "--interval", "0.2", *options)
        waited(lambda: self.polls() > before + 2, "polls")
        return process

    def spools(self) -> list[str]:
        return spool.paths(str(self.state / "spool"))

    def polls(self) -> int:
        return sum(len(POLLS.findall(Path(path).read_text())) for path in self.spools())

    def entries(self, kind: str = "reading") -> list[Entry]:
        found = [e for path in self.spools() for e in spool.read(path).entries if e.kind == kind]
        return sorted(found, key=lambda entry: entry.start)

    def addends(self) -> list[Entry]:
        return [entry for entry in self.entries() if entry.outermost]

    def absences(self) -> list[str]:
        kinds = ("off", "asleep", "agent dead", "agent stopped")
        return [k for e in self.entries("gap") if (k := e.reason.partition(":")[0]) in kinds]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def ended(process: subprocess.Popen[str], number: int) -> str:
    with process:
        process.send_signal(number)
        _, err = process.communicate(timeout=GRACE_S)
    return err


def seamless(entries: list[Entry]) -> bool:
    """No two entries of one domain cover the same moment."""
    by_domain: dict[str, list[Entry]] = {}
    for entry in entries:
        by_domain.setdefault(f"{entry.device}/{entry.domain}", []).append(entry)
    return all(utc_time(a.end) <= utc_time(b.start) for some in by_domain.values() for a, b in itertools.pairwise(some))


# --- recording ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_cleanly(home: Home, number: int) -> None:
    process = home.record()
    err = ended(process, number)
    assert process.returncode == 0
    assert "Traceback" not in err
    (path,) = home.spools()
    content = spool.read(path)
    assert content.run is not None
    assert (content.run.kind, content.run.complete) == ("watch", True)
    assert not spool.is_live(path)
    assert home.addends()


def test_a_kill_is_told_by_the_next_one_and_nothing_is_doubled(home: Home) -> None:
    for _ in range(3):
        process = home.record()
        with process:
            process.kill()
        time.sleep(2 * LEAST_S)  # a new one that is there at once leaves no gap
    ended(home.record(), signal.SIGTERM)
    assert home.absences() == ["agent dead"] * 3
    assert seamless(home.addends())
    assert all(entry.energy_j for entry in home.addends())


def test_a_kill_loses_only_what_came_after_the_last_poll(home: Home) -> None:
    process = home.record()
    with process:
        polls = home.polls()
        waited(lambda: home.polls() > polls + 3, "more polls")
        process.kill()
        killed_at = time.time()
    (path,) = home.spools()
    content = spool.read(path)
    assert content.run is not None
    assert not content.run.complete
    last = max(utc_time(entry.end).timestamp() for entry in home.addends())
    first = min(utc_time(entry.start).timestamp() for entry in home.addends())
    # polls were a fifth of a second apart, and there were several: the span is not the first poll's
    assert last - first > 0.5
    assert last <= killed_at + 1


def test_after_a_clean_end_the_gap_says_so(home: Home) -> None:
    ended(home.record(), signal.SIGTERM)
    time.sleep(1.2)
    ended(home.record(), signal.SIGTERM)
    assert home.absences() == ["agent stopped"]
    assert seamless([*home.addends()])


def test_a_watch_that_is_stopped_and_continued_goes_on(home: Home) -> None:
    process = home.record()
    process.send_signal(signal.SIGSTOP)
    time.sleep(1.5)
    polls = home.polls()
    process.send_signal(signal.SIGCONT)
    waited(lambda: home.polls() > polls + 2, "polls after the stop")
    ended(process, signal.SIGTERM)
    assert home.absences() == []
    spans = [(utc_time(e.start).timestamp(), utc_time(e.end).timestamp()) for e in home.addends()]
    assert sum(end - start for start, end in spans) > 1.5  # the time of the stop is in it
    assert seamless(home.addends())


def test_a_second_watch_on_one_machine_is_refused_with_a_sentence(home: Home) -> None:
    process = home.record()
    done = home.run("watch", "--record", "--count", "1")
    assert done.returncode == 1
    assert "already" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    ended(process, signal.SIGTERM)


def test_a_book_that_is_away_does_not_matter_and_gets_it_later(home: Home) -> None:
    away = f"sqlite:///{home.folder}/nowhere/book.db"
    process = home.start("watch", "--record", "--interval", "0.2", "--count", "3", env={"WATTBOOK_LEDGER": away})
    with process:
        process.communicate(timeout=GRACE_S)
    assert process.returncode == 0
    joules = sum(e.energy_j or 0 for e in home.addends())
    assert joules > 0
    (home.folder / "nowhere").mkdir()
    shown = home.run("ledger", "show", "--json", env={"WATTBOOK_LEDGER": away})
    told = json.loads(shown.stdout)
    assert [run["complete"] for run in told["runs"]] == [True]
    assert told["runs"][0]["energy_j"] == pytest.approx(joules)
    assert home.spools() == []
    again = json.loads(home.run("ledger", "show", "--json", env={"WATTBOOK_LEDGER": away}).stdout)
    assert again["entries"] == told["entries"]


def test_what_it_recorded_is_found_right(home: Home) -> None:
    with home.record() as process:
        process.kill()
    ended(home.record(), signal.SIGTERM)
    verdict = home.run("ledger", "verify", "--json")
    assert verdict.returncode == 0, verdict.stdout


def test_an_unwritable_place_is_one_sentence(home: Home) -> None:
    (home.folder / "file").write_text("")
    done = home.run("watch", "--record", "--count", "1", env={"WATTBOOK_STATE": str(home.folder / "file")})
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "WATTBOOK_STATE" in done.stderr


def test_a_bad_configuration_does_not_stop_the_recording(home: Home) -> None:
    (home.folder / "bad.toml").write_text("colour = 1\n")
    done = home.run("watch", "--record", "--interval", "0.2", "--count", "2", "--config", str(home.folder / "bad.toml"))
    assert done.returncode == 0
    assert "configuration is not used" in done.stderr
    assert home.addends()


def test_it_starts_no_network_and_leaves_the_working_folder_alone(home: Home, tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    assert home.run("watch", "--record", "--interval", "0.2", "--count", "2", cwd=here).returncode == 0
    assert list(here.iterdir()) == []


# --- the live view -----------------------------------------------------------------------------------


def test_a_piped_view_is_one_line_a_look(home: Home) -> None:
    done = home.run("watch", "--interval", "0.2", "--count", "3")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 3
    assert all(" W total" in line for line in done.stdout.splitlines())
    assert "\x1b" not in done.stdout
    assert home.spools() == []


def test_json_is_one_document_a_line(home: Home) -> None:
    done = home.run("watch", "--interval", "0.2", "--for", "0.7", "--json")
    looks = [json.loads(line) for line in done.stdout.splitlines()]
    assert looks
    assert all(look["power_low_w"] <= look["power_w"] <= look["power_high_w"] for look in looks)
    assert all(power["basis"] in ("measured", "estimated") for look in looks for power in look["domains"])


def on_a_terminal(home: Home, env: dict[str, str], *options: str) -> str:
    ours, theirs = pty.openpty()
    process = home.start("watch", *options, stdout=theirs, stderr=subprocess.DEVNULL, env=env)
    os.close(theirs)
    seen = b""
    try:
        while select.select([ours], [], [], GRACE_S)[0]:
            try:
                chunk = os.read(ours, 65536)
            except OSError:
                break
            if not chunk:
                break
            seen += chunk
    finally:
        os.close(ours)
        assert process.wait(GRACE_S) == 0
    return seen.decode()


def test_a_terminal_is_redrawn_in_place(home: Home) -> None:
    seen = on_a_terminal(home, {"TERM": "xterm", "NO_COLOR": ""}, "--interval", "0.2", "--count", "3")
    assert seen.count("\x1b[0J") == 3
    assert "\x1b[1m" in seen


def test_no_colour_is_respected(home: Home) -> None:
    seen = on_a_terminal(home, {"TERM": "xterm", "NO_COLOR": "1"}, "--interval", "0.2", "--count", "2")
    assert "m" not in {part[:3].lstrip("0123456789;")[:1] for part in seen.split("\x1b[")[1:]}


def test_a_dumb_terminal_gets_plain_lines(home: Home) -> None:
    seen = on_a_terminal(home, {"TERM": "dumb", "NO_COLOR": "1"}, "--interval", "0.2", "--count", "2")
    assert "\x1b" not in seen


@pytest.mark.parametrize(
    "options",
    [("--interval", "0"), ("--interval", "nan"), ("--for", "-1"), ("--for", "inf"), ("--count", "0"),
     ("--record", "--json"), ("--idle-below", "101"), ("--project", "a\nb"), ("--phase", "lunch")],
)  # fmt: skip
def test_a_bad_option_is_2_and_one_sentence(home: Home, options: tuple[str, ...]) -> None:
    done = home.run("watch", *options)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert not home.state.exists()


def test_a_reader_that_leaves_ends_the_view(home: Home) -> None:
    process = home.start("watch", "--interval", "0.1")
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(GRACE_S) in (0, 1)
    assert process.stderr is not None
    assert "Traceback" not in process.stderr.read()
    process.stderr.close()


# --- the service -------------------------------------------------------------------------------------


def test_the_systemd_unit_has_no_more_rights_than_it_needs(home: Home) -> None:
    unit = home.run("service", "print", "systemd", "--project", "100% $HOME").stdout
    told = dict(line.split("=", 1) for line in unit.splitlines() if "=" in line and not line.startswith("#"))
    assert told["NoNewPrivileges"] == "yes"
    assert told["CapabilityBoundingSet"] == told["AmbientCapabilities"] == "CAP_DAC_READ_SEARCH CAP_PERFMON"
    assert told["PrivateNetwork"] == "yes"
    assert "User" not in told
    words = shlex.split(told["ExecStart"])
    assert Path(words[0]).is_absolute()
    assert words[1:] == ["watch", "--record", "--project", "100%% $$HOME"]


def test_the_users_unit_asks_for_no_right(home: Home) -> None:
    unit = home.run("service", "print", "systemd", "--user").stdout
    assert "Capabilit" not in unit
    assert "WantedBy=default.target" in unit


@pytest.mark.parametrize("user", [True, False])
def test_the_launchd_list_is_one_that_loads(home: Home, user: bool) -> None:
    text = home.run("service", "print", "launchd", "--project", "a<b>", *(["--user"] if user else [])).stdout
    plan = plistlib.loads(text.encode())
    assert plan["ProgramArguments"][1:] == ["watch", "--record", "--project", "a<b>"]
    assert plan["KeepAlive"] is True
    assert ("EnvironmentVariables" in plan) is not user


def test_systemd_finds_no_fault_with_the_unit(home: Home, tmp_path: Path) -> None:
    import shutil

    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("systemd-analyze is not here")
    (tmp_path / "wattbook.service").write_text(home.run("service", "print", "systemd").stdout)
    done = subprocess.run(
        [tool, "verify", str(tmp_path / "wattbook.service")], capture_output=True, text=True, check=False
    )
    assert "wattbook.service" not in done.stderr, done.stderr
