"""Levers on where and when energy is used: a cleaner grid, a better facility, another hour."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from wattbook.accounting import Interval, Tally
from wattbook.accounting.carbon import factor_of
from wattbook.errors import WattbookError
from wattbook.factors import Factor, check_zone, lookup
from wattbook.factors.table import find_zone
from wattbook.records import Place
from wattbook.report.levers.model import (
    ASSUMED,
    HERE,
    LITERATURE,
    PER_ENERGY,
    Effect,
    Evidence,
    Lever,
    Options,
    Share,
)
from wattbook.report.levers.saving import MARGINAL
from wattbook.report.numbers import carbon_text, digits
from wattbook.units import J_PER_KWH

#: work that waits for nobody in the room and could run in another place or at another hour
MOVABLE = ("train", "eval", "ci")
#: where large clouds have data centres on grids of little carbon; the cleanest in the table is named
CLEAN = ("FI", "FR", "NO", "SE")
#: below this share, moving is not worth proposing
WORTH = 0.5
#: what a good data centre reaches
GOOD_PUE = 1.1
#: grids that hardly change over a day, with why, and the most that another hour can gain (our judgement)
FLAT = {
    "SG": (
        0.05,
        "Singapore's grid is flat: about 96 % of its plant was gas-fired in combined cycle in 2022 "
        "(electricitymaps-contrib issue 6508), so every hour is nearly like every other",
    )
}
WINDOW = 8  #: hours of a day into which work could be moved


def region(evidence: Evidence, options: Options) -> Lever:
    """Movable work by the factor of another zone: the one that was named, or the cleanest of a few."""
    year = max((atom.line.year for atom in evidence.atoms), default=0)
    target = _cleanest(year) if options.zone is None else _factor(options.zone, year)
    movable = [number for number, atom in enumerate(evidence.atoms) if atom.phase in MOVABLE]
    effects: dict[int, Effect] = {}
    groups: dict[Factor, Tally] = defaultdict(Tally)
    for number in movable:
        atom = evidence.atoms[number]
        old = factor_of(atom.line.place, atom.line.year)
        if old is None or target is None or old.zone == target.zone:
            continue
        if options.zone is None and (old.g_per_kwh <= 0 or 1 - target.g_per_kwh / old.g_per_kwh <= WORTH):
            continue
        effects[number] = Effect(factor=target)
        groups[old].merge(atom.tally)
    if target is None:
        return _nowhere("the table of factors holds no clean zone")
    name = country_of(target)
    if not effects:
        why = "no work of the phases train, eval and ci is in this period"
        return _nowhere(why if not movable else f"none of the movable work would gain from {name}", target.zone)
    zones = sorted({f"{country_of(old)} {digits(old.g_per_kwh)} g/kWh" for old in groups})
    notes = ["moving saves no energy and no money by itself; electricity may cost another price there"]
    missing = sorted(
        {old.zone for old in groups if _lacks(evidence, old.zone)}
        | ({target.zone} if _lacks(evidence, target.zone) else set())
    )
    if missing:
        notes.append(
            f"what the move causes needs marginal factors, and none is configured for {', '.join(missing)}: "
            "[whatif.marginal.ZONE] g_per_kwh and source"
        )
    return Lever(
        name="region",
        title="Work where the grid is cleaner",
        what=f"Train, eval and ci could run in {name} at {digits(target.g_per_kwh)} g/kWh in place of {_list(zones)}.",
        at_most=True,
        confidence=HERE,
        source=f"energy of these phases in this book x the difference of two yearly averages; {target.source}",
        caution="where data may lie, latency and transfer; yearly averages, not what one more kWh causes there",
        effects=effects,
        arithmetic=tuple(
            f"{carbon_text(tally.total().location_g)} x (1 - {digits(target.g_per_kwh)} / {digits(old.g_per_kwh)}) "
            f"by {old.id} and {target.id}"
            for old, tally in groups.items()
        ),
        notes=tuple(notes),
        later=PER_ENERGY,
        acts_on=frozenset(movable),
        argument=target.zone,
    )


def _lacks(evidence: Evidence, zone: str) -> bool:
    return zone not in evidence.marginal or evidence.marginal[zone].g_per_kwh is None


def _nowhere(why: str, zone: str | None = None) -> Lever:
    return Lever(
        name="region", title="Work where the grid is cleaner", what="Work that can move could run in another zone.",
        caution="where data may lie, latency and transfer", unknown=why, argument=zone, later=PER_ENERGY,
    )  # fmt: skip


def _factor(zone: str, year: int) -> Factor:
    code = check_zone(zone, where="ZONE")
    found = lookup(Place(zone=code), year)
    if found is None:
        raise WattbookError(f"no grid factor is known for zone {zone!r}")
    return found


def _cleanest(year: int) -> Factor | None:
    factors = [factor for zone in CLEAN if (factor := lookup(Place(zone=zone), year)) is not None]
    return min(factors, key=lambda factor: (factor.g_per_kwh, factor.zone), default=None)


def country_of(factor: Factor) -> str:
    """A name that people read; ``NO`` for Norway would be misread."""
    zone = find_zone(factor.zone)
    return zone.name if zone is not None else factor.zone


def facility(evidence: Evidence, options: Options) -> list[Lever]:
    """One lever for each site whose PUE is above that of a good data centre."""
    sites: dict[tuple[str, float], list[int]] = defaultdict(list)
    for number, atom in enumerate(evidence.atoms):
        pue = atom.line.place.pue or 1.0
        if pue > GOOD_PUE:
            sites[atom.line.place.site, pue].append(number)
    found = []
    for (site, pue), numbers in sorted(sites.items()):
        tally = Tally()
        for number in numbers:
            tally.merge(evidence.atoms[number].tally)
        found.append(
            Lever(
                name="facility",
                title=f"Cool {site} better",
                what=f"Its PUE is {pue:g}; a good data centre has {GOOD_PUE:g}.",
                at_most=True,
                confidence=ASSUMED,
                source="the configured PUE of the site",
                caution="a PUE that was stated and not measured",
                effects=dict.fromkeys(numbers, Effect(pue=GOOD_PUE)),
                arithmetic=(f"{carbon_text(tally.total().location_g)} x (1 - {GOOD_PUE:g} / {pue:g})",),
                notes=("the machines use as much as before; the facility's own energy is in no line of this book",),
                later=PER_ENERGY,
                acts_on=frozenset(numbers),
                argument=site,
            )
        )
    return found


def hour(evidence: Evidence, options: Options) -> Lever:
    """Another hour of the day: nothing without hourly marginal factors, next to nothing on a flat grid."""
    movable = [number for number, atom in enumerate(evidence.atoms) if atom.phase in MOVABLE]
    by_zone: dict[str, list[int]] = defaultdict(list)
    for number in movable:
        atom = evidence.atoms[number]
        factor = factor_of(atom.line.place, atom.line.year)
        if factor is not None:
            by_zone[factor.zone].append(number)
    told: dict[str, Any] = {
        "name": "hour",
        "title": "Work at another hour",
        "what": "Training, evaluation and pipelines could wait for hours of a cleaner grid.",
        "later": PER_ENERGY,
        "acts_on": frozenset(movable),
        "caution": "results come later; the yearly average of the inventory does not see it",
    }
    if not by_zone:
        return Lever(unknown="no work of the phases train, eval and ci is in this period", **told)
    profiles = {
        z: m for z, m in evidence.marginal.items() if z in by_zone and m.hourly_g_per_kwh and z in evidence.by_hour
    }
    if profiles:
        gains, lines = [], []
        for zone, marginal in sorted(profiles.items()):
            hourly, joules = marginal.hourly_g_per_kwh, evidence.by_hour[zone]
            best = sum(sorted(hourly)[:WINDOW]) / WINDOW
            now = sum(j * g for j, g in zip(joules, hourly, strict=True)) / J_PER_KWH
            gains.append(now - sum(joules) / J_PER_KWH * best)
            lines.append(
                f"{zone}: {carbon_text(now)} by its hours now, {digits(best)} g/kWh in the {WINDOW} best of a day "
                f"[{marginal.source}]"
            )
        value = sum(gains)
        return Lever(
            confidence=HERE, source="; ".join(m.source for m in profiles.values()), arithmetic=tuple(lines),
            marginal_g=Interval(value, min(0.0, value), max(0.0, value), unit=MARGINAL),
            unknown="a saving by marginal factors only: the inventory counts by yearly averages and does not change",
            notes=tuple(FLAT[zone][1] for zone in sorted(by_zone) if zone in FLAT), **told,
        )  # fmt: skip
    flat = [zone for zone in sorted(by_zone) if zone in FLAT]
    notes = [
        "to shift load needs hourly marginal factors, and none is configured: [whatif.marginal.ZONE] hourly_g_per_kwh"
    ]
    if not flat:
        return Lever(unknown=notes[0], **told)
    if len(flat) < len(by_zone):
        notes.append(f"of other zones ({', '.join(sorted(set(by_zone) - set(flat)))}) nothing is known")
    effects = {
        number: Effect(cleaner=Share(value=0.0, low=0.0, high=FLAT[zone][0]))
        for zone in flat
        for number in by_zone[zone]
    }
    grams = Tally()
    for number in effects:
        grams.merge(evidence.atoms[number].tally)
    most = max(FLAT[zone][0] for zone in flat)
    whole = grams.total().location_g
    return Lever(
        confidence=LITERATURE,
        source="; ".join(FLAT[zone][1] for zone in flat),
        arithmetic=(f"at most {carbon_text(whole)} x {most * 100:g} %, and rather nothing",),
        effects=effects,
        notes=(f"shifting hours gains next to nothing: less than {most * 100:g} %", *notes),
        **told,
    )


def _list(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
