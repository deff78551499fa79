"""How fast the book is, as ratios to a bare SQLite table in the same run: ``python -m benchmarks.ledger``."""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from wattbook.ledger.store import Ledger
from wattbook.ledger.verify import verify
from wattbook.records import Entry
from wattbook.testing.ledger import START, a_run, an_entry

HOSTS, PARTS, BATCH = 300, 4, 20_000


def fleet(count: int) -> Iterator[Entry]:
    """Hours of a fleet: every hour each of 300 hosts gives four figures, in runs of a day."""
    for number in range(count):
        hour, place = divmod(number, HOSTS * PARTS)
        host, part = divmod(place, PARTS)
        yield an_entry(
            hour, host=f"h{host:03}", device=f"cpu:{part}", run_id=f"r{hour // 24}-{host:03}", energy_j=1000.0 + number
        )


def batches(count: int) -> Iterator[list[Entry]]:
    entries = fleet(count)
    while some := list(islice(entries, BATCH)):
        yield some


def timed(act: Callable[[], object]) -> float:
    begin = time.perf_counter()
    act()
    return time.perf_counter() - begin


def bare(path: Path, count: int) -> float:
    """Seconds to put the same rows, ready made, into one table with one key."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL").close()
    connection.execute(
        'CREATE TABLE t (id TEXT PRIMARY KEY, run TEXT, start TEXT, "end" TEXT, host TEXT, device TEXT, energy REAL)'
    )
    spent = 0.0
    for some in batches(count):
        ready = [(e.entry_id, e.run_id, e.start, e.end, e.host, e.device, e.energy_j) for e in some]

        def insert(ready: Any = ready) -> None:
            with connection:
                connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?)", ready)

        spent += timed(insert)
    connection.close()
    return spent


def eight_writers(url: str, each: int) -> float:
    """Seconds until eight processes have written *each* commits of one entry."""
    code = (
        "import sys; from wattbook.ledger.store import Ledger; from wattbook.testing.ledger import *\n"
        "with Ledger.open(sys.argv[1]) as book:\n"
        "    for n in range(int(sys.argv[3])): book.add([an_entry(n, host='w' + sys.argv[2])])\n"
    )
    begin = time.perf_counter()
    crowd = [subprocess.Popen([sys.executable, "-c", code, url, str(me), str(each)]) for me in range(8)]
    if any(process.wait() for process in crowd):
        raise SystemExit("a writer failed")
    return time.perf_counter() - begin


def bench(url: str, count: int, folder: Path, out: TextIO) -> None:
    rows: list[tuple[str, float, str]] = []
    floor = count / bare(folder / "bare.db", count)
    rows.append(("bare table, rows ready made", floor, "rows/s"))
    with Ledger.open(url) as book:
        made = timed(lambda: [None for some in batches(count) for _ in some])
        new = timed(lambda: [book.add(some, [a_run(some[0].run_id)]) for some in batches(count)]) - made
        rows.append(("fold in new entries", count / new, "entries/s"))
        known = timed(lambda: [book.add(some) for some in batches(count)]) - made
        rows.append(("fold in known entries", count / known, "entries/s"))
        month = START + timedelta(days=1)
        day = {"start": month, "end": month + timedelta(days=1)}
        found = len(book.entries(**day))  # type: ignore[arg-type]
        today = timed(lambda: book.entries(**day))  # type: ignore[arg-type]
        as_of = timed(lambda: book.entries(**day, as_of=datetime.now(START.tzinfo)))  # type: ignore[arg-type]
        rows.append(("read a day", found / max(today, 1e-9), "entries/s"))
        rows.append(("the same as of now", as_of / max(today, 1e-9), "times today's"))
        rows.append(("verify", count / timed(lambda: verify(book)), "entries/s"))
    each = 50
    rows.append(("eight processes, one entry a commit", 8 * each / eight_writers(url, each), "commits/s"))
    for name, value, unit in rows:
        ratio = f"{value / floor:8.2f} x bare" if unit == "entries/s" else ""
        out.write(f"{name:38} {value:12,.1f} {unit:14} {ratio}\n")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--entries", type=int, default=200_000)
    options.add_argument("--url", help="a book to fill, for PostgreSQL; an empty place")
    said = options.parse_args()
    os.environ.pop("SOURCE_DATE_EPOCH", None)
    with tempfile.TemporaryDirectory() as folder:
        url = said.url or str(Path(folder) / "ledger.db")
        print(json.dumps({"entries": said.entries, "engine": url.partition("://")[0] if said.url else "sqlite"}))
        bench(url, said.entries, Path(folder), sys.stdout)


if __name__ == "__main__":
    main()
