"""The machine that a description means: named chips, given watts, or an instance type's parts."""

from __future__ import annotations

from collections.abc import Iterator

from wattbook.errors import WattbookError
from wattbook.jobs import Job
from wattbook.model import Chip, Host, Identity


class Undescribed(WattbookError):
    """The description does not suffice, or names what nobody knows; ``field`` says which column."""

    def __init__(self, reason: str, *, field: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.field = field


def described(job: Job) -> Host:
    """The machine of a job that names its parts; chips of one kind stand as often as there are of them."""
    return Host(cpus=_cpus(job), gpus=_gpus(job), threads=job.threads, memory_gb=job.memory_gb)


def _cpus(job: Job) -> tuple[Chip, ...]:
    if job.cpu is None and job.tdp_w is None:
        return ()
    return (Chip(name=job.cpu or "", tdp_w=job.tdp_w),) * (job.sockets or 1)


def _gpus(job: Job) -> tuple[Chip, ...]:
    if not job.has_gpu:
        return ()
    return (Chip(name=job.gpu or "", device="gpu:0", tdp_w=job.gpu_tdp_w),) * (
        1 if job.gpu_count is None else job.gpu_count
    )


def check(job: Job, cpu: Identity | None) -> None:
    """Refuse a description that contradicts what the catalogue says about its processor."""
    if cpu is None or cpu.match is None:
        return
    if job.tdp_w is not None and cpu.tdp_w is not None and abs(job.tdp_w - cpu.tdp_w) > max(1.0, 0.05 * cpu.tdp_w):
        raise Undescribed(
            f"{cpu.match} is rated {cpu.tdp_w:g} W, not {job.tdp_w:g} W: give the name or the watts", field="tdp_w"
        )
    sockets = job.sockets or 1
    if job.threads is not None and cpu.threads is not None and job.threads > sockets * cpu.threads:
        need = -(-job.threads // cpu.threads)
        raise Undescribed(
            f"{job.threads} threads do not fit {sockets} x {cpu.match} of {cpu.threads} threads: is it sockets {need}?",
            field="threads",
        )


def of_instance(job: Job, found: Identity, cpu: Identity | None = None, other: str | None = None) -> Host:
    """The parts of an instance type; what the description says itself wins and must not contradict.

    *cpu* is what the catalogue says about the processor that the job names, *other* an accelerator that it
    names and that is not the type's.
    """
    for field, wrong in _contradictions(job, found, cpu, other):
        raise Undescribed(f"{found.match} has {wrong}", field=field)
    return Host(
        virtual=".metal" not in (found.match or ""),
        instance=found.match or "",
        cpus=_cpus(job) or ((Chip(name=found.cpu),) if found.cpu else ()),
        gpus=_gpus(job) or tuple(Chip(name=name, device="gpu:0") for name in found.gpus),
        threads=job.threads or found.threads,
        memory_gb=job.memory_gb or found.memory_gb,
    )


def _contradictions(job: Job, found: Identity, cpu: Identity | None, other: str | None) -> Iterator[tuple[str, str]]:
    """The column, and what the type has instead; an accelerator may be added to a type that has none."""
    count = len(found.gpus)
    if not count and not job.has_gpu and job.gpu_count:
        yield "gpu_count", f"no accelerators, not {job.gpu_count}: name what was added (gpu)"
    if count and job.gpu_count is not None and job.gpu_count != count and not job.has_gpu:
        yield "gpu_count", f"{count} accelerators, not {job.gpu_count}"
    if other is not None:
        yield "gpu", f"{count} x {found.gpus[0]}, not {other}"
    if job.threads is not None and found.threads is not None and job.threads > found.threads:
        yield "threads", f"{found.threads} threads, not {job.threads}"
    if job.memory_gb is not None and found.memory_gb is not None and job.memory_gb > found.memory_gb * MEMORY_ROUNDED:
        yield "memory_gb", f"{found.memory_gb:g} GB of memory, not {job.memory_gb:g}"
    if (
        cpu is not None
        and cpu.match is not None
        and {*cpu.match.split()[:1], *found.cpu.split()[:1]} >= {"AMD", "Intel"}
    ):
        yield "cpu", f"{found.cpu}, not {cpu.match}"


MEMORY_ROUNDED = 1.1  #: GiB told as GB, and figures that are rounded up
