"""What a report of many entries costs beyond reading them: ``python benchmarks/report.py [ENTRIES]``.

Seconds are processor time; the machine's own speed is in all of them, so compare lines of one run only.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from wattbook.config import Config
from wattbook.explaining.figures import derive
from wattbook.records import Entry, Labels, Place, RunRecord, utc_text
from wattbook.report import Period, build
from wattbook.report.as_html import as_html, rows_for
from wattbook.report.bundles import bundles_of

HOSTS, DOMAINS = 20, (("cpu:0", "package"), ("dram:0", "dram"), ("gpu:0", "board"), ("gpu:1", "board"))
OCTOBER = Period.from_month("2026-10", "Asia/Singapore")
PLACE = Place(site="hall", zone="SG", pue=1.5)
LABELS = [
    Labels(project=f"p{i}", phase=phase, platform="server")
    for i in range(12)
    for phase in ("train", "dev", "eval", "idle")
]


def month(entries: int) -> tuple[list[Entry], list[RunRecord]]:
    """Twenty hosts with four domains each, an entry after another, sixty to a run."""
    moments = entries // (HOSTS * len(DOMAINS))
    step = timedelta(days=30) / moments
    times = [utc_text(OCTOBER.start + k * step) for k in range(moments + 1)]
    made, runs = [], []
    for k in range(moments):
        for h in range(HOSTS):
            run_id = f"run-{h}-{k // 60}"
            if k % 60 == 0:
                end = times[min(k + 60, moments)]
                runs.append(RunRecord(run_id=run_id, start=times[k], end=end, host=f"h{h}", command="train.py"))
            for d, (device, domain) in enumerate(DOMAINS):
                joules = 1000.0 + k % 97 + h + d * 13.7
                made.append(
                    Entry(
                        run_id=run_id, start=times[k], end=times[k + 1], host=f"h{h}", device=device, domain=domain,
                        basis="measured", energy_j=joules, low_j=joules * 0.97, high_j=joules * 1.03, plugin="x",
                        source="y", cause=domain, labels=LABELS[(h * 7 + k // 60) % len(LABELS)], place=PLACE,
                    )
                )  # fmt: skip
    return made, runs


def timed(what: str, work: Callable[[], Any]) -> Any:
    began_s = time.process_time()
    made = work()
    print(f"{what:24} {time.process_time() - began_s:6.2f} s")
    return made


def main() -> None:
    entries, runs = month(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
    print(f"{len(entries)} entries, {len(runs)} runs")
    timed("bundles alone", lambda: bundles_of(entries, OCTOBER))
    report = timed("the whole report", lambda: build(entries, (), runs, Config(), OCTOBER))
    derived = timed("derivations", lambda: derive(report, rows_for(len(report.by))))
    page = timed("the page", lambda: as_html(report, derived))
    print(f"{len(page.encode()) / 1e6:.3f} MB")


if __name__ == "__main__":
    main()
