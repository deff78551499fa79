"""What could be done about it: levers that the book itself gives a reason for, the largest first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from wattbook.accounting import Interval, Sum, Tally
from wattbook.accounting.carbon import factor_of
from wattbook.accounting.intervals import LOCATION
from wattbook.factors import Factor, lookup
from wattbook.factors.table import find_zone
from wattbook.records import Entry, Place, RunRecord
from wattbook.report.atoms import Atom
from wattbook.report.model import Reduction
from wattbook.report.numbers import carbon_text, digits
from wattbook.report.sums import Whole

BEST = 3
#: work that waits for nobody in the room and could run in another place
MOVABLE = ("train", "eval", "ci")
#: where large clouds have data centres on grids of little carbon; the cleanest in the table is named
CLEAN = ("FI", "FR", "NO", "SE")
#: below this share, moving is not worth saying
WORTH = 0.5
#: what a good data centre reaches
GOOD_PUE = 1.1


def reductions_of(atoms: Sequence[Atom], entries: Iterable[Entry], runs: Iterable[RunRecord]) -> list[Reduction]:
    """The best levers, none of them certain: each says at most how much, from what, and what speaks against it."""
    found = [*_idle(atoms), *_failed(entries, runs), *_elsewhere(atoms), *_facility(atoms), *_pipelines(atoms)]
    found = [one for one in found if one.saves_g.value > 0]
    return sorted(found, key=lambda one: (-one.saves_g.value, one.name))[:BEST]


def _idle(atoms: Sequence[Atom]) -> Iterator[Reduction]:
    idle = [atom for atom in atoms if atom.phase == "idle"]
    yield from _whole(
        "Switch idle machines off", "What is idle could be off, or sleep.", idle,
        "measured or estimated under phase idle in this book",
        "somebody may be waiting for the machine to answer at once",
    )  # fmt: skip


def _pipelines(atoms: Sequence[Atom]) -> Iterator[Reduction]:
    yield from _whole(
        "Run fewer pipelines", "Pipelines that nobody needs could be left out, and what they build cached.", [a for a in atoms if a.phase == "ci"],
        "everything under phase ci in this book", "this is all of it; a part of the pipelines is needed",
    )  # fmt: skip


def _whole(name: str, what: str, atoms: list[Atom], basis: str, caution: str) -> Iterator[Reduction]:
    total = Whole().add(atoms).total()
    if total.location_g is not None:
        yield Reduction(name=name, what=what, saves_g=total.location_g, basis=basis, caution=caution)


def _failed(entries: Iterable[Entry], runs: Iterable[RunRecord]) -> Iterator[Reduction]:
    failed = {run.run_id for run in runs if run.kind == "run" and (run.exit_code or run.signal)}
    if not failed:
        return
    tally = Tally()
    met = set()
    for entry in entries:
        if entry.run_id in failed:
            tally.add(entry)
            met.add(entry.run_id)
    total = tally.total()
    if total.location_g is not None:
        yield Reduction(
            name="Find failures earlier",
            what=f"{len(met)} {'run' if len(met) == 1 else 'runs'} ended with an error.",
            saves_g=total.location_g, basis="runs of this book that a signal or an error ended",
            caution="a failed run may have been worth its lesson, and checkpoints may have saved its work",
        )  # fmt: skip


def _elsewhere(atoms: Sequence[Atom]) -> Iterator[Reduction]:
    clean = _cleanest(atoms)
    groups: dict[Factor, Tally] = defaultdict(Tally)
    for atom in atoms:
        factor = factor_of(atom.line.place, atom.line.year)
        if atom.phase in MOVABLE and factor is not None:
            groups[factor].merge(atom.tally)
    saved = Sum(unit=LOCATION)
    zones: set[str] = set()
    arithmetic: list[str] = []
    for factor, tally in groups.items():
        share = 1 - clean.g_per_kwh / factor.g_per_kwh if clean is not None and factor.g_per_kwh > 0 else 0.0
        grams = tally.total().location_g
        if clean is not None and share > WORTH and grams is not None:
            low, high = (None if end is None else end * share for end in (grams.low, grams.high))
            saved.add(Interval(grams.value * share, low, high, unit=LOCATION), "place")
            arithmetic.append(
                f"{carbon_text(grams)} x (1 - {digits(clean.g_per_kwh)} / {digits(factor.g_per_kwh)}) "
                f"by {factor.id} and {clean.id}"
            )
            zones.add(f"{_country(factor)} {digits(factor.g_per_kwh)} g/kWh")
    saves_g = saved.interval()
    if clean is not None and saves_g is not None:
        yield Reduction(
            name="Work where the grid is cleaner",
            what=f"{_list(MOVABLE).capitalize()} could run in {_country(clean)} at {digits(clean.g_per_kwh)} g/kWh "
            f"in place of {_list(sorted(zones))}.",
            saves_g=saves_g, arithmetic=tuple(arithmetic), basis="energy of these phases x the difference of the two yearly averages",
            caution="where data may lie, latency and transfer; yearly averages, not what one more kWh causes there",
        )  # fmt: skip


def _cleanest(atoms: Sequence[Atom]) -> Factor | None:
    year = max((atom.line.year for atom in atoms), default=0)
    factors = [factor for zone in CLEAN if (factor := lookup(Place(zone=zone), year)) is not None]
    return min(factors, key=lambda factor: (factor.g_per_kwh, factor.zone), default=None)


def _country(factor: Factor) -> str:
    """A name that people read; ``NO`` for Norway would be misread."""
    zone = find_zone(factor.zone)
    return zone.name if zone is not None else factor.zone


def _facility(atoms: Sequence[Atom]) -> Iterator[Reduction]:
    groups: dict[tuple[str, float], Whole] = defaultdict(Whole)
    for atom in atoms:
        if (atom.line.place.pue or 1.0) > GOOD_PUE:
            groups[atom.line.place.site, atom.line.place.pue or 1.0].add([atom])
    for (site, pue), whole in groups.items():
        grams = whole.total().location_g
        if grams is not None:
            share = 1 - GOOD_PUE / pue
            low, high = (None if end is None else end * share for end in (grams.low, grams.high))
            yield Reduction(
                name=f"Cool {site} better",
                what=f"Its PUE is {pue:g}; a good data centre has {GOOD_PUE:g}.",
                saves_g=Interval(grams.value * share, low, high, unit=LOCATION),
                arithmetic=(f"{carbon_text(grams)} x (1 - {GOOD_PUE:g} / {pue:g})",),
                basis="the configured PUE of the site", caution="a PUE that was stated and not measured",
            )  # fmt: skip


def _list(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
