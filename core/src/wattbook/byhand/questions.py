"""What is asked about an hour of a described machine, and what the answer depends on."""

from __future__ import annotations

from datetime import UTC, datetime

from wattbook.byhand.machine import Undescribed
from wattbook.jobs import Job
from wattbook.model import Activity, Domain, Gap, Host, Load, Window
from wattbook.units import S_PER_H

HOUR = Window(start=datetime(2026, 1, 1, tzinfo=UTC), end=datetime(2026, 1, 1, 1, tzinfo=UTC))
ASKED = "not asked yet"
HOST = Domain(device="machine", name="host")
PACKAGE = Domain(device="cpu:0", name="package")
BOARD = Domain(device="gpu:0", name="board")
_OPEN = {domain: Gap(domain=domain, window=HOUR, reason=ASKED) for domain in (HOST, PACKAGE, BOARD)}

Key = tuple[object, ...]


def parts_of(job: Job) -> Key:
    """What the job says about its machine."""
    return (
        job.cpu, job.tdp_w, job.sockets, job.threads, job.instance, job.memory_gb, job.gpu, job.gpu_tdp_w, job.gpu_count
    )  # fmt: skip


def key_of(job: Job) -> Key:
    """What an hour of the job depends on."""
    return (*parts_of(job), job.util, job.gpu_util, job.load, job.boundary, job.count)


def has_host(host: Host) -> bool:
    return bool(host.cpus) or host.threads is not None


def question_of(job: Job, host: Host) -> tuple[list[Gap], Activity, list[str]]:
    """What is asked about an hour of the job, and what to say where its utilisation is not given.

    Raises ``Undescribed`` for a utilisation of what is not there.
    """
    said: list[str] = []
    gaps: list[Gap] = []
    loads: list[Load] = []
    for present, device, domain, column, util in (
        (has_host(host), "cpu", PACKAGE if job.boundary == "package" else HOST, "util", job.util),
        (bool(host.gpus), "gpu:0", BOARD, "gpu_util", job.gpu_util),
    ):
        if not present:
            if device != "cpu" and util is not None and util[1] > 0:
                raise Undescribed(
                    f"{job.instance} has no accelerators that could be busy: name the one (gpu)", field=column
                )
            continue
        if util is None:
            said.append(f"{column} is not given: anything from idle to full is in the interval")
        low, high = util or (0.0, 1.0)
        loads.append(Load(device=device, seconds=float(S_PER_H), low=low, high=high))
        gaps.append(_OPEN[domain])
    return gaps, Activity(window=HOUR, host=host, loads=tuple(loads), scale=job.load), said
