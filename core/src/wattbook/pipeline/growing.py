"""Cheap polls: the entries of the last whole poll, grown to now, while the machine goes on as it did.

What a meter said is read anew.  An estimate goes on at its mean power for as long as the processors' load stays
what it was; a load that changes, a meter that stops or a hole in its samples calls for a whole poll.
Only a run that is killed keeps such a figure; one that ends settles everything once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from wattbook.pipeline.settle import Figure, figure, source_of

if TYPE_CHECKING:
    from wattbook.model import Domain
    from wattbook.polling import MeterThread, Tally
    from wattbook.records import Entry
    from wattbook.resolve import Verdict
    from wattbook.sampling import LoadHistogram

WHOLE_S = 20.0  #: a whole poll at least so often, for what only it looks at
STEADY = 0.05  #: the load counts as the same within this share of all processors
BY_LOAD = ("machine", "cpu:", "dram:", "soc:")  #: devices whose estimate depends on the processors alone

Tallies = Mapping[str, Mapping[str, "tuple[Domain, Tally]"]]


class _Whole(NamedTuple):
    """What the last whole poll saw of the running stretch."""

    entries: Sequence[Entry]
    duration_s: float
    busy_s: float
    total_s: float
    missed_s: float
    broken: int


class Grower:
    """Remembers the last whole poll of one stretch."""

    def __init__(self) -> None:
        self._whole: _Whole | None = None

    def forget(self) -> None:
        """Another stretch begins."""
        self._whole = None

    def whole(
        self, entries: Sequence[Entry], duration_s: float, loads: LoadHistogram, threads: Iterable[MeterThread]
    ) -> None:
        """A whole poll was taken *duration_s* into the stretch."""
        threads = list(threads)
        missed_s = _missed_s({thread.source: thread.tallies() for thread in threads})
        broken = sum(bool(thread.broken) for thread in threads)
        self._whole = _Whole(entries, duration_s, loads.busy_s, loads.total_s, missed_s, broken)

    def grown(
        self,
        duration_s: float,
        loads: LoadHistogram,
        threads: Iterable[MeterThread],
        verdicts: Iterable[Verdict],
    ) -> list[Figure | None] | None:
        """The figures of the last whole poll's entries, *duration_s* into the stretch; ``None``: take a whole one."""
        whole = self._whole
        if whole is None or not 0 < duration_s - whole.duration_s < WHOLE_S or not _steady(whole, loads):
            return None
        threads = list(threads)
        tallies: Tallies = {thread.source: thread.tallies() for thread in threads}
        if sum(bool(t.broken) for t in threads) != whole.broken or _missed_s(tallies) != whole.missed_s:
            return None
        errors = {source_of(v): v.meter.error for v in verdicts if v.meter is not None}
        found: list[Figure | None] = []
        for entry in whole.entries:
            if entry.kind != "reading" or entry.energy_j is None:
                found.append(None)
            elif entry.basis == "measured":
                source = f"{entry.plugin}:{entry.source}"
                said = tallies.get(source, {}).get(f"{entry.device}/{entry.domain}")
                new = None if said is None else figure(said[1], duration_s, errors.get(source))
                if new is None:
                    return None
                found.append(new)
            elif entry.device.startswith(BY_LOAD):
                by = duration_s / whole.duration_s
                low_j, high_j = (None if x is None else x * by for x in (entry.low_j, entry.high_j))
                found.append(Figure(entry.energy_j * by, low_j, high_j))
            else:
                return None
        return found


def _steady(whole: _Whole, loads: LoadHistogram) -> bool:
    """Whether the processors' load since the whole poll is that of the stretch until then."""
    since_s = loads.total_s - whole.total_s
    if whole.total_s <= 0 or since_s <= 0 or whole.duration_s <= 0:
        return False
    return abs((loads.busy_s - whole.busy_s) / since_s - whole.busy_s / whole.total_s) <= STEADY


def _missed_s(tallies: Tallies) -> float:
    return sum(tally.missed_s for said in tallies.values() for _, tally in said.values())
