"""What happened while nobody watched: the machine off, asleep, or wattbook not running."""

from __future__ import annotations

from typing import NamedTuple

LEAST_S = 0.2  #: a shorter absence is none
SLEPT_S = 1.0  #: a shorter sleep is none


class Seen(NamedTuple):
    """When the machine was seen last, and by whom."""

    boot_id: str
    wall_s: float  #: the label of the last poll
    slept_s: float = 0.0  #: sleep of the machine since it started
    clean: bool = False  #: the watch was ended, and did not die
    run_id: str = ""


class Now(NamedTuple):
    """The machine as it stands."""

    boot_id: str
    wall_s: float
    slept_s: float
    up_s: float  #: since it started, sleep included


class Absence(NamedTuple):
    start_s: float
    end_s: float
    kind: str  #: ``off``, ``asleep``, ``agent dead``, ``agent stopped``
    reason: str


def absences(seen: Seen | None, now: Now) -> list[Absence]:
    """The gaps between the last poll and now, in the order of time.

    After a restart of the machine nobody knows when it went off; the whole time up to its start is told
    as off, with the moment it was seen last.
    """
    if seen is None or now.wall_s - seen.wall_s < LEAST_S:
        return []
    agent, how = ("agent stopped", "was ended") if seen.clean else ("agent dead", "died or was killed")
    if seen.boot_id and now.boot_id and seen.boot_id != now.boot_id:
        started_s = min(max(seen.wall_s, now.wall_s - now.up_s), now.wall_s)
        found = [
            Absence(seen.wall_s, started_s, "off", f"off: the machine was started anew; before that wattbook {how}"),
            Absence(started_s, now.wall_s, "agent stopped", "agent stopped: wattbook was not started yet"),
        ]
        return [one for one in found if one.end_s - one.start_s >= LEAST_S]
    away_s = now.wall_s - seen.wall_s
    slept_s = min(away_s, max(0.0, now.slept_s - seen.slept_s))
    if slept_s >= away_s - SLEPT_S and slept_s > SLEPT_S:
        return [Absence(seen.wall_s, now.wall_s, "asleep", f"asleep: the machine slept, and wattbook {how}")]
    reason = f"{agent}: wattbook {how} and was not running"
    if slept_s > SLEPT_S:
        reason += f"; the machine was asleep for {slept_s:.0f} s of this time"
    return [Absence(seen.wall_s, now.wall_s, agent, reason)]
