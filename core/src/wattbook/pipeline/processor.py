"""Processor time of one command: from a cgroup that holds nothing else, else from its tree of processes."""

from __future__ import annotations

import os
import sys
import time

from wattbook.sampling import stragglers_cpu_s, tree_cpu_s

TREE = "of its processes and all that they waited for"
MAX_PIDS = 10_000
_MOUNTS = ("sys/fs/cgroup", "sys/fs/cgroup/unified")


class CommandTime:
    """Processor seconds of the command that process *pid* is, and of everything that it started.

    The processes are a tree: one that was left behind by its parent drops out of it when it ends.  A cgroup
    counts those too, but only where it holds the command and nothing else: one of its own, or that of
    wattbook where nothing but this run is in it.  A command may move into a cgroup of its own while it runs.
    """

    def __init__(self, pid: int, *, root: str = "/") -> None:
        self.pid, self._root = pid, root
        self._path: str | None = None  #: the cgroup whose counter stands for the command
        self._refused: str | None = None  #: the cgroup that others are in, too
        self._offset_s = 0.0
        self._with_us = False
        self._last_s: float | None = None
        self._told = TREE

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
        counted = self._counted_s()
        known = [seconds for seconds in (waited_s, counted, self._last_s) if seconds is not None]
        if self._path is not None and waited_s is not None and max(known) == waited_s:
            self._told = TREE
        return max(known) if known else None

    def _adopt(self) -> None:
        """Count by the command's cgroup from now on, if it holds nothing else."""
        if self._path is not None or not sys.platform.startswith("linux"):
            return
        theirs = self._cgroup_of(str(self.pid))
        if theirs is None or theirs == self._refused:
            return
        ours = self._cgroup_of("self")
        pids = self._members(theirs)
        allowed = _tree(self.pid) | ({os.getpid()} if theirs == ours else set())
        usage_s = self._usage_s(theirs)
        so_far_s = tree_cpu_s(self.pid)
        if not pids or not pids <= allowed or usage_s is None or so_far_s is None:
            self._refused = theirs
            return
        self._with_us = theirs == ours
        self._offset_s = so_far_s - (usage_s - self._own_s())
        self._path = theirs
        self._told = f"of its cgroup {theirs}"

    def _counted_s(self) -> float | None:
        usage_s = None if self._path is None else self._usage_s(self._path)
        return None if usage_s is None else max(0.0, usage_s - self._own_s() + self._offset_s)

    def _own_s(self) -> float:
        return time.process_time() if self._with_us else 0.0

    # --- the files --------------------------------------------------------------------------------

    def _cgroup_of(self, who: str) -> str | None:
        """The path of a process in the unified hierarchy."""
        try:
            with open(os.path.join(self._root, "proc", who, "cgroup"), encoding="utf-8", errors="replace") as stream:
                for line in stream:
                    if line.startswith("0::"):
                        return line[3:].rstrip("\n")
        except OSError:
            return None
        return None

    def _read(self, path: str, name: str) -> str | None:
        for mount in _MOUNTS:
            try:
                with open(os.path.join(self._root, mount, path.lstrip("/"), name), encoding="utf-8") as stream:
                    return stream.read(1 << 20)
            except (OSError, ValueError):
                continue
        return None

    def _members(self, path: str) -> set[int]:
        text = self._read(path, "cgroup.procs") or ""
        try:
            return {int(line) for line in text.split()[:MAX_PIDS]}
        except ValueError:
            return set()

    def _usage_s(self, path: str) -> float | None:
        for line in (self._read(path, "cpu.stat") or "").splitlines():
            name, _, number = line.partition(" ")
            if name == "usage_usec" and number.isdigit():
                return int(number) / 1e6
        return None


def _tree(pid: int) -> set[int]:
    """A process and its living descendants."""
    found, queue = {pid}, [pid]
    while queue and len(found) < MAX_PIDS:
        one = queue.pop()
        try:
            for task in os.listdir(f"/proc/{one}/task"):
                with open(f"/proc/{one}/task/{task}/children", "rb") as stream:
                    below = set(map(int, stream.read().split())) - found
                found |= below
                queue += below
        except (OSError, ValueError):
            continue
    return found
