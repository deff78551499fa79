"""What one look at the machine says: watts by domain with basis, and what wattbook itself uses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import asdict, frozen

from wattbook.accounting import total
from wattbook.model import Gap, Reading
from wattbook.pipeline.own import own_energy_j
from wattbook.records import Entry, utc_text

OWN_DOMAIN = "wattbook"  #: of the device ``machine``: a breakdown, never an addend


@frozen(kw_only=True)
class Power:
    """Mean watts of one domain over the frame."""

    device: str
    domain: str
    basis: str
    plugin: str
    source: str
    power_w: float
    low_w: float | None
    high_w: float | None
    outermost: bool


@frozen(kw_only=True)
class Frame:
    """One stretch of a watch; unknown is ``None``."""

    at: str  #: the end of the stretch
    duration_s: float
    power_w: float | None
    power_low_w: float | None
    power_high_w: float | None
    by_basis_w: Mapping[str, float | None]
    busy_share: float | None  #: of all processors together
    domains: tuple[Power, ...]
    gaps: tuple[Gap, ...]
    own_power_w: float | None  #: of wattbook itself, estimated from its part of the processors' busy time
    own_share: float | None
    warnings: tuple[str, ...] = ()

    @classmethod
    def from_settled(
        cls,
        readings: Iterable[tuple[str, Reading, bool]],
        gaps: Iterable[Gap],
        entries: Iterable[Entry],
        *,
        duration_s: float,
        own_share: float | None = None,
        busy_share: float | None = None,
        warnings: Iterable[str] = (),
    ) -> Frame:
        """The frame of a settled stretch; *entries* are its addends and breakdowns as lines of the book."""
        readings = list(readings)
        powers = tuple(
            Power(
                device=r.domain.device, domain=r.domain.name, basis=str(r.basis), plugin=plugin, source=r.source,
                power_w=r.energy_j / duration_s,
                low_w=None if r.low_j is None else r.low_j / duration_s,
                high_w=None if r.high_j is None else r.high_j / duration_s,
                outermost=outermost,
            )
            for plugin, r, outermost in readings
        )  # fmt: skip
        whole = total(entries).energy
        addends = [power for power in powers if power.outermost]
        own_j = own_energy_j(((r.domain.device, r.energy_j) for _, r, outermost in readings if outermost), own_share)
        return cls(
            at=utc_text(max(r.window.end for _, r, _ in readings)) if readings else "",
            duration_s=duration_s,
            power_w=None if whole is None else whole.value / duration_s,
            power_low_w=None if whole is None or whole.low is None else whole.low / duration_s,
            power_high_w=None if whole is None or whole.high is None else whole.high / duration_s,
            by_basis_w={
                basis: _sum(p.power_w for p in addends if p.basis == basis) for basis in ("measured", "estimated")
            },
            busy_share=busy_share,
            domains=powers,
            gaps=tuple(gaps),
            own_power_w=None if own_j is None else own_j / duration_s,
            own_share=own_share,
            warnings=tuple(warnings),
        )

    def as_dict(self) -> dict[str, Any]:
        plain = asdict(self, recurse=False)
        plain["domains"] = [asdict(power) for power in self.domains]
        plain["gaps"] = [{"domain": str(gap.domain), "reason": gap.reason} for gap in self.gaps]
        plain["warnings"] = list(self.warnings)
        return plain


def _sum(numbers: Iterable[float]) -> float | None:
    known = list(numbers)
    return sum(known) if known else None
