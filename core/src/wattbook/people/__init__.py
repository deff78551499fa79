"""People are pseudonyms: who is who stands in a file of keys beside the book, and in no book.

A pseudonym is a hash of the name under a key of that person's own.  Whoever has the file of keys sees
names in reports; nobody else can try names out, and where the key is gone, nobody at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from attrs import evolve

if TYPE_CHECKING:
    from wattbook.config import Privacy
    from wattbook.people.keys import Keys
    from wattbook.records import Labels

PSEUDONYM = re.compile(r"p-[0-9a-f]{16}")
TAG = "person"  #: a tag of this name is a person too


def hidden(labels: Labels, privacy: Privacy) -> tuple[Labels, str]:
    """The labels with a pseudonym for the person, and in words why there is none.

    Where no key can be kept there is no person either: a name never stands in for a pseudonym.
    """
    tag = labels.tags.get(TAG)
    if not privacy.pseudonyms or not (labels.person or tag):
        return labels, ""
    from wattbook.people.keys import Keys

    try:
        keys = Keys.of(privacy)
        person = pseudonym(labels.person, keys)
        tags = dict(labels.tags) if tag is None else {**labels.tags, TAG: pseudonym(tag, keys) or ""}
        why = ""
    except OSError as error:
        person, tags = None, {name: text for name, text in labels.tags.items() if name != TAG}
        place = f"{error.filename}: " if error.filename else ""
        why = f"no person is written down, because the file of keys cannot be kept: {place}{error.strerror or error}"
    return evolve(labels, person=person, tags=tags), why


def introduce(people: Iterable[Labels], privacy: Privacy) -> None:
    """Whoever is new among *people* gets a key, all at once; where none can be kept, ``hidden`` says why."""
    if not privacy.pseudonyms:
        return
    told = {name for labels in people for name in (labels.person, labels.tags.get(TAG)) if name}
    names = {name.strip() for name in told if name.strip() and not PSEUDONYM.fullmatch(name)}
    if names:
        with suppress(OSError):
            from wattbook.people.keys import Keys

            Keys.of(privacy).pseudonyms(sorted(names))


def pseudonym(name: str | None, keys: Keys) -> str | None:
    """The pseudonym of a name; one that is a pseudonym already stays what it is."""
    if not name or not name.strip() or PSEUDONYM.fullmatch(name):
        return name
    return keys.pseudonym(name.strip())
