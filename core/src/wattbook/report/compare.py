"""Two months, projects, runs or commands side by side: the difference, its interval, and whether it is more than noise."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from attrs import field, frozen

from wattbook.accounting import Interval, Sum, Tally, Total
from wattbook.accounting.carbon import factor_of
from wattbook.accounting.differences import difference, scaled
from wattbook.records import RunRecord
from wattbook.report.atoms import Atom
from wattbook.report.model import RunUse, Share
from wattbook.report.notes import SYNTHETIC
from wattbook.report.spread import Spread, half_width, spread_of, t95
from wattbook.report.sums import Whole

ENOUGH = 3  #: runs of one command, before their scatter says what a single run may differ by


@frozen(kw_only=True)
class Side:
    """One of two things that are compared."""

    kind: str  #: ``month``, ``project``, ``run``, ``command``
    name: str
    total: Total
    energy: Sum = field(repr=False)
    carbon: Sum = field(repr=False)  #: location-based, and what providers state without a method
    factors: tuple[str, ...] = ()
    runs: int = 0
    units: float | None = None
    unit: str = ""
    spread_j: Spread | None = None  #: of its runs, or of all runs of its command
    spread_g: Spread | None = None
    each: bool = False  #: a mean of runs, and no sum
    synthetic: bool = False


@frozen(kw_only=True)
class Difference:
    """The second less the first; ``real`` says whether it is more than noise, ``None`` where nobody can."""

    what: str
    unit: str  #: ``J``, ``g``, ``J/token``
    first: Interval | None
    second: Interval | None
    change: Interval | None
    real: bool | None
    why: str


@frozen(kw_only=True)
class Comparison:
    first: Side
    second: Side
    differences: tuple[Difference, ...]
    same_factors: bool | None
    notes: tuple[str, ...] = ()


def side_of(kind: str, name: str, atoms: Sequence[Atom], shares: Iterable[Share] = (), runs: int = 0) -> Side:
    """A month or a project: all of it added up."""
    tally = Whole().add(atoms, shares).tally()
    return Side(
        kind=kind, name=name, total=tally.total(), energy=tally.energy, carbon=_carbon(tally),
        factors=_factors(atoms), runs=runs, synthetic=_made_up(atoms),
    )  # fmt: skip


def side_of_run(use: RunUse, record: RunRecord, alike: Sequence[RunUse]) -> Side:
    """One run; *alike* are all complete runs of its command, which say how much one differs from the next."""
    tally = Whole().add(use.atoms).tally()
    return Side(
        kind="run", name=use.run_id, total=tally.total(), energy=tally.energy, carbon=_carbon(tally),
        factors=_factors(use.atoms), runs=1, synthetic=_made_up(use.atoms), units=record.units, unit=record.unit,
        spread_j=spread_of(_joules(alike)), spread_g=spread_of(_grams(alike)),
    )  # fmt: skip


def side_of_command(name: str, uses: Sequence[RunUse], records: Sequence[RunRecord]) -> Side:
    """The mean of all complete runs of a command."""
    atoms = [atom for use in uses for atom in use.atoms]
    tally = Whole().add(atoms).tally()
    number = max(1, len(uses))
    units = {record.unit for record in records if record.units is not None}
    told = [record.units for record in records if record.units is not None]
    whole = len(told) == len(records) and len(units) == 1
    return Side(
        kind="command", name=name, total=tally.total(), energy=scaled(tally.energy, 1 / number),
        carbon=scaled(_carbon(tally), 1 / number), factors=_factors(atoms), runs=len(uses), synthetic=_made_up(atoms),
        units=math.fsum(told) / number if whole else None, unit=next(iter(units)) if whole else "",
        spread_j=spread_of(_joules(uses)), spread_g=spread_of(_grams(uses)), each=True,
    )  # fmt: skip


def compare(first: Side, second: Side) -> Comparison:
    """The second less the first, in energy, in carbon and, where both say how much work they did, in each of its units."""
    found = [
        _difference("energy", "J", first, second, first.energy, second.energy, first.spread_j, second.spread_j),
        _difference("carbon", "g", first, second, first.carbon, second.carbon, first.spread_g, second.spread_g),
    ]
    notes = list(_notes(first, second))
    if first.units and second.units and first.unit == second.unit:
        for what, unit, one, other, spreads in (
            ("energy", "J", first.energy, second.energy, (first.spread_j, second.spread_j)),
            ("carbon", "g", first.carbon, second.carbon, (first.spread_g, second.spread_g)),
        ):
            per = f"{what} per {first.unit}"
            found.append(
                _difference(
                    per, f"{unit}/{first.unit}", first, second, scaled(one, 1 / first.units),
                    scaled(other, 1 / second.units), _per(spreads[0], first.units), _per(spreads[1], second.units),
                )
            )  # fmt: skip
    same = None if not first.factors or not second.factors else first.factors == second.factors
    return Comparison(first=first, second=second, differences=tuple(found), same_factors=same, notes=tuple(notes))


def _per(spread: Spread | None, units: float) -> Spread | None:
    if spread is None:
        return None
    deviation = None if spread.deviation is None else spread.deviation / units
    return Spread(number=spread.number, mean=spread.mean / units, deviation=deviation)


def _difference(
    what: str, unit: str, first: Side, second: Side, one: Sum, other: Sum, a: Spread | None, b: Spread | None
) -> Difference:
    change = difference(other, one)
    scatter, why = _scatter(first, second, a, b)
    known = change is not None and not (one.without_interval or other.without_interval)
    if change is not None and scatter is not None:
        low, high = (0.0 if end is None else abs(end - change.value) for end in (change.low, change.high))
        change = Interval(
            change.value, change.value - math.hypot(low, scatter), change.value + math.hypot(high, scatter),
            unit=change.unit,
        )  # fmt: skip
    real, said = _judged(change, known, why)
    return Difference(
        what=what, unit=unit, first=one.interval(), second=other.interval(), change=change, real=real, why=said
    )  # fmt: skip


def _scatter(first: Side, second: Side, a: Spread | None, b: Spread | None) -> tuple[float | None, str]:
    """Half of the 90 % interval that comes from runs differing from each other; and what is not known about it."""
    if a is None or b is None:
        return None, ""
    if first.each and second.each:
        width = half_width(a, b)
        return width, "" if width is not None else "one run of a command says nothing of how runs differ"
    widths = [_of_one(spread) for spread in (a, b)]
    if None in widths:
        return None, f"how much runs of one command differ is known from {ENOUGH} of them on"
    return math.hypot(*(width for width in widths if width is not None)), ""


def _of_one(spread: Spread) -> float | None:
    """How far one run may lie from the mean of its kind."""
    if spread.number < ENOUGH or spread.deviation is None:
        return None
    return t95(spread.number - 1) * spread.deviation


def _judged(change: Interval | None, known: bool, why: str) -> tuple[bool | None, str]:
    if change is None:
        return None, "one of the two is not known"
    if change.value == 0:
        return False, "no difference"
    if change.low is None or change.high is None:
        return None, "the error of the figures is not known"
    real = change.low > 0 or change.high < 0
    if not real:
        return False, "within what the figures and their runs may be off by"
    if why:
        return None, f"more than the instruments' error, but {why}"
    if not known:
        return None, "more than the error of what has one; some figures have none"
    return True, "more than noise"


def _notes(first: Side, second: Side) -> Iterable[str]:
    if first.synthetic or second.synthetic:
        yield SYNTHETIC
    if first.factors and second.factors and first.factors != second.factors:
        yield (
            f"the grid factors differ ({', '.join(first.factors)}; {', '.join(second.factors)}): a difference in carbon "
            "is not one in work"
        )
    if first.each:
        yield "a command is compared by the mean of its runs; its energy and carbon above are those of all of them"
    for side in (first, second):
        if side.total.without_factor_j:
            yield f"{side.name}: a part of its energy has no grid factor, and its carbon is left out"
        if side.runs == 1 and side.each:
            yield f"{side.name}: one run only"
    if (first.units is None) != (second.units is None):
        yield "only one of the two says how much work it did (--units), so nothing is compared by it"
    elif first.units and second.units and first.unit != second.unit:
        yield f"the work of the two is counted in different units: {first.unit}, {second.unit}"


def _carbon(tally: Tally) -> Sum:
    made = tally.location_sum()
    made.merge(tally.unsplit, same_unit=False)
    return made


def _factors(atoms: Iterable[Atom]) -> tuple[str, ...]:
    found = (factor_of(atom.line.place, atom.line.year) for atom in atoms)
    return tuple(sorted({factor.id for factor in found if factor is not None}))


def _made_up(atoms: Iterable[Atom]) -> bool:
    return any(atom.largest.synthetic for atom in atoms)


def _joules(uses: Iterable[RunUse]) -> list[float]:
    return [use.total.energy.value for use in uses if use.total.energy is not None]


def _grams(uses: Iterable[RunUse]) -> list[float]:
    return [use.total.location_g.value for use in uses if use.total.location_g is not None]
