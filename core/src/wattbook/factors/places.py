"""From the names that people and systems use for a place to the zone of the factor table."""

from __future__ import annotations

import os
import re
from functools import cache

from wattbook.errors import ConfigError
from wattbook.factors.table import WORLD, find_zone, packaged, zones

#: links of the time-zone database that name an offset rather than a country
NO_COUNTRY = r"(etc/.*|posix.*|right/.*|[a-z]{1,4}|[a-z]{3}\d[a-z]{3}|zulu|universal|greenwich|factory)$"
COUNTRY_LINKS = {
    "gb": "GB",
    "prc": "CN",
    "roc": "TW",
    "rok": "KR",
    "nz": "NZ",
    "iran": "IR",
    "cuba": "CU",
    "eire": "IE",
}


def check_zone(zone: str, *, where: str = "site.zone") -> str:
    """The zone's canonical code (ISO alpha-2); raises ``ConfigError`` with the nearest names."""
    found = find_zone(zone)
    if found is not None:
        return found.code
    near = ", ".join(f"{code} ({zones()[code].name})" for code in _nearest(zone))
    hint = f"did you mean {near}?" if near else "it is the ISO 3166 code of a country, such as SG or SGP"
    raise ConfigError(f"no grid factor is known for zone {zone!r}; {hint}", where=where)


def _nearest(zone: str) -> list[str]:
    by_time = zone_of_timezone(zone)
    if by_time:
        return [by_time]
    by_region = zone_of_region(zone)
    if by_region:
        return [by_region]
    country = find_zone(re.split(r"[-_ ]", zone.strip())[0])
    if country is not None and re.match(r"[A-Za-z]{2,3}[-_]", zone.strip()):
        return [country.code]
    from difflib import get_close_matches

    names = {z.name.lower(): z.code for z in zones().values() if z.code != WORLD}
    close = get_close_matches(zone.strip().lower(), names, 3, 0.7)
    if close:
        return [names[name] for name in close]
    codes = {code: z.code for code, z in zones().items() if z.code != WORLD}
    return list(dict.fromkeys(codes[c] for c in get_close_matches(zone.strip().upper(), codes, 3, 0.6)))


def zone_of_timezone(name: str) -> str | None:
    """The country of an IANA time zone: ``Asia/Singapore`` gives ``SG``; ``None`` for UTC and offsets."""
    name = name.strip().lstrip(":")
    countries = _country_of_timezone()
    if name in countries:
        return countries[name]
    if name.lower() in COUNTRY_LINKS:
        return COUNTRY_LINKS[name.lower()]
    if re.match(NO_COUNTRY, name, re.I):  # compiled here, for most runs know their country before
        return None
    return countries.get(_link_target(name) or "")


@cache
def _country_of_timezone() -> dict[str, str]:
    rows = _tzdata("zone.tab").splitlines()
    parts = [row.split("\t") for row in rows if row and not row.startswith("#")]
    return {row[2]: row[0] for row in parts}


@cache
def _link_target(name: str) -> str | None:
    """Where an old name such as ``Asia/Calcutta`` points to."""
    found = re.search(rf"^L (\S+) {re.escape(name)}$", _tzdata("tzdata.zi"), re.M)
    return found.group(1) if found else None


def _tzdata(file: str) -> str:
    import tzdata  # type: ignore[import-untyped]  # ships no types

    with open(os.path.join(os.path.dirname(tzdata.__file__), "zoneinfo", file), encoding="utf-8") as stream:
        return stream.read()


def zone_of_region(region: str) -> str | None:
    """The country of a cloud region or availability zone, as AWS, Google and Azure spell them."""
    table = _country_of_region()
    key = _plain(region)
    found = table.get(key)
    if found is None and (zone := re.fullmatch(r"(\S+\d)-?[a-f]|([a-z]{2}-[a-z]{3})-\d", region.strip().lower())):
        found = table.get(_plain(zone.group(1) or zone.group(2)))
    return found


@cache
def _country_of_region() -> dict[str, str]:
    table = {}
    for line in packaged("regions.tsv").splitlines():
        if not line.startswith("#"):
            _, zone, regions = line.split("\t")
            table.update({_plain(region): zone for region in regions.split(",")})
    return table


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
