"""What wattbook and its peers cost a command, beside the bare command: ``python -m benchmarks.overhead``.

Rounds are paired: each one times every subject once, one after the other, and the ratios are medians over
the rounds, so that a busy machine slows all of them alike.  A peer is installed into an environment of its
own and never into this one; ``--peer none`` leaves them out.  The JSON holds every figure of the tables.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import watch_cost
from benchmarks.peers import PEERS, ready

#: what is promised of the wrapper
ADDED_MS, PART_OF_CODECARBON, CPU_SHARE = 120.0, 1 / 20, 0.003
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
        if not out.exists():
            raise SystemExit("wattbook run left no document: does it work here?")
        own_s = whole.cpu_s - json.loads(out.read_text(encoding="utf-8"))["process_cpu_s"]
    return {
        "seconds": seconds, "own_cpu_ms": round(1e3 * own_s, 1), "own_cpu_share": round(own_s / seconds, 5),
        "within_promise": own_s / seconds < CPU_SHARE,
    }  # fmt: skip


def _script(name: str) -> str:
    return str(Path(sys.executable).parent / name)


def against_codecarbon(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """What wattbook adds to a command over what codecarbon adds, both against the bare command of the same round."""
    added = {r["subject"].split()[0]: r["added_ms"] for r in rows}
    if "codecarbon" not in added:
        return None
    part = added["wattbook"] / added["codecarbon"]
    return {
        "added_ms": added["wattbook"], "part_of_codecarbon": round(part, 4),
        "within_promise": added["wattbook"] < ADDED_MS and part <= PART_OF_CODECARBON,
    }  # fmt: skip


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    lines = [f"{'':<42}{'wall ms':>9}{'ratio':>8}{'added ms':>10}{'added CPU ms':>14}{'MB':>7}"]
    lines += [
        f"{r['subject'][:41]:<42}{r['wall_ms']:>9}{r['ratio']:>8}{r['added_ms']:>10}{r['added_cpu_ms']:>14}{r['memory_mb']:>7}"
        for r in rows
    ]
    return "\n".join(lines)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help="of what is quick; what is slow gets a third of them")
    parser.add_argument("--busy", type=float, default=60.0, metavar="S", help="length of the busy command; 0: none")
    parser.add_argument("--watch", type=float, default=60.0, metavar="S", help="how long the watch is seen; 0: none")
    parser.add_argument("--peer", action="append", choices=[*PEERS, "none"], help="only these; repeatable")
    parser.add_argument(
        "--peers-folder", type=Path, default=Path(tempfile.gettempdir()) / "wattbook-peers",
        help="where the peers' environments are kept (a gigabyte)  [default: %(default)s]",
    )  # fmt: skip
    parser.add_argument("--json", type=Path, metavar="FILE")
    return parser.parse_args()


def measured(options: argparse.Namespace, folder: str) -> dict[str, Any]:
    env = {**os.environ, "WATTBOOK_STATE": f"{folder}/state", "WATTBOOK_LEDGER": f"{folder}/book.db"}
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # it would make every start compile everything
    names = [] if options.peer == ["none"] else options.peer or list(PEERS)
    found, left = ready(names, options.peers_folder.absolute(), env)
    slow = max(3, options.rounds // 3)
    result: dict[str, Any] = {"left out": [peer._asdict() for peer in left]}
    if options.busy:
        result["while it runs"] = while_it_runs(options.busy, env)
    result["start-up"] = start_up(options.rounds, env)
    for title, command in (("an empty command", ["true"]), ("a command of two seconds", ["sleep", "2"])):
        print(f"{title}: timing", file=sys.stderr)
        result[title] = wrapping(command, slow if found else options.rounds, env, found)
        result[f"{title}, against codecarbon"] = against_codecarbon(result[title])
    if options.watch:
        result["watch --record"] = watch_cost.measured(options.watch, 1.0)
    return result


def told(result: Mapping[str, Any]) -> str:
    lines = []
    for title in ("start-up", "an empty command", "a command of two seconds"):
        lines += [title, table(result[title])]
        against = result.get(f"{title}, against codecarbon")
        if against:
            lines.append(f"wattbook adds 1/{1 / max(against['part_of_codecarbon'], 1e-9):.0f} of what codecarbon adds")
        lines.append("")
    lines += [f"left out: {peer['peer']}: {peer['reason']}" for peer in result["left out"]]
    if "while it runs" in result:
        busy = "while it runs: {own_cpu_ms} ms of processor time in {seconds} s ({own_cpu_share:.2%})"
        lines.append(busy.format(**result["while it runs"]))
    if "watch --record" in result:
        watch = (
            "watch --record at 1 Hz: {share_of_one_core:.2%} of one core, {cpu_s_per_hour} s of processor time an hour, "
            "{cpu_ms_per_poll} ms a poll, {peak_mb} MB"
        )
        lines.append(watch.format(**result["watch --record"]))
    return "\n".join(lines)


def main() -> None:
    options = arguments()
    out = options.json and options.json.absolute()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # a peer writes its result where it is started
        result = measured(options, folder)
        os.chdir("/")
    print(told(result))
    if out:
        out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
