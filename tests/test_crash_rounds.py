"""``kill -9`` at a random moment, round after round, on one book: at most one interval is lost, and the book stays whole.

What is lost is the time since the last acknowledged poll: the moment that the last whole line of the spool names.
Polls are due so that this is at most an interval.  A busy machine gives wattbook the processor late; for how long
it was ready and had to wait is counted by the kernel, and told beside what was lost.

``WATTBOOK_CRASH_ROUNDS=200`` asks for more rounds than the suite takes; ``pytest -s`` prints what they lost.
"""

from __future__ import annotations

import os
import random
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from wattbook import spool
from wattbook.ledger.fold import fold_in
from wattbook.ledger.store import Ledger
from wattbook.ledger.verify import verify
from wattbook.records import utc_time

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="kills by process groups")
ROUNDS = int(os.environ.get("WATTBOOK_CRASH_ROUNDS", "4"))
WATTBOOK = [sys.executable, "-m", "wattbook"]
INTERVAL_S = 0.25
LONGEST_S = 4.0  #: the moment of the kill is drawn from this time
BUSY_S = 5.0  #: how late a poll may be on a machine that does much else; a quiet one needs none of it
VERBS = {
    "run": ["run", "--interval", str(INTERVAL_S), "--", "sleep", "60"],
    "watch": ["watch", "--record", "-q", "--interval", str(INTERVAL_S)],
}


class Round(NamedTuple):
    """One kill: how much of the time until then is in no line of the spool."""

    verb: str
    lost_s: float
    waited_s: float  #: how long it was ready and no processor was free
    late_s: float  #: between the last line's moment and the file's own time: what was acknowledged and lost
    recorded: bool  #: whether the spool was there before the kill


class Home:
    """A user's folders of his own, and one book for all rounds."""

    def __init__(self, folder: Path) -> None:
        self.spools = folder / "state" / "spool"
        keep = {k: v for k, v in os.environ.items() if not k.startswith(("WATTBOOK_", "XDG_"))}
        self.env = {**keep, "HOME": str(folder), "WATTBOOK_STATE": str(folder / "state"), "TZ": "Asia/Singapore"}
        self.env["WATTBOOK_LEDGER"] = str(folder / "book.db")

    def take_in(self) -> Any:
        """What the next command that reads the book does; answers with what was new, and checks every row."""
        with Ledger.open(self.env["WATTBOOK_LEDGER"]) as book:
            folded = fold_in(book, self.spools)
            again = fold_in(book, self.spools)
            verdict = verify(book)
            assert verdict.faults == (), verdict
            assert (folded.problems, again.new, again.files) == ((), 0, 0)
            return folded

    def crash(self, verb: str, after_s: float) -> Round:
        """Start, kill after a time, and read what is left before anything else does."""
        quiet: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        started_s = time.time()
        with subprocess.Popen([*WATTBOOK, *VERBS[verb]], env=self.env, start_new_session=True, **quiet) as process:
            time.sleep(after_s)
            waited_s = waiting_s(process.pid)
            killed_s = time.time()
            os.kill(process.pid, signal.SIGKILL)  # wattbook alone, as the kernel does when memory is short
            process.wait()
            if verb == "run":
                try:
                    os.killpg(process.pid, signal.SIGKILL)  # its command, which outlives it
                except ProcessLookupError:
                    assert after_s < LONGEST_S  # it had not been started
        found = [path for path in spool.paths(str(self.spools)) if not spool.is_live(path)]
        if not found:
            return Round(verb, killed_s - started_s, waited_s, 0.0, recorded=False)
        (path,) = found
        content = spool.read(path)
        assert not content.damaged, content.problems
        assert content.run is not None
        assert not content.run.complete
        until_s = utc_time(content.run.end).timestamp()
        return Round(verb, killed_s - until_s, waited_s, os.stat(path).st_mtime - until_s, recorded=True)


def waiting_s(pid: int) -> float:
    """Seconds that the threads of a process stood in a processor's queue, as the scheduler counts them."""
    waited_ns = 0
    for stat in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        try:
            waited_ns += int(stat.read_text().split()[1])
        except (OSError, IndexError, ValueError):
            continue  # the thread has ended, or the kernel does not count
    return waited_ns / 1e9


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_a_kill_at_any_moment_costs_at_most_one_interval_and_no_book(home: Home) -> None:
    chance = random.Random(ROUNDS)
    rounds: list[Round] = []
    for number in range(ROUNDS):
        verb = ("run", "watch")[number % 2]
        rounds.append(one := home.crash(verb, chance.uniform(0.05, LONGEST_S)))
        folded = home.take_in()
        assert folded.files == one.recorded
        assert folded.new or not one.recorded or one.lost_s < 1.0 + BUSY_S  # else it polled, and has entries
        assert spool.paths(str(home.spools)) == []
    kept = [one for one in rounds if one.recorded]
    for one in kept:
        assert one.lost_s < INTERVAL_S + BUSY_S, one
        assert one.late_s < BUSY_S, one
    print(summary(rounds))


def summary(rounds: list[Round]) -> str:
    lines = []
    for verb in VERBS:
        mine = [one for one in rounds if one.verb == verb]
        lost = sorted(one.lost_s for one in mine if one.recorded)
        excused = sum(one.lost_s <= INTERVAL_S * 1.1 + one.waited_s for one in mine if one.recorded)
        if lost:
            within = sum(seconds <= INTERVAL_S * 1.1 for seconds in lost)
            lines.append(
                f"{verb}: {len(mine)} kills, {len(lost)} with a spool; lost at the median {statistics.median(lost):.3f} s, "
                f"at most {lost[-1]:.3f} s of an interval of {INTERVAL_S} s; {within} within the interval, "
                f"{excused} within it and what the machine made it wait"
            )
    return "\n" + "\n".join(lines)
