"""Corrections of the models by a team's own meters: pairs, fit, back-test, and what a correction does to an estimate."""

from __future__ import annotations

from wattbook.calibrating.correction import Correction, Corrections, applied, family_of
from wattbook.calibrating.fit import MIN_HOST_DAYS, calibrate
from wattbook.calibrating.pairs import HostDay, Pairs, host_days

__all__ = [
    "MIN_HOST_DAYS", "Correction", "Corrections", "HostDay", "Pairs", "applied", "calibrate", "family_of", "host_days",
]  # fmt: skip
