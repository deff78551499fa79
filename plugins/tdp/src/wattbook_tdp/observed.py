"""What was observed of a device over a window, integrated over a curve sample by sample."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from wattbook import Activity, Load

from wattbook_tdp.intervals import Factors, widen

MISSING = 0.02  #: of the window; a shorter stretch without a reading is taken like the rest


class Exposure(NamedTuple):
    """Seconds weighted by a curve and by the ends of an interval: a model's joules are linear in these."""

    seconds: float
    share: float  #: seconds at the curve's share
    low: float  #: seconds times the lower factor
    low_share: float
    high: float
    high_share: float

    def joules(self, idle_w: float, full_w: float) -> tuple[float, float, float]:
        """Of a part that draws *idle_w* at the bottom of the curve and *full_w* at its top: middle, low, high."""
        span_w = full_w - idle_w
        return (
            idle_w * self.seconds + span_w * self.share,
            idle_w * self.low + span_w * self.low_share,
            idle_w * self.high + span_w * self.high_share,
        )


def exposure(
    loads: Iterable[Load],
    scale: str,
    curve: Callable[[float, str], float],
    bounds: Callable[[float, str], Factors],
    uncertain: float = 0.0,
    upper: float = 1.0,
) -> Exposure:
    """*loads* integrated over a curve sample by sample, with the factors of its interval.

    The middle of a range of utilisation is the curve's mean over the range (Simpson's rule: the middle of a
    curve is not its mean); its interval reaches from the lower bound at the low end to the upper bound at
    the high end.
    """
    total = share = low = low_share = high = high_share = 0.0
    for load in loads:
        seconds, u, v = load.seconds, load.low, load.high
        total += seconds
        at_u = at_v = mean = curve(u, scale)
        down, up = widen(bounds(u, scale), uncertain)
        if u != v:
            at_v = curve(v, scale)
            mean = (at_u + 4 * curve((u + v) / 2, scale) + at_v) / 6
            up = widen(bounds(v, scale), uncertain)[1]
        share += mean * seconds
        down *= seconds
        low += down
        low_share += at_u * down
        up *= upper * seconds
        high += up
        high_share += at_v * up
    return Exposure(total, share, low, low_share, high, high_share)


def observed(activity: Activity, device: str) -> tuple[Sequence[Load], tuple[str, ...]]:
    """The loads of *device* over the whole window, and what to say where they are not all known.

    A short stretch without a reading is taken like the rest; a longer one may be anything from idle to
    full.  A window of no length keeps its loads, so that its power is known.
    """
    loads = activity.of(device)
    window_s = activity.window.duration_s
    seen_s = loads[0].seconds if len(loads) == 1 else sum([load.seconds for load in loads])
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
