"""Integrate a model over what was observed: watts and interval at each utilisation, weighted by time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from attrs import frozen
from wattbook import Activity, Load

from wattbook_tdp.intervals import Factors, widen
from wattbook_tdp.shapes import mean

MISSING = 0.02  #: of the window; a shorter stretch without a reading is taken like the rest


@frozen
class Joules:
    """Energy with its 90 % interval."""

    middle: float
    low: float
    high: float


def integrate(
    loads: Iterable[Load],
    watts: Callable[[float], float],
    factors: Callable[[float], Factors],
    *,
    uncertain: float = 0.0,
    upper: float = 1.0,
) -> Joules:
    """Sum of watts x seconds over *loads*, sample by sample.

    The middle of a range of utilisation is the model's mean over the range; its interval reaches from
    the lower bound at the low end to the upper bound at the high end.
    """
    middle = low = high = 0.0
    for load in loads:
        seconds, u, v = load.seconds, load.low, load.high
        down, up = widen(factors(u), uncertain)
        at_u = watts(u)
        if u == v:
            middle += at_u * seconds
            high += at_u * up * upper * seconds
        else:
            middle += mean(watts, u, v) * seconds
            high += watts(v) * widen(factors(v), uncertain)[1] * upper * seconds
        low += at_u * down * seconds
    return Joules(middle, low, high)


def observed(activity: Activity, device: str) -> tuple[Sequence[Load], tuple[str, ...]]:
    """The loads of *device* over the whole window, and what to say where they are not all known."""
    loads = activity.of(device)
    window_s = activity.window.duration_s
    seen_s = sum(load.seconds for load in loads)
    missing_s = window_s - seen_s
    if abs(missing_s) <= MISSING * window_s and seen_s > 0:
        if missing_s == 0:
            return loads, ()
        stretch = window_s / seen_s
        return [Load(device=device, seconds=x.seconds * stretch, low=x.low, high=x.high) for x in loads], ()
    if missing_s < 0:
        stretch = window_s / seen_s
        return [Load(device=device, seconds=x.seconds * stretch, low=x.low, high=x.high) for x in loads], (
            f"utilisation of {device} was given for more than the window: scaled to it",
        )
    unknown = Load(device=device, seconds=missing_s, low=0.0, high=1.0)
    share = missing_s / window_s if window_s else 1.0
    return [*loads, unknown], (
        f"utilisation of {device} is not known for {share:.0%} of the time: anything from idle to full is in the interval",
    )


def summary(loads: Sequence[Load]) -> str:
    """The utilisation in words: ``40 %``, ``60 to 80 %``, ``120 samples, mean 43 %``."""
    if len(loads) == 1:
        low, high = loads[0].low * 100, loads[0].high * 100
        return f"{low:.4g} %" if low == high else f"{low:.4g} to {high:.4g} %"
    seconds = sum(load.seconds for load in loads)
    average = sum(load.middle * load.seconds for load in loads) / seconds if seconds else 0.0
    return f"{len(loads)} samples, mean {average:.1%}"
