"""Which processes use a GPU now: the driver's process numbers, with the part of the time each kept it busy."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from wattbook import ReadError

Users = Mapping[int, float | None]

#: the first namespace of process numbers has this inode on every Linux (PROC_PID_INIT_INO, linux/proc_ns.h)
INITIAL = "pid:[4026531836]"
IN_A_CONTAINER = "the driver counts processes of the host, and their numbers mean nothing in this container"
_LISTS = ("nvmlDeviceGetComputeRunningProcesses", "nvmlDeviceGetGraphicsRunningProcesses")


class Used(Protocol):
    """What is asked of a GPU."""

    @property
    def device(self) -> str: ...

    def users(self) -> Users: ...


def numbers_mean_something() -> bool:
    """Whether process numbers here are those of the driver; where nothing tells, they are."""
    try:
        return os.readlink("/proc/self/ns/pid") == INITIAL
    except OSError:
        return True


def users_of(cards: Iterable[tuple[str, Used]]) -> dict[str, Users]:
    """Users by device, those of several GPUs together where a device is a module of them.

    A device is left out if one of its GPUs does not tell; raises ``ReadError`` where none does.
    """
    if not numbers_mean_something():
        raise ReadError(IN_A_CONTAINER)
    found: dict[str, dict[int, float | None]] = {}
    silent: dict[str, str] = {}
    for device, card in cards:
        try:
            some = card.users()
        except ReadError as error:
            silent[device] = str(error)
            continue
        together = found.setdefault(device, {})
        for pid, busy in some.items():
            before = together.get(pid, 0.0)
            together[pid] = None if busy is None or before is None else before + busy
    told: dict[str, Users] = {device: some for device, some in found.items() if device not in silent}
    if silent and not told:
        raise ReadError("; ".join(silent.values()))
    return told


def ask(lib: Any, handle: Any) -> dict[int, float | None]:
    """The processes on one GPU; raises ``ReadError``, or the library's ``NVMLError``.

    The driver tells utilisation of those that had any in the last seconds.  With MIG, on Windows' WDDM and
    with old drivers it tells none, and then it is ``None`` for all.
    """
    pids: set[int] = set()
    too_old = getattr(lib, "NVMLLibraryMismatchError", lib.NVMLError)  # and that is no NVMLError
    for i, name in enumerate(_LISTS):
        try:
            pids |= {int(process.pid) for process in getattr(lib, name)(handle)}
        except too_old as error:
            if i == 0:
                raise ReadError("the driver is too old to tell which processes use a GPU") from error
        except lib.NVMLError:
            if i == 0:
                raise
    if len(pids) < 2:
        return dict.fromkeys(pids)
    try:
        samples = lib.nvmlDeviceGetProcessUtilization(handle, 0)
    except lib.NVMLError:
        return dict.fromkeys(pids)
    busy: dict[int, list[int]] = {pid: [] for pid in pids}
    for sample in samples:
        if sample.smUtil <= 100 and int(sample.pid) in busy:
            busy[int(sample.pid)].append(int(sample.smUtil))
    return {pid: sum(some) / len(some) / 100 if some else 0.0 for pid, some in busy.items()}
