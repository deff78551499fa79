"""What real commands caused of this machine's energy, as ``wattbook run`` books it and a report shows it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from wattbook.ledger.fold import fold_in
from wattbook.ledger.store import Ledger
from wattbook.records import Entry

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")

SPIN = "import time\nuntil = time.process_time() + 0.3\nwhile time.process_time() < until: pass\n"


def environment(folder: Path) -> dict[str, str]:
    (folder / "none.toml").touch()
    told = os.environ | {
        "WATTBOOK_STATE": str(folder / "state"), "WATTBOOK_LEDGER": str(folder / "book.db"),
        "WATTBOOK_CONFIG": str(folder / "none.toml"),
    }  # fmt: skip
    told.pop("WATTBOOK_RUN_ID", None)
    return told


def wattbook(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "wattbook", *arguments]
    done = subprocess.run(command, env=environment(folder), capture_output=True, text=True, timeout=120, check=True)
    return done.stdout


def booked(folder: Path) -> list[Entry]:
    """What the book holds when it has taken in what was recorded."""
    with pytest.MonkeyPatch.context() as patch, Ledger.open(folder / "book.db") as book:
        patch.setenv("WATTBOOK_STATE", str(folder / "state"))
        fold_in(book)
        return book.entries()


def documented(tmp_path: Path, *argv: str, options: tuple[str, ...] = ()) -> tuple[dict[str, Any], str]:
    """The document of a real run, and what its command printed."""
    out = tmp_path / "doc.json"
    printed = wattbook(tmp_path, "run", "-q", "-o", str(out), *options, "--", *argv)
    document: dict[str, Any] = json.loads(out.read_text())
    return document, printed


def test_three_hundred_short_processes_are_attributed_their_processor_time(tmp_path: Path) -> None:
    loop = "i=0; while [ $i -lt 300 ]; do /bin/true; i=$((i+1)); done; times"
    document, printed = documented(tmp_path, "sh", "-c", loop)
    # the shell's own word: user and system time of itself, then of its children
    words = printed.split()
    told_s = sum(float(m) * 60 + float(s) for m, s in (word.rstrip("s").split("m") for word in words))
    children_s = sum(float(m) * 60 + float(s) for m, s in (word.rstrip("s").split("m") for word in words[2:]))
    assert children_s > 0
    assert document["process_cpu_s"] == pytest.approx(told_s, rel=0.2, abs=0.05)
    assert document["process_cpu_s"] > children_s * 0.9
    assert document["attributed"]["processor_time"]


def test_a_process_that_its_parent_left_behind_is_attributed_its_time(tmp_path: Path) -> None:
    script = f"import subprocess, sys, time\nsubprocess.Popen([sys.executable, '-c', {SPIN + 'time.sleep(5)'!r}], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\ntime.sleep(1.5)"
    document, _ = documented(tmp_path, sys.executable, "-c", script, options=("--interval", "0.2"))
    assert document["process_cpu_s"] > 0.25


@pytest.mark.parametrize("idle", ["used", "reserved", "none"])
def test_a_process_run_books_its_part_and_the_document_adds_up(tmp_path: Path, idle: str) -> None:
    options = ("--attribute", "process", "--idle", idle, "--project", "p")
    document, _ = documented(tmp_path, sys.executable, "-c", SPIN * 2, options=options)
    told = document["attributed"]
    parts = told["process_j"] + told["rest_j"] + told["unallocated_j"] + told["undivided_j"]
    assert parts == pytest.approx(told["machine_j"])
    assert document["energy_j"] == pytest.approx(told["process_j"])
    assert (told["attribute"], told["idle"]) == ("process", idle)
    entries = [entry for entry in booked(tmp_path) if entry.kind == "reading"]
    assert {entry.attribution for entry in entries} == {f"process:{idle}"}
    assert sum(entry.energy_j or 0.0 for entry in entries) == pytest.approx(told["process_j"])
    assert all("x 0" in entry.terms[-1]["formula"] or "x 1" in entry.terms[-1]["formula"] for entry in entries)


def test_two_commands_at_once_never_get_more_than_the_machine(tmp_path: Path) -> None:
    arguments = ["run", "-q", "--attribute", "process", "--idle", "reserved"]
    commands = [
        subprocess.Popen(
            [sys.executable, "-m", "wattbook", *arguments, "-o", str(tmp_path / f"{name}.json"), "--project", name,
             "--", sys.executable, "-c", SPIN * 3],
            env=environment(tmp_path),
        )
        for name in ("a", "b")
    ]  # fmt: skip
    assert [command.wait(120) for command in commands] == [0, 0]
    told = [json.loads((tmp_path / f"{name}.json").read_text()) for name in ("a", "b")]
    report = json.loads(wattbook(tmp_path, "report", "--by", "project", "--json"))
    rows = {row["key"]: row["energy_j"] for row in report["by"]["project"]}
    assert set(rows) == {"a", "b"}
    assert all(joules > 0 for joules in rows.values())
    power_w = max(d["attributed"]["machine_j"] / d["duration_s"] for d in told)
    lasted_s = max(d["duration_s"] for d in told) + 5.0  # they did not begin in the same moment
    assert sum(rows.values()) <= power_w * lasted_s
    assert sum(rows.values()) <= sum(d["attributed"]["process_j"] for d in told) * (1 + 1e-9)


def test_explain_prints_the_arithmetic_of_a_part(tmp_path: Path) -> None:
    documented(tmp_path, sys.executable, "-c", SPIN, options=("--attribute", "process", "--idle", "none"))
    text = wattbook(tmp_path, "explain", "last")
    assert "what the command caused of it" in text
    assert "standing" in text
    assert "of processor time" in text
    tree = json.loads(wattbook(tmp_path, "explain", "last", "--json"))
    assert tree
