"""Processor time of a command: short-lived processes and those that were left behind are not lost."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from wattbook.cgroups import before
from wattbook.pipeline.processor import TREE, CommandTime

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc and cgroups")


class Cgroups:
    """A folder that looks like ``/proc`` and the unified hierarchy, as far as they are read."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, pid: int, path: str) -> None:
        for who in {str(pid), *(["self"] if pid == os.getpid() else [])}:
            folder = self.root / "proc" / who
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "cgroup").write_text(f"1:cpu:/\n0::{path}\n")

    def make(self, path: str, usage_s: float, *pids: int) -> None:
        folder = self.root / "sys/fs/cgroup" / path.lstrip("/")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "cgroup.procs").write_text("".join(f"{pid}\n" for pid in pids))
        (folder / "cpu.stat").write_text(f"usage_usec {round(usage_s * 1e6)}\nuser_usec 0\n")


@pytest.fixture
def cgroups(tmp_path: Path) -> Cgroups:
    return Cgroups(tmp_path)


@pytest.fixture
def command() -> Any:
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process.pid
        process.kill()


def test_a_cgroup_of_its_own_counts_for_the_command(cgroups: Cgroups, command: int) -> None:
    cgroups.put(os.getpid(), "/user")
    cgroups.put(command, "/job")
    cgroups.make("/job", 5.0, command)
    clock = CommandTime(command, root=str(cgroups.root))
    first = clock.so_far_s()
    assert first is not None
    assert first < 1.0, "what the cgroup had used before is not the command's"
    cgroups.make("/job", 12.0, command)
    later = clock.so_far_s()
    assert later is not None
    assert later - first == pytest.approx(7.0)
    assert clock.source == "of its cgroup /job"
    assert clock.in_all_s(0.5, "r", leftovers=False) == pytest.approx(later)


def test_wattbooks_own_cgroup_counts_where_only_this_run_is_in_it(cgroups: Cgroups, command: int) -> None:
    for pid in (os.getpid(), command):
        cgroups.put(pid, "/scope")
    own_s = time.process_time()
    cgroups.make("/scope", own_s, os.getpid(), command)
    clock = CommandTime(command, root=str(cgroups.root))
    first = clock.so_far_s()
    assert first is not None
    cgroups.make("/scope", own_s + 4.0, os.getpid(), command)
    later = clock.so_far_s()
    assert later is not None
    assert clock.source == "of its cgroup /scope"
    assert 3.0 < later - first <= 4.0, "wattbook's own time is taken out"


def test_what_was_left_behind_and_is_over_before_the_first_look_counts(cgroups: Cgroups, command: int) -> None:
    for pid in (os.getpid(), command):
        cgroups.put(pid, "/scope")
    cgroups.make("/scope", 2.0, os.getpid())
    ours = before(str(cgroups.root))
    assert ours is not None
    cgroups.make("/scope", 2.0 + 5.0, os.getpid(), command)  # an orphan used five seconds, and is gone
    clock = CommandTime(command, before=ours, root=str(cgroups.root))
    seconds = clock.so_far_s()
    assert seconds is not None
    assert clock.source == "of its cgroup /scope"
    waited_for = resource.getrusage(resource.RUSAGE_CHILDREN)  # by the tests before, and none of this run's
    assert seconds == pytest.approx(5.0 - waited_for.ru_utime - waited_for.ru_stime, abs=0.5)


def test_a_cgroup_that_others_are_in_is_not_counted_from_before(cgroups: Cgroups) -> None:
    cgroups.put(os.getpid(), "/shared")
    cgroups.make("/shared", 2.0, os.getpid(), os.getppid())
    assert before(str(cgroups.root)) is None


@pytest.mark.parametrize("path", ["/", "/shared"])
def test_a_cgroup_that_others_are_in_does_not_count(cgroups: Cgroups, command: int, path: str) -> None:
    for pid in (os.getpid(), command):
        cgroups.put(pid, path)
    cgroups.make(path, 5.0, os.getpid(), command, os.getppid())
    clock = CommandTime(command, root=str(cgroups.root))
    assert clock.so_far_s() is not None
    assert clock.source == TREE
    cgroups.make(path, 99.0, os.getpid(), command)
    assert (clock.so_far_s() or 0.0) < 1.0


def test_a_command_that_moves_into_a_cgroup_of_its_own_is_followed(cgroups: Cgroups, command: int) -> None:
    for pid in (os.getpid(), command):
        cgroups.put(pid, "/user")
    cgroups.make("/user", 5.0, os.getpid(), command, os.getppid())
    clock = CommandTime(command, root=str(cgroups.root))
    clock.so_far_s()
    assert clock.source == TREE
    cgroups.put(command, "/run-7.scope")
    cgroups.make("/run-7.scope", 0.0, command)
    clock.so_far_s()
    cgroups.make("/run-7.scope", 3.0, command)
    assert clock.so_far_s() == pytest.approx(3.0, abs=0.5)
    assert clock.source == "of its cgroup /run-7.scope"


def test_a_cgroup_that_is_gone_at_the_end_keeps_its_last_count(cgroups: Cgroups, command: int) -> None:
    cgroups.put(os.getpid(), "/user")
    cgroups.put(command, "/job")
    cgroups.make("/job", 0.0, command)
    clock = CommandTime(command, root=str(cgroups.root))
    clock.so_far_s()
    cgroups.make("/job", 9.0, command)
    last = clock.so_far_s()
    (cgroups.root / "sys/fs/cgroup/job/cpu.stat").unlink()
    assert clock.in_all_s(1.0, "r", leftovers=False) == last
    assert clock.in_all_s(20.0, "r", leftovers=False) == 20.0
    assert clock.source == TREE


@pytest.mark.parametrize("text", ["", "usage_usec many\n", "usage_usec -5\n", "\0\xff"])
def test_a_cgroup_that_cannot_be_read_leaves_the_tree(cgroups: Cgroups, command: int, text: str) -> None:
    cgroups.put(os.getpid(), "/user")
    cgroups.put(command, "/job")
    cgroups.make("/job", 0.0, command)
    (cgroups.root / "sys/fs/cgroup/job/cpu.stat").write_bytes(text.encode("latin-1"))
    clock = CommandTime(command, root=str(cgroups.root))
    assert clock.so_far_s() is not None
    assert clock.source == TREE
