"""A rolled-up month as one JSON text, and back: numbers to the last digit, what entries share only once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from wattbook.accounting.overlaps import Overlap
from wattbook.records import CONTEXT, Entry, Labels, Place, RunRecord, canonical, stated
from wattbook.report.batches import Batch
from wattbook.report.rolled import Rolled

FORMAT = 1  #: of the text; a rollup in another one is made again


def text_of(rolled: Rolled) -> str:
    """Without dimensions of time that are shorter than a month, in which nothing is kept."""
    contexts: dict[str, int] = {}

    def entry(one: Entry) -> list[Any]:
        context = contexts.setdefault(canonical(stated(one, CONTEXT)), len(contexts))
        terms = [dict(term) for term in one.terms]
        return [
            context, one.kind, one.run_id, one.start, one.end, one.host, one.device, one.domain, one.basis,
            one.energy_j, one.low_j, one.high_j, one.outermost, one.reason, terms, one.supersedes,
        ]  # fmt: skip

    def batch(one: Batch) -> list[Any]:
        sums = [one.known, one.down, one.up, one.unknown]
        return [entry(one.largest), one.month, one.watched, one.size, one.unknowns, *sums, one.microseconds, one.spans]

    said = {
        "readings": [batch(one) for one in rolled.readings],
        "gaps": [batch(one) for one in rolled.gaps],
        "overlaps": [[one.host, one.run_id, one.counted_in, one.energy_j] for one in rolled.overlaps],
        "tops": [[key, [entry(one) for one in some]] for key, some in rolled.tops.items()],
        "runs": [stated(run) for run in rolled.runs],
        "unknown": sorted(rolled.unknown),
        "cut": rolled.cut,
        "synthetic": rolled.synthetic,
        "until": rolled.until,
    }
    told = f"[{','.join(contexts)}]"
    return f'{{"contexts":{told},{json.dumps(said, ensure_ascii=False, allow_nan=False, separators=(",", ":"))[1:]}'


def rolled_of(text: str, *, tops: bool = True) -> Rolled:
    """The inverse of ``text_of``; without the largest entries where nobody looks at them."""
    told = json.loads(text)
    contexts = [_context(one) for one in told["contexts"]]
    return Rolled(
        readings=tuple(_batch(one, contexts) for one in told["readings"]),
        gaps=tuple(_batch(one, contexts) for one in told["gaps"]),
        overlaps=tuple(
            Overlap(host=host, run_id=run_id, counted_in=tuple(counted_in), energy_j=energy_j)
            for host, run_id, counted_in, energy_j in told["overlaps"]
        ),
        tops={tuple(key): tuple(_entry(one, contexts) for one in some) for key, some in told["tops"] if tops},
        runs=tuple(RunRecord.from_dict(one) for one in told["runs"]),
        unknown=frozenset(told["unknown"]),
        cut=told["cut"],
        synthetic=told["synthetic"],
        until=told["until"],
    )


def _context(told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **told,
        "labels": Labels(**told.get("labels", {})),
        "place": Place(**told.get("place", {})),
        "warnings": tuple(told.get("warnings", ())),
    }


def _entry(told: Sequence[Any], contexts: Sequence[Mapping[str, Any]]) -> Entry:
    (context, kind, run_id, start, end, host, device, domain, basis, energy_j, low_j, high_j, outermost, reason, terms,
     supersedes) = told  # fmt: skip
    return Entry(
        kind=kind, run_id=run_id, start=start, end=end, host=host, device=device, domain=domain, basis=basis,
        energy_j=energy_j, low_j=low_j, high_j=high_j, outermost=outermost, reason=reason, terms=tuple(terms),
        supersedes=supersedes, **contexts[context],
    )  # fmt: skip


def _batch(told: Sequence[Any], contexts: Sequence[Mapping[str, Any]]) -> Batch:
    entry, month, watched, size, unknowns, known, down, up, unknown, microseconds, spans = told
    return Batch(
        largest=_entry(entry, contexts), month=month, watched=watched, size=size, unknowns=unknowns, known=known,
        down=down, up=up, unknown=unknown, microseconds=microseconds, spans=list(map(tuple, spans)),
    )  # fmt: skip
