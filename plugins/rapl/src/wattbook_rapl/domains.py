"""What the kernel's names for RAPL counters mean: devices, domains and what they may draw."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen
from wattbook import Domain, Host

#: largest plausible mean power over a poll; decides when a counter may have wrapped more than once
MAX_W = {"package": 1_000.0, "core": 1_000.0, "gfx": 1_000.0, "dram": 1_000.0, "platform": 5_000.0}


@frozen(kw_only=True)
class Place:
    """Which package and which part of it a counter belongs to; ``None`` is the whole machine."""

    package: int | None
    name: str  #: a key of ``MAX_W``

    def domain(self, host: Host) -> Domain:
        """psys reaches as far as the board was wired, so what it contains is not certain."""
        if self.package is None:
            return Domain(device="machine", name="platform", may_contain=("gpu:*",))
        if self.name == "dram":
            return Domain(device=f"dram:{self.package}", name="dram")
        device = f"cpu:{self.package}"
        model = host.cpus[self.package].name if self.package < len(host.cpus) else ""
        within = None if self.name == "package" else f"{device}/package"
        return Domain(device=device, name=self.name, within=within, model=model)


def in_order(places: Sequence[Place]) -> list[Place]:
    """Packages first, the machine last."""
    order = list(MAX_W)
    return sorted(places, key=lambda p: (p.package is None, p.package or 0, order.index(p.name)))
