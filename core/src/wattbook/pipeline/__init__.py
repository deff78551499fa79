"""The data flow of a run, readable from top to bottom."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from wattbook.config import Config
from wattbook.model import Activity, Gap, Host, Reading
from wattbook.plugins import PROBE_TIMEOUT_S, Broken, Plugins, probe
from wattbook.resolve import Offer, Resolution, Want, resolve, uncovered, wanted


class Survey(NamedTuple):
    """What can be measured on a host, what was chosen, and what is left open."""

    host: Host
    offers: tuple[Offer, ...]
    resolution: Resolution
    open_wants: tuple[Want, ...]


def survey(host: Host, config: Config, plugins: Plugins) -> Survey:
    """Steps 1 to 3: ask every plugin, probe every meter, choose the cover."""
    offers = tuple(probe(plugins.ask("measure", PROBE_TIMEOUT_S, host=host)))
    resolution = resolve(offers, config.select.prefer, config.containment)
    offered = [domain for offer in offers if offer.fate is None for domain in offer.domains]
    wants = wanted(host, pue=config.site.pue, offered=offered)
    left = uncovered(wants, resolution.covered, resolution.tree)
    return Survey(host=host, offers=offers, resolution=resolution, open_wants=tuple(left))


class Filled(NamedTuple):
    """Answers to gaps: readings with the plugin that gave each, the gaps that stay, and what broke."""

    readings: tuple[tuple[str, Reading], ...]
    gaps: tuple[Gap, ...]
    broken: tuple[Broken, ...] = ()


def fill(
    plugins: Plugins,
    gaps: Iterable[Gap],
    activity: Activity,
    *,
    timeout_s: float | None = None,
    calibrated: bool = True,
) -> Filled:
    """Step 7: ask the estimators about what is open; the first plugin by name that answers a gap wins it.

    With *calibrated*, an answer for which this machine has a correction is corrected.
    A plugin that takes longer than *timeout_s*, where given, is left behind and shown as broken.
    An answer about something that was not asked, or without an interval, is a defect of the plugin.
    """
    asked = list(gaps)
    if not asked:
        return Filled(readings=(), gaps=())
    filled = settled(asked, plugins.ask("estimate", timeout_s, gaps=asked, activity=activity))
    if calibrated and any(term.family for _, reading in filled.readings for term in reading.terms):
        from wattbook.corrections import corrected

        return filled._replace(readings=tuple((plugin, corrected(reading)) for plugin, reading in filled.readings))
    return filled


def settled(gaps: Iterable[Gap], answers: Iterable[tuple[str, object]]) -> Filled:
    """What becomes of *gaps*, given what the plugins answered."""
    left = {gap.domain.address: gap for gap in gaps}
    asked = set(left)
    readings: list[tuple[str, Reading]] = []
    broken: list[Broken] = []
    for plugin, answer in answers:
        address = answer.domain.address if isinstance(answer, (Reading, Gap)) else None
        if isinstance(answer, Broken):
            broken.append(answer)
        elif isinstance(answer, Gap) and address in left:
            left[address] = answer
        elif isinstance(answer, Reading) and address in asked and answer.low_j is not None:
            if left.pop(address, None) is not None:
                readings.append((plugin, answer))
        else:
            broken.append(
                Broken(plugin=plugin, hook="estimate", reason="it answered with something that was not asked")
            )
    return Filled(readings=tuple(readings), gaps=tuple(left.values()), broken=tuple(broken))
