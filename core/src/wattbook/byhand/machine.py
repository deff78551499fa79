"""The machine that a description means: named chips, given watts, or an instance type's parts."""

from __future__ import annotations

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


def of_instance(job: Job, found: Identity) -> Host:
    """The parts of an instance type; what the description says itself wins and must not contradict."""
    if job.gpu_count is not None and found.gpus and job.gpu_count != len(found.gpus) and not job.has_gpu:
        raise Undescribed(f"{found.match} has {len(found.gpus)} accelerators, not {job.gpu_count}", field="gpu_count")
    if job.threads is not None and found.threads is not None and job.threads > found.threads:
        raise Undescribed(f"{found.match} has {found.threads} threads, not {job.threads}", field="threads")
    return Host(
        virtual=".metal" not in (found.match or ""),
        instance=found.match or "",
        cpus=_cpus(job) or ((Chip(name=found.cpu),) if found.cpu else ()),
        gpus=_gpus(job) or tuple(Chip(name=name, device="gpu:0") for name in found.gpus),
        threads=job.threads or found.threads,
        memory_gb=job.memory_gb or found.memory_gb,
    )
