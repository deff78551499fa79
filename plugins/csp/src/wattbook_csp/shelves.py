"""Rows of a large export, put by account, month and version into a temporary file, in bounded memory."""

from __future__ import annotations

import tempfile
import weakref
from array import array
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from attrs import define, evolve, field, frozen
from wattbook import ImportFailed

from wattbook_csp.figures import Figures

T = TypeVar("T")
MAX_ROWS = 5_000_000  #: of one import
IN_MEMORY = 8 << 20  #: bytes; more than that goes into a file without a name
_END = "\0"


@frozen
class Group:
    """What rows share that go into one sheet: whose month in which version, and what else the sheet says."""

    account: str  #: whose months are replaced as a whole: the payer, where there is one
    month: str
    version: tuple[int | str, ...]
    member: str  #: an account of a payer, or the account itself
    kind: Hashable  #: rows of two kinds are never the same figure
    head: Mapping[str, Any] = field(eq=False)  #: arguments of the sheet

    @property
    def cell(self) -> tuple[Any, ...]:
        """Where a place must not occur twice."""
        return (self.account, self.month, self.version, self.member, self.kind)


class Stored(NamedTuple):
    """Some rows of a group, as they are read back."""

    path: Path
    lines: Sequence[int]
    places: tuple[Sequence[str], Sequence[str], Sequence[str]]  #: services, regions, resources
    figures: tuple[Sequence[str], ...]


@define(eq=False)
class Shelf:
    """The rows of one group; where they lie, and the first that is wrong with them."""

    group: Group
    rows: int = 0
    filled: int = 0
    refused: tuple[tuple[int, int], ImportFailed] | None = None
    _pieces: array[int] = field(factory=lambda: array("Q"))

    def refuse(self, at: tuple[int, int], error: ImportFailed) -> None:
        if self.refused is None or at < self.refused[0]:
            self.refused = (at, error)


class Shelves:
    """All rows of an import.

    *group_of* says what the texts that name a group mean, or refuses them; it is asked once for equal texts.
    """

    def __init__(self, figures: Figures, group_of: Callable[..., Group]) -> None:
        self.figures = figures
        self._by_key: dict[tuple[str, ...], Shelf] = _Remembered(self._shelf_of)
        self._group_of = group_of
        self._shelves: dict[tuple[Any, ...], Shelf] = {}
        self._paths: dict[Path, int] = {}
        self._rows = 0
        self._size = 0  #: of the file
        self._file = tempfile.SpooledTemporaryFile(IN_MEMORY, prefix="wattbook-")  # noqa: SIM115
        self._closed = weakref.finalize(self, self._file.close)

    def put(
        self,
        path: Path,
        lines: Sequence[int],
        keys: Sequence[Sequence[str]],
        places: tuple[Sequence[str], Sequence[str], Sequence[str]],
        figures: Sequence[Sequence[str]],
    ) -> None:
        """Some rows of a file, column by column; *keys* are the columns that name the group."""
        self._rows += len(lines)
        if self._rows > MAX_ROWS:
            reason = f"holds more than {MAX_ROWS:,} rows; split the import by month"
            raise ImportFailed(reason, path=path, line=lines[-1])
        try:
            shelves = list(map(self._by_key.__getitem__, zip(*keys, strict=True)))
        except ImportFailed:
            self._refuse_key(path, lines, keys)
            raise
        number = self._paths.setdefault(path, len(self._paths))
        for place, refused in self.figures.wrong(figures):
            at = (number, lines[place])
            shelves[place].refuse(at, ImportFailed(refused.reason, path=path, line=at[1], field=refused.field))
        found: list[bytes] = []
        for shelf, take in _parts(shelves):
            found += self._kept(shelf, number, take(lines), [take(c) for c in places], [take(c) for c in figures])
        self._file.seek(0, 2)
        self._file.write(b"".join(found))

    def _shelf_of(self, key: tuple[str, ...]) -> Shelf:
        group = self._group_of(*key)
        return self._shelves.setdefault((group.cell, *sorted(group.head.items())), Shelf(group))

    def _refuse_key(self, path: Path, lines: Sequence[int], keys: Sequence[Sequence[str]]) -> None:
        for line, *key in zip(lines, *keys, strict=True):
            try:
                _ = self._by_key[tuple(key)]
            except ImportFailed as refused:
                raise ImportFailed(refused.reason, path=path, line=line, field=refused.field) from None

    def _kept(
        self,
        shelf: Shelf,
        number: int,
        lines: Sequence[int],
        places: Sequence[Sequence[str]],
        figures: Sequence[Sequence[str]],
    ) -> list[bytes]:
        count = len(lines)
        shelf.rows += count
        shelf.filled += count * len(figures) - sum(column.count("") for column in figures)
        numbers = array("Q", lines).tobytes()
        texts = []
        for columns in (places, figures):
            text = _END.join(chain.from_iterable(columns))
            if text.count(_END) != count * len(columns) - 1:
                raise ImportFailed("is not text", path=list(self._paths)[number], line=lines[0])
            texts.append(text.encode("utf-8", "surrogatepass"))
        shelf._pieces.extend((number, self._size, count, *map(len, texts)))
        self._size += len(numbers) + sum(map(len, texts))
        return [numbers, *texts]

    def choose(self, more: Mapping[tuple[str, Hashable], Mapping[str, Any]]) -> None:
        """Keep what is of these months and kinds only, and say *more* of it."""
        for name, shelf in list(self._shelves.items()):
            of = (shelf.group.month, shelf.group.kind)
            if of in more:
                shelf.group = evolve(shelf.group, head={**shelf.group.head, **more[of]})
            else:
                del self._shelves[name]

    @property
    def all(self) -> Sequence[Shelf]:
        return list(self._shelves.values())

    def read(self, shelf: Shelf, *, figures_too: bool = True) -> Iterator[Stored]:
        """The rows of a shelf in the order in which they came."""
        paths = list(self._paths)
        pieces = iter(shelf._pieces)
        for number, at, count, places, figures in zip(*[pieces] * 5, strict=True):
            self._file.seek(at)
            stored = self._file.read(8 * count + places + (figures if figures_too else 0))
            lines = array("Q", stored[: 8 * count])
            services, regions, resources = _columns(stored[8 * count : 8 * count + places], count)
            columns = _columns(stored[8 * count + places :], count) if figures_too else ()
            yield Stored(paths[number], lines, (services, regions, resources), tuple(columns))


def _columns(stored: bytes, count: int) -> list[list[str]]:
    cells = stored.decode("utf-8", "surrogatepass").split(_END)
    return [cells[start : start + count] for start in range(0, len(cells), count)]


class _Remembered(dict[tuple[str, ...], Shelf]):
    """Answers, each asked for once."""

    def __init__(self, ask: Callable[[tuple[str, ...]], Shelf]) -> None:
        super().__init__()
        self._ask = ask

    def __missing__(self, key: tuple[str, ...]) -> Shelf:
        answer = self[key] = self._ask(key)
        return answer


def _parts(shelves: Sequence[Shelf]) -> Iterator[tuple[Shelf, Callable[[Sequence[Any]], Any]]]:
    """Each shelf, with what takes its rows out of a column."""
    if len(set(shelves)) == 1:
        yield shelves[0], _all
        return
    found: dict[Shelf, list[int]] = {}
    for place, shelf in enumerate(shelves):
        found.setdefault(shelf, []).append(place)
    for shelf, at in found.items():
        if at[-1] - at[0] == len(at) - 1:
            yield shelf, itemgetter(slice(at[0], at[-1] + 1))
        else:
            yield shelf, itemgetter(*at)


def _all(column: Sequence[T]) -> Sequence[T]:
    return column
