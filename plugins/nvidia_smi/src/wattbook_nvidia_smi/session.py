"""Open meters on NVML: read every GPU, and let one that fails not spoil the others."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Protocol

from attrs import define, field
from wattbook import Domain, Missed, ReadError, Sample

from wattbook_nvidia_smi.crosscheck import CrossCheck
from wattbook_nvidia_smi.domains import board_of, memory_of, module_of
from wattbook_nvidia_smi.gpu import BOARD, MEMORY, MODULE
from wattbook_nvidia_smi.joules import CounterTrack, GaugeTrack
from wattbook_nvidia_smi.nvml import GpuGone
from wattbook_nvidia_smi.processes import Users, users_of

log = logging.getLogger("wattbook")


class Readable(Protocol):
    """What a session needs of a GPU."""

    name: str
    serial: str

    @property
    def device(self) -> str: ...

    def energy_mj(self) -> int: ...

    def power_w(self, scope: str = BOARD) -> float: ...

    def users(self) -> Users: ...


def counters(cards: Iterable[Readable]) -> dict[Domain, Readable]:
    """The boards that have an energy counter."""
    cards = list(cards)
    modules = _modules(cards)
    return {
        board_of(card.device, card.name, modules.get(card.device)): card for card in cards if _answers(card.energy_mj)
    }


def gauges(cards: Iterable[Readable]) -> dict[Domain, list[Readable]]:
    """Boards, their memory, and superchip modules with all the GPUs that report them."""
    cards = list(cards)
    modules = _modules(cards)
    found: dict[Domain, list[Readable]] = {}
    for card in cards:
        module = modules.get(card.device)
        if _answers(card.power_w):
            found[board_of(card.device, card.name, module)] = [card]
        if _answers(partial(card.power_w, MEMORY)):
            found[memory_of(card.device, card.name)] = [card]
        if module is not None:
            found.setdefault(module_of(module, card.name), []).append(card)
    return found


def _modules(cards: Iterable[Readable]) -> dict[str, str]:
    """The module of each GPU that reports one; GPUs of one serial number share it."""
    names: dict[str, str] = {}
    found: dict[str, str] = {}
    for card in cards:
        if card.serial and _answers(partial(card.power_w, MODULE)):
            found[card.device] = names.setdefault(card.serial, f"module:{len(names)}")
    return found


def _answers(question: Callable[[], float]) -> bool:
    try:
        question()
    except ReadError:
        return False
    return True


@define
class EnergySession:
    """Energy counters.  One bad reading costs nothing: the next one covers its time too."""

    cards: Mapping[Domain, Readable]
    clock: Callable[[], float] = time.monotonic
    _tracks: dict[Domain, CounterTrack] = field(factory=dict, init=False)
    _checks: dict[Domain, CrossCheck] = field(factory=dict, init=False)

    def read(self) -> Iterator[Sample | Missed]:
        failures: list[str] = []
        for domain, card in self.cards.items():
            track = self._tracks.setdefault(domain, CounterTrack(domain=domain))
            try:
                counted = card.energy_mj()
            except GpuGone as error:
                yield from track.lose(str(error), self.clock())
                failures.append(str(error))
            except ReadError as error:
                failures.append(str(error))
            else:
                now, gauge_w = self.clock(), _gauge(card)
                doubt = self._checks.setdefault(domain, CrossCheck()).take(counted * 1e-3, gauge_w, now)
                if doubt:
                    log.warning("%s: %s; nvidia_smi:power can be preferred in the configuration", card.device, doubt)
                yield from track.take(counted, now, gauge_w=gauge_w)
        if len(failures) == len(self.cards):
            raise ReadError("; ".join(failures) or "there is no GPU to read")

    def users(self) -> dict[str, Users]:
        """The processes on each board; raises ``ReadError`` where the driver does not tell."""
        return users_of((domain.device, card) for domain, card in self.cards.items())


def _gauge(card: Readable) -> float | None:
    try:
        return card.power_w()
    except ReadError:
        return None


@define
class PowerSession:
    """Power gauges, several cards where a module is shared: then the mean of what they report."""

    cards: Mapping[Domain, Sequence[Readable]]
    clock: Callable[[], float] = time.monotonic
    _tracks: dict[Domain, GaugeTrack] = field(factory=dict, init=False)

    def read(self) -> Iterator[Sample | Missed]:
        answered = False
        failures: list[str] = []
        for domain, cards in self.cards.items():
            track = self._tracks.setdefault(domain, GaugeTrack(domain=domain))
            watts, errors = _powers(cards, domain.name)
            if watts:
                answered = True
                yield from track.take(sum(watts) / len(watts), self.clock())
                continue
            failures += map(str, errors)
            if any(isinstance(error, GpuGone) for error in errors):
                yield from track.lose("; ".join(map(str, errors)), self.clock())
        if not answered:
            raise ReadError("; ".join(dict.fromkeys(failures)) or "there is no GPU to read")

    def users(self) -> dict[str, Users]:
        """The processes on each board, and on each module those of all its GPUs; raises ``ReadError``."""
        of_devices = {(domain.device, id(card)): card for domain, cards in self.cards.items() for card in cards}
        return users_of((device, card) for (device, _), card in of_devices.items())


def _powers(cards: Iterable[Readable], scope: str) -> tuple[list[float], list[ReadError]]:
    watts: list[float] = []
    errors: list[ReadError] = []
    for card in cards:
        try:
            watts.append(card.power_w(scope))
        except ReadError as error:
            errors.append(error)
    return watts, errors
