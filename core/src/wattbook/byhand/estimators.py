"""Ask the estimators about one hour of a described machine; hours only multiply."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

from attrs import frozen

from wattbook.accounting import Interval, combine
from wattbook.byhand.machine import Undescribed, check, described, of_instance
from wattbook.jobs import Job
from wattbook.model import Activity, Domain, Gap, Host, Identity, Load, Reading, Term, Window
from wattbook.pipeline import Filled, fill
from wattbook.pipeline.many import fill_many
from wattbook.plugins import Plugins
from wattbook.units import S_PER_H

if TYPE_CHECKING:
    from wattbook.calibrating.correction import Corrections

HOUR = Window(start=datetime(2026, 1, 1, tzinfo=UTC), end=datetime(2026, 1, 1, 1, tzinfo=UTC))
NO_PLUGIN = "no installed plugin estimates anything: install wattbook-tdp"
GPU_LOSSES = (
    "losses of the power supply for the accelerators are not counted (about a fifth on workstations, "
    "not verified on servers)"
)
GPU_ALONE = "the machine around the accelerators is not counted: give cpu, tdp_w, threads or an instance type"
_ASKED = "not asked yet"
TOGETHER = 500  #: questions of one call


@frozen(kw_only=True, eq=False)
class Hourly:
    """What the described machines use in an hour: a reading for all chips of a kind together."""

    readings: tuple[tuple[str, Reading], ...]  #: with the plugin that gave each
    method: str
    warnings: tuple[str, ...]

    @property
    def power(self) -> Interval:
        """Watts of everything together: readings of one cause are wrong together."""
        power = combine((reading.cause, _power(reading)) for _, reading in self.readings)
        assert power is not None
        return power

    @property
    def terms(self) -> tuple[Term, ...]:
        return tuple(term for _, reading in self.readings for term in reading.terms)

    def numbers(self, hours: float) -> dict[str, float | None]:
        """Power in W and energy in Wh with their intervals, keyed as in the JSON output."""
        power = self.power
        value, low, high = power.value, power.low, power.high
        return {
            "power_w": value,
            "power_low_w": low,
            "power_high_w": high,
            "energy_wh": value * hours,
            "energy_low_wh": None if low is None else low * hours,
            "energy_high_wh": None if high is None else high * hours,
        }


class Estimators:
    """The installed estimators and catalogues, with the answers that they gave already."""

    def __init__(self, plugins: Plugins) -> None:
        self._plugins = plugins
        self.versions = plugins.versions
        self._machines: dict[object, tuple[Host, tuple[str, ...]]] = {}
        self._hours: dict[object, Hourly] = {}
        self._corrections: Corrections | None = None
        self.identify = lru_cache(maxsize=10_000)(self._identify)

    def hourly(self, job: Job) -> Hourly:
        """One hour of what *job* describes, all of its machines; raises ``Undescribed``.

        Equal descriptions are asked once.
        """
        key = _key(job)
        known = self._hours.get(key)
        if known is None:
            host, notes = self._machine_of(job)
            gaps, activity, said = _question(job, host)
            filled = fill(self._plugins, gaps, activity, calibrated=False)
            known = self._hours[key] = self._answer(job, host, (*notes, *said), filled)
        return known

    def foresee(self, jobs: Iterable[Job]) -> None:
        """Ask about many jobs at once, so that ``hourly`` knows; what cannot be answered is left to ``hourly``."""
        new = {key: job for job in jobs if (key := _key(job)) not in self._hours}
        items = iter(new.items())
        while some := list(islice(items, TOGETHER)):
            self._foresee(some)

    def _foresee(self, some: Iterable[tuple[Key, Job]]) -> None:
        asked = []
        for key, job in some:
            with suppress(Undescribed):
                host, notes = self._machine_of(job)
                gaps, activity, said = _question(job, host)
                asked.append((key, job, host, (*notes, *said), (gaps, activity)))
        answers = fill_many(self._plugins, [question for *_, question in asked])
        for (key, job, host, notes, _), filled in zip(asked, answers, strict=True):
            with suppress(Undescribed):
                self._hours[key] = self._answer(job, host, notes, filled)

    def _machine_of(self, job: Job) -> tuple[Host, tuple[str, ...]]:
        """The machine of the job; equal ones are looked up once."""
        parts = _parts(job)
        known = self._machines.get(parts)
        if known is None:
            known = self._machines[parts] = self._machine(job)
        return known

    def _machine(self, job: Job) -> tuple[Host, tuple[str, ...]]:
        """The machine that the job describes, an instance type resolved to its parts, and what to say."""
        host = described(job)
        cpu = None if job.cpu is None else self.identify(job.cpu, "cpu")
        notes: tuple[str, ...] = ()
        if job.instance is not None:
            found = self.identify(job.instance, "instance")
            if found.match is None and not (job.has_host or job.has_gpu):
                raise Undescribed(f"{job.instance}: {found.reason}", field="instance")
            notes = (f"{job.instance}: {found.reason}",) if found.reason else ()
            if found.match is not None:
                host = of_instance(job, found, cpu, self._other(job, found))
        check(job, cpu)
        if not host.cpus and host.threads is None and not host.gpus:
            raise Undescribed(
                "nothing is known about the machine: give cpu, tdp_w, threads, an instance type or an accelerator"
            )
        return host, notes

    def _other(self, job: Job, found: Identity) -> str | None:
        """The accelerator that the job names, where it is known and another one than the type's."""
        if job.gpu is None or not found.gpus:
            return None
        named, own = self.identify(job.gpu, "gpu").match, self.identify(found.gpus[0], "gpu").match
        return None if named is None or own is None or named == own else named

    def _answer(self, job: Job, host: Host, notes: tuple[str, ...], filled: Filled) -> Hourly:
        """All machines of the job together; raises ``Undescribed`` where something stays open."""
        said = [*notes]
        for broken in filled.broken:
            raise Undescribed(f"the plugin {broken.plugin} failed: {broken.reason}")
        for gap in filled.gaps:
            raise Undescribed(NO_PLUGIN) if gap.reason == _ASKED else _refusal(gap, job)
        if host.gpus and job.boundary == "wall":
            said.append(GPU_LOSSES if _has_host(host) else GPU_ALONE)
        chips = {"gpu:0": len(host.gpus), "cpu:0": len(host.cpus)}
        readings = tuple(
            (plugin, _times(self._corrected(reading), job.count * chips.get(reading.domain.device, 1)))
            for plugin, reading in filled.readings
        )
        for _, reading in readings:
            said += reading.warnings
        return Hourly(
            readings=readings,
            method="; ".join(reading.method for _, reading in readings),
            warnings=tuple(dict.fromkeys(said)),
        )

    def _corrected(self, reading: Reading) -> Reading:
        """With this machine's calibration, which is looked for once."""
        if not any(term.family for term in reading.terms):
            return reading
        from wattbook import corrections

        if self._corrections is None:
            self._corrections = corrections.current()
        return corrections.corrected(reading, self._corrections)

    def _identify(self, name: str, kind: str | None = None) -> Identity:
        """What the catalogues say about a name: the first match, else the first refusal."""
        refused: Identity | None = None
        for _, answer in self._plugins.ask("identify", name=name, kind=kind):
            if isinstance(answer, Identity):
                if answer.match is not None:
                    return answer
                refused = refused or answer
        return refused or Identity(query=name, reason="no catalogue of chips is installed: install wattbook-tdp")


Key = tuple[object, ...]


def _parts(job: Job) -> Key:
    """What the job says about its machine."""
    return (
        job.cpu, job.tdp_w, job.sockets, job.threads, job.instance, job.memory_gb, job.gpu, job.gpu_tdp_w, job.gpu_count
    )  # fmt: skip


def _key(job: Job) -> Key:
    """What an hour of the job depends on."""
    return (*_parts(job), job.util, job.gpu_util, job.load, job.boundary, job.count)


def _has_host(host: Host) -> bool:
    return bool(host.cpus) or host.threads is not None


def _question(job: Job, host: Host) -> tuple[list[Gap], Activity, list[str]]:
    """What is asked about an hour of the job, and what to say where its utilisation is not given.

    Raises ``Undescribed`` for a utilisation of what is not there.
    """
    said: list[str] = []
    gaps: list[Gap] = []
    loads: list[Load] = []
    for present, device, domain, column, util in (
        (_has_host(host), "cpu", _PACKAGE if job.boundary == "package" else _HOST, "util", job.util),
        (bool(host.gpus), "gpu:0", _BOARD, "gpu_util", job.gpu_util),
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


_HOST = Domain(device="machine", name="host")
_PACKAGE = Domain(device="cpu:0", name="package")
_BOARD = Domain(device="gpu:0", name="board")
_OPEN = {domain: Gap(domain=domain, window=HOUR, reason=_ASKED) for domain in (_HOST, _PACKAGE, _BOARD)}


def _refusal(gap: Gap, job: Job) -> Undescribed:
    """Why a gap stays open, with the column that it is about and what would help."""
    if gap.domain == _BOARD:
        name, field = job.gpu or job.instance or "", "gpu" if job.gpu else "instance" if job.instance else None
        remedy = "give its watts (gpu_tdp_w)"
    elif gap.domain == _PACKAGE:
        name, field, remedy = job.cpu or "", "cpu" if job.cpu else "boundary", "give its watts (tdp_w)"
    else:
        name, field, remedy = job.cpu or "", "cpu" if job.cpu else None, "give its watts (tdp_w) or threads"
    about = f"{name}: " if name and not gap.reason.startswith(name) else ""
    return Undescribed(f"{about}{gap.reason}: {remedy}", field=field)


def _power(reading: Reading) -> Interval:
    """The watts of a reading of one hour."""
    low, high = reading.low_j, reading.high_j
    assert low is not None
    assert high is not None
    return Interval(reading.energy_j / S_PER_H, low / S_PER_H, high / S_PER_H, unit="W")


def _times(reading: Reading, times: int) -> Reading:
    """The answer about one chip or machine, for *times* of them: they are wrong together."""
    if times == 1:
        return reading
    assert reading.low_j is not None
    assert reading.high_j is not None
    # not evolve, which costs more than all the arithmetic of a line
    return Reading(
        domain=reading.domain,
        window=reading.window,
        energy_j=reading.energy_j * times,
        low_j=reading.low_j * times,
        high_j=reading.high_j * times,
        basis=reading.basis,
        source=reading.source,
        cause=reading.cause,
        method=reading.method,
        terms=tuple(
            Term(
                what=f"{times} x {term.what}",
                power_w=term.power_w * times,
                low_w=term.low_w * times,
                high_w=term.high_w * times,
                formula=f"{times} x ({term.formula})",
                source=term.source,
                family=term.family,
            )
            for term in reading.terms
        ),
        warnings=reading.warnings,
    )
