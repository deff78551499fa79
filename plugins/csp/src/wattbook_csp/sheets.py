"""From shelves to sheets: of each month only its newest version, every figure once."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from decimal import Decimal
from functools import partial
from itertools import compress
from typing import Any

from wattbook import ImportFailed, Piece, Problem, Sheet, Statement

from wattbook_csp.decimals import Marks, parse
from wattbook_csp.notes import Notes
from wattbook_csp.shelves import Shelf, Shelves, Stored
from wattbook_csp.snapshots import Told, newest_versions

Dropped = dict[int, set[int]]  #: of a shelf: piece, and the rows of it that were there before


def newest(shelves: Shelves, distinguishing: Sequence[int], notes: Notes) -> Iterator[Sheet | Problem]:
    """The sheets of the newest version of each (account, month), as a whole month.

    A row that is missing in the newest version is thereby gone.  Rows that are told apart by nothing of
    service, region and resource (the *distinguishing* ones of them) are one figure: kept once and noted
    where they are equal, refused where they are not.
    """
    if not shelves.all:
        raise ImportFailed("holds no row of figures")
    told = (Told(g.account, g.month, g.version, g.member) for g in (shelf.group for shelf in shelves.all))
    best = newest_versions(told, notes)
    cells: dict[tuple[Any, ...], list[Shelf]] = {}
    for shelf in shelves.all:
        if shelf.group.version == best.get((shelf.group.account, shelf.group.month)):
            cells.setdefault(shelf.group.cell, []).append(shelf)
    kept = [shelf for together in cells.values() for shelf in together]
    dropped: dict[int, Dropped] = {id(shelf): {} for shelf in kept}
    for together in cells.values():
        _find_repeated(shelves, together, distinguishing, dropped, notes)
    refused = min((shelf.refused for shelf in kept if shelf.refused), key=lambda one: one[0], default=None)
    if refused:
        raise refused[1]
    if not any(shelf.filled for shelf in kept):
        raise ImportFailed("holds no figure: every value is empty")
    for _, together in sorted(cells.items(), key=lambda item: item[0]):
        for shelf in together:
            if shelf.filled:
                yield _sheet(shelves, shelf, dropped[id(shelf)])
    yield from notes.problems()


def statements(found: Iterable[Sheet | Problem]) -> Iterator[Statement | Problem]:
    """The same, with the sheets' figures one by one."""
    for one in found:
        if isinstance(one, Sheet):
            yield from one.statements()
        else:
            yield one


def _sheet(shelves: Shelves, shelf: Shelf, dropped: Dropped) -> Sheet:
    figures = shelves.figures
    return Sheet(
        month=shelf.group.month, unit_raw=figures.unit, unit_kg=figures.unit_kg, version_key=shelf.group.version,
        pieces=partial(_pieces, shelves, shelf, dropped),
        number=Decimal if figures.marks is Marks.MACHINE else partial(parse, marks=figures.marks),
        **{"views": figures.views, **shelf.group.head},
    )  # fmt: skip


def _pieces(shelves: Shelves, shelf: Shelf, dropped: Dropped) -> Iterator[Piece]:
    width = len(shelves.figures.views)
    for number, (_, lines, places, columns) in enumerate(shelves.read(shelf)):
        gone = dropped.get(number)
        if not gone:
            yield Piece(*places, columns[:width])
            continue
        stays = [row not in gone for row in range(len(lines))]
        picked = [list(compress(column, stays)) for column in (*places, *columns[:width])]
        yield Piece(picked[0], picked[1], picked[2], picked[3:])


def _find_repeated(
    shelves: Shelves,
    together: Sequence[Shelf],
    distinguishing: Sequence[int],
    dropped: dict[int, Dropped],
    notes: Notes,
) -> None:
    """Find rows that are there before; the hashes of all keys of one account's month are held in memory."""
    seen: set[int] = set()
    for shelf in together:
        for stored in shelves.read(shelf, figures_too=False):
            seen.update(map(hash, _keys(stored, distinguishing)))
    if len(seen) == sum(shelf.rows for shelf in together):
        return
    first: dict[Hashable, tuple[Stored, int]] = {}
    pieces = [(shelf, number, s) for shelf in together for number, s in enumerate(shelves.read(shelf))]
    order = {path: place for place, path in enumerate(dict.fromkeys(stored.path for *_, stored in pieces))}
    for shelf, number, stored in sorted(pieces, key=lambda piece: (order[piece[2].path], piece[2].lines[0])):
        for row, key in enumerate(_keys(stored, distinguishing)):
            before, place = first.setdefault(key, (stored, row))
            if before is stored and place == row:
                continue
            where = f"line {before.lines[place]} of {before.path.name}"
            if _values(shelves, before, place) != _values(shelves, stored, row):
                shown = ", ".join(str(part) for part in (*_cell(shelf), *key) if part)
                reason = f"the same key as in {where} with other figures: {shown}"
                raise ImportFailed(reason, path=stored.path, line=stored.lines[row])
            reason = f"the same row as in {where}, counted once"
            notes.add(reason, path=stored.path, line=stored.lines[row], kind="repeated rows")
            dropped[id(shelf)].setdefault(number, set()).add(row)


def _keys(stored: Stored, distinguishing: Sequence[int]) -> Iterator[tuple[str, ...]]:
    return zip(*(stored.places[at] for at in distinguishing), strict=True)


def _values(shelves: Shelves, stored: Stored, row: int) -> list[Decimal | str | None]:
    """The figures of a row: equal numbers may be written differently, in CSV and in Parquet."""
    texts = [column[row] for column in stored.figures]
    try:
        return [shelves.figures.kilograms(text) for text in texts]
    except ImportFailed:
        return list(texts)


def _cell(shelf: Shelf) -> tuple[str, ...]:
    group = shelf.group
    return tuple(dict.fromkeys((group.account, group.member, group.month)))
