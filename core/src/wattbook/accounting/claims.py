"""Which entries lie inside a provider's figure, and whose share of it they are."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

from attrs import field, frozen

from wattbook.accounting.statements import MonthTotals
from wattbook.accounting.totals import Tally, Total, counts
from wattbook.config import Account
from wattbook.records import Entry
from wattbook.units import G_PER_KG


@frozen(kw_only=True)
class Claim:
    """One account's month: what the provider states, and the entries of ours that it contains.

    ``entries`` are shown as *of which* and never added to the provider's figure.
    """

    provider: str
    account: str
    month: str
    provided: MonthTotals
    entries: tuple[Entry, ...] = field(default=(), repr=False)
    platforms: tuple[str, ...] = ()
    gaps: tuple[Entry, ...] = field(default=(), repr=False)  #: hours of a bill whose energy nobody knows

    @property
    def of_which(self) -> Total:
        tally = Tally()
        for entry in self.entries:
            tally.add(entry)
        return tally.total()

    @property
    def unallocated_g(self) -> float | None:
        """Provided minus *of which*; negative where ours is more; ``None`` where the two do not compare.

        Only location-based figures compare: ours are grid averages.
        """
        if self.provided.location is None:
            return None
        inside = self.of_which.location_g
        return float(self.provided.location * G_PER_KG) - (inside.value if inside else 0.0)

    @property
    def like_with_like(self) -> tuple[str, Decimal] | None:
        """Of the provider's figures the one that ours compare with, and what it is; ``None`` where there is none.

        Ours are location-based emissions of the electricity used, which is scope 2 of whoever runs the
        machines: the provider's own scope 2, or its total where it does not tell its scopes apart.
        """
        if self.provided.scope2_location is not None:
            return "location-based scope 2", self.provided.scope2_location
        if self.provided.location is not None:
            return "location-based total", self.provided.location
        return None

    @property
    def ratio(self) -> float | None:
        """Our grams over the provider's of the same method and scope, where the two compare."""
        inside, theirs = self.of_which.location_g, self.like_with_like
        if inside is None or theirs is None or not theirs[1]:
            return None
        return inside.value / float(theirs[1] * G_PER_KG)

    @property
    def divided_by(self) -> str | None:
        """What the provider's figure is divided by: our ``carbon``, else our ``energy``, else billed ``hours``."""
        tally = Tally()
        for entry in self.entries:
            tally.add(entry)
            if tally.own.parts:
                return "carbon"
        if tally.energy.parts:
            return "energy"
        return "hours" if any(billed_hours(gap) for gap in self.gaps) else None

    def shares(self, key: Callable[[Entry], str | None]) -> tuple[dict[str | None, float], float]:
        """How the provider's figure divides: the share of each key, and the rest that nobody accounts for.

        A key's share is its own grams over the provider's; where ours add up to more than the provider
        states, the figure is divided in proportion and nothing is left.  Where no carbon of ours is known the
        figure is divided by energy, and where no energy is, by the hours that a bill names: then too nothing
        is left, for there is nothing to compare.  Shares and rest add up to 1.
        """
        by = self.divided_by
        if by in ("energy", "hours"):
            return _in_proportion(
                self.entries if by == "energy" else self.gaps, key, _joules if by == "energy" else billed_hours
            )
        tallies: dict[str | None, Tally] = defaultdict(Tally)
        for entry in self.entries:
            if counts(entry):
                tallies[key(entry)].add(entry)
        grams = {k: tally.own.value for k, tally in tallies.items() if tally.own.parts}
        ours = sum(grams.values())
        stated = next(
            (kg for kg in (self.provided.location, self.provided.unsplit, self.provided.market) if kg is not None), None
        )
        whole = max(ours, 0.0 if stated is None else float(stated * G_PER_KG))
        if whole <= 0:
            return {}, 1.0
        shares = {k: g / whole for k, g in sorted(grams.items(), key=lambda item: (item[0] is None, item[0] or ""))}
        return shares, max(0.0, 1.0 - sum(shares.values()))


def _joules(entry: Entry) -> float:
    return (entry.energy_j or 0.0) if counts(entry) else 0.0


def _in_proportion(
    entries: Iterable[Entry], key: Callable[[Entry], str | None], weight: Callable[[Entry], float]
) -> tuple[dict[str | None, float], float]:
    weights: dict[str | None, float] = defaultdict(float)
    for entry in entries:
        weights[key(entry)] += weight(entry)
    whole = sum(weights.values())
    if whole <= 0:
        return {}, 1.0
    named = sorted(((k, w) for k, w in weights.items() if w), key=lambda item: (item[0] is None, item[0] or ""))
    return {k: w / whole for k, w in named}, 0.0


BILL = "bill:"  #: how the id of a run begins that stands for an account's month of a bill
HOURS = "billed_hours"  #: the tag of a gap that a bill names the hours of


def billed_hours(entry: Entry) -> float:
    """The hours that a bill names for a gap; 0 for what is no such gap."""
    try:
        hours = float(entry.labels.tags.get(HOURS, "0")) if entry.kind == "gap" and billed_account(entry) else 0.0
    except ValueError:
        return 0.0
    return hours if 0 < hours < math.inf else 0.0


def billed_account(entry: Entry) -> tuple[str, str] | None:
    """Provider and account of an entry that comes from a bill: ``bill:aws/222222222222/2026-01``."""
    if not entry.run_id.startswith(BILL):
        return None
    provider, _, rest = entry.run_id.removeprefix(BILL).partition("/")
    return provider, rest.rpartition("/")[0]


def claim(
    entries: Iterable[Entry],
    provided: Mapping[tuple[str, str, str], MonthTotals],
    accounts: Mapping[str, Account],
    month_of: Callable[[Entry], str],
    gaps: Iterable[Entry] = (),
) -> tuple[list[Entry], list[Claim]]:
    """Set the entries that a provider's figure contains apart from those that count by themselves.

    *provided* is keyed (provider, account, month), *accounts* ``provider/account``.  An entry is claimed
    by the first account, in the order of their names, that names its platform or host and has a figure
    for its month.  Without any word about it, an entry whose platform is called like a provider belongs
    to that provider's account, where there is only one.  An entry from a bill says itself whose it is.
    *gaps* are those of bills: they have hours and no energy.
    """
    if not provided:
        return list(entries), []
    claimed: dict[tuple[str, str, str], list[Entry]] = {key: [] for key in sorted(provided)}
    owners = [(name.partition("/")[::2], account) for name, account in sorted(accounts.items())]
    free: list[Entry] = []
    unsaid: dict[tuple[str, str], list[tuple[str, str, str]]] = defaultdict(list)
    for key in claimed:
        if f"{key[0]}/{key[1]}" not in accounts:
            unsaid[key[0], key[2]].append(key)

    def owner_of(entry: Entry) -> tuple[str, str, str] | None:
        month = month_of(entry)
        billed = billed_account(entry)
        if billed is not None:
            return (*billed, month) if (*billed, month) in claimed else None
        for (provider, number), account in owners:
            named = entry.labels.platform in account.platforms or entry.host in account.hosts
            if named and (provider, number, month) in claimed:
                return provider, number, month
        alike = unsaid.get(((entry.labels.platform or "").lower(), month), [])
        return alike[0] if len(alike) == 1 else None

    for entry in entries:
        owner = owner_of(entry)
        (free if owner is None else claimed[owner]).append(entry)
    open_hours: dict[tuple[str, str, str], list[Entry]] = defaultdict(list)
    for gap in gaps:
        if billed_hours(gap) and (owner := owner_of(gap)) is not None:
            open_hours[owner].append(gap)
    found = []
    for (provider, number, month), inside in claimed.items():
        platforms = accounts.get(f"{provider}/{number}", Account()).platforms
        found.append(
            Claim(
                provider=provider, account=number, month=month, provided=provided[provider, number, month],
                entries=tuple(inside), platforms=platforms, gaps=tuple(open_hours.get((provider, number, month), ())),
            )
        )  # fmt: skip
    return free, found
