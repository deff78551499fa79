"""Corrections of the models by a team's own meters: pairs, fit, back-test, and what a correction does to an estimate."""
