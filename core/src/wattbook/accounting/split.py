"""Cut an entry at a moment, in proportion to time, so that no joule is lost or made."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from attrs import evolve

from wattbook.records import Entry, utc_text, utc_time

MARK = "split at a boundary of the report in proportion to time"


def split(entry: Entry, at: datetime) -> tuple[Entry | None, Entry | None]:
    """What lies before *at* and what lies after it; the energies of the two add up to the entry's exactly.

    An entry that does not reach across *at* comes back unchanged on its side; one without length lies
    after.  The two ends of an interval are cut alike.
    """
    moment = utc_text(at)
    if entry.start >= moment:
        return None, entry
    if entry.end <= moment:
        return entry, None
    start, end = utc_time(entry.start), utc_time(entry.end)
    share = (at - start) / (end - start)
    low, value, high = (_cut(number, share) for number in (entry.low_j, entry.energy_j, entry.high_j))
    warnings = entry.warnings if MARK in entry.warnings else (*entry.warnings, MARK)
    halves = []
    for i, (begin, finish) in enumerate(((entry.start, moment), (moment, entry.end))):
        middle = value[i]
        lower, upper = low[i], high[i]
        if middle is not None:  # a last digit lost in cutting must not turn the interval inside out
            lower = None if lower is None else min(lower, middle)
            upper = None if upper is None else max(upper, middle)
        halves.append(
            evolve(
                entry, start=begin, end=finish, energy_j=middle, low_j=lower, high_j=upper, warnings=warnings
            )
        )  # fmt: skip
    return halves[0], halves[1]


def united(windows: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Windows that meet made one, in the order of time."""
    merged: list[tuple[str, str]] = []
    for start, end in sorted(windows):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def apart(entry: Entry, windows: Iterable[tuple[str, str]]) -> tuple[list[Entry], list[Entry]]:
    """The pieces of an entry inside the windows and those outside of them; together the entry."""
    inside: list[Entry] = []
    outside: list[Entry] = []
    rest: Entry | None = entry
    for start, end in united(windows):
        if rest is None:
            break
        if start <= rest.start and rest.end <= end:
            return [*inside, rest], outside
        before, rest = split(rest, utc_time(start))
        outside += [before] if before is not None else []
        if rest is not None:
            within, rest = split(rest, utc_time(end))
            inside += [within] if within is not None else []
    return inside, [*outside, *([rest] if rest is not None else [])]


def _cut(number: float | None, share: float) -> tuple[float | None, float | None]:
    """The larger part by multiplication, the smaller as the rest: such a difference is exact."""
    if number is None:
        return None, None
    if share >= 0.5:
        before = number * share
        return before, number - before
    after = number * (1 - share)
    return number - after, after
