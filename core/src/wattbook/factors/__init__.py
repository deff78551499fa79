"""Grams of CO2e per kWh for a place and a year, from packaged tables; no network."""

from __future__ import annotations

from wattbook.factors.model import Factor
from wattbook.factors.places import check_zone, zone_of_region, zone_of_timezone
from wattbook.factors.table import lookup

__all__ = ["Factor", "check_zone", "lookup", "zone_of_region", "zone_of_timezone"]
