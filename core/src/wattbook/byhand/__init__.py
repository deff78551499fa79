"""Figures by hand: from a described piece of work to estimates, and to entries of the book."""

from __future__ import annotations

from wattbook.byhand.booking import Booking
from wattbook.byhand.estimators import Estimators, Hourly
from wattbook.byhand.machine import Undescribed
from wattbook.byhand.places import place_of

__all__ = ["Booking", "Estimators", "Hourly", "Undescribed", "place_of"]
