"""What wattbook itself used: its part of the machine's energy, in proportion to processor time."""

from __future__ import annotations

from collections.abc import Iterable


def own_energy_j(addends: Iterable[tuple[str, float | None]], share: float | None) -> float | None:
    """Joules of wattbook; *addends* are devices with their joules, *share* its part of the busy processor time.

    Accelerators are left out, for wattbook does not use them.  An idle machine's standing power is shared
    out like the rest, so on one that does nothing else this is an upper bound.
    """
    known = [joules for device, joules in addends if joules is not None and not device.startswith("gpu:")]
    return None if share is None or not known else sum(known) * share
