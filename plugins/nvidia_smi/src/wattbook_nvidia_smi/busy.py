"""How busy GPUs are, for the model of those whose power nobody shows: virtual GPUs and boards without a sensor."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from attrs import define
from wattbook import Busy, Domain, Meter, ReadError, Unavailable

from wattbook_nvidia_smi.presence import library_here

INTERVAL_S = 1.0  #: NVML looks back over a sixth of a second to a second, depending on the board


class Tells(Protocol):
    """What a session needs of a GPU."""

    name: str

    @property
    def device(self) -> str: ...

    def busy(self) -> float: ...


def offer() -> Meter:
    """NVML's utilisation: the share of its last period in which a kernel ran, which saturates early."""
    return Meter(name="busy", domains=(), interval_s=INTERVAL_S, probe=_probe, open=_open)


def telling(cards: Sequence[Tells]) -> dict[Domain, Tells]:
    """The GPUs that tell; with MIG the driver does not."""
    found: dict[Domain, Tells] = {}
    for card in cards:
        try:
            card.busy()
        except ReadError:
            continue
        found[Domain(device=card.device, name="busy", model=card.name)] = card
    return found


def _probe() -> Sequence[Domain]:
    library_here()
    from wattbook_nvidia_smi.nvml import cards, library

    with library() as lib:
        domains = tuple(telling(cards(lib)[0]))
    if not domains:
        raise Unavailable("no GPU here tells its utilisation", remedy="with MIG, ask the whole GPU's owner")
    return domains


@contextmanager
def _open() -> Iterator[BusySession]:
    from wattbook_nvidia_smi.nvml import cards, library

    with library() as lib:
        yield BusySession(telling(cards(lib)[0]))


@define
class BusySession:
    """One figure a GPU and read; a GPU that fails does not spoil the others."""

    cards: dict[Domain, Tells]
    clock: Callable[[], float] = time.monotonic

    def read(self) -> Iterator[Busy]:
        failures: list[str] = []
        for domain, card in self.cards.items():
            try:
                share = card.busy()
            except ReadError as error:
                failures.append(str(error))
            else:
                yield Busy(at_s=self.clock(), domain=domain, share=min(1.0, max(0.0, share)))
        if len(failures) == len(self.cards):
            raise ReadError("; ".join(failures) or "there is no GPU to ask")
