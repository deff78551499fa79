"""Whether a lever that somebody pulled did what was expected: a month against a later one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from wattbook.accounting import Interval, Tally
from wattbook.accounting.differences import difference, scaled
from wattbook.accounting.intervals import LOCATION, Sum
from wattbook.report.levers.every import LEVERS, lever_of
from wattbook.report.levers.model import (
    AMOUNT,
    PER_ALL,
    PER_ENERGY,
    PER_HOUR,
    Evidence,
    Lever,
    Options,
    Saving,
    Share,
)
from wattbook.units import J_PER_KWH

CONFIRMED, NOT_CONFIRMED, NOT_YET = "confirmed", "not confirmed", "not yet known"
MEASURE = {
    AMOUNT: "the carbon of what it acts on in the month",
    PER_ENERGY: "grams per kWh of what it acts on, at the later month's energy",
    PER_HOUR: "carbon per hour of what it acts on, at the later month's hours",
    PER_ALL: "its part of all carbon, at the later month's whole",
}


@frozen(kw_only=True)
class FollowUp:
    """What somebody set out to save, as the month that it was computed from had it."""

    lever: str
    argument: str | None
    month: str
    zone: str
    project: str | None
    expected: Interval  #: grams, location-based
    options: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values; ``from_dict`` is the inverse."""
        return {
            "lever": self.lever, "argument": self.argument, "month": self.month, "zone": self.zone,
            "project": self.project, "expected_g": self.expected.value, "expected_low_g": self.expected.low,
            "expected_high_g": self.expected.high, "options": dict(self.options),
        }  # fmt: skip

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> FollowUp:
        if plain["lever"] not in LEVERS:
            raise ValueError(f"there is no lever {plain['lever']!r}")
        options_from(plain.get("options") or {})
        return cls(
            lever=plain["lever"], argument=plain["argument"], month=plain["month"], zone=plain["zone"],
            project=plain["project"], options=plain.get("options") or {},
            expected=Interval(plain["expected_g"], plain["expected_low_g"], plain["expected_high_g"], unit=LOCATION),
        )  # fmt: skip


@frozen(kw_only=True)
class Outcome:
    """A follow-up and what a later month says about it."""

    follow_up: FollowUp
    verdict: str
    why: str
    month: str | None = None
    expected: Interval | None = None  #: for the later month's activity
    observed: Interval | None = None
    measure: str = ""


def plain_options(options: Options) -> dict[str, Any]:
    """What a person said about a lever, as plain JSON values."""
    told: dict[str, Any] = {}
    for name in ("zone", "chip", "instead_of"):
        value = getattr(options, name)
        if value is not None:
            told[name] = list(value) if isinstance(value, tuple) else value
    for name in ("part", "slower", "laptop_w"):
        share = getattr(options, name)
        if share is not None and share != getattr(Options(), name):
            told[name] = [share.low, share.value, share.high]
    return told


def options_from(plain: Mapping[str, Any]) -> Options:
    told: dict[str, Any] = {}
    for name, value in plain.items():
        if name in ("part", "slower", "laptop_w"):
            told[name] = Share(low=value[0], value=value[1], high=value[2])
        elif name in ("chip", "instead_of"):
            told[name] = (str(value[0]), float(value[1]))
        elif name == "zone":
            told[name] = value
    return Options(**told)


def outcome_of(follow_up: FollowUp, then: Evidence, now: Evidence | None, month: str | None) -> Outcome:
    """Compare the month of a follow-up with a later one; *now* is ``None`` where there is none yet."""
    if now is None or month is None:
        return Outcome(follow_up=follow_up, verdict=NOT_YET, why="no later month is over yet")
    if not now.atoms:
        return Outcome(follow_up=follow_up, verdict=NOT_YET, why=f"the book holds no figures of {month}", month=month)
    options = options_from(follow_up.options)
    old, new = (_one(follow_up, evidence, options) for evidence in (then, now))
    measure = MEASURE[old.later]
    if not old.acts_on:
        why = f"what it acts on is no longer in the book of {follow_up.month}"
        return Outcome(follow_up=follow_up, verdict=NOT_YET, why=why, month=month, measure=measure)
    before, after = _grams(old, then), _grams(new, now)
    work = [_activity(lever, evidence) for lever, evidence in ((old, then), (new, now))]
    none_left = not new.acts_on
    if none_left and old.later != PER_ALL:
        why = f"nothing that it acts on is in {month}: gone, or no longer recorded; the book cannot tell"
        return Outcome(follow_up=follow_up, verdict=NOT_YET, why=why, month=month, measure=measure)
    if none_left:
        after.add_value(0.0, ())
    if not before.parts or not after.parts or not work[0]:
        why = "the carbon of one of the two months is not known"
        return Outcome(follow_up=follow_up, verdict=NOT_YET, why=why, month=month, measure=measure)
    times = work[1] / work[0]
    observed = difference(scaled(before, times), after)
    assert observed is not None
    expected = _times(follow_up.expected, times)
    verdict, why = _verdict(expected, observed)
    return Outcome(
        follow_up=follow_up, verdict=verdict, why=why, month=month, expected=expected, observed=observed,
        measure=measure,
    )  # fmt: skip


def _one(follow_up: FollowUp, evidence: Evidence, options: Options) -> Lever:
    """The lever in a month; of several sites the one that was meant, even where nothing is left to do there."""
    found = lever_of(follow_up.lever, evidence, options)
    if follow_up.lever == "facility":
        site = follow_up.argument
        acts = frozenset(n for n, atom in enumerate(evidence.atoms) if atom.line.place.site == site)
        return Lever(name="facility", title="", what="", caution="", acts_on=acts, later=PER_ENERGY)
    return found[0]


def _grams(lever: Lever, evidence: Evidence) -> Sum:
    tally = Tally()
    for number in lever.acts_on:
        tally.merge(evidence.atoms[number].tally)
    return tally.own


def _activity(lever: Lever, evidence: Evidence) -> float:
    atoms = [evidence.atoms[number] for number in lever.acts_on]
    if lever.later == PER_ENERGY:
        return sum(atom.tally.energy.value for atom in atoms) / J_PER_KWH
    if lever.later == PER_HOUR:
        return sum(atom.hours for atom in atoms)
    if lever.later == PER_ALL:
        return sum(atom.tally.own.value for atom in evidence.atoms)
    return 1.0


def _times(interval: Interval, times: float) -> Interval:
    low, high = (None if end is None else end * times for end in (interval.low, interval.high))
    return Interval(interval.value * times, low, high, unit=interval.unit)


def _verdict(expected: Interval, observed: Interval) -> tuple[str, str]:
    low, high = _ends(observed)
    least = _ends(expected)[0]
    if low > 0 and high >= least:
        return CONFIRMED, "the change is more than the figures' own error, and not less than expected"
    if high <= 0:
        return NOT_CONFIRMED, "nothing became less"
    if high < least:
        return NOT_CONFIRMED, "less than expected, beyond the figures' own error"
    return NOT_YET, "the change is within the figures' own error"


def _ends(interval: Interval) -> tuple[float, float]:
    value = interval.value
    return (value if interval.low is None else interval.low), (value if interval.high is None else interval.high)


def follow_up_of(saving: Saving, *, month: str, zone: str, project: str | None, options: Options) -> FollowUp | None:
    """The follow-up of a saving; ``None`` where nobody knows what to expect."""
    if saving.co2e is None:
        return None
    return FollowUp(
        lever=saving.lever.name, argument=saving.lever.argument, month=month, zone=zone, project=project,
        expected=saving.co2e, options=plain_options(options),
    )  # fmt: skip
