"""What was observed of a device over a window, integrated with a model sample by sample."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from wattbook import Activity, Load

from wattbook_tdp.intervals import Factors, widen
from wattbook_tdp.shapes import simpson

MISSING = 0.02  #: of the window; a shorter stretch without a reading is taken like the rest


def integrate(
    loads: Iterable[Load],
    watts: Callable[[float], float],
    bounds: Callable[[float], Factors],
    uncertain: float = 0.0,
    upper: float = 1.0,
) -> tuple[float, float, float]:
    """Joules over *loads*, sample by sample: (middle, lower bound, upper bound).

    The middle of a range of utilisation is the model's mean over the range; its interval reaches from
    the lower bound at the low end to the upper bound at the high end.
    """
    middle = low = high = 0.0
    for load in loads:
        seconds, u, v = load.seconds, load.low, load.high
        down, up = widen(bounds(u), uncertain)
        at_u = watts(u)
        low += at_u * down * seconds
        if u == v:
            middle += at_u * seconds
            high += at_u * up * upper * seconds
        else:
            at_v = watts(v)
            middle += simpson(at_u, watts((u + v) / 2), at_v) * seconds
            high += at_v * widen(bounds(v), uncertain)[1] * upper * seconds
    return middle, low, high


def observed(activity: Activity, device: str) -> tuple[Sequence[Load], tuple[str, ...]]:
    """The loads of *device* over the whole window, and what to say where they are not all known.

    A short stretch without a reading is taken like the rest; a longer one may be anything from idle to
    full.  A window of no length keeps its loads, so that its power is known.
    """
    loads = activity.of(device)
    window_s = activity.window.duration_s
    seen_s = sum(load.seconds for load in loads)
    missing_s = window_s - seen_s
    if missing_s == 0 and loads:
        return loads, ()
    if loads and missing_s <= MISSING * window_s:
        stretch = window_s / seen_s if seen_s else 0.0
        scaled = [Load(device=device, seconds=x.seconds * stretch, low=x.low, high=x.high) for x in loads]
        longer = missing_s < -MISSING * window_s
        return scaled, (f"utilisation of {device} was given for more than the window: scaled to it",) if longer else ()
    unknown = Load(device=device, seconds=missing_s, low=0.0, high=1.0)
    share = missing_s / window_s if window_s else 1.0
    return [*loads, unknown], (
        f"utilisation of {device} is not known for {share:.0%} of the time: "
        "anything from idle to full is in the interval",
    )


def summary(loads: Sequence[Load]) -> str:
    """The utilisation in words: ``40 %``, ``60 to 80 %``, ``120 samples, mean 43 %``."""
    if len(loads) == 1:
        low, high = loads[0].low * 100, loads[0].high * 100
        return f"{low:.4g} %" if low == high else f"{low:.4g} to {high:.4g} %"
    seconds = sum(load.seconds for load in loads)
    average = sum(load.middle * load.seconds for load in loads) / seconds if seconds else 0.0
    return f"{len(loads)} samples, mean {average:.1%}"
