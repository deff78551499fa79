"""Columns of figures, checked many at a time; what is not plain is looked at one by one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from operator import sub

from attrs import frozen
from wattbook import ImportFailed

from wattbook_csp.agreement import compare
from wattbook_csp.decimals import Marks, kilograms

#: figures as programs write them: far inside of what is plausible, and nothing else; each with its end
_PLAIN = re.compile(
    r"(?:(?:[0-9]{1,9}(?:\.[0-9]{1,20})?|[1-9](?:\.[0-9]{1,20})?e-(?:0[1-9]|1[0-9]|2[0-9]))?\|)*+"
).fullmatch


@frozen
class Sum:
    """A total and its parts, as places of columns, and what to call it."""

    what: str
    total: int
    parts: tuple[int, ...]


@frozen(kw_only=True)
class Figures:
    """How the figures of a table are read: one column a view."""

    views: tuple[tuple[str, str], ...]  #: scope and method
    fields: tuple[str, ...]  #: names of the columns, for messages; further ones are compared and not kept
    unit: str
    unit_kg: Decimal
    marks: Marks = Marks.MACHINE
    sums: tuple[Sum, ...] = ()
    rounding_kg: Decimal = Decimal(0)  #: of each number in a sum

    def kilograms(self, text: str) -> Decimal | None:
        return kilograms(text, self.unit_kg, self.marks) if text else None

    def wrong(self, columns: Sequence[Sequence[str]]) -> Iterator[tuple[int, ImportFailed]]:
        """The rows that hold what is no figure, or totals that are not the sum of their parts."""
        refused: dict[int, ImportFailed] = {}
        for column, name in zip(columns, self.fields, strict=True):
            if self._is_plain(column):
                continue
            for place, text in enumerate(column):
                try:
                    self.kilograms(text)
                except ImportFailed as error:
                    refused.setdefault(place, ImportFailed(error.reason, field=name))
        yield from refused.items()
        if self.sums:
            for place in self._doubtful(columns):
                if place not in refused:
                    try:
                        self._compare([self.kilograms(column[place]) for column in columns])
                    except ImportFailed as error:
                        yield place, error

    def _is_plain(self, column: Sequence[str]) -> bool:
        if self.marks is not Marks.MACHINE:
            return False
        text = "|".join(column) + "|"
        return text.count("|") == len(column) and _PLAIN(text) is not None

    def _doubtful(self, columns: Sequence[Sequence[str]]) -> Iterator[int]:
        """The rows whose sums do not plainly fit as doubles; they are compared exactly."""
        if self.marks is not Marks.MACHINE:
            yield from range(len(columns[0]))
            return
        doubles = [None if all(map("".__eq__, column)) else _doubles(column) for column in columns]
        near = float(self.rounding_kg / self.unit_kg)
        for one in self.sums:
            terms = [column for at in (one.total, *one.parts) if (column := doubles[at]) is not None]
            if len(terms) <= len(one.parts):
                continue
            rest = terms[0]
            for part in terms[1:]:
                rest = list(map(sub, rest, part))
            if -near < min(rest) and max(rest) < near:
                continue
            yield from (place for place, left in enumerate(rest) if not -near < left < near)

    def _compare(self, values: Sequence[Decimal | None]) -> None:
        for one in self.sums:
            compare(one.what, self.rounding_kg, values[one.total], *(values[at] for at in one.parts))


def _doubles(column: Sequence[str]) -> list[float]:
    """The column as doubles; NaN for an empty text and for what is none."""
    try:
        return list(map(float, column))
    except ValueError:
        return list(map(_double, column))


def _double(text: str) -> float:
    try:
        return float(text) if text else float("nan")
    except ValueError:
        return float("nan")
