"""How wrong a model may be: the 90 % interval of truth over prediction, and what widens it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

from wattbook_tdp import constants as c
from wattbook_tdp import models
from wattbook_tdp.shapes import as_load, at, f

Factors = tuple[float, float]  #: low and high, as multiples of the prediction


def by_load(q05: Sequence[float], q95: Sequence[float], u: float, scale: str) -> Factors:
    """The interval at utilisation *u* from quantiles by throughput load.

    A reading of the operating system takes the interval of the load with the same ``f``.  That transfer
    is not verified, so there the upper bound is at least 1.5.
    """
    load = as_load(u, scale)
    high = at(q95, load)
    return at(q05, load), high if scale == "throughput" else max(high, c.MIN_UPPER)


@lru_cache(maxsize=1024)
def server(u: float, scale: str) -> Factors:
    """Whole server, memory known: fitted by load on 453 servers."""
    return by_load(c.SERVER_Q05, c.SERVER_Q95, u, scale)


@lru_cache(maxsize=1024)
def server_tdp_only(u: float, scale: str) -> Factors:
    """Whole server, memory unknown: fitted by load on the same servers, wider."""
    return by_load(c.TDP_ONLY_Q05, c.TDP_ONLY_Q95, u, scale)


@lru_cache(maxsize=1024)
def threads(u: float, scale: str) -> Factors:
    """Watts per thread: fitted by load; the error of sharing a host among guests is not in it."""
    return by_load(c.THREADS_Q05, c.THREADS_Q95, u, scale)


def ram(u: float, scale: str) -> Factors:
    """Memory: from the lowest that Turbostress measured to between processor and memory stress."""
    share = f(u, scale)
    middle = models.ram(1.0, share)
    (low_idle, low_load), (high_idle, high_load) = c.RAM_LOW_W_PER_GB, c.RAM_HIGH_W_PER_GB
    return (
        (low_idle + (low_load - low_idle) * share) / middle,
        (high_idle + (high_load - high_idle) * share) / middle,
    )


def package(u: float, scale: str) -> Factors:
    """CPU package: leaving one CPU out, all loads alike."""
    return c.PACKAGE_Q


def gpu(u: float, scale: str) -> Factors:
    """GPU board: what covers the training runs, all loads alike."""
    return c.GPU_Q


def soc(u: float, scale: str) -> Factors:
    """System on a chip: judgement, all loads alike."""
    return c.SOC_Q


def widen(factors: Factors, relative: float) -> Factors:
    """Add an independent relative uncertainty of the chip's figure, in quadrature."""
    if relative <= 0:
        return factors
    low, high = factors
    return max(0.02, 1 - math.hypot(1 - low, relative)), 1 + math.hypot(high - 1, relative)


def client(name: str, launch_year: int | None) -> tuple[float, str | None]:
    """What a chip of a desktop or laptop does to the upper end of the server model, and what to say."""
    words = set(name.split())
    if _SERVER & words or not (_CLIENT & words or name.startswith(("AMD A", "AMD E", "AMD FX"))):
        return 1.0, None
    base_power = name.startswith("Intel") and (launch_year or 0) >= c.CLIENT_INTEL_YEAR
    return c.CLIENT_INTEL_UPPER if base_power else c.CLIENT_UPPER, (
        "a chip of desktops or laptops: the model was fitted on servers, and turbo may exceed the rating"
    )


_CLIENT = {"Core", "Core2", "Ryzen", "Athlon", "Pentium", "Celeron", "Atom", "Phenom", "Sempron", "Turion", "Processor"}
_SERVER = {"EPYC", "Xeon", "Threadripper", "Opteron"}


def age(launch_year: int | None) -> tuple[float, float, str | None]:
    """What a chip's year does to the interval: relative widening, factor on the upper end, a warning."""
    if launch_year is None:
        return 0.0, 1.0, None
    if launch_year < c.MIN_HARDWARE_YEAR:
        return (
            0.0,
            c.OLD_UPPER,
            (
                f"hardware of {launch_year} is older than the model's servers: "
                "machines of that time drew up to 1.6 times as much"
            ),
        )
    if launch_year > c.FIT_LAST_YEAR:
        return (
            c.NEWER_THAN_FIT,
            1.0,
            (f"hardware of {launch_year} is newer than the model's servers (up to {c.FIT_LAST_YEAR})"),
        )
    return 0.0, 1.0, None
