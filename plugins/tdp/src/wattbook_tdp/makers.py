"""The maker of a processor, as far as the watts per thread need it; no catalogue."""

from __future__ import annotations

import re

from wattbook_tdp import constants as c

_AMD = re.compile("amd|epyc|ryzen|opteron|athlon|threadripper|hygon", re.IGNORECASE)


def make(name: str) -> str:
    """``amd``, or ``intel`` also for unknown makers."""
    return "amd" if _AMD.search(name) else "intel"


def prior(name: str) -> str:
    """What an estimate uses when the chip is not known."""
    return _PRIORS[make(name)]


def _prior(maker: str) -> str:
    idle, full = c.THREAD_IDLE_W[maker], c.THREAD_MAX_W[maker]
    return (
        f"an estimate would use {idle} to {full} W per hardware thread "
        f"({'AMD' if maker == 'amd' else 'Intel and unknown makers'})"
    )


_PRIORS = {maker: _prior(maker) for maker in c.THREAD_IDLE_W}
