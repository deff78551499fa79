"""Control groups of the unified hierarchy, as Linux shows them: who is in one, and how long it kept processors busy.

Light, because our own group is looked at before the command starts.
"""

from __future__ import annotations

import os
import time
from typing import NamedTuple

MAX_PIDS = 10_000
_MOUNTS = ("sys/fs/cgroup", "sys/fs/cgroup/unified")


class Before(NamedTuple):
    """The counter of our own group while nobody but us was in it, and what we had used by then."""

    path: str
    usage_s: float
    own_s: float


def before(root: str = "/") -> Before | None:
    """What our group has counted so far; ``None`` where there is none, or others are in it."""
    path = path_of("self", root)
    if path is None or members(path, root) != {os.getpid()}:
        return None
    used_s = usage_s(path, root)
    return None if used_s is None else Before(path, used_s, time.process_time())


def path_of(who: str, root: str = "/") -> str | None:
    """The path of a process (its number, or ``self``) in the unified hierarchy."""
    try:
        with open(os.path.join(root, "proc", who, "cgroup"), encoding="utf-8", errors="replace") as stream:
            for line in stream:
                if line.startswith("0::"):
                    return line[3:].rstrip("\n")
    except OSError:
        return None
    return None


def members(path: str, root: str = "/") -> set[int]:
    """The processes in a group, empty where nobody tells."""
    text = _read(path, "cgroup.procs", root) or ""
    try:
        return {int(line) for line in text.split()[:MAX_PIDS]}
    except ValueError:
        return set()


def usage_s(path: str, root: str = "/") -> float | None:
    """Processor seconds of everything that ever ran in a group, ``None`` where nobody counts."""
    for line in (_read(path, "cpu.stat", root) or "").splitlines():
        name, _, number = line.partition(" ")
        if name == "usage_usec" and number.isdigit():
            return int(number) / 1e6
    return None


def _read(path: str, name: str, root: str) -> str | None:
    for mount in _MOUNTS:
        try:
            with open(os.path.join(root, mount, path.lstrip("/"), name), encoding="utf-8") as stream:
                return stream.read(1 << 20)
        except (OSError, ValueError):
            continue
    return None
