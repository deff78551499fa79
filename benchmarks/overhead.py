"""What wattbook costs a command, beside the bare command: ``python -m benchmarks.overhead [--peer codecarbon]``.

Rounds are paired: each one times every subject once, one after the other, and the ratios are medians over
the rounds, so that a busy machine slows all of them alike.  A peer is installed into an environment of its
own and never into this one.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

PEERS = {"codecarbon": ("codecarbon==3.3.2", ["codecarbon", "monitor", "--offline", "--country-iso-code", "FRA", "--"])}
BUSY = "import time\nuntil = time.monotonic() + {s}\nwhile time.monotonic() < until: sum(range(10_000))"


class Cost(NamedTuple):
    """What one process cost, its children included."""

    wall_s: float
    cpu_s: float
    memory_mb: float


def cost(words: Sequence[str], env: Mapping[str, str]) -> Cost:
    nothing = os.open(os.devnull, os.O_RDWR)
    streams = [(os.POSIX_SPAWN_DUP2, nothing, n) for n in (0, 1, 2)]
    began = time.perf_counter()
    pid = os.posix_spawnp(words[0], list(words), dict(env), file_actions=streams)
    _, _, usage = os.wait4(pid, 0)
    wall_s = time.perf_counter() - began
    os.close(nothing)
    return Cost(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def paired(subjects: Mapping[str, Sequence[str]], rounds: int, env: Mapping[str, str]) -> dict[str, list[Cost]]:
    """The costs of every subject, round by round; one round before them warms the disk's cache."""
    costs: dict[str, list[Cost]] = {name: [] for name in subjects}
    for number in range(rounds + 1):
        for name, words in subjects.items():
            measured = cost(words, env)
            if number:
                costs[name].append(measured)
    return costs


def row(name: str, costs: Mapping[str, list[Cost]], base: str) -> dict[str, Any]:
    mine, theirs = costs[name], costs[base]
    return {
        "subject": name,
        "base": base,
        "wall_ms": round(1e3 * statistics.median(c.wall_s for c in mine), 1),
        "ratio": round(statistics.median(a.wall_s / b.wall_s for a, b in zip(mine, theirs, strict=True)), 2),
        "added_ms": round(1e3 * statistics.median(a.wall_s - b.wall_s for a, b in zip(mine, theirs, strict=True)), 1),
        "added_cpu_ms": round(1e3 * statistics.median(a.cpu_s - b.cpu_s for a, b in zip(mine, theirs, strict=True)), 1),
        "memory_mb": round(max(c.memory_mb for c in mine), 1),
    }


def start_up(rounds: int, env: Mapping[str, str]) -> list[dict[str, Any]]:
    click = "import click"
    costs = paired(
        {
            click: [sys.executable, "-c", click],
            "wattbook --version": [_script("wattbook"), "--version"],
            "wattbook --help": [_script("wattbook"), "--help"],
            "wattbook run -- true": [_script("wattbook"), "run", "--", "true"],
        },
        rounds,
        env,
    )
    return [row(name, costs, click) for name in costs]


def wrapping(command: Sequence[str], rounds: int, env: Mapping[str, str], peers: Mapping[str, Sequence[str]]) -> Any:
    bare = " ".join(command)
    wrappers = {"wattbook run --": [_script("wattbook"), "run", "--"], **peers}
    costs = paired({bare: command, **{f"{n} {bare}": [*w, *command] for n, w in wrappers.items()}}, rounds, env)
    return [row(name, costs, bare) for name in costs]


def while_it_runs(seconds: float, env: Mapping[str, str]) -> dict[str, Any]:
    """Processor time of wattbook itself beside a command that keeps one processor busy."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        words = [_script("wattbook"), "run", "-o", str(out), "--", sys.executable, "-c", BUSY.format(s=seconds)]
        whole = cost(words, env)
        own_s = whole.cpu_s - json.loads(out.read_text(encoding="utf-8"))["process_cpu_s"]
    return {"seconds": seconds, "own_cpu_ms": round(1e3 * own_s, 1), "own_cpu_share": round(own_s / seconds, 5)}


def _script(name: str) -> str:
    return str(Path(sys.executable).parent / name)


def install(peer: str, folder: Path) -> list[str]:
    """A peer in its own environment; answers with the words that come before a command."""
    requirement, words = PEERS[peer]
    if not (folder / "bin" / words[0]).exists():
        venv.create(folder, with_pip=True)
        subprocess.run([folder / "bin" / "python", "-m", "pip", "install", "-q", requirement], check=True)
    return [str(folder / "bin" / words[0]), *words[1:]]


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    lines = [f"{'':<42}{'wall ms':>9}{'ratio':>8}{'added ms':>10}{'added CPU ms':>14}{'MB':>7}"]
    lines += [
        f"{r['subject'][:41]:<42}{r['wall_ms']:>9}{r['ratio']:>8}{r['added_ms']:>10}{r['added_cpu_ms']:>14}{r['memory_mb']:>7}"
        for r in rows
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument(
        "--busy", type=float, default=20.0, metavar="S", help="length of the busy command; 0 leaves it out"
    )
    parser.add_argument("--peer", action="append", choices=PEERS, default=[], help="install and time a peer, too")
    parser.add_argument("--peers-folder", type=Path, help="keep the peers' environments here")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    home, out = (path and path.absolute() for path in (options.peers_folder, options.json))
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # a peer writes its result where it is started
        env = {**os.environ, "WATTBOOK_STATE": str(Path(folder) / "state")}
        home = home or Path(folder)
        peers = {f"{peer} monitor --": install(peer, home / peer) for peer in options.peer}
        slow = max(3, options.rounds // 3)
        result = {
            "start-up": start_up(options.rounds, env),
            "an empty command": wrapping(["true"], slow if peers else options.rounds, env, peers),
            "a command of two seconds": wrapping(["sleep", "2"], slow, env, peers),
        }
        for title, rows in result.items():
            print(f"{title}\n{table(rows)}\n")
        if options.busy:
            result["while it runs"] = [while_it_runs(options.busy, env)]
            print(
                "while it runs: {own_cpu_ms} ms of processor time in {seconds} s".format(**result["while it runs"][0])
            )
        os.chdir("/")
    if out:
        out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
