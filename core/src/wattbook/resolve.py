"""Choose the best cover of the machine from what is offered, and remember why not the rest. No I/O.

Named tuples, because every run loads them before it can say anything.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from wattbook.model import BUSY, Domain, Host

if TYPE_CHECKING:
    from wattbook.metering import Meter

#: What contains what, where neither the plugin nor the configuration says otherwise.
#: ``machine/host`` is the machine at the wall without its accelerators; ``machine/wall`` is all of it.
STANDARD_WITHIN = {
    "machine/platform": "machine/host",
    "machine/host": "machine/wall",
    "machine/other": "machine/host",
    "cpu:*/package": "machine/platform",
    "dram:*/dram": "machine/platform",
    "soc:*/soc": "soc:0/package",  # up to macOS 12 Apple's package also held the memory
    "soc:*/package": "machine/host",
    "gpu:*/board": "machine/wall",
    "module:*/module": "machine/wall",
}


_BUSY = f"/{BUSY}"


class Fate(enum.StrEnum):
    CHOSEN = "chosen"
    PASSED_OVER = "passed over"
    UNAVAILABLE = "unavailable"
    BROKEN = "broken"


class Offer(NamedTuple):
    """A meter after its probe: usable, or with the reason why not."""

    plugin: str
    name: str
    domains: tuple[Domain, ...] = ()
    error: float | None = None
    fate: Fate | None = None  #: ``UNAVAILABLE`` or ``BROKEN``; ``None`` is usable
    reason: str = ""
    remedy: str = ""
    meter: Meter | None = None

    @property
    def source(self) -> str:
        return f"{self.plugin}:{self.name}"


class Verdict(NamedTuple):
    """What became of one offer, in a sentence; ``domains`` are those it was chosen for."""

    plugin: str
    source: str
    fate: Fate
    reason: str
    hook: str = "measure"
    domains: tuple[Domain, ...] = ()
    remedy: str = ""
    meter: Meter | None = None


class Tree:
    """Which address lies inside which.

    ``overrides`` come from the configuration: patterns of addresses to the container's address, or to
    ``""`` for *inside nothing*; an override also settles what a domain only *may* contain.
    """

    def __init__(self, domains: Iterable[Domain] = (), overrides: Mapping[str, str] | None = None) -> None:
        self._overrides = dict(overrides or {})
        self._within: dict[str, str] = {}
        self._may: dict[str, tuple[str, ...]] = {}
        for domain in domains:
            if domain.within is not None:
                self._within.setdefault(domain.address, domain.within)
            if domain.may_contain:
                self._may.setdefault(domain.address, domain.may_contain)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tree) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]

    def _overridden(self, address: str) -> str | None:
        for pattern, container in self._overrides.items():
            if fnmatchcase(address, pattern):
                return container
        return None

    def parent(self, address: str) -> str | None:
        overridden = self._overridden(address)
        if overridden is not None:
            return overridden or None
        declared = self._within.get(address)
        if declared is not None:
            return declared or None
        for pattern, container in STANDARD_WITHIN.items():
            if fnmatchcase(address, pattern):
                return container
        return None

    def ancestors(self, address: str) -> list[str]:
        found: list[str] = []
        while (up := self.parent(address)) is not None and up not in found:
            found.append(up)
            address = up
        return found

    def contains(self, outer: str, inner: str) -> bool:
        """Whether *inner* lies strictly inside *outer*, or may and nobody said that it does not.

        A utilisation is no energy: it lies in nothing and holds nothing.
        """
        if outer == inner or outer.endswith(_BUSY) or inner.endswith(_BUSY):
            return False
        if outer in self.ancestors(inner):
            return True
        if self._overridden(inner) is not None:
            return False
        return any(fnmatchcase(inner, pattern) for pattern in self._may.get(outer, ()))

    def overlap(self, one: str, other: str) -> bool:
        return one == other or self.contains(one, other) or self.contains(other, one)


class Resolution(NamedTuple):
    """The choice: verdicts in a stable order, and the cover as (domain, source of the winner)."""

    verdicts: tuple[Verdict, ...]
    cover: tuple[tuple[Domain, str], ...]
    tree: Tree

    @property
    def covered(self) -> tuple[Domain, ...]:
        return tuple(domain for domain, _ in self.cover)

    def outermost(self, address: str) -> bool:
        """Whether a figure for *address* is an addend: one of the cover, not a breakdown of it."""
        return any(domain.address == address for domain in self.covered)


def resolve(
    offers: Iterable[Offer], prefer: Sequence[str] = (), containment: Mapping[str, str] | None = None
) -> Resolution:
    """Judge every offer.

    For every domain the user's *prefer* list decides first (names of plugins or of sources), then the
    smallest declared error, then the name.  A container goes before its parts, because it covers more;
    one whose content depends on the machine goes after what is known exactly.  The cover never holds
    two domains that overlap.  The order of *offers* does not matter.
    """
    offers = sorted(offers, key=lambda offer: (offer.plugin, offer.name, offer.domains))
    usable = [offer for offer in offers if offer.fate is None]
    tree = Tree((domain for offer in usable for domain in offer.domains), containment)

    def wish(offer: Offer) -> float:
        ranks = [i for i, name in enumerate(prefer) if name in (offer.plugin, offer.source)]
        return min(ranks, default=math.inf)

    candidates = [(offer, domain) for offer in usable for domain in offer.domains]

    def rank(candidate: tuple[Offer, Domain]) -> tuple[float, int, bool, float, str, str, str]:
        offer, domain = candidate
        mine = wish(offer)
        containers = {
            other.address
            for owner, other in candidates
            if wish(owner) <= mine and not other.may_contain and tree.contains(other.address, domain.address)
        }
        vague = bool(domain.may_contain) and mine == math.inf
        error = math.inf if offer.error is None else offer.error
        return (mine, len(containers), vague, error, offer.plugin, offer.name, domain.address)

    taken: dict[str, tuple[Domain, Offer]] = {}
    blocked_by: dict[tuple[str, str], str] = {}
    for offer, domain in sorted(candidates, key=rank):
        rival = next((address for address in taken if tree.overlap(address, domain.address)), None)
        if rival is None:
            taken[domain.address] = (domain, offer)
        else:
            blocked_by[offer.source, domain.address] = rival

    verdicts = [_verdict(offer, taken, blocked_by, prefer) for offer in offers]
    chosen = [taken[address] for address in sorted(taken)]
    cover = tuple((domain, offer.source) for domain, offer in chosen if domain.is_energy)
    return Resolution(verdicts=tuple(verdicts), cover=cover, tree=tree)


def _verdict(
    offer: Offer,
    taken: Mapping[str, tuple[Domain, Offer]],
    blocked_by: Mapping[tuple[str, str], str],
    prefer: Sequence[str],
) -> Verdict:
    if offer.fate is not None:
        return Verdict(
            plugin=offer.plugin, source=offer.name, fate=offer.fate, domains=offer.domains,
            reason=offer.reason, remedy=offer.remedy,
        )  # fmt: skip
    mine = tuple(domain for domain in offer.domains if taken.get(domain.address, (None, None))[1] is offer)
    error = "error unknown" if offer.error is None else f"error ±{offer.error:.1%}"
    if mine:
        wished = offer.plugin in prefer or offer.source in prefer
        why = "preferred by the configuration" if wished else f"{error}, the best offer"
        names = ", ".join(str(domain) for domain in mine if domain.is_energy)
        told = ", ".join(domain.device for domain in mine if not domain.is_energy)
        does = "; ".join(filter(None, (names and f"measures {names}: {why}", told and f"tells how busy {told} is")))
        return Verdict(
            plugin=offer.plugin, source=offer.name, fate=Fate.CHOSEN, domains=mine,
            reason=does, meter=offer.meter,
        )  # fmt: skip
    if not offer.domains:
        return Verdict(
            plugin=offer.plugin, source=offer.name, fate=Fate.PASSED_OVER, reason="it offers no domain on this host"
        )
    reasons = []
    for domain in offer.domains:
        rival = blocked_by[offer.source, domain.address]
        winner = taken[rival][1]
        if rival != domain.address:
            reasons.append(f"{domain} overlaps {rival}, which {winner.source} measures")
        elif winner.plugin in prefer or winner.source in prefer:
            reasons.append(f"{winner.source} is preferred for {domain}")
        else:
            theirs = "unknown" if winner.error is None else f"±{winner.error:.1%}"
            reasons.append(f"{winner.source} is at least as exact for {domain} ({theirs} against {error})")
    return Verdict(
        plugin=offer.plugin, source=offer.name, fate=Fate.PASSED_OVER, reason="; ".join(dict.fromkeys(reasons))
    )


# --- what a host should have covered ---------------------------------------------------------


class Want(NamedTuple):
    """A domain that a complete account of a host covers, with its parts and why it matters."""

    domain: Domain
    reason: str
    parts: tuple[Want, ...] = ()


def wanted(host: Host, *, pue: float | None = None, offered: Iterable[Domain] = ()) -> tuple[Want, ...]:
    """What a complete account of *host* covers: the machine, its accelerators and its surroundings.

    *offered* are domains that meters declared; accelerators that only a meter knows are taken from
    there.  ``machine/facility`` (cooling, distribution) is covered where the site states a PUE.
    """
    packages: list[Want] = []
    if host.os == "darwin" and host.arch == "arm64":
        packages.append(Want(domain=Domain(device="soc:0", name="soc"), reason="no source reads this chip's power"))
    else:
        for i in range(max(1, len(host.cpus))):
            packages.append(
                Want(domain=Domain(device=f"cpu:{i}", name="package"), reason="no source reads this processor's power")
            )
            packages.append(
                Want(domain=Domain(device=f"dram:{i}", name="dram"), reason="no source reads this memory's power")
            )
    other = Want(
        domain=Domain(device="machine", name="other"),
        reason="power supply, fans, board, disks and display have no meter here and no model",
    )
    wants = [
        Want(
            domain=Domain(device="machine", name="host"),
            reason="no source measures or models this machine",
            parts=(*packages, other),
        )
    ]
    gpus = {chip.device: Domain(device=chip.device, name="board", model=chip.name) for chip in host.gpus if chip.device}
    offered = [domain for domain in offered if domain.device.startswith("gpu:")]
    gpus |= {
        domain.device: Domain(device=domain.device, name="board", model=domain.model)
        for domain in offered
        if not domain.is_energy
    }
    gpus |= {domain.device: domain for domain in offered if domain.name == "board"}
    wants += [Want(domain=gpu, reason="no source reads this accelerator's power") for _, gpu in sorted(gpus.items())]
    if host.virtual:
        wants.append(
            Want(
                domain=Domain(device="machine", name="remote"),
                reason="disks and network of a virtual machine stand elsewhere; nothing here sees them",
            )
        )
    if pue is None:
        wants.append(
            Want(
                domain=Domain(device="machine", name="facility"),
                reason="cooling and power distribution are not counted: set site.pue (1.0 for an office)",
            )
        )
    return tuple(wants)


def uncovered(wants: Iterable[Want], covered: Iterable[Domain], tree: Tree) -> list[Want]:
    """The largest wanted domains of which nothing is covered, parts where a part is covered."""
    covered = list(covered)
    addresses = [domain.address for domain in covered]
    open_wants: list[Want] = []
    for want in wants:
        here = want.domain.address
        if any(here == a or tree.contains(a, here) for a in addresses):
            continue
        if want.parts and any(tree.contains(here, a) for a in addresses):
            open_wants += uncovered(want.parts, covered, tree)
        else:
            open_wants.append(want)
    return open_wants
