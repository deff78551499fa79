"""What a reader has to know about a report's numbers, in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from wattbook.accounting import Claim, Tally, Total
from wattbook.accounting.carbon import NO_INSTRUMENT
from wattbook.accounting.overlaps import Overlap
from wattbook.model import Statement
from wattbook.records import RunRecord
from wattbook.report.atoms import Atom
from wattbook.report.model import FactorUse
from wattbook.report.numbers import carbon_text, energy_text
from wattbook.units import G_PER_KG

SYNTHETIC = "synthetic example data: these figures describe no real team"

#: outside of this, a provider's figure and ours hardly describe the same machines
PLAUSIBLE_RATIO = (0.3, 3.0)


def warnings_of(
    *,
    total: Total,
    atoms: Sequence[Atom],
    claims: Sequence[Claim],
    overlaps: Sequence[Overlap],
    runs: Iterable[RunRecord],
    factors: Sequence[FactorUse],
    stated: Sequence[Statement],
    inside: Sequence[Statement],
    cut: int,
) -> Iterator[str]:
    """The warnings of a report, in a fixed order."""
    yield from _about_factors(total, atoms, factors)
    if total.without_interval:
        yield f"{_some(total.without_interval, 'figure')} of unknown error: the intervals are those of the rest"
    yield from _about_claims(claims)
    yield from _about_unclaimed(atoms, claims)
    yield from _about_statements(claims, stated, inside)
    for lost in overlaps:
        yield (
            f"run {lost.run_id} on {lost.host} ran beside {', '.join(lost.counted_in)}: "
            f"{energy_text(lost.energy_j)} of it are counted there, not twice"
        )
    if cut:
        yield f"{_some(cut, 'entry', 'entries')} cut at the edge of a month in proportion to time"
    killed = sum(not run.complete for run in runs)
    if killed:
        yield f"{_some(killed, 'run')} ended without a summary; counted up to the last recorded poll"


def _about_factors(total: Total, atoms: Sequence[Atom], factors: Sequence[FactorUse]) -> Iterator[str]:
    if atoms and total.market_g is not None:
        yield NO_INSTRUMENT
    for use in factors:
        if use.notes:
            yield f"factor {use.factor.id}: {'; '.join(use.notes)}"
    cycles = sorted({use.factor.cycle for use in factors})
    if len(cycles) > 1:
        yield f"the total mixes factors of different cycles: {', '.join(cycles)}"
    if total.without_factor_j:
        zones = sorted({str(atom.line.place.zone) for atom in atoms if atom.line.place.zone})
        yield (
            f"the carbon of {energy_text(total.without_factor_j)} is not known and not in the total: "
            f"a zone has no factor (zones: {', '.join(zones)})"
        )


def _about_claims(claims: Sequence[Claim]) -> Iterator[str]:
    for one in claims:
        inside = one.of_which
        if inside.energy is None:
            continue
        name = f"{one.provider}/{one.account} {one.month}"
        yield (
            f"{name}: {energy_text(inside.energy.value)} measured or estimated lie inside the provider's figure "
            "and are not added to it"
        )
        if one.like_with_like is None:
            yield f"{name}: the provider states no location-based figure, so ours cannot be compared with it"
        elif one.ratio is not None and not PLAUSIBLE_RATIO[0] <= one.ratio <= PLAUSIBLE_RATIO[1]:
            scope = one.like_with_like[0] if one.like_with_like else "figure"
            yield f"{name}: our figure is {one.ratio:.2g} times the provider's {scope}; check which hosts the account claims"


def _about_unclaimed(atoms: Sequence[Atom], claims: Sequence[Claim]) -> Iterator[str]:
    """Entries on a provider's platform that none of its figures claims may be in the total twice."""
    for provider in sorted({one.provider for one in claims}):
        tally = Tally()
        for atom in atoms:
            if (atom.platform or "").lower() == provider:
                tally.merge(atom.tally)
        if tally.parts:
            yield (
                f"{energy_text(tally.energy.value)} on platform {provider} may lie inside a figure that {provider} "
                f'provides and be counted twice: name platforms or hosts under [accounts."{provider}/ACCOUNT"]'
            )


def _about_statements(
    claims: Sequence[Claim], stated: Sequence[Statement], inside: Sequence[Statement]
) -> Iterator[str]:
    for view in ("location", "market"):
        missing = [one for one in claims if getattr(one.provided, view) is None]
        names = sorted({f"{one.provider}/{one.account}" for one in missing})
        if missing:
            yield (
                f"the {view}-based total leaves out {', '.join(names)} "
                f"({_some(len(missing), 'month')}): no such figure is provided"
            )
    unsplit = [one.provided.unsplit for one in claims if one.provided.unsplit is not None]
    if unsplit:
        grams = float(sum(unsplit) * G_PER_KG)
        yield f"{carbon_text(grams)} are provided without a method and stand beside both totals, in neither"
    outside = sorted({f"{s.provider}/{s.account} {s.month}" for s in stated} - {
        f"{s.provider}/{s.account} {s.month}" for s in inside
    })  # fmt: skip
    if outside:
        yield f"not in this report, because a provider's month or year is not split: {', '.join(outside)}"
    for completeness in ("partial", "provisional"):
        some = sorted({f"{s.provider}/{s.account} {s.month}" for s in inside if s.completeness == completeness})
        if some:
            yield f"{completeness} figures: {', '.join(some)}"


def _some(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
