"""The way to a total, a part of it or a provider's figure, as indented text and as one JSON document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from wattbook.accounting import Total
from wattbook.explaining.parts import VIEWS, Explained
from wattbook.report.as_json import period_as_json, total_as_json
from wattbook.report.derivation import Origin, Provided
from wattbook.report.lines import LETTERS, clean
from wattbook.report.numbers import carbon_text, energy_text, share_text

LISTED = 40  #: of sources and of stated figures in the text; the document has all
RULE = "errors of one cause add, different causes add in quadrature"


def as_lines(told: Explained) -> Iterator[str]:
    """The whole way; it reads from top to bottom."""
    report = told.report
    if report.watermark:
        yield f"*** {clean(report.watermark)} ***"
    what = {"total": "total of ", "part": "", "statement": "statement "}[told.kind]
    where = "" if told.kind == "total" else f", {clean(report.period.title)}"
    yield clean(f"{what}{told.name}") + where
    if told.claim is None:
        yield f"energy {energy_text(told.total.energy)}: the sum of {_many(len(told.origins), 'source')}"
        yield from _origins(told.origins)
    yield f"carbon {_carbon(told.total)}"
    if told.claim is None:
        for origin in told.origins[:LISTED]:
            yield f"  {LETTERS.get(origin.basis, '')} {origin.name}: {origin.formula}"
        yield from _more(len(told.origins), "sources")
    yield from _provided(told.provided)
    yield from _stated(told)
    yield from _inside(told)
    yield from _causes("energy", told.energy_by_cause, energy_text)
    yield from _causes("carbon", told.carbon_by_cause, carbon_text)
    yield from (f"note: {clean(warning)}" for warning in report.warnings)
    yield "'wattbook explain RUN' goes on from a run to its readings and their terms"


def _origins(origins: tuple[Origin, ...]) -> Iterator[str]:
    for one in origins[:LISTED]:
        yield f"  {LETTERS.get(one.basis, '')} {one.name}  {energy_text(one.total.energy)}, {_many(one.count, 'reading')}  {one.source}"
        if one.method:
            yield f"      method: {one.method}"
        yield from (f"      + {term}" for term in one.terms)
        if one.evidence:
            more = one.evidence_count - len(one.evidence)
            yield f"      evidence sha256 {' '.join(one.evidence)}{f' and {more} more' if more else ''}"
        if one.runs:
            more = one.runs_count - len(one.runs)
            yield f"      wattbook explain {clean(' | '.join(one.runs))}{f'; and {more} more runs' if more else ''}"
    yield from _more(len(origins), "sources")


def _provided(provided: tuple[Provided, ...]) -> Iterator[str]:
    for one in provided[:LISTED]:
        part = "" if one.share == 1 else f"{share_text(one.share)} of it, "
        extra = "" if one.unsplit_g is None else f", of unstated method {carbon_text(one.unsplit_g)}"
        model = f"  {one.model}" if one.model else ""
        yield (
            f"  P {one.account} {one.month}: {part}location-based {carbon_text(one.location_g)}, "
            f"market-based {carbon_text(one.market_g)}{extra}{model}"
        )
        yield from (f"      figures {hash_}" for hash_ in one.evidence)
    yield from _more(len(provided), "provided figures")


def _stated(told: Explained) -> Iterator[str]:
    if not told.leaves:
        return
    yield "stated by service and region; scopes are the provider's own, views are totals and never added to each other"
    for one in told.leaves[:LISTED]:
        name = ", ".join(filter(None, (clean(one.service), clean(one.region)))) or "all services"
        views = " and ".join(one.views) or "no total"
        yield (
            f"  {name}: {one.co2e_kg:f} kg, scope {clean(one.scope)}, method {clean(one.method)}, "
            f"{_many(one.count, 'figure')}; in {views}"
        )
    yield from _more(len(told.leaves), "of them")


def _inside(told: Explained) -> Iterator[str]:
    if told.claim is None:
        return
    inside = told.claim.of_which
    yield f"of which ours: {carbon_text(inside.location_g) if inside.location_g else 'nothing'}; inside it and not added"
    yield from _origins(told.origins)
    yield f"unallocated: {carbon_text(told.claim.unallocated_g)}"


def _carbon(total: Total) -> str:
    extra = "" if total.unsplit_g is None else f"; of unstated method {carbon_text(total.unsplit_g)}"
    return f"{carbon_text(total.location_g)} CO2e, location-based; market-based {carbon_text(total.market_g)}{extra}"


def _causes(what: str, causes: Mapping[str, tuple[float, float]], text: Any) -> Iterator[str]:
    if causes:
        yield f"{what} interval: {RULE}"
    for cause, (down, up) in causes.items():
        yield f"  {clean(cause)}: -{text(down)}, +{text(up)}"


def _more(count: int, what: str) -> Iterator[str]:
    if count > LISTED:
        yield f"  and {count - LISTED} more {what}; --json has all of them"


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


# --- one document -------------------------------------------------------------------------------


def as_json(told: Explained) -> dict[str, Any]:
    """``energy_j`` and ``co2e_g`` of ``addends`` and ``provided`` add up to those of the whole.

    Those of a statement are its ``stated`` figures, exact, by the views that they enter; its ``inside`` is not added.
    """
    origins = [_origin(one) for one in told.origins]
    claim = told.claim
    return {
        "kind": told.kind,
        "id": told.name,
        "period": period_as_json(told.report.period),
        "watermark": told.report.watermark,
        **total_as_json(told.total),
        "addends": origins if claim is None else [],
        "provided": [_given(one) for one in told.provided],
        "stated": [
            {
                "service": one.service, "region": one.region, "scope": one.scope, "method": one.method,
                "co2e_kg": f"{one.co2e_kg:f}", "count": one.count, "views": list(one.views),
            }
            for one in told.leaves
        ],
        "inside": origins if claim is not None else [],
        "unallocated_g": None if claim is None else claim.unallocated_g,
        "stated_kg": None
        if claim is None
        else {view: None if (kg := getattr(claim.provided, view)) is None else f"{kg:f}" for view in VIEWS},
        "interval": {
            "rule": RULE,
            "energy_by_cause_j": _causes_as_json(told.energy_by_cause),
            "co2e_by_cause_g": _causes_as_json(told.carbon_by_cause),
        },
        "warnings": list(told.report.warnings),
    }  # fmt: skip


def _causes_as_json(causes: Mapping[str, tuple[float, float]]) -> list[dict[str, Any]]:
    return [{"cause": cause, "down": down, "up": up} for cause, (down, up) in causes.items()]


def _origin(one: Origin) -> dict[str, Any]:
    return {
        "name": one.name, "basis": one.basis, "source": one.source, "method": one.method, "readings": one.count,
        "hours": one.hours, "start": one.start, "end": one.end, **total_as_json(one.total), "formula": one.formula,
        "terms": list(one.terms), "evidence": list(one.evidence), "evidence_count": one.evidence_count,
        "runs": list(one.runs), "runs_count": one.runs_count,
    }  # fmt: skip


def _given(one: Provided) -> dict[str, Any]:
    return {
        "account": one.account, "month": one.month, "share": one.share,
        "co2e_g": {"location": one.location_g, "market": one.market_g, "unsplit": one.unsplit_g},
        "model": one.model, "evidence": list(one.evidence),
    }  # fmt: skip
