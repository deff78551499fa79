"""How much of what could wait was used in which hour of the day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from zoneinfo import ZoneInfo

from wattbook.accounting.carbon import factor_of
from wattbook.accounting.totals import counts
from wattbook.records import Entry, utc_time
from wattbook.report.levers.place import MOVABLE
from wattbook.report.period import Period

DAY_S = 86_400.0


def joules_by_hour(entries: Iterable[Entry], period: Period, project: str | None = None) -> dict[str, list[float]]:
    """Zone -> joules of movable phases in each of 24 hours of the period's zone, spread evenly over each entry."""
    found: dict[str, list[float]] = defaultdict(lambda: [0.0] * 24)
    zone = ZoneInfo(period.zone)
    for entry in entries:
        labels = entry.labels
        if not counts(entry) or labels.phase not in MOVABLE or (project is not None and labels.project != project):
            continue
        factor = factor_of(entry.place, int(entry.start[:4]))
        if factor is None:
            continue
        hours = found[factor.zone]
        pue = entry.place.pue or 1.0
        start = max(utc_time(entry.start), period.start)
        whole_s, rest_s = entry.duration_s, (min(utc_time(entry.end), period.end) - start).total_seconds()
        joules = (entry.energy_j or 0.0) * pue
        if whole_s <= 0:
            hours[start.astimezone(zone).hour] += joules
            continue
        days, rest_s = divmod(max(0.0, rest_s), DAY_S)  # whole days are spread alike, however many they are
        for hour in range(24):
            hours[hour] += joules * days * 3600.0 / whole_s
        moment, left_s = start.astimezone(zone), rest_s
        while left_s > 0:
            step_s = min(left_s, 3600.0 - moment.minute * 60 - moment.second - moment.microsecond / 1e6)
            hours[moment.hour] += joules * step_s / whole_s
            moment += timedelta(seconds=step_s)
            left_s -= step_s
    return dict(found)
