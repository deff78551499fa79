"""Software Carbon Intensity, ((E x I) + M) per R, and its edition for AI with two boundaries.

SCI 1.1, ISO/IEC 21031:2024; SCI for AI of the Green Software Foundation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import frozen

from wattbook.accounting import Interval
from wattbook.report.atoms import FAILED, Atom
from wattbook.report.packs.selection import Refused, Selection, carbon_or_refuse, selected
from wattbook.units import J_PER_KWH

SCI = "Software Carbon Intensity 1.1 (ISO/IEC 21031:2024)"
SCI_AI = "Software Carbon Intensity for AI, Green Software Foundation"

#: the functional units that the edition for AI allows, by whose score it is
CONSUMER = ("token", "second", "image", "execution", "page", "inference")
PROVIDER = ("parameter", "training token", "flop")
PERSONAS = {"consumer": CONSUMER, "provider": PROVIDER}
#: what belongs to whose boundary; energy without a phase belongs to neither
PHASES = {"consumer": ("serve",), "provider": ("dev", "train", "eval", "ci")}
PER = {"parameter": 1e9}  #: a score is told for so many of them


@frozen(kw_only=True)
class Embodied:
    """M as somebody stated it, with its source."""

    grams: float
    source: str


NOT_KNOWN = (
    "the embodied emissions M are not known, so there is no score: the specification asks for them, and leaving them "
    "out would be a silent zero (--embodied-g and --embodied-source state them)"
)


def score(told: Selection, embodied: Embodied | None) -> dict[str, Any]:
    """The score with everything that has to be disclosed; ``sci`` is ``None`` where M is not known."""
    amount, unit = _units(told)
    return {"specification": SCI, **_scored(told, amount, unit, 1.0, embodied)}


def score_for_ai(told: Selection, persona: str, embodied: Embodied | None) -> dict[str, Any]:
    """The score of a provider or a consumer: only the phases of its boundary, failed runs included."""
    amount, unit = _units(told)
    unit = unit.lower().rstrip("s") if unit.lower() not in PERSONAS[persona] else unit.lower()
    if unit not in PERSONAS[persona]:
        raise Refused(f"the {persona}'s score is per {', '.join(PERSONAS[persona])}, and not per {unit}")
    inside = _only(told, lambda atom: atom.phase in PHASES[persona])
    if not inside.atoms:
        raise Refused(
            f"no energy of the phases {', '.join(PHASES[persona])} is in {told.name}: the {persona}'s boundary is empty"
        )
    per = PER.get(unit, 1.0)
    document = {"specification": SCI_AI, "persona": persona, **_scored(inside, amount, unit, per, embodied)}
    effective = _only(inside, lambda atom: atom.fate != FAILED)
    grams = effective.total.location_g
    document["operational_effective"] = None if grams is None else grams.value * per / amount
    document["left_out"] = sorted({str(atom.phase or "(no phase)") for atom in told.atoms} - set(PHASES[persona]))
    document["notes"] += [
        "gross: runs that failed are inside, as the specification asks; operational_effective is without them",
        *(["figures of providers have no phase and are in no boundary of this score"] if told.shares else []),
    ]
    return document


def _only(told: Selection, wanted: Callable[[Atom], bool]) -> Selection:
    atoms = [atom for atom in told.atoms if wanted(atom)]
    return selected(told.name, atoms, units=told.units, gaps=told.gaps, synthetic=told.synthetic)


def _units(told: Selection) -> tuple[float, str]:
    if told.units is None:
        raise Refused(
            "a score needs its functional unit: --units N:NAME, or runs that were started with "
            "'wattbook run --units N:NAME' and all count the same"
        )
    return told.units


def _scored(told: Selection, amount: float, unit: str, per: float, embodied: Embodied | None) -> dict[str, Any]:
    grams, energy = carbon_or_refuse(told), told.total.energy
    operational = _times(grams, per / amount)
    facility_kwh = sum(a.tally.energy.value * (a.line.place.pue or 1.0) for a in told.atoms) / J_PER_KWH
    notes = ["gross, no offsets; market-based figures are excluded, as the specification asks"]
    if embodied is None:
        notes.append(NOT_KNOWN)
    if told.shares:
        notes.append("a provider's figure may hold embodied emissions already, and has no energy in this book")
    if told.total.unsplit_g is not None:
        notes.append("figures that are provided without a method are left out")
    if any(atom.line.place.pue is None for atom in told.atoms):
        notes.append("the facility is not counted where no PUE is configured")
    notes.append("E is what the book recorded; hardware that is reserved and idle is inside only where it was recorded")
    score = None if embodied is None else _plus(operational, embodied.grams * per / amount)
    return {
        "sci": None if score is None else score.value,
        "sci_low": None if score is None else score.low,
        "sci_high": None if score is None else score.high,
        "unit": f"gCO2e per {'' if per == 1 else f'{per:g} '}{unit}",
        "functional_unit": {"name": unit, "amount": amount},
        "operational": operational.value, "operational_low": operational.low, "operational_high": operational.high,
        "o_g": grams.value, "o_low_g": grams.low, "o_high_g": grams.high,
        "e_kwh": None if energy is None else facility_kwh,
        "i_g_per_kwh": told.tally.own.value / facility_kwh if facility_kwh > 0 and told.tally.own.parts else None,
        "m_g": None if embodied is None else embodied.grams,
        "m_source": None if embodied is None else embodied.source,
        "boundary": {
            "what": told.name, "start": told.start, "end": told.end,
            "components": sorted({f"{atom.line.host or 'by hand'} {atom.line.address}" for atom in told.atoms})[:100],
            "not_covered": list(told.gaps),
        },
        "methodology": {
            "quantified": told.basis_text, "intensity": "location-based, average",
            "factors": [factor.as_dict() for factor in told.factors],
        },
        "synthetic": told.synthetic,
        "notes": notes,
    }  # fmt: skip


def _times(interval: Interval, times: float) -> Interval:
    low, high = (None if end is None else end * times for end in (interval.low, interval.high))
    return Interval(interval.value * times, low, high)


def _plus(interval: Interval, more: float) -> Interval:
    low, high = (None if end is None else end + more for end in (interval.low, interval.high))
    return Interval(interval.value + more, low, high)
