"""Estimate energy from duration, utilisation and thermal design power, with an interval."""
