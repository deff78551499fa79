"""The maker of a processor, as far as the watts per thread need it; no catalogue."""

from __future__ import annotations

from wattbook_tdp import constants as c

_AMD = ("amd", "epyc", "ryzen", "opteron", "athlon", "threadripper", "hygon")


def make(name: str) -> str:
    """``amd``, or ``intel`` also for unknown makers."""
    text = name.lower()
    return "amd" if any(word in text for word in _AMD) else "intel"


def prior(name: str) -> str:
    """What an estimate uses when the chip is not known."""
    maker = make(name)
    idle, full = c.THREAD_IDLE_W[maker], c.THREAD_MAX_W[maker]
    return (
        f"an estimate would use {idle} to {full} W per hardware thread "
        f"({'AMD' if maker == 'amd' else 'Intel and unknown makers'})"
    )
