"""Why a total changed since the period before: each cause's part in grams, and all of them add up to the change.

A component's grams are hours x power x PUE x grid factor.  Their change is divided among the four by the
logarithmic mean (LMDI-I: B. W. Ang, Energy Policy 32, 2004, 1131-1139), which leaves no residual.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping

from attrs import define, field

from wattbook.accounting import Claim
from wattbook.report.atoms import Atom
from wattbook.report.model import Change, Report, Step, carbon_of_both
from wattbook.report.numbers import energy_text
from wattbook.units import G_PER_KG

ACTIVITY, POWER, FACILITY, GRID = "activity", "power", "facility", "grid"
METHOD, PROVIDER, ONE_SIDED, ROUNDING = "method", "provider", "provider in one month only", "rounding"
WHY = {
    ACTIVITY: "machines and jobs worked for more or fewer hours",
    POWER: "they used more or less power while they worked: load, efficiency or hardware",
    GRID: "another grid factor: another year's figure, or another place",
    FACILITY: "another PUE of the place",
    METHOD: "the same machines, known in another way; what of it is real is not known",
    PROVIDER: "what providers state for accounts that both periods have",
    ONE_SIDED: "a provided figure that only one of the two periods has: not a change of what was emitted",
    ROUNDING: "",
}
LEAST = 1e-12  #: joules, grams and hours below which a component is as good as not there, and no ratio holds
NOTHING = 1e-9  #: a share of the total below which a part is an error of arithmetic
BY_HAND = "by hand on "  #: jobs of one platform that name no host
ALWAYS = (ACTIVITY, POWER, GRID, METHOD)

Series = tuple[str, str, str]  #: host, device and domain; a figure by hand has its platform for a host


@define
class Part:
    """One component in one period."""

    joules: float = 0.0
    facility_j: float = 0.0
    grams: float = 0.0
    hours: float = 0.0
    sources: dict[tuple[str, str, str], float] = field(factory=lambda: defaultdict(float))

    def add(self, atom: Atom) -> None:
        joules = atom.tally.energy.value
        self.joules += joules
        self.facility_j += joules * (atom.line.place.pue or 1.0)
        self.grams += atom.tally.own.value
        self.hours += atom.hours
        line = atom.line
        self.sources[line.basis, line.plugin, line.source] += joules

    @property
    def source(self) -> tuple[str, str, str] | None:
        """Where most of the energy comes from."""
        return max(self.sources, key=lambda source: (self.sources[source], source), default=None)

    def factors(self) -> dict[str, float]:
        """Four numbers whose product is the grams."""
        return {
            ACTIVITY: self.hours,
            POWER: self.joules / self.hours,
            FACILITY: self.facility_j / self.joules,
            GRID: self.grams / self.facility_j,
        }

    @property
    def divides(self) -> bool:
        return min(self.joules, self.grams, self.hours) > LEAST


def change_between(before: Report, now: Report) -> Change | None:
    """The change from one report to the next; ``None`` where the earlier one holds no figure at all."""
    if before.total.energy is None and carbon_of_both(before.total) is None and before.total.market_g is None:
        return None
    then, today = carbon_of_both(before.total), carbon_of_both(now.total)
    notes = tuple(_notes(before, now))
    if then is None or today is None:
        return Change(
            period=before.period, total=before.total, co2e_g=None, ranges_meet=True, notes=notes
        )  # fmt: skip
    change_g = today.value - then.value
    parts = _own(before, now)
    for cause, grams in _provided(before.claims, now.claims).items():
        parts[cause] += grams
    _tidy(parts, max(abs(then.value), abs(today.value)))
    parts[ROUNDING] = math.fsum([change_g, *(-grams for grams in parts.values())])
    return Change(
        period=before.period,
        total=before.total,
        co2e_g=change_g,
        ranges_meet=_ends(then)[0] <= _ends(today)[1] and _ends(today)[0] <= _ends(then)[1],
        steps=tuple(
            Step(cause=cause, co2e_g=parts[cause], why=why)
            for cause, why in WHY.items()
            if cause in ALWAYS or abs(parts[cause]) > NOTHING * max(abs(then.value), abs(today.value))
        ),
        notes=notes,
    )


def _tidy(parts: dict[str, float], size: float) -> None:
    """What only the last digits of logarithms moved is 0, and goes where most went."""
    most = max(parts, key=lambda cause: abs(parts[cause]), default="")
    for cause in parts:
        if cause != most and abs(parts[cause]) <= NOTHING * size:
            parts[most] += parts[cause]
            parts[cause] = 0.0


def _ends(interval: object) -> tuple[float, float]:
    value, low, high = interval.value, interval.low, interval.high  # type: ignore[attr-defined]
    return (value if low is None else low, value if high is None else high)


def _own(before: Report, now: Report) -> dict[str, float]:
    """The parts of measured and estimated figures.

    A component is known in another way where most of its energy comes from another source, where its host
    was there in both periods and its kind of component only in one, or where a provider's figure holds it
    in one of them.
    """
    parts: dict[str, float] = defaultdict(float)
    then, today = _series(before.atoms), _series(now.atoms)
    moved = _claimed(before.claims) | _claimed(now.claims)
    here = [{key[0] for key in some} for some in (then, today)]
    kinds = [{_kind(key) for key in some} for some in (then, today)]
    for key in sorted({*then, *today}):
        old, new = then.get(key, Part()), today.get(key, Part())
        host = key[0]
        if old.divides and new.divides:
            other_way = old.source != new.source
            for cause, grams in _divided(old, new).items():
                parts[METHOD if other_way and cause in (ACTIVITY, POWER) else cause] += grams
            continue
        both = host in here[0] and host in here[1] and not host.startswith(BY_HAND)
        one_kind = (_kind(key) in kinds[0]) != (_kind(key) in kinds[1])
        parts[METHOD if host in moved or (both and one_kind) else ACTIVITY] += new.grams - old.grams
    return parts


def _kind(key: Series) -> Series:
    """A component without its number: one more GPU is activity, the first one measured is not."""
    return key[0], key[1].partition(":")[0], key[2]


def _divided(old: Part, new: Part) -> dict[str, float]:
    """The change of one component by its four factors."""
    change_g = new.grams - old.grams
    ratio = math.log(new.grams / old.grams)
    mean_g = change_g / ratio if abs(ratio) > 1e-12 else new.grams
    before, after = old.factors(), new.factors()
    return {cause: mean_g * math.log(after[cause] / before[cause]) for cause in before}


def _series(atoms: Iterable[Atom]) -> Mapping[Series, Part]:
    found: dict[Series, Part] = defaultdict(Part)
    for atom in atoms:
        found[_host(atom.line.host, atom.platform), atom.line.device, atom.line.domain].add(atom)
    return found


def _claimed(claims: Iterable[Claim]) -> set[str]:
    return {_host(entry.host, entry.labels.platform) for one in claims for entry in one.entries}


def _host(host: str, platform: str | None) -> str:
    return host or f"{BY_HAND}{platform}"


def _provided(before: Iterable[Claim], now: Iterable[Claim]) -> dict[str, float]:
    parts: dict[str, float] = defaultdict(float)
    then, today = _stated(before), _stated(now)
    for account in sorted({*then, *today}):
        both = account in then and account in today
        parts[PROVIDER if both else ONE_SIDED] += today.get(account, 0.0) - then.get(account, 0.0)
    return parts


def _stated(claims: Iterable[Claim]) -> dict[tuple[str, str], float]:
    """Grams by account, location-based and of unstated method; only accounts that state one of them."""
    found: dict[tuple[str, str], float] = {}
    for one in claims:
        known = [kg for kg in (one.provided.location, one.provided.unsplit) if kg is not None]
        if known:
            key = (one.provider, one.account)
            found[key] = found.get(key, 0.0) + float(sum(known) * G_PER_KG)
    return found


def _notes(before: Report, now: Report) -> Iterable[str]:
    then = {(s.provider, s.account): s.model_version for s in before.stated}
    for one in now.stated:
        old = then.get((one.provider, one.account))
        if old is not None and old != one.model_version:
            yield (
                f"{one.provider}/{one.account}: the provider's model is {one.model_version or 'not named'}, it was "
                f"{old or 'not named'}: what of its change is method, it does not say"
            )
    for report in (before, now):
        name = report.period.title
        share = report.coverage.share
        if share is not None and share < 0.9:
            yield f"only {share:.0%} of the host-hours of {name} that the book knows of have a figure"
        if report.total.without_factor_j:
            yield f"{energy_text(report.total.without_factor_j)} of {name} have no grid factor and are not compared"
    if bool(before.watermark) != bool(now.watermark):
        yield f"{(before if before.watermark else now).period.title} holds synthetic data, and the other does not"
