"""A group of people too small to hide in: then nobody is shown apart, nor what is nobody's."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TypeVar

from wattbook.records import Entry
from wattbook.report.model import UNALLOCATED, Share

TAG = "person"  #: a tag of this name is a person too
DIMENSIONS = ("person", f"tag:{TAG}")

T = TypeVar("T")


def group_of(dims: Collection[str], entries: Iterable[Entry], minimum: int) -> str | None:
    """The one row of all people, where fewer than *minimum* of them are in a report by person.

    What has no person belongs to it: with that apart, total minus rest would be what the few used.
    """
    if not any(dim in dims for dim in DIMENSIONS):
        return None
    people = {person for e in entries for person in (e.labels.person, e.labels.tags.get(TAG)) if person}
    return f"(fewer than {minimum} people, and nobody's)" if 0 < len(people) < minimum else None


def keyed(dim: str, read: Callable[[T], str | None], group: str | None) -> Callable[[T], str | None]:
    """How to read the keys of a dimension, where people are shown as one group."""
    return read if group is None or dim not in DIMENSIONS else lambda _: group


def together(
    dim: str, shares: Mapping[str | None, tuple[Share, ...]], group: str | None
) -> Mapping[str | None, tuple[Share, ...]]:
    """The parts of providers' figures by person, as one part of the group; the rest is nobody's anyway."""
    if group is None or dim not in DIMENSIONS:
        return shares
    found: dict[str | None, tuple[Share, ...]] = {}
    for key, some in shares.items():
        to = key if key == UNALLOCATED else group
        found[to] = (*found.get(to, ()), *some)
    return found
