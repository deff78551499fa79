"""What two sums differ by, and a multiple of one: errors of the same cause move both and partly cancel."""

from __future__ import annotations

import math

from wattbook.accounting.intervals import Interval, Sum


def scaled(one: Sum, times: float) -> Sum:
    """*times* the sum; its errors grow with it, and a negative multiple turns them round."""
    made = Sum(unit=one.unit)
    if not one.parts:
        return made
    errors = []
    for cause, (down, up) in one.by_cause().items():
        low, high = (down * times, up * times) if times >= 0 else (-up * times, -down * times)
        errors.append((cause, low, high))
    made.add_value(one.value * times, errors, known=one.without_interval < one.parts or bool(errors))
    return made


def difference(now: Sum, before: Sum) -> Interval | None:
    """*now* less *before*; ``None`` where one of them is not known.

    A cause that makes both too high by as much leaves their difference alone; causes that only one of them
    has count in full.  Different causes add in quadrature, as in a sum.
    """
    if now.unit != before.unit:
        raise ValueError(f"{now.unit or 'a plain number'} cannot be compared with {before.unit or 'a plain number'}")
    if not now.parts or not before.parts:
        return None
    value = now.value - before.value
    one, other = now.by_cause(), before.by_cause()
    if not one and not other:
        return Interval(value, unit=now.unit)
    downs, ups = [], []
    for cause in sorted({*one, *other}):
        (down, up), (less_down, less_up) = one.get(cause, (0.0, 0.0)), other.get(cause, (0.0, 0.0))
        moves = (up - less_up, less_down - down, 0.0)
        ups.append(max(moves))
        downs.append(-min(moves))
    low, high = math.sqrt(math.fsum(d * d for d in downs)), math.sqrt(math.fsum(u * u for u in ups))
    return Interval(value, value - low, value + high, unit=now.unit)
