"""From a lever to what it saves: energy, carbon by average and by marginal factors, money, each with its interval."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from wattbook.accounting import Interval, Sum
from wattbook.accounting.carbon import factor_of
from wattbook.accounting.intervals import ENERGY, LOCATION
from wattbook.factors import Factor
from wattbook.report.atoms import Atom
from wattbook.report.levers.model import ESTIMATED, HERE, PARTLY, Effect, Evidence, Lever, Saving, Share
from wattbook.units import J_PER_KWH

MARGINAL = "g CO2e, marginal"
#: levers whose effects can be had at once on the same figures, in the order in which they are taken
COMPATIBLE = ("idle-off", "early-stop", "ci", "power-cap", "facility", "region")

Named = tuple[str, Effect]


def saving_of(lever: Lever, evidence: Evidence) -> Saving:
    """What the lever alone would have saved."""
    effects = {number: ((lever.name, effect),) for number, effect in lever.effects.items()}
    with evidence.held():
        return _saving(lever, effects, evidence)


def together(levers: Iterable[Lever], evidence: Evidence) -> Saving | None:
    """What those of the levers that go together save at once: each acts on what the ones before it leave.

    ``None`` where there are less than two of them.
    """
    known = {one.name: one for one in levers if one.effects and one.unknown is None}
    used = [known[name] for name in COMPATIBLE if name in known]
    if len(used) < 2:
        return None
    effects: dict[int, tuple[Named, ...]] = {}
    for one in used:
        for number, effect in one.effects.items():
            effects[number] = (*effects.get(number, ()), (one.name, effect))
    combined = Lever(
        name="together",
        title="All of these together",
        what=f"{', '.join(one.name for one in used)}, each on what the ones before it leave.",
        at_most=any(one.at_most for one in used),
        confidence="the weakest of them",
        caution="not the sum of the lines above: levers act on the same energy",
        effects={number: Effect() for number in effects},
    )
    with evidence.held():
        return _saving(combined, effects, evidence)


def _saving(lever: Lever, effects: Mapping[int, Sequence[Named]], evidence: Evidence) -> Saving:
    if lever.unknown is not None or not effects:
        return Saving(
            lever=lever, marginal=lever.marginal_g, currency=evidence.currency, confidence=lever.confidence
        )  # fmt: skip
    energy, grams, marginal, money = Sum(unit=ENERGY), Sum(unit=LOCATION), Sum(unit=MARGINAL), Sum()
    uncounted = False  # energy that no factor turns into carbon
    acts_on_j = 0.0
    for number, some in effects.items():
        atom = evidence.atoms[number]
        acts_on_j += atom.tally.energy.value
        _add_energy(energy, atom, some)
        if evidence.price_per_kwh is not None:
            _add_energy(money, atom, some, evidence.price_per_kwh * (atom.line.place.pue or 1.0) / J_PER_KWH)
        if not _add_grams(grams, atom, some):
            uncounted = True
        _add_marginal(marginal, atom, some, evidence)
    least = 0.0 if all(_only_less(effect) for some in effects.values() for _, effect in some) else None
    whole_marginal = marginal.interval() if marginal.parts == len(effects) else None
    return Saving(
        lever=lever,
        energy=_of(energy, least),
        co2e=None if uncounted else _of(grams, least),
        marginal=lever.marginal_g or whole_marginal,
        money=_of(money, least) if money.parts else None,
        currency=evidence.currency,
        acts_on_j=acts_on_j,
        confidence=_confidence(lever, [evidence.atoms[number] for number in effects]),
    )


def _confidence(lever: Lever, atoms: Sequence[Atom]) -> str:
    """What is said to be measured here is so only as far as the book has measured it."""
    if lever.confidence != HERE:
        return lever.confidence
    bases = {atom.line.basis for atom in atoms if atom.tally.energy.value}
    return HERE if bases <= {"measured"} else ESTIMATED if "measured" not in bases else PARTLY


def _only_less(effect: Effect) -> bool:
    """Whether an effect can make nothing more."""
    return effect.less.low >= 0 and effect.cleaner.low >= 0 and effect.factor is None and effect.pue is None


def _of(made: Sum, least: float | None = None) -> Interval | None:
    """The interval of savings: unlike that of a total, it may reach below zero, where something can become more."""
    if not made.parts:
        return None
    value, causes = made.value, made.by_cause()
    if not causes:
        return Interval(value, unit=made.unit)
    down = sum(d * d for d, _ in causes.values()) ** 0.5
    up = sum(u * u for _, u in causes.values()) ** 0.5
    low = value - down if least is None else min(value, max(least, value - down))
    return Interval(value, low, value + up, unit=made.unit)


def _energy_shares(effects: Iterable[Named]) -> list[tuple[str, Share]]:
    return [(name, effect.less) for name, effect in effects]


def _carbon_shares(effects: Iterable[Named]) -> list[tuple[str, Share]]:
    return [pair for name, effect in effects for pair in ((name, effect.less), (name, effect.cleaner))]


def _remaining(shares: Sequence[tuple[str, Share]]) -> float:
    return math.prod(1 - share.value for _, share in shares)


def _share_errors(size: float, shares: Sequence[tuple[str, Share]]) -> list[tuple[str, float, float]]:
    """How far the shares of the levers move the saving, each by itself."""
    found = []
    for place, (name, share) in enumerate(shares):
        others = size * _remaining([one for number, one in enumerate(shares) if number != place])
        if share.low != share.high:
            found.append((f"lever:{name}", others * (share.value - share.low), others * (share.high - share.value)))
    return found


def _add_energy(made: Sum, atom: Atom, effects: Sequence[Named], times: float = 1.0) -> None:
    whole, shares = atom.tally.energy, _energy_shares(effects)
    gone = (1 - _remaining(shares)) * times
    errors = [*_scaled(whole.by_cause(), gone), *_share_errors(whole.value * times, shares)]
    made.add_value(whole.value * gone, errors, known=not whole.without_interval)


def _scaled(causes: Mapping[str, tuple[float, float]], times: float) -> list[tuple[str, float, float]]:
    if times >= 0:
        return [(cause, down * times, up * times) for cause, (down, up) in causes.items()]
    return [(cause, -up * times, -down * times) for cause, (down, up) in causes.items()]


def _add_grams(made: Sum, atom: Atom, effects: Sequence[Named]) -> bool:
    """Add what an atom's carbon becomes less; false where its carbon is not known."""
    line = atom.line
    old = factor_of(line.place, line.year)
    whole = atom.tally.own
    if old is None or not whole.parts:
        return False
    new, pue = old, line.place.pue or 1.0
    for _, effect in effects:
        new, pue = effect.factor or new, effect.pue or pue
    shares = _carbon_shares(effects)
    left = _remaining(shares)
    if old.g_per_kwh <= 0:  # nothing to save; another grid would only add, and nobody proposes it
        made.add_value(0.0, ())
        return True
    ratio = (new.g_per_kwh / old.g_per_kwh) * pue / (line.place.pue or 1.0)
    moved = new != old
    errors = []
    for cause, (down, up) in whole.by_cause().items():
        # the new grid's error is another one: the old grid's then moves all that is left behind
        times = 1.0 if moved and cause.startswith("factor:") else 1 - left * ratio
        errors += _scaled({cause: (down, up)}, times)
    if moved:
        rest = whole.value * left * ratio
        errors.append((f"factor:{new.id}", rest * _up(new), rest * _down(new)))
    errors += _share_errors(whole.value * ratio, shares)
    made.add_value(whole.value * (1 - left * ratio), errors, known=not whole.without_interval)
    return True


def _down(factor: Factor) -> float:
    return 1 - factor.low_g_per_kwh / factor.g_per_kwh if factor.g_per_kwh else 0.0


def _up(factor: Factor) -> float:
    return factor.high_g_per_kwh / factor.g_per_kwh - 1 if factor.g_per_kwh else 0.0


def _add_marginal(made: Sum, atom: Atom, effects: Sequence[Named], evidence: Evidence) -> None:
    """By marginal factors, where the zones that the energy leaves and goes to have one."""
    old = factor_of(atom.line.place, atom.line.year)
    if old is None or not evidence.marginal:
        return
    new, pue = old, atom.line.place.pue or 1.0
    for _, effect in effects:
        new, pue = effect.factor or new, effect.pue or pue
    here, there = evidence.marginal.get(old.zone), evidence.marginal.get(new.zone)
    if here is None or there is None or here.g_per_kwh is None or there.g_per_kwh is None:
        return
    kwh = atom.tally.energy.value / J_PER_KWH
    shares = _energy_shares(effects)
    left = _remaining(shares)
    was, per_kwh = kwh * (atom.line.place.pue or 1.0) * here.g_per_kwh, pue * there.g_per_kwh
    now = kwh * left * per_kwh
    gone = (was - now) / atom.tally.energy.value if atom.tally.energy.value else 0.0
    errors = [*_scaled(atom.tally.energy.by_cause(), gone), *_share_errors(kwh * per_kwh, shares)]
    made.add_value(was - now, errors, known=not atom.tally.energy.without_interval)
