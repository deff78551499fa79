"""Sums of atoms and of provided figures: the total, its bases, and the rows of every dimension."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from attrs import define, field

from wattbook.accounting import Claim, Tally, Total
from wattbook.model import Statement
from wattbook.report.atoms import Atom
from wattbook.report.dimensions import shares_of
from wattbook.report.model import Report, Row, Share
from wattbook.report.period import Period

BASES = ("provided", "measured", "estimated")

Shares = Mapping[str | None, tuple[Share, ...]]


@define
class Whole:
    """A total with its parts by basis."""

    bases: dict[str, Tally] = field(factory=lambda: defaultdict(Tally))

    def add(self, atoms: Iterable[Atom], shares: Iterable[Share] = ()) -> Whole:
        for atom in atoms:
            self.bases[atom.line.basis].merge(atom.tally)
        for one in shares:
            self.bases["provided"].add_provided(one.figures, one.share)
        return self

    def tally(self) -> Tally:
        everything = Tally()
        for tally in self.bases.values():
            everything.merge(tally)
        return everything

    def total(self) -> Total:
        return self.tally().total()

    def by_basis(self) -> dict[str, Total]:
        return {basis: self.bases[basis].total() for basis in BASES if basis in self.bases and self.bases[basis].parts}

    def row(self, key: str | None) -> Row:
        return Row(key=key, total=self.total(), by_basis=self.by_basis())


def undivided(claims: Iterable[Claim]) -> tuple[Share, ...]:
    """Every provider's figure as a whole."""
    return tuple(Share(claim=one, figures=one.provided, share=1.0) for one in claims)


def shares_by_key(dim: str, claims: Iterable[Claim], statements: Sequence[Statement], period: Period) -> Shares:
    """How the providers' figures divide in a dimension."""
    found: dict[str | None, list[Share]] = defaultdict(list)
    for one in claims:
        for key, figures, share in shares_of(dim, one, statements, period):
            found[key].append(Share(claim=one, figures=figures, share=share))
    return {key: tuple(some) for key, some in found.items()}


def rows_of(number: int, atoms: Iterable[Atom], shares: Shares) -> tuple[Row, ...]:
    """The total by the keys of one dimension, the *number*-th of the atoms, the largest first."""
    wholes: dict[str | None, Whole] = defaultdict(Whole)
    by_key: dict[str | None, list[Atom]] = defaultdict(list)
    for atom in atoms:
        by_key[atom.keys[number]].append(atom)
    for key, some in by_key.items():
        wholes[key].add(some)
    for key, parts in shares.items():
        wholes[key].add((), parts)
    return tuple(sorted((whole.row(key) for key, whole in wholes.items()), key=_largest_first))


def _largest_first(row: Row) -> tuple[float, float, bool, str]:
    total = row.total
    grams = [part.value for part in (total.location_g, total.unsplit_g) if part is not None]
    return (-sum(grams), -(total.energy.value if total.energy else 0.0), row.key is None, row.key or "")


def behind(report: Report, dim: str, keys: Collection[str | None]) -> tuple[list[Atom], list[Share]]:
    """The atoms and the provided figures that some keys of a dimension are the sum of."""
    number = list(report.by).index(dim)
    atoms = [atom for atom in report.atoms if atom.keys[number] in keys]
    return atoms, [one for key, some in report.provided[dim].items() if key in keys for one in some]


def folded(report: Report, dim: str, most: int) -> tuple[tuple[Row, ...], Row | None]:
    """The largest rows of a dimension, and one row for all others where there are more than *most*."""
    rows = report.by[dim]
    if len(rows) <= most:
        return rows, None
    atoms, shares = behind(report, dim, {row.key for row in rows[most:]})
    return rows[:most], Whole().add(atoms, shares).row(f"({len(rows) - most} more)")


def largest_claims(report: Report, most: int) -> list[tuple[int, Claim]]:
    """The claims of most carbon with their place in the report, in its order."""

    def size(claim: Claim) -> float:
        stated = claim.provided
        return float(
            max((abs(kg) for kg in (stated.location, stated.market, stated.unsplit) if kg is not None), default=0)
        )

    numbered = sorted(enumerate(report.claims), key=lambda numbered: (-size(numbered[1]), numbered[0]))
    return sorted(numbered[:most], key=lambda numbered: numbered[0])
