"""What a team could do, and what the period would have used less: one lever a function, values in, values out."""

from __future__ import annotations

from wattbook.report.levers.every import LEVERS, every_lever, lever_of
from wattbook.report.levers.model import Effect, Evidence, Lever, Marginal, Options, Saving
from wattbook.report.levers.saving import saving_of, together

__all__ = [
    "LEVERS",
    "Effect",
    "Evidence",
    "Lever",
    "Marginal",
    "Options",
    "Saving",
    "every_lever",
    "lever_of",
    "saving_of",
    "together",
]
