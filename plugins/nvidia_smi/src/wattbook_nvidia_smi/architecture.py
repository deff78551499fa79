"""How far each sensor can be off: relative half widths of the 90 % interval, by GPU."""

from __future__ import annotations

import re
from collections.abc import Iterable

#: GPUs whose power sensor looks only a quarter of the time (25 ms of every 100 ms): A100 and H100 in
#: arXiv 2312.02741, and what is built around the same dies.
_PART_TIME = re.compile(r"\b(A100|A800|A30|H100|H800|H200|H20|GH200)\b")

#: Nvidia states 5 W; the paper above finds an error that grows with the power, about 5 %.  A gauge that
#: is polled adds what happens between polls, nvidia-smi as a process adds its own delay.
_ALWAYS = {"energy": 0.05, "power": 0.06, "smi": 0.07}
_QUARTER = {"energy": 0.08, "power": 0.10, "smi": 0.11}


def sensor_error(source: str, names: Iterable[str]) -> float:
    """The error of *source* over GPUs of these names: that of the worst; unknown names count as such."""
    names = [name for name in names if name]
    part_time = not names or any(_PART_TIME.search(name) for name in names)
    return (_QUARTER if part_time else _ALWAYS)[source]
