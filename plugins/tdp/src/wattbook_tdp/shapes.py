"""How power rises with utilisation: two measured curves that are never used one for the other."""

from __future__ import annotations

from collections.abc import Sequence

from wattbook_tdp.constants import LOAD_SHAPE, OS_SHAPE, PACKAGE_EXPONENT

SHAPES = {"os": OS_SHAPE, "throughput": LOAD_SHAPE}


def at(knots: Sequence[float], u: float) -> float:
    """The value at *u* (0..1, clamped) of a table with eleven knots at 0, 0.1 ... 1, linear between them."""
    if u <= 0.0:
        return knots[0]
    if u >= 1.0:
        return knots[10]
    place = u * 10
    i = int(place)
    below = knots[i]
    return below + (knots[i + 1] - below) * (place - i)


def f(u: float, scale: str) -> float:
    """Share of the way from idle to full power at utilisation *u*.

    ``os``: busy share as ``/proc/stat``, psutil, ``top`` or a scheduler reports it; median of 9 stress-ng
    runs with RAPL.  ``throughput``: work done as a share of the machine's maximum; median of 453
    SPECpower servers.
    """
    return at(SHAPES[scale], u)


def inverse(share: float, scale: str) -> float:
    """The utilisation whose ``f`` is *share*."""
    knots = SHAPES[scale]
    if share <= 0.0:
        return 0.0
    for i in range(10):
        if share <= knots[i + 1]:
            return (i + (share - knots[i]) / (knots[i + 1] - knots[i])) / 10
    return 1.0


def as_load(u: float, scale: str) -> float:
    """The throughput load that draws what *u* draws, for tables whose knots are throughput load."""
    return u if scale == "throughput" else inverse(at(OS_SHAPE, u), "throughput")


def as_os(u: float, scale: str) -> float:
    """The operating system's busy share that draws what *u* draws."""
    return u if scale == "os" else inverse(at(LOAD_SHAPE, u), "os")


def bent(u: float, scale: str) -> float:
    """``u^0.69`` of the operating system's busy share: how a package rises from idle to full power."""
    share: float = max(0.0, as_os(u, scale)) ** PACKAGE_EXPONENT
    return share


def straight(u: float, scale: str) -> float:
    """The utilisation itself: how an accelerator's board rises."""
    return u
