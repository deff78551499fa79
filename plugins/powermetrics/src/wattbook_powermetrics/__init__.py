"""Measure Macs with powermetrics, and import its recordings."""
