"""Ask NVML, through nvidia-ml-py: GPUs, their energy counters, gauges and limits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from attrs import define, field
from wattbook import Chip, ReadError, Unavailable

from wattbook_nvidia_smi.gpu import BOARD, MEMORY, MODULE, known
from wattbook_nvidia_smi.presence import NO_LIBRARY
from wattbook_nvidia_smi.processes import ask

W_PER_MW = 1e-3

#: NVML's field numbers and scopes (nvml.h: NVML_FI_DEV_POWER_AVERAGE, _INSTANT; NVML_POWER_SCOPE_*).
_AVERAGE, _INSTANT = 185, 186
_SCOPES = {BOARD: 0, MODULE: 1, MEMORY: 2}

_DRIVER_OFF = ("the NVIDIA driver is not loaded", "load it (modprobe nvidia), or install the driver")
_REASONS: dict[int, tuple[str, str]] = {
    4: ("NVML may not be used by this user", "give the user access to /dev/nvidia*, or run as root"),
    9: _DRIVER_OFF,
    12: NO_LIBRARY,
    13: ("the NVML library is too old for nvidia-ml-py", "update the NVIDIA driver"),
    15: ("a GPU fell off the bus", "reboot; look for Xid messages in dmesg"),
    17: ("the operating system blocks access to the GPU", "in WSL, update it (wsl --update) or the Windows driver"),
    18: (
        "the loaded NVIDIA driver and its library are of different versions",
        "reboot, or unload and load the nvidia kernel module again",
    ),
}  # fmt: skip
#: Not initialised, not found, driver gone, lost, needs a reset, GPU not found: it will not answer again by itself.
_GONE = (1, 6, 9, 15, 16, 28)


class GpuGone(ReadError):
    """A GPU that will not answer before a reset or a reboot."""


@define(kw_only=True)
class Card:
    """One physical GPU; with MIG, all its slices together, because that is what the sensor sees."""

    handle: Any = field(repr=False)
    index: int
    uuid: str
    name: str = ""
    serial: str = ""
    _lib: Any = field(repr=False)
    _ways: dict[str, str] = field(factory=dict, repr=False)  #: by domain: how its power is read

    @property
    def device(self) -> str:
        return f"gpu:{self.uuid}" if self.uuid else f"gpu:{self.index}"

    def energy_mj(self) -> int:
        """The total energy counter; raises ``ReadError``."""
        return int(self._ask("nvmlDeviceGetTotalEnergyConsumption"))

    def power_w(self, scope: str = BOARD) -> float:
        """The gauge of a domain, by the best way that has worked; raises ``ReadError``.

        The average covers the second between two polls; a board without it (GA100, Turing and older)
        has ``nvmlDeviceGetPowerUsage``, which is what nvidia-smi shows as ``power.draw``.
        """
        ways = ("average", "usage", "instant") if scope == BOARD else ("average", "instant")
        failure: ReadError | None = None
        for way in (self._ways[scope],) if scope in self._ways else ways:
            try:
                watts = self._by(way, scope)
            except GpuGone:
                raise
            except ReadError as error:
                failure = failure or error
            else:
                self._ways.setdefault(scope, way)
                return watts
        assert failure is not None
        raise failure

    def busy(self) -> float:
        """Share of the last period in which a kernel ran; raises ``ReadError``."""
        return int(self._ask("nvmlDeviceGetUtilizationRates").gpu) / 100

    def limit_w(self) -> float:
        """The power limit that the driver enforces; raises ``ReadError``."""
        return int(self._ask("nvmlDeviceGetEnforcedPowerLimit")) * W_PER_MW

    def users(self) -> dict[int, float | None]:
        """The processes that use this GPU, each with the part of the time it kept it busy; raises ``ReadError``."""
        try:
            return ask(self._lib, self.handle)
        except self._lib.NVMLError as error:
            raise failure_of(error, self.device) from error

    def _by(self, way: str, scope: str) -> float:
        if way == "usage":
            return int(self._ask("nvmlDeviceGetPowerUsage")) * W_PER_MW
        number = _AVERAGE if way == "average" else _INSTANT
        (value,) = self._ask("nvmlDeviceGetFieldValues", [(number, _SCOPES[scope])])
        if value.nvmlReturn != 0:
            raise failure_of(self._lib.NVMLError(value.nvmlReturn), self.device)
        return int(value.value.uiVal) * W_PER_MW

    def _ask(self, function: str, *arguments: Any) -> Any:
        try:
            return getattr(self._lib, function)(self.handle, *arguments)
        except self._lib.NVMLError as error:
            raise failure_of(error, self.device) from error


def failure_of(error: Any, device: str) -> ReadError:
    """The error of one GPU as a sentence; ``GpuGone`` where it will not pass."""
    reason = _REASONS[error.value][0] if error.value in _REASONS else str(error)
    return (GpuGone if error.value in _GONE else ReadError)(f"{device}: {reason}")


@contextmanager
def library() -> Iterator[Any]:
    """The module ``pynvml``, initialised; raises ``Unavailable`` with the remedy."""
    try:
        import pynvml
    except ImportError as error:
        raise Unavailable("nvidia-ml-py is not installed", remedy="pip install nvidia-ml-py") from error
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        reason, remedy = _REASONS.get(error.value, (f"NVML could not be initialised: {error}", "run nvidia-smi"))
        raise Unavailable(reason, remedy=remedy) from error
    except (OSError, AttributeError) as error:  # a library that is there but broken
        raise Unavailable(f"the NVML library does not load: {error}", remedy="install the driver again") from error
    try:
        yield pynvml
    finally:
        with suppress(pynvml.NVMLError):  # where the driver is gone, there is nothing left to shut down
            pynvml.nvmlShutdown()


def cards(lib: Any) -> tuple[list[Card], list[str]]:
    """The GPUs that answer, in the order of their buses, and why others do not."""
    found: list[Card] = []
    silent: list[str] = []
    try:
        count = int(lib.nvmlDeviceGetCount())
    except lib.NVMLError as error:
        raise Unavailable(f"NVML cannot count the GPUs: {error}", remedy="run nvidia-smi and look at dmesg") from error
    for index in range(count):
        try:
            handle = lib.nvmlDeviceGetHandleByIndex(index)
            card = Card(lib=lib, handle=handle, index=index, uuid=_text(lib, "nvmlDeviceGetUUID", handle))
        except lib.NVMLError as error:
            silent.append(str(failure_of(error, f"gpu:{index}")))
            continue
        card.name = _text(lib, "nvmlDeviceGetName", handle)
        card.serial = known(_text(lib, "nvmlDeviceGetSerial", handle))
        found.append(card)
    return found, silent


def _text(lib: Any, function: str, handle: Any) -> str:
    """A name of a GPU, empty where it has none; a GPU that is gone is not passed over in silence."""
    try:
        value = getattr(lib, function)(handle)
    except lib.NVMLError as error:
        if error.value in _GONE:
            raise
        return ""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def chips() -> tuple[Chip, ...]:
    """The GPUs as the estimators want them: name, device and enforced power limit."""
    with library() as lib:
        return tuple(_chip(card) for card in cards(lib)[0])


def _chip(card: Card) -> Chip:
    try:
        limit_w: float | None = card.limit_w()
    except ReadError:
        limit_w = None
    return Chip(name=card.name, device=card.device, power_limit_w=limit_w)
