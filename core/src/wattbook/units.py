"""Exact constants between the units that appear at the rim and the joules and grams used inside."""

from __future__ import annotations

J_PER_WH = 3_600
J_PER_KWH = 3_600_000
J_PER_MJ = 1e-3  #: joules in a millijoule, the unit of NVML's and powermetrics' counters
J_PER_UJ = 1e-6  #: joules in a microjoule, the unit of powercap's counters
W_PER_MW = 1e-3  #: watts in a milliwatt
G_PER_KG = 1_000
G_PER_T = 1_000_000
KG_PER_T = 1_000
S_PER_H = 3_600
S_PER_MS = 1e-3

MAX_DEVICE_W = 5_000.0  #: above this, a reading of one package or GPU is implausible and refused


def parse_work(text: str) -> tuple[float, str] | None:
    """``1000:token``, ``1e6:token`` or ``1000`` as an amount of work and its unit; ``None`` for anything else."""
    number, _, name = text.partition(":")
    try:
        amount = float(number)
    except ValueError:
        return None
    if not 0 < amount < 1e300 or "_" in number or len(name) > 40 or not (name.isprintable() and name == name.strip()):
        return None
    return amount, name or "unit"
