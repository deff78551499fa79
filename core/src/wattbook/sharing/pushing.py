"""Hand over what a place does not have yet, in parcels; stopped anywhere and begun again, nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from wattbook.ledger.store import Ledger
from wattbook.sharing.items import LARGE, Item, Line, handed_over, items_of, lines_of, remember
from wattbook.sharing.parcels import Parcel
from wattbook.sharing.places import Place

PARCEL_BYTES = 8 << 20  #: unpacked; a parcel is sealed when it is larger


@frozen(kw_only=True)
class Pushed:
    """What a push handed over."""

    parcels: int = 0
    known_parcels: int = 0  #: that were there already, with the same content
    runs: int = 0
    months: int = 0
    entries: int = 0
    statements: int = 0
    bytes: int = 0
    problems: tuple[str, ...] = ()


def push(book: Ledger, place: Place, *, everything: bool = False, dry_run: bool = False) -> Pushed:
    """Write what *place* does not have; what a parcel holds is remembered when the parcel is safe.

    A parcel that is gone from the place is handed over again; *everything* trusts no memory at all.
    """
    there, others = place.names()
    todo = missing(book, place.place_id, None if everything else there)
    sent = known = size = entries = statements = 0
    done: dict[Item, set[str]] = {}
    for parcel, items, ended in _packed(book, todo):
        name, content = parcel.sealed()
        if name in there:
            known += 1
        else:
            sent, size = sent + 1, size + len(content)
            if not dry_run:
                place.write(name, content)
                there.add(name)
        for item in items:
            done.setdefault(item, set()).add(name)
        if not dry_run:
            remember(book, place.place_id, ((item, one) for item in ended for one in sorted(done.pop(item))))
        entries += parcel.counts.get("entry", 0)
        statements += parcel.counts.get("statement", 0)
    return Pushed(
        parcels=sent, known_parcels=known, entries=entries, statements=statements, bytes=size,
        runs=sum(item.name.startswith("run:") for item in todo),
        months=sum(item.name.startswith("month:") for item in todo), problems=tuple(others),
    )  # fmt: skip


def missing(book: Ledger, place_id: str, there: set[str] | None) -> list[Item]:
    """What a place does not have in the state that the book has it in; *there* are its parcels."""
    known = {} if there is None else handed_over(book, place_id)
    return [item for item in items_of(book) if item not in known or not known[item] <= (there or set())]


def _packed(book: Ledger, todo: list[Item]) -> Iterator[tuple[Parcel, list[Item], list[Item]]]:
    """Parcels with the items that they hold something of, and those of which they hold the last."""
    parcel, inside = Parcel(), list[Item]()
    for item, lines, last in lines_of(book, todo):
        if item.size > LARGE:  # its parts are parcels of their own, so that every book makes the same of them
            if inside:
                yield parcel, inside, inside
                parcel, inside = Parcel(), []
            yield _filled(Parcel(), lines), [item], [item] if last else []
            continue
        _filled(parcel, lines)
        inside.append(item)
        if parcel.size > PARCEL_BYTES:
            yield parcel, inside, inside
            parcel, inside = Parcel(), []
    if inside:
        yield parcel, inside, inside


def _filled(parcel: Parcel, lines: list[Line]) -> Parcel:
    for line in lines:
        parcel.add(line)
    return parcel
