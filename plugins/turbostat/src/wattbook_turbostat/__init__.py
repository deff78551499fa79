"""Measure x86 processors with turbostat, and import its recordings."""
