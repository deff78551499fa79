"""A fitted correction of one model for one family of chips, and what it does to an estimate."""

from __future__ import annotations

import math
from collections.abc import Mapping

from attrs import evolve, field, frozen

from wattbook.model import Reading, Term


@frozen(kw_only=True)
class Correction:
    """By what the truth differs from one model's figure on machines of one family.

    ``factor`` multiplies the model's figure; ``low`` and ``high`` are the 90 % interval of that factor on a
    machine that was never measured.  ``down`` and ``up`` are what the model itself declared, as the
    logarithms of middle over lower and of upper over middle end.
    """

    cause: str  #: the model's, as its readings name it
    family: str
    factor: float
    low: float
    high: float
    down: float
    up: float
    hosts: int
    host_days: int
    #: mean absolute error of the model and of the corrected one on what was left out, each a share of the truth
    before: float | None = None
    after: float | None = None
    covered: float | None = None  #: share of what was left out that lay inside the corrected interval
    left_out: str = ""  #: ``host`` or ``day``: what the back-test left out at a time

    @property
    def told(self) -> str:
        """``calibrated on 12 host-days``"""
        return f"calibrated on {self.host_days} host-day{'' if self.host_days == 1 else 's'}"


@frozen(kw_only=True)
class Corrections:
    """All corrections of one calibration, and where it comes from."""

    of: Mapping[tuple[str, str], Correction] = field(factory=dict)
    source: str = ""
    problem: str = ""  #: why there are none, where there should be some


def family_of(reading: Reading) -> str:
    """The family of chips that a reading's model names, empty where it names none."""
    return next((term.family for term in reading.terms if term.family), "")


def applied(reading: Reading, correction: Correction, source: str = "") -> Reading:
    """The corrected reading, with one more term, its cause, its method and its interval.

    The energy is multiplied by the factor.  In the logarithm, each end of the interval had the model's own
    width and what else is not known (an unknown utilisation, an unofficial rating), which added in
    quadrature; the first part is replaced by the calibration's, the second stays.
    """
    middle = reading.energy_j * correction.factor
    low_j, high_j = reading.low_j, reading.high_j
    if low_j is not None and high_j is not None and reading.energy_j > 0:
        down = math.inf if low_j <= 0 else math.log(reading.energy_j / low_j)
        up = math.log(high_j / reading.energy_j)
        own_down, own_up = math.log(correction.factor / correction.low), math.log(correction.high / correction.factor)
        low_j = 0.0 if down == math.inf else middle * math.exp(-math.hypot(own_down, _rest(down, correction.down)))
        high_j = middle * math.exp(math.hypot(own_up, _rest(up, correction.up)))
    seconds = reading.window.duration_s
    model_w = reading.energy_j / seconds if seconds else 0.0
    term = Term(
        what="calibration",
        power_w=model_w * (correction.factor - 1),
        low_w=model_w * (correction.low - 1),
        high_w=model_w * (correction.high - 1),
        formula=f"the rest x ({correction.factor:.3f} - 1); {correction.family}: "
        f"{correction.low:.3f} to {correction.high:.3f}, {correction.told} of {_hosts(correction.hosts)}",
        source=source or "calibration",
    )
    return evolve(
        reading,
        energy_j=middle,
        low_j=low_j,
        high_j=high_j,
        cause=f"{reading.cause}, {correction.family}, {correction.told}",
        method=f"{reading.method}, {correction.told}",
        terms=(*reading.terms, term),
    )


def _rest(whole: float, part: float) -> float:
    """What a width has beside a part of it, in quadrature."""
    return math.sqrt(max(0.0, whole * whole - part * part))


def _hosts(count: int) -> str:
    return f"{count} host{'' if count == 1 else 's'}"
