"""What became of runs, as far as it says that their energy may have been for nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from itertools import pairwise

from wattbook.records import RunRecord, utc_text, utc_time
from wattbook.report.atoms import FAILED, OVERTAKEN

SOON = timedelta(hours=1)


def fates_of(runs: Iterable[RunRecord]) -> dict[str, str]:
    """The runs that an error or a signal ended, and the pipelines that a newer one overtook within an hour."""
    found: dict[str, str] = {}
    series: dict[tuple[str, str | None, str], list[RunRecord]] = defaultdict(list)
    for run in runs:
        if run.kind != "run":
            continue
        if run.exit_code or run.signal:
            found[run.run_id] = FAILED
        if run.labels.phase == "ci" and run.command:
            branch = run.labels.tags.get("branch", "")  # two branches do not overtake each other
            series[run.command, run.labels.project, branch].append(run)
    for some in series.values():
        some.sort(key=lambda run: (run.start, run.run_id))
        for one, following in pairwise(some):
            if following.start < utc_text(utc_time(one.start) + SOON):
                found.setdefault(one.run_id, OVERTAKEN)
    return found
