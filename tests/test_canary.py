"""What leaves this machine: no argument of a command, no path, no environment, and no name of a person."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest

CANARY = "kanarienvogel"
CAPTURE = "turbostat"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user whose folders, arguments, environment and configuration all sing."""
    base = tmp_path_factory.mktemp("bird") / f"home-{CANARY}"
    base.mkdir()
    (base / "shared").mkdir()
    (base / f"{CANARY}.toml").write_text(
        f'[defaults]\nperson = "{CANARY} the first"\n[site]\nzone = "SG"\nname = "office"\n', encoding="utf-8"
    )
    environment = {
        **os.environ, "HOME": str(base), "WATTBOOK_STATE": str(base / "state"), "WATTBOOK_LEDGER": str(base / "book.db"),
        "WATTBOOK_CONFIG": str(base / f"{CANARY}.toml"), "SECRET": CANARY, f"{CANARY}_TOKEN": "x", "TMPDIR": str(base),
    }  # fmt: skip

    def wattbook(*args: str) -> str:
        command = [sys.executable, "-m", "wattbook", *args]
        done = subprocess.run(command, cwd=base, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    wattbook(
        "run", "--project", "ner", "--tag", f"person={CANARY} the second", "--", sys.executable, "-c", f"'{CANARY}'"
    )
    broken = base / f"{CANARY}-broken.toml"  # a configuration that is none: a warning with a path
    broken.write_text("x,y")
    wattbook("run", "--config", str(broken), "--", "true")
    wattbook("watch", "--record", "--count", "2", "--interval", "0.1")
    jobs = f"start,hours,project,person,tdp_w\n2026-10-01T08:00:00+08:00,3,ner,{CANARY} the third,100\n"
    (base / "jobs.csv").write_text(jobs, encoding="utf-8")
    wattbook("log", str(base / "jobs.csv"))
    power = "Package\tPkgWatt\tTime_Of_Day_Seconds\n" + "".join(f"-\t50.0\t{1790000000 + n}\n" for n in range(5))
    (base / "turbo.out").write_text(power, encoding="utf-8")
    subprocess.run(
        [sys.executable, "-m", "wattbook", "import", str(base / "turbo.out"), "--person", f"{CANARY} the fourth"],
        cwd=base, env=environment, capture_output=True, check=False,
    )  # fmt: skip
    wattbook("ledger", "export", "-o", "out.jsonl")
    wattbook("ledger", "export", "--format", "csv", "-o", "out.csv")
    wattbook("ledger", "export", "--format", "parquet", "-o", "out.parquet")
    wattbook("ledger", "push", "--to", "shared")
    (base / "report.json").write_text(wattbook("report", "--json", "--month", "2026-10", "--by", "person"))
    return base


@pytest.mark.parametrize("left", ["out.jsonl", "out.csv", "out.parquet", "shared", "book.db"])
def test_nothing_that_leaves_sings(place: Path, left: str) -> None:
    files = [place / left] if (place / left).is_file() else [p for p in (place / left).rglob("*") if p.is_file()]
    assert files
    for path in files:
        content = path.read_bytes()
        content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
        if path.suffix == ".parquet":
            content = text_of_parquet(path).encode()
        assert CANARY.encode() not in content, path


def text_of_parquet(path: Path) -> str:
    pq = pytest.importorskip("pyarrow.parquet")
    with pq.ParquetFile(path) as file:
        return str(file.read().to_pylist())


def test_the_book_holds_what_was_recorded(place: Path) -> None:
    text = (place / "out.jsonl").read_text()
    assert text.count('"person":"p-') >= 3
    assert sys.executable not in text
    assert os.path.basename(sys.executable) in text


def test_the_keys_stay_beside_the_book(place: Path) -> None:
    keys = place / "state" / "people.json"
    assert keys.read_text().count(CANARY) >= 3
    assert keys.stat().st_mode & 0o077 == 0
