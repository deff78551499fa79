"""The ``co2_eq_emissions`` of a Hugging Face model card: grams, as YAML that is read back unchanged.

Fields: https://huggingface.co/docs/hub/model-cards-co2
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from wattbook import __version__
from wattbook.report.lines import clean
from wattbook.report.numbers import carbon_text
from wattbook.report.packs.selection import Selection, carbon_or_refuse

TRAINING = ("pre-training", "fine-tuning")


def as_fields(
    told: Selection, *, training_type: str | None = None, location: str | None = None, hardware: str | None = None
) -> dict[str, Any]:
    """The mapping under ``co2_eq_emissions``; a field that nobody told is left out."""
    grams = carbon_or_refuse(told)
    known = grams.low is not None
    interval = f"90 % interval {carbon_text(grams)}" if known else "its error is not known"
    source = [f"wattbook {__version__}", told.basis_text, interval]
    source += [f"{factor.id} {factor.g_per_kwh:g} g/kWh" for factor in told.factors[:3]]
    source += ["not covered: " + ", ".join(told.gaps[:3])] if told.gaps else []
    source += ["synthetic example data"] if told.synthetic else []
    found: dict[str, Any] = {"emissions": grams.value, "source": clean("; ".join(source))}
    if training_type is not None:
        found["training_type"] = training_type
    place = location or ", ".join(told.places)
    if place:
        found["geographical_location"] = clean(place)
    if hardware:
        found["hardware_used"] = clean(hardware)
    return found


def as_yaml(fields: dict[str, Any]) -> str:
    """The head of a model card: quoted text, and a number without an exponent, which YAML 1.1 would take for text."""
    lines = ["---", "co2_eq_emissions:"]
    for name, value in fields.items():
        text = format(Decimal(repr(value)), "f") if isinstance(value, float) else json.dumps(value, ensure_ascii=False)
        lines.append(f"  {name}: {text}")
    return "\n".join([*lines, "---"]) + "\n"
