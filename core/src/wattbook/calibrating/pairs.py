"""Measured energy beside the model's for the same domain and window, added up per host and day."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import groupby

from attrs import define, field, frozen

from wattbook.records import Entry

WIDEST = 50.0  #: a meter and a model that differ by more do not speak of the same thing, or one of them is broken
#: domains of which one is the measured counterpart of the model of the whole machine
WHOLE = ("host", "platform", "wall")


@frozen(kw_only=True)
class HostDay:
    """One day of one host: what its meters and one model said about the same hours of the same domains."""

    cause: str
    family: str
    host: str
    day: str  #: in UTC
    measured_j: float
    modelled_j: float
    down: float  #: declared by the model, as logarithms of the ratio to the middle
    up: float

    @property
    def error(self) -> float:
        """Logarithm of truth over model."""
        return math.log(self.measured_j / self.modelled_j)


@define
class Pairs:
    """Takes the entries of one instant after the other; ``host_days`` reads what they add up to."""

    left_out: dict[str, int] = field(factory=lambda: defaultdict(int), init=False)  #: windows, by the reason
    _sums: dict[tuple[str, str, str, str], list[list[float]]] = field(factory=dict, init=False)

    def take(self, entries: Iterable[Entry]) -> None:
        """All entries that start at one moment."""
        measured: dict[tuple[str, ...], float] = {}
        models: dict[tuple[str, ...], Entry] = {}
        for entry in entries:
            if entry.synthetic or entry.energy_j is None:
                continue
            if entry.kind == "model":
                models[_cell(entry)] = entry
            elif entry.kind == "reading" and entry.basis == "measured":
                measured[_cell(entry)] = entry.energy_j
        seen: set[tuple[str, ...]] = set()
        for cell, model in sorted(models.items()):
            _, *place = cell
            energy_j = self._truth(cell, measured)
            family = next((str(term["family"]) for term in model.terms if term.get("family")), "")
            if energy_j is None or not family or tuple(place) in seen:
                continue
            seen.add(tuple(place))  # a run and the watch beside it saw the same joules
            self._add(model, family, energy_j)

    def _truth(self, cell: tuple[str, ...], measured: dict[tuple[str, ...], float]) -> float | None:
        run, host, device, domain, end = cell
        if (device, domain) != ("machine", "host"):
            return measured.get(cell)
        return next((measured[c] for name in WHOLE if (c := (run, host, device, name, end)) in measured), None)

    def _add(self, model: Entry, family: str, measured_j: float) -> None:
        modelled_j, low_j, high_j = model.energy_j or 0.0, model.low_j or 0.0, model.high_j or 0.0
        if modelled_j <= 0 or low_j <= 0 or high_j <= low_j:
            return
        if measured_j <= 0:
            self.left_out["the meter says 0 J"] += 1
        elif not 1 / WIDEST < measured_j / modelled_j < WIDEST:
            self.left_out[f"meter and model differ by more than {WIDEST:g} times"] += 1
        else:
            key = (model.cause, family, model.host, model.start[:10])
            self._sums.setdefault(key, []).append([measured_j, modelled_j, low_j, high_j])

    def host_days(self) -> list[HostDay]:
        """One for each model, family, host and day; energies are added before they are divided."""
        found = []
        for (cause, family, host, day), parts in sorted(self._sums.items()):
            measured_j, modelled_j, low_j, high_j = (math.fsum(column) for column in zip(*parts, strict=True))
            self._sums[cause, family, host, day] = [[measured_j, modelled_j, low_j, high_j]]
            found.append(
                HostDay(
                    cause=cause, family=family, host=host, day=day, measured_j=measured_j, modelled_j=modelled_j,
                    down=math.log(modelled_j / low_j), up=math.log(high_j / modelled_j),
                )
            )  # fmt: skip
        return found


def host_days(entries: Iterable[Entry]) -> list[HostDay]:
    """The host-days of some entries, in whatever order they come."""
    pairs = Pairs()
    for some in by_moment(sorted(entries, key=lambda entry: (entry.start, _cell(entry), entry.kind))):
        pairs.take(some)
    return pairs.host_days()


def by_moment(entries: Iterable[Entry]) -> Iterator[Iterator[Entry]]:
    """Entries in the order of their start, those of one moment together."""
    for _, some in groupby(entries, key=lambda entry: entry.start):
        yield some


def _cell(entry: Entry) -> tuple[str, ...]:
    return (entry.run_id, entry.host, entry.device, entry.domain, entry.end)
