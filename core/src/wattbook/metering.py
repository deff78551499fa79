"""The nouns of measuring: what a meter is, and what it says when it is read.

They are public as ``wattbook.Meter`` and so on, and live here because a command that is over at once needs none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from attrs import field, frozen

from wattbook.model import Domain, finite_not_negative


@frozen(kw_only=True)
class Sample:
    """A cumulative energy counter of one domain at one instant, from an arbitrary zero."""

    at_s: float  #: monotonic clock
    domain: Domain
    energy_j: float = field(validator=finite_not_negative)
    #: of a gauge, the variance of the sampling error so far, from the same zero; a counter has none
    variance_j2: float = field(default=0.0, validator=finite_not_negative)


@frozen(kw_only=True)
class Missed:
    """A stretch of a meter's time whose energy is not known: lost, ambiguous, reset or asleep."""

    since_s: float  #: monotonic clock
    until_s: float
    domain: Domain
    reason: str
    low_j: float = 0.0
    high_j: float | None = None


@frozen(kw_only=True)
class Busy:
    """The utilisation of one device since its last one, for a model: energy is none of its business.

    A meter that tells it offers the domain ``gpu:0/busy`` (any device), beside or instead of domains of energy.
    """

    at_s: float  #: monotonic clock
    domain: Domain
    share: float = field()  #: 0..1

    def __attrs_post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ValueError(f"utilisation lies between 0 and 1, not {self.share}")


class Session(Protocol):
    """An opened meter.

    A session of a device that several programs share may also have ``users()``, without arguments: by device
    (``gpu:0``) the process numbers that use it now, each with the part of the time it kept it busy, or ``None``.
    A device that is left out does not tell; ``ReadError`` says why none does.
    """

    def read(self) -> Iterable[Sample | Missed | Busy]:
        """Counters as they stand now; raises ``ReadError`` for one bad poll."""


@frozen(kw_only=True)
class Meter:
    """An offer to measure: cheap to make, probed and opened only by the core."""

    name: str
    domains: tuple[Domain, ...]
    error: float | None = None  #: relative half width of the 90 % interval; ``None`` is unknown
    interval_s: float = 1.0  #: read at least this often (1 for gauges, up to 60 for counters)
    #: raises ``Unavailable``; may answer with the domains found, which replace the declared ones
    probe: Callable[[], Sequence[Domain] | None] = field(repr=False, eq=False)
    open: Callable[[], AbstractContextManager[Session]] = field(repr=False, eq=False)
