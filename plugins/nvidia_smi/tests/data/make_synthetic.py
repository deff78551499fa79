"""Write the synthetic recordings of this folder; they are made up, and no machine has drawn these watts.

    python make_synthetic.py

The server is an on-premise machine with four A100 in Singapore: a quarter of an hour idle, a training
run on all four, an evaluation on two, idle again.  Everything is arithmetic, so the files never change.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from pathlib import Path

HERE = Path(__file__).parent
START = datetime(2026, 9, 14, 9, 0, 0, 120_000)
INTERVAL_S = 15
HOURS = 2
HEADER = (
    "timestamp, index, uuid, name, driver_version, power.draw [W], enforced.power.limit [W], "
    "utilization.gpu [%], memory.used [MiB]"
)


def ripple(step: int, gpu: int) -> float:
    """A number between -1 and 1 that looks restless and is always the same."""
    return math.sin(step * 1.7 + gpu * 2.3) * 0.6 + math.sin(step * 0.37 + gpu) * 0.4


def load(minute: float, gpu: int) -> tuple[float, float, int]:
    """Watts, how far they swing, and utilisation."""
    if 15 <= minute < 85:
        return 342.0 + 4 * gpu, 18.0, 98
    if 90 <= minute < 110 and gpu < 2:
        return 246.0 + 3 * gpu, 40.0, 71
    return 58.0 + 2 * gpu, 1.5, 0


def server_rows() -> list[str]:
    rows = [HEADER]
    for step in range(HOURS * 3_600 // INTERVAL_S + 1):
        for gpu in range(4):
            at = START + timedelta(seconds=step * INTERVAL_S, milliseconds=3 * gpu + step % 5)
            watts, swing, busy = load(step * INTERVAL_S / 60, gpu)
            watts += swing * ripple(step, gpu)
            memory = 71_234 + 16 * gpu if busy else 4
            rows.append(
                f"{at:%Y/%m/%d %H:%M:%S}.{at.microsecond // 1000:03d}, {gpu}, "
                f"GPU-5ea1f00d-0000-4000-8000-00000000000{gpu}, NVIDIA A100-SXM4-80GB, 580.95.05, "
                f"{watts:.2f} W, 400.00 W, {busy} %, {memory} MiB"
            )
    return rows


if __name__ == "__main__":
    (HERE / "server_4gpu_synthetic.csv").write_text("\n".join(server_rows()) + "\n")
