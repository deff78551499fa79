"""Look up the factor of a place and a year in the packaged table."""

from __future__ import annotations

import os
from functools import cache
from typing import NamedTuple

from wattbook.factors.model import Factor
from wattbook.records import Place

DATA = os.path.join(os.path.dirname(__file__), "data")
WORLD = "WORLD"
SOURCE = "Ember, Yearly Electricity Data {year}, via co2.js 0.19.0 (CC BY 4.0)"

#: a figure that a user brings with its source gets the error of a good one
OWN_SIGMA = 0.05

HOURLY = "hourly:"  #: how the source of an intensity begins that is a mean over hours

#: codes that people write for what ISO calls otherwise
ALIASES = {"UK": "GB", "EL": "GR"}


class Zone(NamedTuple):
    """One row of the table."""

    code: str  #: ISO 3166 alpha-2
    iso3: str
    name: str
    year: int
    revised: bool
    g_per_kwh: float
    sigma: float


def packaged(name: str) -> str:
    """The text of a table beside this module."""
    with open(os.path.join(DATA, name), encoding="utf-8") as stream:
        return stream.read()


@cache
def zones() -> dict[str, Zone]:
    """All zones by their upper-case code, alpha-2 and alpha-3."""
    found: dict[str, Zone] = {}
    for line in packaged("ember.tsv").splitlines():
        if line.startswith(("#", "zone\t")):
            continue
        code, iso3, name, year, grams, sigma = line.split("\t")
        zone = Zone(
            code=code, iso3=iso3, name=name, year=int(year.rstrip("~")), revised=year.endswith("~"),
            g_per_kwh=float(grams), sigma=float(sigma),
        )  # fmt: skip
        found[code] = found[iso3] = zone
    return found


def find_zone(code: str) -> Zone | None:
    """The zone of an ISO 3166 code of two or three letters, in any case."""
    code = code.strip().upper()
    return zones().get(ALIASES.get(code, code))


def _hourly(place: Place) -> Factor:
    """The factor that ``factors.hours`` put into a place: the mean over an entry's hours."""
    _, version, cycle, source = (place.intensity_source or "").split(":", 3)
    zone = find_zone(place.zone or WORLD)
    name = zone.code if zone else place.zone or place.site
    return Factor(
        id=f"{HOURLY}{version}:{name}", zone=name, year=place.intensity_year, cycle=cycle,
        g_per_kwh=place.intensity_g_per_kwh or 0.0, sigma=OWN_SIGMA, source=source, note="by the hour; a mean is shown",
        assumed=place.zone_assumed,
    )  # fmt: skip


def lookup(place: Place, year: int) -> Factor | None:
    """The factor for *place* in *year*.

    The user's own intensity wins; without any zone it is the world average, marked ``assumed`` and with
    the spread between countries as its error; ``None`` where the zone is not in the table.  The table
    holds one year per zone: where that is another one, the factor's ``note`` says so.
    """
    if place.intensity_g_per_kwh is not None:
        if (place.intensity_source or "").startswith(HOURLY):
            return _hourly(place)
        source = place.intensity_source or "configured"
        notes = [] if place.intensity_year in (None, year) else [f"a figure of {place.intensity_year} used for {year}"]
        zone = None if place.zone is None else find_zone(place.zone)
        return Factor(
            id=f"own:{place.site}:{place.intensity_year or 'undated'}:{place.intensity_g_per_kwh:g}",
            zone=zone.code if zone else place.zone or place.site,
            year=place.intensity_year,
            cycle="unstated",
            g_per_kwh=place.intensity_g_per_kwh,
            sigma=OWN_SIGMA,
            source=source,
            note="; ".join(notes),
        )
    zone = find_zone(place.zone or WORLD)
    if zone is None:
        return None
    notes = []
    if zone.code == WORLD:
        notes.append("no zone is configured, so the world average stands in")
    elif place.zone_assumed:
        notes.append("the zone is assumed from the system's time zone")
    if zone.year != year:
        notes.append(f"a figure of {zone.year} used for {year}")
    return Factor(
        id=f"ember:{zone.code}:{zone.year}",
        zone=zone.code,
        year=zone.year,
        g_per_kwh=zone.g_per_kwh,
        sigma=zone.sigma,
        source=SOURCE.format(year=f"{zone.year}, revised" if zone.revised else zone.year),
        assumed=place.zone_assumed or zone.code == WORLD,
        note="; ".join(notes),
    )
