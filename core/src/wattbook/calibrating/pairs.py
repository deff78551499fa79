"""Measured energy beside the model's for the same domain and window, added up per host and day."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, NamedTuple

from attrs import define, field, frozen

from wattbook.records import Entry

WIDEST = 50.0  #: a meter and a model that differ by more do not speak of the same thing, or one of them is broken
#: domains of which one is the measured counterpart of the model of the whole machine
WHOLE = ("host", "platform", "wall")


class Told(NamedTuple):
    """What a meter or a model said of one domain over one window."""

    start: str  #: ``utc_text``
    end: str
    run_id: str
    host: str
    device: str
    domain: str
    energy_j: float
    family: str | None = None  #: of a model's figure; ``None`` for a meter's
    cause: str = ""
    low_j: float = 0.0
    high_j: float = 0.0

    @classmethod
    def from_entry(cls, entry: Entry) -> Told | None:
        """``None`` for an entry that is neither, has no energy or is made up."""
        model = entry.kind == "model"
        measured = entry.kind == "reading" and entry.basis == "measured"
        if entry.synthetic or entry.energy_j is None or not (model or measured):
            return None
        return cls(
            start=entry.start, end=entry.end, run_id=entry.run_id, host=entry.host, device=entry.device,
            domain=entry.domain, energy_j=entry.energy_j, family=family_in(entry.terms) if model else None,
            cause=entry.cause, low_j=entry.low_j or 0.0, high_j=entry.high_j or 0.0,
        )  # fmt: skip


def family_in(terms: Iterable[Mapping[str, Any]]) -> str:
    """The family that the terms of an entry name, empty where they name none."""
    return next((str(term["family"]) for term in terms if term.get("family")), "")


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
    """Takes what was told of one instant after the other; ``host_days`` reads what it adds up to."""

    left_out: dict[str, int] = field(factory=lambda: defaultdict(int), init=False)  #: windows, by the reason
    _sums: dict[tuple[str, str, str, str], list[list[float]]] = field(factory=dict, init=False)

    def take(self, told: Iterable[Told]) -> None:
        """All that starts at one moment."""
        measured: dict[tuple[str, ...], float] = {}
        models: dict[tuple[str, ...], Told] = {}
        for one in told:
            cell = (one.host, one.device, one.domain, one.end, one.run_id)
            if one.family is None:
                measured[cell] = one.energy_j
            elif one.family:
                models[cell] = one
        seen: set[tuple[str, ...]] = set()
        for _, model in sorted(models.items()):
            place = (model.host, model.device, model.domain, model.end)
            energy_j = self._truth(model, measured)
            if energy_j is not None and place not in seen:  # a run and the watch beside it saw the same joules
                seen.add(place)
                self._add(model, energy_j)

    def _truth(self, model: Told, measured: dict[tuple[str, ...], float]) -> float | None:
        names = WHOLE if (model.device, model.domain) == ("machine", "host") else (model.domain,)
        cells = ((model.host, model.device, name, model.end, model.run_id) for name in names)
        return next((measured[cell] for cell in cells if cell in measured), None)

    def _add(self, model: Told, measured_j: float) -> None:
        modelled_j, low_j, high_j = model.energy_j, model.low_j, model.high_j
        if modelled_j <= 0 or low_j <= 0 or high_j <= low_j:
            return
        if measured_j <= 0:
            self.left_out["the meter says 0 J"] += 1
        elif not 1 / WIDEST < measured_j / modelled_j < WIDEST:
            self.left_out[f"meter and model differ by more than {WIDEST:g} times"] += 1
        else:
            key = (model.cause, model.family or "", model.host, model.start[:10])
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
    for some in by_moment(
        sorted((told for entry in entries if (told := Told.from_entry(entry)) is not None), key=_place)
    ):
        pairs.take(some)
    return pairs.host_days()


def by_moment(told: Iterable[Told]) -> Iterator[Iterator[Told]]:
    """What was told in the order of its start, that of one moment together."""
    for _, some in groupby(told, key=lambda one: one.start):
        yield some


def _place(told: Told) -> tuple[str, ...]:
    return (
        told.start,
        told.end,
        told.run_id,
        told.host,
        told.device,
        told.domain,
        told.family or "",
        repr(told.energy_j),
    )
