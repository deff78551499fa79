"""The power limit of an accelerator: the driver's, a person's or the catalogue's, in this order."""

from __future__ import annotations

from functools import lru_cache

from attrs import frozen
from wattbook import Chip

from wattbook_tdp import constants as c
from wattbook_tdp.families import family
from wattbook_tdp.matching import match


@frozen(kw_only=True)
class Accelerator:
    """One accelerator's power limit, or the reason why it is not known."""

    label: str
    family: str = ""
    limit_w: float | None = None
    uncertain: float = 0.0  #: relative uncertainty of ``limit_w`` beside the model's own
    source: str = ""
    reason: str = ""
    warnings: tuple[str, ...] = ()


@lru_cache(maxsize=1024)
def accelerator(chip: Chip) -> Accelerator:
    """What is known about *chip*; boards with several GPUs are counted per GPU, as the driver shows them."""
    label = chip.name or chip.device or "accelerator"
    named = _family(chip.name)
    if chip.power_limit_w is not None:
        return Accelerator(
            label=label, family=named, limit_w=chip.power_limit_w, source="power limit that the driver enforces"
        )
    if chip.tdp_w is not None:
        return Accelerator(label=label, family=named, limit_w=chip.tdp_w, source="given by the user")
    if not chip.name:
        return Accelerator(label=label, reason="neither its name nor its power limit is known")
    found = match(chip.name, "gpu")
    if found.prior is not None and found.prior.low_w is not None and found.prior.high_w is not None:
        low, high = found.prior.low_w, found.prior.high_w
        return Accelerator(
            label=found.prior.name,
            family=named,
            limit_w=(low + high) / 2,
            uncertain=(high - low) / (high + low),
            source=f"between its forms of {low:g} and {high:g} W",
            warnings=(found.reason,),
        )
    facts = found.facts
    if facts is None or facts.tdp_w is None:
        return Accelerator(label=label, reason=found.reason)
    uncertain, said = 0.0, []
    if facts.confidence == "unofficial":
        uncertain = c.UNOFFICIAL_TDP
        said.append(f"{facts.name}: no vendor published its {facts.tdp_w:g} W; ±{c.UNOFFICIAL_TDP:.0%}")
    if facts.low_w is not None and facts.high_w is not None:
        uncertain = max(uncertain, (facts.high_w - facts.low_w) / 2 / facts.tdp_w)
        said.append(f"{facts.name} is sold with {facts.low_w:g} to {facts.high_w:g} W: its power limit would be better")
    return Accelerator(
        label=facts.name, family=named, limit_w=facts.tdp_w, uncertain=uncertain, source=facts.source,
        warnings=tuple(said),
    )  # fmt: skip


def _family(name: str) -> str:
    """The family of the catalogue's chip of that name; none where the catalogue does not know it."""
    found = match(name, "gpu") if name else None
    facts = None if found is None else found.facts or found.prior
    return "" if facts is None else family(facts.name)
