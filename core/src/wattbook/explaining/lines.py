"""An explanation as indented text, one line a fact, from the number down to its leaves."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from wattbook.explaining.tree import Branch, Explanation, carbon_formula
from wattbook.report.lines import LETTERS, clean
from wattbook.report.numbers import carbon_text, digits, energy_text

#: stretches of one domain beyond this many are shown as their sum
FEW = 3


def as_lines(explained: Explanation) -> Iterator[str]:
    """The whole explanation; it reads from top to bottom."""
    total = explained.total
    yield from _head(explained)
    count = len(explained.branches)
    yield f"energy {energy_text(total.energy)}: the sum of {count} reading{'' if count == 1 else 's'}"
    for group in _groups(explained.branches):
        yield from _readings(group)
    yield f"carbon {carbon_text(total.location_g)} CO2e, location-based; market-based {carbon_text(total.market_g)}"
    yield from _carbon(explained)
    yield from _causes("energy", explained.energy_by_cause, energy_text)
    yield from _causes("carbon", explained.carbon_by_cause, carbon_text)
    if explained.run and explained.run.verdicts:
        yield "sources"
        for verdict in explained.run.verdicts:
            name = f"{verdict.get('plugin', '')}:{verdict.get('source', '')}"
            remedy = f" -> {verdict['remedy']}" if verdict.get("remedy") else ""
            yield clean(f"  {verdict.get('fate', '')}: {name}: {verdict.get('reason', '')}{remedy}")
    if explained.gaps:
        yield "not covered"
        for domain, reason in dict.fromkeys((f"{g.device}/{g.domain}", g.reason) for g in explained.gaps):
            yield clean(f"  {domain}: {reason}")
    for digest in explained.evidence:
        yield f"evidence sha256 {digest}"
    for warning in explained.warnings:
        yield clean(f"note: {warning}")


def _head(explained: Explanation) -> Iterator[str]:
    run = explained.run
    if explained.kind == "entry":
        yield f"entry {explained.id}"
    if run is None:
        return
    labels = [f"{name} {value}" for name, value in (
        ("project", run.labels.project), ("phase", run.labels.phase), ("platform", run.labels.platform),
    ) if value]  # fmt: skip
    what = f"{run.kind} {run.run_id}" + (f", {run.command}" if run.command else "")
    yield clean(", ".join([what, *([f"on {run.host}"] if run.host else []), *labels]))
    yield f"{run.start} to {run.end}{'' if run.complete else ', not complete'}"
    if run.activity:
        from wattbook.utilisation import in_words

        yield clean(f"seen meanwhile: {in_words(run.activity)}")
    if run.process_share is not None:
        yield f"the command's processes used {run.process_share:.0%} of the processor time of this machine meanwhile"


def _groups(branches: Sequence[Branch]) -> list[list[Branch]]:
    """Branches of one domain and source together, in the order of their first."""
    groups: dict[tuple[str, ...], list[Branch]] = defaultdict(list)
    for branch in branches:
        entry = branch.entry
        groups[entry.host, entry.device, entry.domain, entry.plugin, entry.source, entry.method].append(branch)
    return list(groups.values())


def _readings(group: Sequence[Branch]) -> Iterator[str]:
    first = group[0].entry
    name = clean(f"{first.device}/{first.domain}")
    source = clean(" ".join(filter(None, (f"{first.plugin}:{first.source}", first.source_version))))
    letter = LETTERS.get(first.basis or "", "?")
    joules = math.fsum(branch.entry.energy_j or 0.0 for branch in group)
    pieces = "" if len(group) == 1 else f", {len(group)} stretches"
    yield f"  {letter} {name}  {energy_text(joules)}{pieces}  {source}"
    if first.method:
        yield clean(f"      method: {first.method}")
    if len(group) <= FEW:
        for branch in group:
            yield from _leaves(branch)
    models = [b.modelled.energy_j for b in group if b.modelled is not None and b.modelled.energy_j is not None]
    if models and len(models) == len(group):
        yield f"      beside it, not added: the model alone says {energy_text(math.fsum(models))}"
    inside = [other for branch in group for other in branch.inside]
    for part in dict.fromkeys(f"{other.device}/{other.domain}" for other in inside):
        some = [o.energy_j for o in inside if f"{o.device}/{o.domain}" == part and o.energy_j is not None]
        yield clean(f"      of which, not added: {part}  {energy_text(math.fsum(some)) if some else 'unknown'}")


def _leaves(branch: Branch) -> Iterator[str]:
    for leaf in branch.leaves:
        if leaf.term is None and len(branch.leaves) == 1:
            continue
        text = f"      + {clean(leaf.what)}  {energy_text(leaf.energy_j)}"
        if leaf.term is not None:
            text += f" = {digits(leaf.term.power_w)} W x {digits(branch.entry.duration_s)} s"
        yield text
        if leaf.term is not None:
            yield clean(f"          {leaf.term.formula}  [{leaf.term.source}]")


def _carbon(explained: Explanation) -> Iterator[str]:
    for group in _groups(explained.branches):
        if len(group) <= FEW:
            for branch in group:
                yield clean(
                    f"  {branch.entry.device}/{branch.entry.domain}: {carbon_formula(branch.entry, branch.carbon)}"
                )
    factors = {b.carbon.factor.id: b.carbon.factor for b in explained.branches if b.carbon.factor is not None}
    for factor in factors.values():
        assumed = ", assumed" if factor.assumed else ""
        yield clean(
            f"  factor {factor.id}: {factor.g_per_kwh:g} g/kWh, {factor.signal}, {factor.cycle}{assumed}; {factor.source}"
        )


def _causes(what: str, causes: Mapping[str, tuple[float, float]], text: object) -> Iterator[str]:
    assert callable(text)
    if causes:
        yield f"{what} interval: errors of one cause add, different causes add in quadrature"
    for cause, (down, up) in causes.items():
        yield clean(f"  {cause}: -{text(down)}, +{text(up)}")
