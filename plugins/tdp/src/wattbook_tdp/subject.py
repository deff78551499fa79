"""What the models need to know about a host: watts, threads, memory, whose machine it is, what is doubtful."""

from __future__ import annotations

from functools import lru_cache

from attrs import frozen
from wattbook import Chip, Host

from wattbook_tdp import constants as c
from wattbook_tdp.intervals import age, client
from wattbook_tdp.matching import Match, make, match


@frozen(kw_only=True)
class Processors:
    """All processors of a host together."""

    label: str
    one: str = ""  #: the label of a single chip
    tdp_w: float | None  #: of the share that the host may use; ``None``: not known, or not the host's own
    threads: int | None
    maker: str
    share: float = 1.0  #: of the chips, where affinity or a quota leaves only some threads
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


@frozen(kw_only=True)
class Accelerator:
    """One accelerator's power limit."""

    label: str
    limit_w: float | None
    uncertain: float = 0.0
    source: str = ""
    reason: str = ""
    warnings: tuple[str, ...] = ()


@lru_cache(maxsize=1024)
def processors(host: Host) -> Processors:
    """The processors of *host*: figures that a person gave, else the catalogue's."""
    chips = host.cpus or (Chip(),)
    name = chips[0].name
    label = name or "unnamed processor"
    maker = make(name) if name else "amd" if host.arch == "amd" else "intel"
    given = [chip.tdp_w for chip in chips]
    found = [Match() if chip.tdp_w is not None or not chip.name else match(chip.name, "cpu") for chip in chips]
    first = found[0].facts
    of_chips = sum(
        chip.threads or (m.facts.threads if m.facts is not None and m.facts.threads else 0)
        for chip, m in zip(chips, found, strict=True)
    )
    threads = host.threads or of_chips or None
    doubts = [doubt for doubt in (_arm(host, label),) if doubt]
    if host.virtual and all(tdp is None for tdp in given):
        return Processors(
            label=label, tdp_w=None, threads=threads, maker=maker,
            reason="a virtual machine: its threads are a share of a chip", warnings=tuple(doubts),
        )  # fmt: skip
    watts = [m.tdp_w if tdp is None else tdp for tdp, m in zip(given, found, strict=True)]
    if any(tdp is None for tdp in watts):
        reason = next((m.reason for m in found if m.reason and m.tdp_w is None), "no processor is named")
        if name:
            doubts.insert(0, f"{label}: {reason}")
        return Processors(label=label, tdp_w=None, threads=threads, maker=maker, reason=reason, warnings=tuple(doubts))
    uncertain, upper, old = age(first.year if first is not None else None)
    if first is not None:
        wider, unlike = client(first.name, first.year)
        upper *= wider
        doubts += [unlike] if unlike else []
    doubts += [old] if old else []
    tdp_w = sum(tdp for tdp in watts if tdp is not None)
    if first is not None and first.confidence == "unofficial":
        uncertain = max(uncertain, c.UNOFFICIAL_TDP)
        doubts.append(f"{first.name}: no vendor published its {first.tdp_w:g} W; ±{c.UNOFFICIAL_TDP:.0%}")
    elif first is not None and first.low_w and first.high_w and first.tdp_w:
        uncertain = max(uncertain, (first.high_w - first.low_w) / 2 / first.tdp_w)
    share = 1.0
    if host.instance and host.threads and of_chips:  # a whole machine: as many chips as its threads need
        tdp_w *= max(1.0, host.threads / of_chips)
    elif host.threads and of_chips and host.threads < of_chips:
        share = host.threads / of_chips
        doubts.append(f"{host.threads} of {of_chips} threads: the same share of the machine is counted")
    one = first.name if first is not None else label
    return Processors(
        label=f"{len(chips)} x {one}" if len(chips) > 1 else one,
        one=one,
        tdp_w=tdp_w * share,
        threads=threads,
        maker=maker,
        share=share,
        # a machine names all of its memory; a person describing a job names the job's
        memory_share=share if chips[0].device else 1.0,
        uncertain=uncertain,
        upper=upper,
        source=first.source if first is not None else "given by the user",
        warnings=tuple(doubts),
    )


_ARM = ("graviton", "axion", "altra", "ampere", "cobalt", "neoverse", "grace")


def _arm(host: Host, label: str) -> str | None:
    arm = host.arch in ("arm64", "aarch64") and host.os != "darwin"
    if arm or any(word in label.lower() for word in _ARM):
        return f"{label or 'ARM'}: the models were fitted on x86 servers; for ARM they are not verified"
    return None


@lru_cache(maxsize=1024)
def accelerator(chip: Chip) -> Accelerator:
    """The power limit of *chip*: the driver's, a person's, the catalogue's, in this order."""
    label = chip.name or chip.device or "accelerator"
    if chip.power_limit_w is not None:
        return Accelerator(label=label, limit_w=chip.power_limit_w, source="power limit that the driver enforces")
    if chip.tdp_w is not None:
        return Accelerator(label=label, limit_w=chip.tdp_w, source="given by the user")
    if not chip.name:
        return Accelerator(label=label, limit_w=None, reason="neither its name nor its power limit is known")
    found = match(chip.name, "gpu")
    facts = found.facts
    if found.prior is not None and found.prior.low_w and found.prior.high_w:
        low, high = found.prior.low_w, found.prior.high_w
        return Accelerator(
            label=found.prior.name, limit_w=(low + high) / 2, uncertain=(high - low) / (high + low),
            source=f"between its forms of {low:g} and {high:g} W", warnings=(found.reason,),
        )  # fmt: skip
    if facts is None or facts.tdp_w is None:
        return Accelerator(label=label, limit_w=None, reason=found.reason)
    uncertain, warnings = 0.0, []
    if facts.confidence == "unofficial":
        uncertain = c.UNOFFICIAL_TDP
        warnings.append(f"{facts.name}: no vendor published its {facts.tdp_w:g} W; ±{c.UNOFFICIAL_TDP:.0%}")
    if facts.low_w is not None and facts.high_w is not None:
        uncertain = max(uncertain, (facts.high_w - facts.low_w) / 2 / facts.tdp_w)
        warnings.append(f"{facts.name} is sold with {facts.low_w:g} to {facts.high_w:g} W; name its power limit")
    return Accelerator(
        label=facts.name, limit_w=facts.tdp_w, uncertain=uncertain, source=facts.source, warnings=tuple(warnings)
    )
