"""From what was seen in one stretch of time to readings and gaps: subtract, find what is open, have it estimated."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from wattbook.model import Activity, Basis, Domain, Gap, Load, Reading, Window
from wattbook.pipeline import Survey, fill
from wattbook.plugins import Broken, Plugins
from wattbook.records import Entry, Labels, Place
from wattbook.resolve import Verdict, uncovered, wanted

if TYPE_CHECKING:
    from wattbook.polling import MeterThread, Tally
    from wattbook.sampling import LoadHistogram

WHOLE = ("machine/wall", "machine/platform")  #: what a meter of the whole machine may be called
HOST = Domain(device="machine", name="host")
Z90 = 1.6448536269514722  #: half width of a 90 % interval in standard deviations of a normal error
COUNTER = "counter at the end minus counter at the start"
GAUGE = "power integrated over the samples; the interval holds the sampling error"
COMPARED = "measured; the model is held against it"
SEEN_SHARE = 0.25  #: a meter that saw less of a stretch than this did not measure it


class Stretch(NamedTuple):
    """What was seen between two instants: the loads of the machine, and what each meter added up."""

    window: Window
    loads: tuple[Load, ...] = ()
    #: by source: what its meter said about each domain
    tallies: Mapping[str, Mapping[str, tuple[Domain, Tally]]] = {}
    broken: Mapping[str, str] = {}  #: by source: why its meter stopped
    #: by source: how busy devices were, as its meter told
    busy: Mapping[str, Mapping[str, tuple[Load, ...]]] = {}

    @classmethod
    def from_threads(cls, window: Window, loads: LoadHistogram, threads: Iterable[MeterThread]) -> Stretch:
        """What the processors' counters and the meters say as they stand."""
        threads = list(threads)
        return cls(
            window=window,
            loads=loads.loads(),
            tallies={thread.source: thread.tallies() for thread in threads},
            broken={thread.source: thread.broken for thread in threads if thread.broken},
            busy={thread.source: busy for thread in threads if (busy := thread.busy())},
        )

    def devices(self, verdicts: Iterable[Verdict]) -> tuple[Load, ...]:
        """The loads of the devices, each from the source that was chosen for it."""
        return tuple(
            load
            for verdict in verdicts
            for domain in verdict.domains
            if not domain.is_energy
            for load in self.busy.get(source_of(verdict), {}).get(domain.device, ())
        )


class Settled(NamedTuple):
    """A stretch accounted for: readings with their plugin and whether they are addends, and what stays open."""

    readings: tuple[tuple[str, Reading, bool], ...]
    gaps: tuple[Gap, ...]
    broken: tuple[Broken, ...] = ()
    silent: tuple[str, ...] = ()  #: which chosen meters said too little, and why
    models: tuple[tuple[str, Reading], ...] = ()  #: what the models say of what was measured: for calibration alone

    def entries(
        self, *, run_id: str, host: str, labels: Labels, place: Place, versions: Mapping[str, str]
    ) -> list[Entry]:
        """The lines of the book."""
        entries = [
            Entry.from_reading(
                reading, run_id=run_id, host=host, plugin=plugin, source_version=versions.get(plugin, ""),
                outermost=outermost, labels=labels, place=place,
            )
            for plugin, reading, outermost in self.readings
        ]  # fmt: skip
        entries += [Entry.from_gap(gap, run_id=run_id, host=host, labels=labels, place=place) for gap in self.gaps]
        entries += [
            Entry.from_reading(
                reading, run_id=run_id, host=host, plugin=plugin, source_version=versions.get(plugin, ""),
                labels=labels, place=place, kind="model",
            )
            for plugin, reading in self.models
        ]  # fmt: skip
        return entries


def settle(
    stretch: Stretch,
    survey: Survey,
    plugins: Plugins,
    *,
    pue: float | None = None,
    timeout_s: float | None = None,
    compare: bool = False,
) -> Settled:
    """Steps 5 to 7 of a run: measured readings, then estimates for what nothing measured, then what stays open.

    With *compare*, the models are also asked about what was measured: once for a stretch that is over, since
    that is what a calibration pairs, and not at every poll.
    """
    tree = survey.resolution.tree
    chosen: list[tuple[str, Reading]] = []
    inside: list[tuple[str, Reading]] = []
    holes: list[Gap] = []
    silent: dict[str, str] = {}
    for verdict in survey.resolution.verdicts:
        if verdict.meter is None:
            continue
        mine = {domain.address for domain in verdict.domains if domain.is_energy}
        source = source_of(verdict)
        said = stretch.tallies.get(source, {})
        for domain, tally in said.values():
            within = any(tree.contains(address, domain.address) for address in mine)
            if domain.address not in mine and not within:
                continue  # another source answers for it
            reading = measured(domain, tally, stretch.window, verdict)
            if reading is not None:
                (chosen if domain.address in mine else inside).append((verdict.plugin, reading))
                if tally.missed_s > 0 and domain.address in mine:
                    holes.append(_hole(domain, tally, stretch.window))
        if source in stretch.tallies:
            why = stretch.broken.get(source)
            why = f"stopped ({why})" if why else "gave no figure for most of this time"
            silent |= dict.fromkeys(mine, f"{source} was chosen, but {why}")
        else:
            silent |= dict.fromkeys(mine, f"the command ended before {source} was ready")
    covered = [reading.domain for _, reading in chosen]
    inside = [(p, r) for p, r in inside if any(tree.contains(c.address, r.domain.address) for c in covered)]

    offered = [domain for offer in survey.offers if offer.fate is None for domain in offer.domains]
    open_wants = uncovered(wanted(survey.host, pue=pue, offered=offered), covered, tree)
    gaps = [
        Gap(domain=w.domain, window=stretch.window, reason=silent.get(w.domain.address, w.reason)) for w in open_wants
    ]
    devices = stretch.devices(survey.resolution.verdicts)
    told = {load.device for load in devices}
    unseen = [
        Load(device=gap.domain.device, seconds=stretch.window.duration_s, low=0.0, high=1.0)
        for gap in gaps
        if gap.domain.device.startswith("gpu:") and gap.domain.device not in told
    ]
    activity = Activity(window=stretch.window, host=survey.host, loads=(*stretch.loads, *devices, *unseen))
    filled = fill(plugins, gaps, activity, timeout_s=timeout_s)
    readings = [(plugin, reading, True) for plugin, reading in (*chosen, *filled.readings)]
    readings += [(plugin, reading, False) for plugin, reading in inside]
    seen = {domain.address for domain in covered}
    models: tuple[tuple[str, Reading], ...] = ()
    if compare:
        known = [r for _, r in (*chosen, *inside) if not r.domain.device.startswith("gpu:") or r.domain.device in told]
        asked = compared(known, [*covered, *offered], survey)
        models = fill(plugins, asked, activity, timeout_s=timeout_s, calibrated=False).readings
    return Settled(
        readings=tuple(readings),
        gaps=(*holes, *filled.gaps),
        broken=filled.broken,
        silent=tuple(dict.fromkeys(why for address, why in silent.items() if address not in seen)),
        models=models,
    )


def compared(measured: Iterable[Reading], there: Iterable[Domain], survey: Survey) -> list[Gap]:
    """The domains whose measured energy a model can be held against, put as gaps.

    *there* are all domains that the machine is known to have.  A figure of the whole machine is held against
    the model of ``machine/host`` where the machine has no accelerator, which such a figure may contain.
    """
    asked: dict[str, Gap] = {}
    devices = [*(chip.device for chip in survey.host.gpus), *(domain.device for domain in there)]
    alone = not any(device.startswith(("gpu:", "module:")) for device in devices)
    for reading in measured:
        domain = reading.domain
        if domain.address in WHOLE and alone:
            domain = HOST
        asked.setdefault(domain.address, Gap(domain=domain, window=reading.window, reason=COMPARED))
    return list(asked.values())


def source_of(verdict: Verdict) -> str:
    return f"{verdict.plugin}:{verdict.source}"


class Figure(NamedTuple):
    """Joules with their 90 % interval, ``None`` where the meter's error is not known."""

    energy_j: float
    low_j: float | None
    high_j: float | None


def figure(tally: Tally, duration_s: float, error: float | None) -> Figure | None:
    """What a meter's samples say about *duration_s*, ``None`` where it saw too little of it.

    The meter's first and last sample do not fall on the window's ends.  The mean power it saw stands for
    the seconds at the edges, and the interval lets the power there be anything from nothing to twice that.
    A gauge has a sampling error besides; it is independent of the meter's own, so the two add in quadrature.
    """
    known_s = duration_s - tally.missed_s
    if tally.covered_s <= 0 or known_s <= 0 or tally.covered_s < SEEN_SHARE * known_s:
        return None
    mean_w = tally.energy_j / tally.covered_s
    energy_j = mean_w * known_s
    if error is None:
        return Figure(energy_j, None, None)
    edge_j = mean_w * abs(known_s - tally.covered_s)
    sampling_j = sampling_error_j(tally.variance_j2, tally.steps)
    down_j = math.hypot(error * max(0.0, energy_j - edge_j), sampling_j)
    up_j = math.hypot(error * (energy_j + edge_j), sampling_j)
    return Figure(energy_j, max(0.0, energy_j - edge_j - down_j), energy_j + edge_j + up_j)


def sampling_error_j(variance_j2: float, steps: int) -> float:
    """Half the width of the 90 % interval of a sampling error whose variance was estimated from so many steps.

    The 95 % quantile of Student's t, by the first terms of its expansion around the normal one (M. Abramowitz
    and I. A. Stegun, "Handbook of Mathematical Functions", 26.7.5).
    """
    if variance_j2 <= 0:
        return 0.0
    n = max(1, steps)
    quantile = Z90 + (Z90**3 + Z90) / (4 * n) + (5 * Z90**5 + 16 * Z90**3 + 3 * Z90) / (96 * n**2)
    return quantile * math.sqrt(variance_j2)


def measured(domain: Domain, tally: Tally, window: Window, verdict: Verdict) -> Reading | None:
    """The energy of a domain over the window, ``None`` where the meter saw too little of it."""
    found = figure(tally, window.duration_s, None if verdict.meter is None else verdict.meter.error)
    if found is None:
        return None
    return Reading(
        domain=domain,
        window=window,
        energy_j=found.energy_j,
        low_j=found.low_j,
        high_j=found.high_j,
        basis=Basis.MEASURED,
        source=verdict.source,
        method=GAUGE if tally.variance_j2 > 0 else COUNTER,
    )


def _hole(domain: Domain, tally: Tally, window: Window) -> Gap:
    why = "; ".join(tally.reasons) or "the meter lost count"
    return Gap(
        domain=domain, window=window, reason=f"{tally.missed_s:.1f} s of it are not known: {why}",
        low_j=tally.missed_low_j, high_j=tally.missed_high_j,
    )  # fmt: skip
