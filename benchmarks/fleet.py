"""What a month's report costs on a fleet's year, warm and cold: ``python -m benchmarks.fleet --entries 10000000``.

300 hosts, four figures an hour each, a day of a watch to a run; ten million entries are 347 days.  Wall seconds, and
ratios to the first report, which reads every entry of its month and the month before.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TextIO

from wattbook.closing.reading import report_of
from wattbook.config import Config
from wattbook.ledger.store import Ledger
from wattbook.records import Entry, Labels, Place, RunRecord, utc_text
from wattbook.report import Period

HOSTS, HOURS = 300, 24
DOMAINS = (("cpu:0", "package"), ("dram:0", "dram"), ("gpu:0", "board"), ("gpu:1", "board"))
ZONE = "Asia/Singapore"
PLACE = Place(site="hall", zone="SG", pue=1.5)
LABELS = [Labels(project=f"p{n}", phase=phase, platform="server") for n in range(12) for phase in ("train", "idle")]
CONFIG = Config()


def a_day(day: int, start: datetime) -> tuple[list[Entry], list[RunRecord]]:
    times = [utc_text(start + timedelta(days=day, hours=hour)) for hour in range(HOURS + 1)]
    entries, runs = [], []
    for h in range(HOSTS):
        host, run_id = f"h{h:03}", f"watch-{h}-{day}"
        runs.append(RunRecord(run_id=run_id, kind="watch", start=times[0], end=times[-1], host=host, command="watch"))
        for hour in range(HOURS):
            labels = LABELS[(h + hour // 8) % len(LABELS)]
            for d, (device, domain) in enumerate(DOMAINS):
                joules = 1000.0 + hour + h + d * 13.7 + day * 0.1
                entries.append(
                    Entry(
                        run_id=run_id, start=times[hour], end=times[hour + 1], host=host, device=device, domain=domain,
                        basis="measured", energy_j=joules, low_j=joules * 0.97, high_j=joules * 1.03, plugin="x",
                        source="y", cause=domain, labels=labels, place=PLACE,
                    )
                )  # fmt: skip
    return entries, runs


def days(count: int, start: datetime) -> Iterator[tuple[list[Entry], list[RunRecord]]]:
    whole = -(-count // (HOSTS * HOURS * len(DOMAINS)))
    return (a_day(day, start) for day in range(whole))


def timed(act: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    made = act()
    return time.perf_counter() - began, made


def bench(url: str, count: int, out: TextIO) -> None:
    start = Period.from_month("2026-01", ZONE).start
    rows: list[tuple[str, float, str]] = []
    spent, written, day = 0.0, 0, 0
    with Ledger.open(url) as book:
        for entries, runs in days(count, start):
            took, added = timed(lambda entries=entries, runs=runs: book.add(entries, runs))  # type: ignore[misc]
            spent, written, day = spent + took, written + added.new, day + 1
            if day % 30 == 0:
                print(f"{written:,} entries, {written / spent:,.0f} a second", file=sys.stderr, flush=True)
        rows.append((f"{written:,} new entries", written / spent, "entries/s"))
        last = Period.from_month(Period.from_month("2026-01", ZONE).month_of(start + timedelta(days=day - 1)), ZONE)
        month = last.before() or last

        def report(as_of: datetime | None = None) -> Any:
            return report_of(book, CONFIG, month, ("project",), as_of)

        first, made = timed(report)
        rows.append((f"first report of {month.title}, {made.entries:,} entries", first, "s"))
        warm = min(timed(report)[0] for _ in range(3))
        rows.append(("the same, warm", warm, "s"))
        then = datetime.now(UTC)
        rows.append(("as of a moment ago", min(timed(lambda: report(then))[0] for _ in range(3)), "s"))
        report_of(book, CONFIG, last, ("project",), None)
        entries, runs = a_day(day, start)
        book.add(entries, runs)
        rows.append((f"of the running month, {len(entries):,} entries later", timed(
            lambda: report_of(book, CONFIG, last, ("project",), None))[0], "s"))  # fmt: skip
        rows.append(("the running month, warm", timed(lambda: report_of(book, CONFIG, last, (), None))[0], "s"))
    for name, value, unit in rows:
        ratio = f"{value / first:8.4f} x first" if unit == "s" else ""
        out.write(f"{name:48} {value:12,.3f} {unit:10} {ratio}\n")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--entries", type=int, default=1_000_000)
    options.add_argument("--url", help="a book to fill, for PostgreSQL; an empty place")
    said = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = said.url or str(Path(folder) / "ledger.db")
        print(json.dumps({"entries": said.entries, "engine": url.partition("://")[0] if said.url else "sqlite"}))
        bench(url, said.entries, sys.stdout)


if __name__ == "__main__":
    main()
