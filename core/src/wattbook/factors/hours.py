"""Factors by the hour: read from CSV, and matched to entries in proportion to time."""

from __future__ import annotations

import csv
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from attrs import evolve

from wattbook.config import Config, HourFactor
from wattbook.errors import ConfigError
from wattbook.factors.table import HOURLY, find_zone, lookup
from wattbook.records import Entry, Place, content_id, utc_text, utc_time

COLUMNS = ("zone", "start", "end", "g_per_kwh", "signal", "method", "source")
MAX_BYTES = 64 << 20
MAX_G_PER_KWH = 3_000
_READ: dict[tuple[str, int, int], tuple[HourFactor, ...]] = {}


def with_hours(settings: Config, told: Iterable[HourFactor] = ()) -> Config:
    """The configuration with the hours of its files, and what plugins *told*; raises ``ConfigError``.

    Hours that are there already are pinned: nothing is read again.
    """
    factors = settings.factors
    if factors.hours or not (factors.files or factors.plugins):
        return settings
    base = Path(settings.origins[-1]).parent if settings.origins else Path()  # as one reads the file that names it
    hours = (*(hour for file in factors.files for hour in read(base / Path(file).expanduser())), *told)
    return settings._replace(factors=factors._replace(hours=hours))


def read(path: Path) -> tuple[HourFactor, ...]:
    """The rows of a CSV with the columns ``zone, start, end, g_per_kwh, signal, method, source`` (and ``cycle``)."""
    try:
        found = path.stat()
        key = (str(path), found.st_mtime_ns, found.st_size)
        if key not in _READ:
            if found.st_size > MAX_BYTES:
                raise ConfigError(f"is larger than {MAX_BYTES >> 20} MiB", where=str(path))
            with path.open(encoding="utf-8-sig", newline="") as stream:
                _READ[key] = tuple(_rows(stream, str(path)))
        return _READ[key]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"cannot be read: {getattr(error, 'strerror', None) or error}", where=str(path)) from error


def _rows(stream: Iterable[str], path: str) -> Iterator[HourFactor]:
    reader = csv.DictReader(stream)
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise ConfigError(f"lacks the column {missing[0]!r}; it needs {', '.join(COLUMNS)}", where=path)
    for row in reader:
        where = f"{path}:{reader.line_num}"
        try:
            grams = float(row["g_per_kwh"])
        except (TypeError, ValueError) as error:
            raise ConfigError(f"{row['g_per_kwh']!r} is no number of grams", where=where) from error
        hour = HourFactor(
            zone=row["zone"], start=row["start"], end=row["end"], g_per_kwh=grams, signal=row["signal"] or "average",
            method=row["method"] or "location", cycle=row.get("cycle") or "unstated", source=row["source"] or "",
        )  # fmt: skip
        yield checked(hour, where)


def checked(hour: HourFactor, where: str) -> HourFactor:
    """The row with its times in UTC; raises ``ConfigError`` for one that may not enter the inventory."""
    if hour.signal != "average":
        raise ConfigError(
            f"a {hour.signal} factor never enters the inventory"
            + ("; decisions take it from whatif.marginal" if hour.signal == "marginal" else ""),
            where=where,
        )
    if hour.method != "location":
        raise ConfigError(
            f"a factor of method {hour.method!r} belongs to an instrument; by the hour there is location only",
            where=where,
        )
    if hour.cycle not in ("direct", "lifecycle", "unstated"):
        raise ConfigError(f"{hour.cycle!r} is no cycle: direct or lifecycle", where=where)
    if not 0 <= hour.g_per_kwh <= MAX_G_PER_KWH:
        raise ConfigError(f"grams per kWh lie between 0 and {MAX_G_PER_KWH}, not {hour.g_per_kwh}", where=where)
    if not hour.source.strip() or not hour.source.isprintable():
        raise ConfigError("a factor needs its source", where=where)
    start, end = (_moment(text, where) for text in (hour.start, hour.end))
    if end <= start:
        raise ConfigError(f"it ends at {end}, before it starts", where=where)
    found = find_zone(hour.zone or "")
    return hour._replace(zone=found.code if found else hour.zone.strip(), start=start, end=end)


def _moment(text: str, where: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError
        return utc_text(moment)
    except (TypeError, ValueError, OverflowError) as error:
        raise ConfigError(f"{text!r} is no time with a zone, such as 2026-10-01T08:00+08:00", where=where) from error


class Hours:
    """A table of hours, ready to be asked; its version is the hash of what it says."""

    def __init__(self, hours: Iterable[HourFactor]) -> None:
        rows = sorted({checked(hour, "factors.hours") for hour in hours})
        self.version = content_id([list(row) for row in rows])[:12]
        self._rows: dict[str, list[HourFactor]] = {}
        for row in rows:
            before = self._rows.setdefault(row.zone, [])
            if before and before[-1].end > row.start:
                raise ConfigError(f"two factors of {row.zone} cover {row.start}", where="factors.hours")
            before.append(row)
        self._starts = {zone: [row.start for row in some] for zone, some in self._rows.items()}
        self._places: dict[tuple[int, float, str, str], tuple[Place, Place]] = {}

    def place_of(self, entry: Entry) -> Place:
        """The place with the mean factor of the entry's hours; as it is where no hour is known, or it has its own.

        An entry that spans hours uses as much in each of them as it lasts there, so that the mean over time
        is what its parts would add up to.  Hours that the table does not know count with the yearly factor.
        """
        place = entry.place
        if place.intensity_g_per_kwh is not None or place.zone is None:
            return place
        found = find_zone(place.zone)
        zone = found.code if found else place.zone
        if zone not in self._rows:
            return place
        rows, first = self._rows[zone], max(0, bisect_right(self._starts[zone], entry.start) - 1)
        if rows[first].start <= entry.start and entry.end <= rows[first].end:
            return self._place(place, rows[first].g_per_kwh, rows[first], entry)
        start, end = utc_time(entry.start), utc_time(entry.end)
        weighted = covered = 0.0
        last = None
        for row in rows[first:]:
            if row.start >= entry.end:
                break
            seconds = (min(end, utc_time(row.end)) - max(start, utc_time(row.start))).total_seconds()
            if seconds > 0:
                weighted, covered, last = weighted + seconds * row.g_per_kwh, covered + seconds, row
        if last is None:
            return place
        whole = (end - start).total_seconds()
        usual = lookup(place, int(entry.start[:4]))
        if usual is None and covered < whole:
            return place
        rest = 0.0 if usual is None else max(0.0, whole - covered) * usual.g_per_kwh
        return self._place(place, (weighted + rest) / whole, last, entry)

    def _place(self, place: Place, grams: float, row: HourFactor, entry: Entry) -> Place:
        key = (id(place), grams, row.cycle, row.source)
        if key not in self._places:
            source = f"{HOURLY}{self.version}:{row.cycle}:{row.source}"
            year = int(entry.start[:4])
            made = evolve(place, intensity_g_per_kwh=grams, intensity_source=source, intensity_year=year)
            self._places[key] = (place, made)  # the first one is kept, so that its id is nobody else's
        return self._places[key][1]
