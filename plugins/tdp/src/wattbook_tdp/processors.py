"""The processors of a host: their watts, whose machine they are in, and what is doubtful about them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from wattbook import Chip, Host

from wattbook_tdp import constants as c
from wattbook_tdp.families import family
from wattbook_tdp.intervals import age, client
from wattbook_tdp.makers import make

if TYPE_CHECKING:
    from wattbook_tdp.catalogue import ChipFacts
    from wattbook_tdp.matching import Match


class Processors(NamedTuple):
    """All processors of a host together."""

    label: str
    one: str  #: the label of a single chip
    threads: int | None
    maker: str  #: ``amd`` or ``intel``, for the watts per thread
    family: str = ""  #: of the chips, where they are known
    tdp_w: float | None = None  #: of the share that the host may use; ``None``: not known, or not the host's own
    memory_share: float = 1.0  #: of the memory that the host names
    uncertain: float = 0.0  #: relative uncertainty of ``tdp_w`` beside the model's own
    upper: float = 1.0  #: factor on the upper end
    source: str = ""
    reason: str = ""  #: why there is no TDP
    warnings: tuple[str, ...] = ()

    @property
    def is_soc(self) -> bool:
        """Whether memory and graphics sit on the same chip, in a machine that is no server."""
        return self.one.startswith("Apple ")


def processors(host: Host) -> Processors:
    """The processors of *host*: figures that a person gave, else the catalogue's.

    A virtual machine has threads, not chips: the whole chip is never its own.
    """
    return _processors(host.cpus, host.threads, host.virtual, host.instance, host.arch, host.os)


@lru_cache(maxsize=16_384)
def _processors(
    cpus: tuple[Chip, ...], threads: int | None, virtual: bool | None, instance: str, arch: str, os: str
) -> Processors:
    """The same by what it depends on, which machines that differ in memory have in common."""
    host = Host(cpus=cpus, threads=threads, virtual=virtual, instance=instance, arch=arch, os=os)
    chips = host.cpus or (Chip(),)
    name = chips[0].name
    guest = bool(host.virtual) and all(chip.tdp_w is None for chip in chips)
    found = [None if guest else _match(chip) for chip in chips]
    of_chips = sum(_threads(chip, one) for chip, one in zip(chips, found, strict=True))
    label = name or "unnamed processor"
    unknown = Processors(
        label=label,
        one=label,
        threads=host.threads or of_chips or None,
        maker=make(name),
        warnings=(_NOT_ARM.format(label),) if _is_arm(host, label) else (),
    )
    if guest:
        return unknown._replace(reason="a virtual machine's threads are a share of a chip")
    watts = [chip.tdp_w if one is None else one.tdp_w for chip, one in zip(chips, found, strict=True)]
    tdp_w = sum(watt for watt in watts if watt is not None)
    if None in watts:
        reason = next((one.reason for one in found if one and one.tdp_w is None), "no processor is named")
        named = (f"{label}: {reason}",) if name else ()
        return unknown._replace(reason=reason, warnings=(*named, *unknown.warnings))
    share = 1.0
    part: tuple[str, ...] = ()
    if host.instance:  # a whole machine of a cloud: as many chips as its threads need
        tdp_w *= max(1.0, (host.threads or 0) / of_chips) if of_chips else 1.0
    elif host.threads and host.threads < of_chips:
        share = host.threads / of_chips
        part = (f"{host.threads} of {of_chips} threads: the same share of the machine is counted",)
    facts = None if found[0] is None else found[0].facts
    uncertain, upper, said = _doubts(facts)
    one = facts.name if facts is not None else label
    return unknown._replace(
        label=f"{len(chips)} x {one}" if len(chips) > 1 else one,
        one=one,
        family="" if facts is None else family(facts.name),
        tdp_w=tdp_w * share,
        # a machine names all of its memory; a person describing a job names the job's
        memory_share=share if chips[0].device else 1.0,
        uncertain=uncertain,
        upper=upper,
        source=facts.source if facts is not None else "given by the user",
        warnings=(*unknown.warnings, *part, *said),
    )


def _match(chip: Chip) -> Match | None:
    """What the catalogue says about a chip whose watts nobody gave."""
    if not chip.name or chip.tdp_w is not None:
        return None
    from wattbook_tdp.matching import match

    return match(chip.name, "cpu")


def _threads(chip: Chip, found: Match | None) -> int:
    facts = None if found is None else found.facts
    return chip.threads or (facts.threads if facts is not None else None) or 0


def _doubts(facts: ChipFacts | None) -> tuple[float, float, tuple[str, ...]]:
    """What the catalogue's row does to the interval: relative widening, factor on the upper end, sentences."""
    if facts is None or facts.tdp_w is None:
        return 0.0, 1.0, ()
    uncertain, upper, old = age(facts.year)
    wider, unlike = client(facts.name, facts.year)
    said = [sentence for sentence in (unlike, old) if sentence]
    if facts.confidence == "unofficial":
        uncertain = max(uncertain, c.UNOFFICIAL_TDP)
        said.append(f"{facts.name}: no vendor published its {facts.tdp_w:g} W; ±{c.UNOFFICIAL_TDP:.0%}")
    elif facts.low_w is not None and facts.high_w is not None:
        uncertain = max(uncertain, (facts.high_w - facts.low_w) / 2 / facts.tdp_w)
    return uncertain, upper * wider, tuple(said)


_ARM = ("graviton", "axion", "altra", "ampere", "cobalt", "neoverse", "grace")
_NOT_ARM = "{}: the models were fitted on x86 servers; for ARM they are not verified"


def _is_arm(host: Host, label: str) -> bool:
    if host.arch in ("arm64", "aarch64") and host.os != "darwin":
        return True
    return any(word in label.lower() for word in _ARM)
