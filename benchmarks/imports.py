"""How fast and how large bulk input is: ``python -m benchmarks.imports [--rows N] [--recorded] [--json FILE] [FORMAT...]``.

Rows a second of processor time (user and system) and the peak of resident memory of the command itself.
The last column is what the csv module takes for a row of 23 cells at that moment, to compare a busy machine
with a quiet one (2.3 us).
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.exports import EXPORTS, jobs_csv

JOBS = {"jobs repeated": False, "jobs different": True}


def measured(arguments: Sequence[str], folder: Path) -> dict[str, Any]:
    """Seconds, processor seconds and peak of one command; raises where it fails."""
    output = folder / "out"
    environment = {**os.environ, "WATTBOOK_LEDGER": str(folder / "book.db"), "WATTBOOK_STATE": str(folder / "state")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    begin = time.perf_counter()
    with output.open("wb") as out:
        command = [sys.executable, "-m", "wattbook", *arguments]
        actions = [(os.POSIX_SPAWN_DUP2, out.fileno(), 1), (os.POSIX_SPAWN_DUP2, out.fileno(), 2)]
        child = os.posix_spawn(sys.executable, command, environment, file_actions=actions)
        _, status, used = os.wait4(child, 0)
    if status:
        raise SystemExit(f"{' '.join(arguments)} failed:\n{output.read_text()[-2_000:]}")
    return {
        "wall_s": time.perf_counter() - begin,
        "cpu_s": used.ru_utime + used.ru_stime,
        "peak_mb": used.ru_maxrss / 1024,
    }


def made(make: Callable[..., None], *arguments: object, **said: object) -> None:
    """Made in a process of its own: a child's peak of memory is never below its parent's."""
    child = multiprocessing.get_context("spawn").Process(target=make, args=arguments, kwargs=said)
    child.start()
    child.join()
    if child.exitcode:
        raise SystemExit("the input could not be made")


def yardstick() -> float:
    """Processor microseconds in which the csv module reads a row of 23 cells here and now."""
    text = "\n".join([",".join(f"{n / 7:.6f}" for n in range(23))] * 50_000)
    begin = time.process_time()
    for _ in csv.reader(io.StringIO(text)):
        pass
    return (time.process_time() - begin) / 50_000 * 1e6


def figures(rows: int, lines: int, modes: Sequence[str], only: Sequence[str]) -> Iterator[dict[str, Any]]:
    for name in [*EXPORTS, *JOBS]:
        if only and not any(word in name for word in only):
            continue
        with tempfile.TemporaryDirectory(prefix="wattbook-bulk-") as here:
            folder = Path(here)
            more: Sequence[str] = ()
            if name in JOBS:
                count, path = lines, folder / "jobs.csv"
                made(jobs_csv, path, count, different=JOBS[name])
            else:
                file, make, more = EXPORTS[name]
                count, path = rows, folder / file
                made(make, path, count)
            for mode in modes:
                verb = "log" if name in JOBS else "import"
                flags = ("--dry-run",) if mode == "dry run" else ()
                found = measured((verb, str(path), *more, "--json", *flags), folder)
                yield {
                    "input": name, "mode": mode, "rows": count, **found, "rows_per_cpu_s": count / found["cpu_s"],
                    "csv_row_us": yardstick(),
                }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="*", help="inputs whose name holds one of these words; all by default")
    parser.add_argument("--rows", type=int, default=1_000_000, help="of an export")
    parser.add_argument("--lines", type=int, default=100_000, help="of a jobs CSV")
    parser.add_argument("--recorded", action="store_true", help="record too, into a new SQLite book")
    parser.add_argument("--json", metavar="FILE", help="write the figures here as well")
    said = parser.parse_args()
    modes = ("dry run", "recorded") if said.recorded else ("dry run",)
    print(
        f"{'input':<26}{'mode':<10}{'rows':>10}{'wall s':>9}{'cpu s':>9}{'rows/cpu s':>12}{'peak MB':>9}{'csv us':>8}"
    )
    found = []
    for one in figures(said.rows, said.lines, modes, said.only):
        found.append(one)
        print(
            f"{one['input']:<26}{one['mode']:<10}{one['rows']:>10,}{one['wall_s']:>9.1f}{one['cpu_s']:>9.1f}"
            f"{one['rows_per_cpu_s']:>12,.0f}{one['peak_mb']:>9.0f}{one['csv_row_us']:>8.1f}",
            flush=True,
        )
    if said.json:
        Path(said.json).write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
