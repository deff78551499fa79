"""From a described piece of work to readings: ask the estimators about one hour, then scale."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from attrs import evolve, frozen

from wattbook.accounting import Interval, combine
from wattbook.errors import WattbookError
from wattbook.jobs import Job, Range
from wattbook.model import Activity, Chip, Domain, Gap, Host, Identity, Load, Reading, Term, Window
from wattbook.pipeline import fill
from wattbook.plugins import Plugins
from wattbook.units import S_PER_H

HOUR = Window(start=datetime(2026, 1, 1, tzinfo=UTC), end=datetime(2026, 1, 1, 1, tzinfo=UTC))
NO_PLUGIN = "no installed plugin estimates anything: install wattbook-tdp"
GPU_LOSSES = (
    "losses of the power supply for the accelerators are not counted (about a fifth on workstations, "
    "not verified on servers)"
)
GPU_ALONE = "the machine around the accelerators is not counted: give cpu, tdp_w, threads or an instance type"


class Undescribed(WattbookError):
    """The description does not suffice, or names what nobody knows; ``field`` says which column."""

    def __init__(self, reason: str, *, field: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.field = field


@frozen(kw_only=True)
class Figure:
    """What a job uses: readings (with the plugin that gave each) over its window, and its power."""

    job: Job
    readings: tuple[tuple[str, Reading], ...]
    power: Interval  #: W
    method: str
    terms: tuple[Term, ...]
    warnings: tuple[str, ...]

    @property
    def energy_j(self) -> Interval:
        hours = self.job.hours
        low, high = self.power.low or 0.0, self.power.high or 0.0
        return Interval(self.power.value * hours * S_PER_H, low * hours * S_PER_H, high * hours * S_PER_H, unit="J")


@frozen(kw_only=True)
class _Question:
    """What the answer depends on; equal questions are asked once."""

    host: Host
    util: Range
    gpu_util: Range
    scale: str
    boundary: str


class Estimators:
    """The installed estimators, with the answers that they gave already."""

    def __init__(self, plugins: Plugins) -> None:
        self._plugins = plugins
        self._asked = lru_cache(maxsize=50_000)(self._ask)
        self._identified = lru_cache(maxsize=1_000)(self._identify)

    def figure(self, job: Job, *, start: datetime) -> Figure:
        """The figure of *job* from *start* on; raises ``Undescribed``."""
        host, notes = self._host(job)
        if not host.cpus and host.threads is None and not host.gpus:
            raise Undescribed(
                "nothing is known about the machine: give cpu, tdp_w, threads, an instance type or an accelerator"
            )
        guessed = [
            f"{name} is not given: anything from idle to full is in the interval"
            for name, value, wanted in (
                ("util", job.util, bool(host.cpus) or host.threads is not None),
                ("gpu_util", job.gpu_util, bool(host.gpus)),
            )
            if wanted and value is None
        ]
        question = _Question(
            host=host,
            util=job.util or (0.0, 1.0),
            gpu_util=job.gpu_util or (0.0, 1.0),
            scale=job.scale,
            boundary=job.boundary,
        )
        answers = self._asked(question)
        counts = {"gpu:0": job.count * max(1, len(host.gpus)), "cpu:0": job.count * max(1, len(host.cpus))}
        window = Window(start=start, end=start + timedelta(hours=job.hours))
        readings = tuple(
            (plugin, _scaled(reading, counts.get(reading.domain.device, job.count), job.hours, window))
            for plugin, reading in answers
        )
        power = combine(
            (reading.cause, _power(reading, counts.get(reading.domain.device, job.count))) for _, reading in answers
        )
        assert power is not None
        warnings = [*job.warnings, *notes, *guessed]
        if host.gpus and job.boundary == "wall":
            warnings.append(GPU_LOSSES if host.cpus or host.threads is not None else GPU_ALONE)
        for _, reading in answers:
            warnings += reading.warnings
        return Figure(
            job=job,
            readings=readings,
            power=power,
            method="; ".join(reading.method for _, reading in answers),
            terms=tuple(term for _, reading in readings for term in reading.terms),
            warnings=tuple(dict.fromkeys(warnings)),
        )

    def _host(self, job: Job) -> tuple[Host, list[str]]:
        """The machine that the job describes, an instance type resolved to its parts."""
        if job.instance is not None:
            found = self._identified(job.instance, "instance")
            if found.match is None:
                if not (job.has_host or job.has_gpu):
                    raise Undescribed(f"{job.instance}: {found.reason}", field="instance")
                return _described(job), [f"{job.instance}: {found.reason}"]
            return _of_instance(job, found)
        return _described(job), []

    def _ask(self, question: _Question) -> tuple[tuple[str, Reading], ...]:
        host = question.host
        loads = [Load(device="cpu", seconds=float(S_PER_H), low=question.util[0], high=question.util[1])]
        wanted = []
        if host.cpus or host.threads is not None:
            wanted.append("machine/host" if question.boundary == "wall" else "cpu:0/package")
        if host.gpus:
            wanted.append("gpu:0/board")
            loads.append(
                Load(device="gpu:0", seconds=float(S_PER_H), low=question.gpu_util[0], high=question.gpu_util[1])
            )
        activity = Activity(window=HOUR, host=host, loads=tuple(loads), scale=question.scale)
        filled = fill(self._plugins, [_gap(address) for address in wanted], activity)
        if not filled.readings and not filled.broken and all(gap.reason == _ASKED for gap in filled.gaps):
            raise Undescribed(NO_PLUGIN)
        for broken in filled.broken:
            raise Undescribed(f"the plugin {broken.plugin} failed: {broken.reason}")
        for gap in filled.gaps:
            raise Undescribed(gap.reason, field=_field_of(gap.domain, host))
        return filled.readings

    def identify(self, name: str, kind: str | None = None) -> Identity:
        """What the catalogues say about a name; the first match, else the first refusal."""
        return self._identified(name, kind)

    def _identify(self, name: str, kind: str | None) -> Identity:
        refused: Identity | None = None
        for _, answer in self._plugins.ask("identify", name=name, kind=kind):
            if isinstance(answer, Identity):
                if answer.match is not None:
                    return answer
                refused = refused or answer
        return refused or Identity(query=name, reason="no catalogue of chips is installed: install wattbook-tdp")


_ASKED = "not asked yet"


def _gap(address: str) -> Gap:
    device, _, name = address.partition("/")
    return Gap(domain=Domain(device=device, name=name), window=HOUR, reason=_ASKED)


def _field_of(domain: Domain, host: Host) -> str | None:
    if domain.device.startswith("gpu"):
        return "gpu"
    if host.cpus and host.cpus[0].name:
        return "cpu"
    return None


def _described(job: Job) -> Host:
    cpus: tuple[Chip, ...] = ()
    if job.cpu is not None or job.tdp_w is not None:
        cpus = (Chip(name=job.cpu or "", tdp_w=job.tdp_w),) * (job.sockets or 1)
    return Host(cpus=cpus, gpus=_gpus(job), threads=job.threads, memory_gb=job.memory_gb)


def _gpus(job: Job) -> tuple[Chip, ...]:
    if not job.has_gpu:
        return ()
    return (Chip(name=job.gpu or "", device="gpu:0", tdp_w=job.gpu_tdp_w),) * (job.gpu_count or 1)


def _of_instance(job: Job, found: Identity) -> tuple[Host, list[str]]:
    """The parts of an instance type; what the description says itself wins and must not contradict."""
    notes = [] if not found.reason else [f"{found.match}: {found.reason}"]
    gpus = _gpus(job) or tuple(Chip(name=name, device="gpu:0") for name in found.gpus)
    if job.gpu_count is not None and found.gpus and job.gpu_count != len(found.gpus) and not job.has_gpu:
        raise Undescribed(f"{found.match} has {len(found.gpus)} accelerators, not {job.gpu_count}", field="gpu_count")
    if job.threads is not None and found.threads is not None and job.threads > found.threads:
        raise Undescribed(f"{found.match} has {found.threads} threads, not {job.threads}", field="threads")
    cpus: Iterable[Chip] = (Chip(name=found.cpu),) if found.cpu else ()
    if job.cpu is not None or job.tdp_w is not None:
        cpus = (Chip(name=job.cpu or "", tdp_w=job.tdp_w),) * (job.sockets or 1)
    return Host(
        virtual=True,
        instance=found.match or "",
        cpus=tuple(cpus),
        gpus=gpus,
        threads=job.threads or found.threads,
        memory_gb=job.memory_gb or found.memory_gb,
    ), notes


def _power(reading: Reading, times: int) -> Interval:
    assert reading.low_j is not None
    assert reading.high_j is not None
    per = times / reading.window.duration_s
    return Interval(reading.energy_j * per, reading.low_j * per, reading.high_j * per, unit="W")


def _scaled(reading: Reading, times: int, hours: float, window: Window) -> Reading:
    """The answer for one machine and one hour, for *times* of them and *hours*."""
    power = _power(reading, times)
    seconds = hours * S_PER_H
    terms = reading.terms
    if times != 1:
        terms = tuple(
            evolve(
                term,
                what=f"{times} x {term.what}",
                power_w=term.power_w * times,
                low_w=term.low_w * times,
                high_w=term.high_w * times,
                formula=f"{times} x ({term.formula})",
            )
            for term in terms
        )
    assert power.low is not None
    assert power.high is not None
    return evolve(
        reading,
        window=window,
        energy_j=power.value * seconds,
        low_j=power.low * seconds,
        high_j=power.high * seconds,
        terms=terms,
    )
