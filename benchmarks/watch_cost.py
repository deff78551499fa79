"""What the recording watch costs: ``python -m benchmarks.watch_cost [--seconds 60] [--interval 1] [-o FILE]``.

One watch records into a temporary folder; its processor time and its memory are taken from ``/proc``, start
and end apart from the time between them.  Processor time is what the kernel charges to the process and to
the tools that it started, so a busy machine makes it no larger than its caches do.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

POLLS = re.compile(r'"type":"(poll|grown)"')
PROMISED_SHARE, PROMISED_MB = 0.005, 60.0


def cpu_s(pid: int) -> float:
    """Processor seconds of a process and of the children that it has reaped."""
    numbers = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, numbers[11:15])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int, field: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1024
    raise SystemExit(f"/proc/{pid}/status has no {field}")


def polls(folder: Path) -> int:
    return sum(len(POLLS.findall(path.read_text())) for path in (folder / "spool").glob("*.jsonl"))


def measured(seconds: float, interval_s: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        env = {**os.environ, "WATTBOOK_STATE": name, "WATTBOOK_LEDGER": str(folder / "book.db")}
        words = [sys.executable, "-m", "wattbook", "watch", "--record", "-q", "--interval", f"{interval_s:g}"]
        began = time.monotonic()
        with subprocess.Popen(words, env=env) as process:
            while polls(folder) < 2:
                if process.poll() is not None:
                    raise SystemExit("the watch ended before it had polled")
                time.sleep(0.05)
            started_s, started_cpu_s, first = time.monotonic(), cpu_s(process.pid), polls(folder)
            time.sleep(seconds)
            lasted_s, used_s, last = time.monotonic() - started_s, cpu_s(process.pid) - started_cpu_s, polls(folder)
            written = sum(path.stat().st_size for path in (folder / "spool").glob("*.jsonl"))
            resident_mb, peak_mb = memory_mb(process.pid, "VmRSS"), memory_mb(process.pid, "VmHWM")
            process.send_signal(signal.SIGTERM)
            process.wait()
    return {
        "interval_s": interval_s,
        "seconds": round(lasted_s, 1),
        "polls": last - first,
        "start_cpu_s": round(started_cpu_s, 2),
        "start_wall_s": round(started_s - began, 2),
        "cpu_ms_per_poll": round(1e3 * used_s / max(1, last - first), 2),
        "share_of_one_core": round(used_s / lasted_s, 5),
        "cpu_s_per_hour": round(3600 * used_s / lasted_s, 1),
        "resident_mb": round(resident_mb, 1),
        "peak_mb": round(peak_mb, 1),
        "spool_kb": round(written / 1024, 1),
        "within_promise": used_s / lasted_s < PROMISED_SHARE and peak_mb < PROMISED_MB,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--interval", type=float, action="append", help="repeatable; 1 unless given")
    parser.add_argument("-o", "--output", help="write the figures as JSON into this file")
    args = parser.parse_args()
    rows = [measured(args.seconds, interval_s) for interval_s in args.interval or [1.0]]
    for row in rows:
        print("  ".join(f"{name} {value}" for name, value in row.items()))
    if args.output:
        Path(args.output).write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
