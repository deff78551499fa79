"""What a live meter costs at 1 Hz, beside the tools' own cost: ``python -m benchmarks.live_cost [--seconds 60] [--peer]``.

wattbook watches a machine whose RAPL counters are files that a thread here moves on at 40 W, so that a
meter is open on every machine.  turbostat and nvidia-smi run beside it where they can measure; a peer is
installed into an environment of its own.  Processor time is what the kernel charges to each process.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.peers import install
from benchmarks.watch_cost import cpu_s

RANGE_UJ = 262_143_328_850
TARGET = 0.005


@contextmanager
def counters(root: Path) -> Iterator[Path]:
    """A folder with powercap's files of one package at 40 W, and a configuration that points to it."""
    zone = root / "sys" / "class" / "powercap" / "intel-rapl:0"
    zone.mkdir(parents=True)
    (root / "proc").mkdir()
    (zone / "name").write_text("package-0\n")
    (zone / "max_energy_range_uj").write_text(f"{RANGE_UJ}\n")
    (zone / "energy_uj").write_text("0\n")
    config = root / "wattbook.toml"
    config.write_text(f'[site]\npue = 1.0\n[plugins.rapl]\nroot = "{root}"\ninterface = "powercap"\n')
    done = threading.Event()

    def turn() -> None:
        began = time.monotonic()
        with (zone / "energy_uj").open("r+") as file:
            while not done.wait(0.02):
                file.seek(0)
                file.write(f"{int(40e6 * (time.monotonic() - began)) % RANGE_UJ:012d}\n")
                file.flush()

    thread = threading.Thread(target=turn, daemon=True)
    thread.start()
    try:
        yield config
    finally:
        done.set()
        thread.join()


def subjects(config: Path, peers: Path | None) -> dict[str, list[str]]:
    """The commands that run side by side; those that cannot work here are left out by their exit."""
    watch = ["watch", "--record", "-q", "--interval", "1", "--config", str(config)]
    found = {
        "wattbook watch --record (rapl meter)": [sys.executable, "-m", "wattbook", *watch],
        "turbostat": ["turbostat", "--quiet", "--Joules", "--show", "Pkg_J", "--interval", "1"],
        "nvidia-smi": ["nvidia-smi", "--query-gpu=power.draw", "--format=csv", "-lms", "1000"],
    }
    if peers is not None:
        found["codecarbon monitor"] = [*install("codecarbon", peers), "sleep", "86400"]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--settle", type=float, default=10, help="seconds before the counting starts")
    parser.add_argument("--peer", action="store_true", help="install and measure codecarbon, too")
    parser.add_argument("--json", metavar="FILE")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, counters(Path(name)) as config:
        env = {**os.environ, "WATTBOOK_STATE": f"{name}/state", "WATTBOOK_LEDGER": f"{name}/book.db", "HOME": name}
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        running: dict[str, subprocess.Popen[bytes]] = {}
        for subject, words in subjects(config, Path(name) / "peers" if asked.peer else None).items():
            try:
                running[subject] = subprocess.Popen(words, env=env, cwd=name, start_new_session=True, **quiet)
            except OSError:
                print(f"{subject}: not here")
        time.sleep(asked.settle)
        alive = {subject: process for subject, process in running.items() if process.poll() is None}
        began, before = time.monotonic(), {subject: cpu_s(process.pid) for subject, process in alive.items()}
        time.sleep(asked.seconds)
        lasted = time.monotonic() - began
        shares = {s: (cpu_s(p.pid) - before[s]) / lasted for s, p in alive.items() if p.poll() is None}
        for subject, process in running.items():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait()
            if subject not in shares:
                print(f"{subject}: it cannot measure on this machine")
    for subject, share in shares.items():
        print(f"{subject:<40} {share:8.3%} of one core over {lasted:.0f} s")
    ours = next(iter(shares.values()))
    print(f"target {TARGET:.1%}: {'reached' if ours < TARGET else 'missed'}")
    if asked.json:
        Path(asked.json).write_text(json.dumps({"seconds": lasted, "share_of_one_core": shares}, indent=2) + "\n")


if __name__ == "__main__":
    main()
