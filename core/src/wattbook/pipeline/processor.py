"""Processor time of one command: from a cgroup that holds nothing else, else from its tree of processes."""

from __future__ import annotations

import os
import sys
import time

from wattbook import cgroups
from wattbook.cgroups import MAX_PIDS
from wattbook.sampling import stragglers_cpu_s, tree_cpu_s

TREE = "of its processes and all that they waited for"
TRIES = 3  #: how often a cgroup is looked into that others are in


class CommandTime:
    """Processor seconds of the command that process *pid* is, and of everything that it started.

    The processes are a tree: one that was left behind by its parent drops out of it when it ends.  A cgroup
    counts those too, but only where it holds the command and nothing else: one of its own, or that of
    wattbook where nothing but this run is in it.  A command may move into a cgroup of its own while it runs.
    *before* is what wattbook's own one had counted before the command started: so nothing of it is missed.
    """

    def __init__(self, pid: int, run_id: str = "", *, before: cgroups.Before | None = None, root: str = "/") -> None:
        self.pid, self._run_id, self._root = pid, run_id, root
        self._before = before  #: our cgroup before the command started, where we were alone in it
        self._path: str | None = None  #: the cgroup whose counter stands for the command
        self._refused: dict[str, int] = {}  #: cgroups that others are in, too, and how often they were
        self._offset_s = 0.0
        self._with_us = False
        self._last_s: float | None = None
        self._told = TREE
        self._adopt()  # soon: what was left behind and is over before is known only to a counter that was read before

    @property
    def source(self) -> str:
        return self._told

    def so_far_s(self) -> float | None:
        """Until now; ``None`` where nobody tells."""
        self._adopt()
        counted = self._counted_s()
        if counted is not None:
            self._last_s = max(counted, self._last_s or 0.0)
            return self._last_s
        return tree_cpu_s(self.pid)

    def in_all_s(self, waited_s: float | None, run_id: str, *, leftovers: bool) -> float | None:
        """When the command has ended: *waited_s* is what the kernel told about it and all that it waited for."""
        if waited_s is not None and leftovers and self._path is None:
            waited_s += stragglers_cpu_s(run_id)
        counted = self._counted_s(waited_s)
        known = [seconds for seconds in (waited_s, counted, self._last_s) if seconds is not None]
        if self._path is not None and waited_s is not None and max(known) == waited_s:
            self._told = TREE
        return max(known) if known else None

    def _adopt(self) -> None:
        """Count by the command's cgroup from now on, if it holds nothing else."""
        if self._path is not None or not sys.platform.startswith("linux"):
            return
        theirs = cgroups.path_of(str(self.pid), self._root)
        if theirs is None or self._refused.get(theirs, 0) >= TRIES:
            return
        ours = cgroups.path_of("self", self._root)
        pids = cgroups.members(theirs, self._root)
        rest = pids - _tree(self.pid) - (_tree(os.getpid()) if theirs == ours else set())
        usage_s = cgroups.usage_s(theirs, self._root)
        so_far_s = tree_cpu_s(self.pid)
        strangers = not pids or any(not carries(pid, self._run_id) and not _ending(pid) for pid in rest)
        if strangers or usage_s is None or so_far_s is None:
            self._refused = {theirs: self._refused.get(theirs, 0) + 1}
            return
        self._with_us = theirs == ours
        left_behind_s = sum(tree_cpu_s(pid) or 0.0 for pid in rest)
        self._offset_s = so_far_s + left_behind_s - (usage_s - self._own_s())
        if self._with_us and self._before is not None and self._before.path == theirs:
            self._offset_s = max(self._offset_s, self._before.own_s - self._before.usage_s)  # knows the dead, too
        self._path = theirs
        self._told = f"of its cgroup {theirs}"

    def _counted_s(self, waited_s: float | None = None) -> float | None:
        usage_s = None if self._path is None else cgroups.usage_s(self._path, self._root)
        return None if usage_s is None else max(0.0, usage_s - self._own_s(waited_s) + self._offset_s)

    def _own_s(self, waited_s: float | None = None) -> float:
        """What wattbook and its tools used in the same cgroup; *waited_s* is the command's, once it was waited for."""
        if not self._with_us:
            return 0.0
        import resource

        over = resource.getrusage(resource.RUSAGE_CHILDREN)
        alive_s = sum(tree_cpu_s(pid) or 0.0 for pid in _below(os.getpid()) - {self.pid})
        return time.process_time() + over.ru_utime + over.ru_stime - (waited_s or 0.0) + alive_s


def carries(pid: int, run_id: str) -> bool:
    """Whether a process has the run's number in its environment, as one that was left behind by its parent still has."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as stream:
            return bool(run_id) and f"WATTBOOK_RUN_ID={run_id}".encode() in stream.read(1 << 20).split(b"\0")
    except OSError:
        return False


def _ending(pid: int) -> bool:
    """Whether a process has ended or is about to: it has no memory any more, and so no environment."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as stream:
            return stream.read().split()[0] == b"0"
    except (OSError, IndexError):
        return True


def _tree(pid: int) -> set[int]:
    """A process and its living descendants."""
    found, queue = {pid}, [pid]
    while queue and len(found) < MAX_PIDS:
        below = _below(queue.pop()) - found
        found |= below
        queue += below
    return found


def _below(pid: int) -> set[int]:
    """The living children of a process."""
    found: set[int] = set()
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", "rb") as stream:
                found.update(map(int, stream.read().split()))
    except (OSError, ValueError):
        pass
    return found
