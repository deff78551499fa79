"""What single runs come to: their energy and carbon, each with its interval."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from wattbook.records import Entry, RunRecord
from wattbook.report.atoms import atoms_of
from wattbook.report.batches import Batch, batched
from wattbook.report.model import RunUse
from wattbook.report.sums import Whole


def use_of(run_id: str, batches: Sequence[Batch], run: RunRecord | None) -> RunUse:
    """One run, from those of its entries that count."""
    name = (run.command or run.kind) if run else ""
    project = min((p for batch in batches if (p := batch.largest.labels.project) is not None), default=None)
    atoms = atoms_of(batches)
    return RunUse(run_id=run_id, name=name, project=project, total=Whole().add(atoms).total(), atoms=atoms)


def uses_of(entries: Iterable[Entry], runs: Mapping[str, RunRecord]) -> tuple[RunUse, ...]:
    """All of some runs, in the order of their ids; only what counts is added up."""
    from wattbook.accounting.totals import counts

    by_run: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if counts(entry):
            by_run[entry.run_id].append(entry)
    return tuple(use_of(run_id, batched(by_run[run_id]), runs.get(run_id)) for run_id in sorted(by_run))
