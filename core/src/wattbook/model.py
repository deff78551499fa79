"""The nouns: frozen, keyword-only, units spelled in the field names."""

from __future__ import annotations

import enum
import math
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any

from attrs import Attribute, field, frozen

if TYPE_CHECKING:
    from wattbook.imported import Identity as Identity
    from wattbook.imported import Importer as Importer
    from wattbook.imported import ImportSource as ImportSource
    from wattbook.imported import Piece as Piece
    from wattbook.imported import Problem as Problem
    from wattbook.imported import Recording as Recording
    from wattbook.imported import Sheet as Sheet
    from wattbook.imported import SourceFile as SourceFile
    from wattbook.imported import Statement as Statement
    from wattbook.metering import Busy as Busy
    from wattbook.metering import Meter as Meter
    from wattbook.metering import Missed as Missed
    from wattbook.metering import Sample as Sample
    from wattbook.metering import Session as Session


class Basis(enum.StrEnum):
    """How a figure is known."""

    PROVIDED = "provided"
    MEASURED = "measured"
    ESTIMATED = "estimated"


class Phase(enum.StrEnum):
    """What a run was for."""

    DEV = "dev"
    TRAIN = "train"
    EVAL = "eval"
    SERVE = "serve"
    CI = "ci"
    IDLE = "idle"


BUSY = "busy"  #: the name of a domain that stands for a device's utilisation, not for energy


def finite_not_negative(_: object, attribute: Attribute[Any], value: float | None) -> None:
    if value is not None and not (math.isfinite(value) and value >= 0):
        raise ValueError(f"{attribute.name} must be a finite number, 0 or more, not {value!r}")


@frozen(kw_only=True, order=True)
class Domain:
    """The part of a device that a number covers, as ``cpu:0/package`` or ``gpu:GPU-1a2b/board``.

    Two domains are the same when device and name are the same.
    ``within`` is the address of the domain that contains this one, if any: what lies inside another
    domain is a breakdown and never added to it.  ``may_contain`` lists patterns of further addresses
    (``gpu:*``) whose containment depends on the machine: they are taken as contained until the
    configuration says otherwise.  ``model`` is the hardware's own name.
    """

    device: str
    name: str
    within: str | None = field(default=None, eq=False)
    may_contain: tuple[str, ...] = field(default=(), eq=False)
    model: str = field(default="", eq=False)

    @property
    def address(self) -> str:
        return f"{self.device}/{self.name}"

    @property
    def is_energy(self) -> bool:
        """Whether a number of it is joules; else it is the device's utilisation."""
        return self.name != BUSY

    def __str__(self) -> str:
        return self.address


@frozen(kw_only=True)
class Window:
    """A stretch of time; both ends carry a time zone."""

    start: datetime
    end: datetime

    def __attrs_post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("a window needs time zones")
        if self.end < self.start:
            raise ValueError(f"a window ends after it starts, not {self.start} to {self.end}")

    @property
    def duration_s(self) -> float:
        return (self.end - self.start).total_seconds()


# --- the machine -------------------------------------------------------------------------------


@frozen(kw_only=True)
class Chip:
    """A processor or accelerator as the system or a person names it; unknown figures are ``None``."""

    name: str = ""
    device: str = ""  #: ``cpu:0``, ``gpu:0``; empty in a what-if
    tdp_w: float | None = None  #: given by a person; the catalogue is asked otherwise
    power_limit_w: float | None = None  #: enforced by the driver
    cores: int | None = None
    threads: int | None = None


@frozen(kw_only=True)
class Host:
    """One machine, or the description of one in a what-if."""

    name: str = ""
    os: str = ""  #: ``linux``, ``darwin``, ``windows``
    arch: str = ""
    model: str = ""  #: the machine's product name
    virtual: bool | None = None
    cpus: tuple[Chip, ...] = ()  #: one per socket
    gpus: tuple[Chip, ...] = ()  #: one per device
    threads: int | None = None  #: hardware threads this host may use (affinity and quota applied)
    memory_gb: float | None = None
    memory_limit_gb: float | None = None  #: what the cgroup leaves to this process, where that is less
    instance: str = ""  #: cloud instance type, ``p4d.24xlarge``
    laptop: bool | None = None


# --- what is known of a domain ------------------------------------------------------------------


@frozen(kw_only=True)
class Term:
    """One summand of an estimate, with its formula spelled out."""

    what: str
    power_w: float
    low_w: float
    high_w: float
    formula: str
    source: str
    family: str = ""  #: the chips for which the model errs alike: what a calibration corrects together


@frozen(kw_only=True)
class Reading:
    """Joules of one domain over one window, and why we believe them.

    ``cause`` names the systematic source of error: readings with the same cause are wrong together,
    so their intervals add linearly; different causes add in quadrature.
    """

    domain: Domain
    window: Window
    energy_j: float = field(validator=finite_not_negative)
    low_j: float | None = field(default=None, validator=finite_not_negative)  #: 90 % interval
    high_j: float | None = field(default=None, validator=finite_not_negative)
    basis: Basis
    source: str
    cause: str = ""
    method: str = ""
    terms: tuple[Term, ...] = ()
    warnings: tuple[str, ...] = ()

    def __attrs_post_init__(self) -> None:
        if (self.low_j is None) != (self.high_j is None):
            raise ValueError("an interval has two ends")
        if self.low_j is not None and self.high_j is not None and not self.low_j <= self.energy_j <= self.high_j:
            raise ValueError(f"{self.energy_j} J lies outside its interval {self.low_j} to {self.high_j}")


@frozen(kw_only=True)
class Gap:
    """A domain and window that nobody covered, with the reason and, where known, bounds."""

    domain: Domain
    window: Window
    reason: str
    low_j: float = 0.0
    high_j: float | None = None


# --- estimating --------------------------------------------------------------------------------


@frozen(kw_only=True)
class Load:
    """Seconds that a device spent at a utilisation; a range where it is only known to lie between."""

    device: str  #: ``cpu`` for all processors of the host together, else a device such as ``gpu:0``
    seconds: float = field(validator=finite_not_negative)
    low: float = field()  #: 0..1
    high: float = field()

    def __attrs_post_init__(self) -> None:
        if not 0 <= self.low <= self.high <= 1:
            raise ValueError(f"utilisation lies between 0 and 1, not {self.low}..{self.high}")

    @property
    def middle(self) -> float:
        return (self.low + self.high) / 2


@frozen(kw_only=True)
class Activity:
    """What a host did in a window: a model's input.

    ``loads`` are time-weighted: one entry per observed utilisation and device, so that a model can
    integrate its curve sample by sample.  ``scale`` says whose utilisation it is: ``os`` is the busy
    share that an operating system reports, ``throughput`` the share of the machine's maximum work.
    """

    window: Window
    host: Host
    loads: tuple[Load, ...] = ()
    scale: str = "os"

    def of(self, device: str) -> tuple[Load, ...]:
        return tuple(load for load in self.loads if load.device == device)


_METERING = ("Busy", "Meter", "Missed", "Sample", "Session")


def __getattr__(name: str) -> Any:
    """The nouns of measuring and of importing, loaded when the first of them is used."""
    if name.startswith("_"):
        raise AttributeError(name)
    home = import_module("wattbook.metering" if name in _METERING else "wattbook.imported")
    try:
        return getattr(home, name)
    except AttributeError:
        raise AttributeError(f"module 'wattbook.model' has no attribute {name!r}") from None
