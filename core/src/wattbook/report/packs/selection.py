"""The figures that a pack is about: some runs, a project or a whole period, added up once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import field, frozen

from wattbook.accounting import Interval, Tally, Total
from wattbook.accounting.carbon import factor_of
from wattbook.errors import WattbookError
from wattbook.factors import Factor
from wattbook.factors.table import find_zone
from wattbook.report.atoms import Atom
from wattbook.report.model import Share
from wattbook.report.numbers import share_text
from wattbook.report.sums import BASES, Whole


class Refused(WattbookError):
    """A pack that would say less than its format promises."""


@frozen(kw_only=True)
class Selection:
    """What is told of, and everything that a format may ask about it."""

    name: str
    tally: Tally = field(repr=False)
    total: Total
    atoms: tuple[Atom, ...] = field(repr=False)
    shares: tuple[Share, ...] = field(default=(), repr=False)
    by_basis: dict[str, Total] = field(factory=dict)
    factors: tuple[Factor, ...] = ()
    start: str = ""
    end: str = ""
    units: tuple[float, str] | None = None
    gaps: tuple[str, ...] = ()  #: domains that nobody covered
    synthetic: bool = False

    @property
    def places(self) -> tuple[str, ...]:
        """The countries whose grids were used, by their names."""
        zones = dict.fromkeys(factor.zone for factor in self.factors)
        return tuple(zone.name if (zone := find_zone(code)) is not None else code for code in zones)

    @property
    def basis_text(self) -> str:
        """``measured 88 %, estimated 12 %``, by carbon."""
        grams = {b: t.location_g.value for b, t in self.by_basis.items() if t.location_g is not None}
        whole = sum(grams.values())
        if whole <= 0:
            return ", ".join(self.by_basis)
        return ", ".join(f"{basis} {share_text(part / whole)}" for basis, part in grams.items())


def selected(
    name: str,
    atoms: Sequence[Atom],
    shares: Iterable[Share] = (),
    *,
    units: tuple[float, str] | None = None,
    gaps: Iterable[str] = (),
    synthetic: bool = False,
) -> Selection:
    """Add up what is told of."""
    shares = tuple(shares)
    whole = Whole().add(atoms, shares)
    tally = whole.tally()
    factors = {f.id: f for atom in atoms if (f := factor_of(atom.line.place, atom.line.year)) is not None}
    return Selection(
        name=name, tally=tally, total=tally.total(), atoms=tuple(atoms), shares=shares,
        by_basis={basis: whole.bases[basis].total() for basis in BASES if basis in whole.bases and whole.bases[basis].parts},
        factors=tuple(factors[key] for key in sorted(factors)),
        start=min((atom.start for atom in atoms), default=""), end=max((atom.end for atom in atoms), default=""),
        units=units, gaps=tuple(sorted(set(gaps))), synthetic=synthetic,
    )  # fmt: skip


def carbon_or_refuse(told: Selection) -> Interval:
    """Location-based grams of all of it; refused where a part of them is not known, for that is no zero."""
    grams = told.total.location_g
    if grams is None:
        raise Refused(f"{told.name} has no location-based carbon that could be told")
    if told.total.without_factor_j:
        raise Refused(f"a part of the energy of {told.name} has no grid factor, so its carbon is not known")
    return grams
