"""What a grid factor is, and how far it may be off."""

from __future__ import annotations

import math
from typing import Any

from attrs import field, frozen
from attrs.validators import in_

Z90 = 1.6448536269514722  #: half width of a 90 % interval in standard deviations of a normal error

SIGNALS = ("average", "marginal", "residual", "supplier")
CYCLES = ("direct", "lifecycle", "unstated")
METHODS = ("location", "market")


@frozen(kw_only=True)
class Factor:
    """Grams of CO2e for one kWh: where, when, of which kind, from whom.

    ``assumed`` is true where the zone was not configured: taken from the system's time zone, or unknown
    and replaced by the world average.  ``cycle`` is ``unstated`` for a figure of the user's own.
    """

    id: str
    zone: str
    year: int | None
    signal: str = field(default="average", validator=in_(SIGNALS))
    cycle: str = field(default="lifecycle", validator=in_(CYCLES))
    method: str = field(default="location", validator=in_(METHODS))
    g_per_kwh: float
    sigma: float  #: relative standard error
    source: str
    assumed: bool = False
    note: str = ""  #: what a reader should know: another year, a revised figure

    @property
    def low_g_per_kwh(self) -> float:
        """The lower end of the 90 % interval; errors of factors are ratios, so it stays above 0."""
        return self.g_per_kwh * math.exp(-Z90 * self._sigma_of_log)

    @property
    def high_g_per_kwh(self) -> float:
        """The upper end of the 90 % interval."""
        return self.g_per_kwh * math.exp(Z90 * self._sigma_of_log)

    @property
    def _sigma_of_log(self) -> float:
        """The standard deviation of the logarithm that a log-normal of this relative error has."""
        return math.sqrt(math.log1p(self.sigma**2))

    def as_dict(self) -> dict[str, Any]:
        """The ``factor`` object of the JSON output."""
        return {
            "id": self.id,
            "zone": self.zone,
            "year": self.year,
            "signal": self.signal,
            "cycle": self.cycle,
            "method": self.method,
            "g_per_kwh": self.g_per_kwh,
            "source": self.source,
            "assumed": self.assumed,
        }
