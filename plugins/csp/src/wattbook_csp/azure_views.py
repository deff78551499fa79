"""Answers of Azure that say the same in different ways: per month and subscription, one of them counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from attrs import define, frozen

from wattbook_csp.notes import Notes

ALL_SCOPES = ("1", "2", "3")
#: most detailed first; a monthly summary has no category
CATEGORIES = ("Resource", "ResourceGroup", "ResourceType", "Location", "Subscription", "")


@frozen(kw_only=True)
class Key:
    """What an answer is about."""

    month: str
    members: frozenset[str]  #: the subscriptions whose emissions are in it
    category: str
    scopes: tuple[str, ...]  #: asked together, and one number therefore

    @property
    def kind(self) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
        """The same without the month, as something that sorts."""
        return self.category, self.scopes, tuple(sorted(self.members))


@define
class View:
    """One answer, over its pages."""

    key: Key
    partial: bool = False
    co2e_kg: Decimal = Decimal(0)


@define
class Family:
    """Views that add up: one for each scope, or a single one for all scopes together."""

    views: list[View]

    @property
    def scopes(self) -> set[str]:
        return {scope for view in self.views for scope in view.key.scopes}

    @property
    def complete(self) -> bool:
        return self.scopes == set(ALL_SCOPES)

    @property
    def key(self) -> Key:
        return self.views[0].key

    @property
    def co2e_kg(self) -> Decimal:
        return sum((view.co2e_kg for view in self.views), Decimal(0))

    @property
    def rank(self) -> tuple[bool, bool, bool, int]:
        """Best first: complete, nothing missing, scopes apart, most detailed."""
        category = self.key.category
        detail = CATEGORIES.index(category) if category in CATEGORIES else len(CATEGORIES)
        missing = any(view.partial for view in self.views)
        return not self.complete, missing, len(self.key.scopes) > 1, detail

    def __str__(self) -> str:
        scopes = "+".join(sorted(self.scopes))
        what = f"items by {self.key.category}" if self.key.category else "monthly summary"
        return f"{self.key.month}, {what}, scope {scopes}"


def best(views: Iterable[View], notes: Notes) -> Iterator[tuple[Key, bool]]:
    """The views that count, and of each whether something is known to be missing."""
    taken: dict[tuple[str, str], Family] = {}
    for family in sorted(_families(views), key=lambda f: (f.rank, str(f))):
        month, members = family.key.month, family.key.members
        rivals = {id(taken[month, m]): taken[month, m] for m in sorted(members) if (month, m) in taken}
        if rivals:
            _note_alternative(family, list(rivals.values()), notes)
            continue
        for member in members:
            taken[month, member] = family
        if not family.complete:
            missing = ", ".join(sorted(set(ALL_SCOPES) - family.scopes))
            notes.add(f"{family}: scope {missing} is not in this import, so this is not the whole")
        for view in family.views:
            yield view.key, view.partial or not family.complete


def _families(views: Iterable[View]) -> Iterator[Family]:
    apart: dict[tuple[str, frozenset[str], str], Family] = {}
    for view in views:
        if len(view.key.scopes) > 1:
            yield Family([view])
        else:
            apart.setdefault((view.key.month, view.key.members, view.key.category), Family([])).views.append(view)
    yield from apart.values()


def _note_alternative(family: Family, rivals: list[Family], notes: Notes) -> None:
    reason = f"{family}: left out, because it is in {rivals[0]}"
    here, there = family.co2e_kg, sum((rival.co2e_kg for rival in rivals), Decimal(0))
    same = frozenset().union(*(f.key.members for f in rivals)) == family.key.members
    if same and family.scopes == set().union(*(f.scopes for f in rivals)) and abs(here - there) > Decimal("0.001"):
        reason += f"; they differ: {here} and {there} kg"
    notes.add(reason)
