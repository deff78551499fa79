"""The figures that an import tells of one (account, month): a list of statements, or sheets of very many."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from itertools import compress, pairwise, repeat
from json.encoder import encode_basestring as quoted
from typing import Any, Protocol

from wattbook.errors import ImportFailed
from wattbook.imported import EXACT
from wattbook.ledger import rows, schema
from wattbook.ledger.chains import Chain, Version, figures_id, plain
from wattbook.model import Sheet, Statement
from wattbook.records import canonical, utc_text

HASHED = 4_096  #: figures that are hashed at a time


class Figures(Protocol):
    """The figures of one chain in one version."""

    version_key: Version
    model_version: str

    @property
    def size(self) -> int: ...

    def content_id(self, chain: Chain) -> str:
        """The name of the figures: equal for equal numbers, however they were written and handed over."""

    def statements(self) -> Sequence[Statement]: ...

    def forget(self) -> None:
        """Give up what can be read again."""

    def rows(self, content: str) -> list[tuple[Any, ...]]:
        """The rows of the table ``statement``, in the order of its columns and of its key."""


class Listed:
    """Figures that are at hand, one by one."""

    def __init__(self, told: Iterable[Statement]) -> None:
        self._told = tuple(told)
        self.version_key = self._told[0].version_key
        self.model_version = self._told[0].model_version

    @property
    def size(self) -> int:
        return len(self._told)

    def content_id(self, chain: Chain) -> str:
        return figures_id(chain, self.version_key, self._told)

    def statements(self) -> Sequence[Statement]:
        return self._told

    def forget(self) -> None:
        pass

    def rows(self, content: str) -> list[tuple[Any, ...]]:
        return [tuple(rows.from_statement(statement, content).values()) for statement in self._told]


class Sheeted:
    """Figures in sheets, which are read when this chain is judged and given up when it is written.

    They are hashed and written as statements are, and no statement is made.
    """

    def __init__(self, sheets: Sequence[Sheet]) -> None:
        self._sheets = sheets
        self.version_key = sheets[0].version_key
        self.model_version = sheets[0].model_version
        self._lines: list[_Line] | None = None

    @property
    def size(self) -> int:
        return len(self.lines)

    @property
    def lines(self) -> list[_Line]:
        """Service, region, resource, scope, method, kilograms, what stood in the file, place of the sheet; in order."""
        if self._lines is None:
            found: list[_Line] = []
            for at, sheet in enumerate(self._sheets):
                found += _lines(sheet, at)
            found.sort()
            self._lines = found
        return self._lines

    @property
    def repeated(self) -> bool:
        """Whether a figure is there twice, as no sheet has it, but as two may."""
        return len(self._sheets) > 1 and any(one[:5] == other[:5] for one, other in pairwise(self.lines))

    def content_id(self, chain: Chain) -> str:
        found = hashlib.blake2b(digest_size=16)
        owner = [chain.provider, chain.interface, chain.account, chain.payer, chain.month]
        found.update(f"[{canonical(owner)},{canonical(list(self.version_key))},[".encode())
        first = canonical([chain.provider, chain.account, chain.payer, chain.month])[:-1]
        ends = [f'","{sheet.completeness}"]' for sheet in self._sheets]
        text = lru_cache(maxsize=4096)(quoted)
        told: list[str] = []
        place, start = ("", "", ""), f'{first},"","","","'
        for service, region, resource, scope, method, kg, _, at in self.lines:
            if (service, region, resource) != place:  # in order, so that the figures of a place follow each other
                place = service, region, resource
                start = f'{first},{text(service)},{text(region)},{text(resource)},"'
            told.append(f'{start}{scope}","{method}","{kg}{ends[at]}')
        for begin in range(0, len(told), HASHED):
            found.update(("," if begin else "").encode() + ",".join(told[begin : begin + HASHED]).encode())
        found.update(b"]]")
        return found.hexdigest()

    def forget(self) -> None:
        self._lines = None

    def statements(self) -> Sequence[Statement]:
        return [statement for sheet in self._sheets for statement in sheet.statements()]

    def rows(self, content: str) -> list[tuple[Any, ...]]:
        ends = [
            (
                sheet.unit_raw, None if sheet.resolution_kg is None else plain(sheet.resolution_kg),
                None if sheet.published_at is None else utc_text(sheet.published_at), sheet.completeness,
            )
            for sheet in self._sheets
        ]  # fmt: skip
        return [(content, *line[:7], *ends[line[7]]) for line in self.lines]


_Line = tuple[str, str, str, str, str, str, str, int]


def _lines(sheet: Sheet, at: int) -> Iterator[_Line]:
    """The lines of a sheet, a column of a piece at a time and without a look at what is plain."""
    for piece in sheet.pieces():
        for (scope, method), column in zip(sheet.views, piece.figures, strict=True):
            places: Sequence[Sequence[str]] = piece[:3]
            raw = column
            if "" in column:
                places = [list(compress(texts, column)) for texts in places]
                raw = list(filter(None, column))
            yield from zip(*places, repeat(scope), repeat(method), _kilograms(sheet, raw), raw, repeat(at))


def _kilograms(sheet: Sheet, raw: Sequence[str]) -> list[str]:
    """What ``plain`` makes of each figure in kilograms."""
    shift = sheet.unit_kg.adjusted()
    try:
        numbers = list(map(EXACT.scaleb, map(sheet.number, raw), repeat(shift)))
    except (InvalidOperation, ValueError):
        return [_one(sheet, text, shift) for text in raw]  # the wrong one is named
    return [
        text if text[-1] in "123456789" and "." in text and "E" not in text and len(text) < MAX_DIGITS
        else _plainly(number, told)
        for text, number, told in zip(map(str, numbers), numbers, raw, strict=True)
    ]  # fmt: skip


def _one(sheet: Sheet, raw: str, shift: int) -> str:
    try:
        return _plainly(EXACT.scaleb(sheet.number(raw), shift), raw)
    except (InvalidOperation, ValueError) as error:
        raise ImportFailed(f"{raw[:40]!r} is no number of kilograms") from error


def _plainly(number: Decimal, raw: str) -> str:
    if not number.is_finite() or (number and not -MAX_DIGITS < number.adjusted() < MAX_DIGITS):
        raise ImportFailed(f"{raw[:40]!r} is no number of kilograms")
    return plain(number)


MAX_DIGITS = 30  #: before the point, or between the point and the first other digit than 0
#: what ``Sheeted.rows`` gives, in this order
COLUMNS = (
    "content_id", "service", "region", "resource", "scope", "method", "co2e_kg", "value_raw", "unit_raw",
    "resolution_kg", "published_at", "completeness",
)  # fmt: skip
assert tuple(column.name for column in schema.statement.columns) == COLUMNS
