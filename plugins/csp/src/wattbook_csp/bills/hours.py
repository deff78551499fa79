"""Adds up the rows of a bill to hours by account, month, region, project and kind of machine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from attrs import define, field
from wattbook import ImportFailed, Problem, Usage

from wattbook_csp import decimals, months
from wattbook_csp.notes import Notes

MAX_CELLS = 100_000
MAX_ROWS = 5_000_000  #: of an import of several files; each needs some 100 bytes to be known again
MAX_NAME = 200
_UNIT = re.compile(r"(?:([1-9]\d{0,5})\s*)?(hours?|hrs?|h|minutes?|mins?|seconds?|secs?|s)", re.IGNORECASE)
_PER_HOUR = {"h": 1, "m": 60, "s": 3600}


class Machine(NamedTuple):
    """What a row charges the hours of; none of the names: no machine that a model knows, and why."""

    instance: str = ""
    gpu: str = ""
    threads: int = 0
    unmapped: str = ""


class Cell(NamedTuple):
    """What hours are added up by."""

    provider: str
    account: str
    month: str
    region: str
    project: str
    machine: Machine


@define
class _Sum:
    hours: Decimal
    start: datetime
    end: datetime


@define
class Hours:
    """Collects rows; a row that another file of the same import holds too counts once."""

    notes: Notes
    several: bool  #: whether the import has more than one file
    _sums: dict[Cell, _Sum] = field(factory=dict, init=False)
    _seen: dict[int, int] = field(factory=dict, init=False)
    _files: int = field(default=0, init=False)
    rows: int = field(default=0, init=False)

    def next_file(self) -> None:
        self._files += 1

    def known(self, key: tuple[str, ...]) -> bool:
        """Whether another file of this import has said this row; rows of one file are all meant."""
        if not self.several:
            return False
        first = self._seen.setdefault(hash(key), self._files)
        if len(self._seen) > MAX_ROWS:
            raise ImportFailed(f"holds more than {MAX_ROWS:,} rows; import the months one by one")
        if first == self._files:
            return False
        self.notes.add("rows that stand in two files of this import are counted once", kind="repeated rows")
        return True

    def add(
        self, machine: Machine, hours: Decimal, *, provider: str, account: str, start: datetime, end: datetime,
        region: str = "", project: str = "",
    ) -> None:  # fmt: skip
        """Some hours, negative ones too: a correction takes back what another row said."""
        self.rows += 1
        for name in (provider, account, region, project, machine.instance, machine.gpu):
            if len(name) > MAX_NAME or not name.isprintable():
                raise ImportFailed(f"{name[:40]!r} is no name: at most {MAX_NAME} characters that can be printed")
        cell = Cell(provider, account, f"{start:%Y-%m}", region, project, machine)
        known = self._sums.get(cell)
        if known is None:
            if len(self._sums) >= MAX_CELLS:
                raise ImportFailed(f"names more than {MAX_CELLS:,} kinds of machines, projects and places")
            self._sums[cell] = _Sum(hours, start, end)
            return
        known.hours += hours
        known.start, known.end = min(known.start, start), max(known.end, end)

    def usages(self) -> Iterator[Usage | Problem]:
        """What came together; a sum that corrections took back to nothing is none."""
        if not self.rows:
            raise ImportFailed("holds no hours of computing that were used")
        for cell, total in sorted(self._sums.items()):
            if total.hours <= 0:
                if total.hours < 0:
                    name = cell.machine.instance or cell.machine.gpu or cell.machine.unmapped
                    self.notes.add(
                        f"{cell.month} of account {cell.account}: corrections take back {-total.hours} hours of {name} "
                        "more than this import holds"
                    )
                continue
            machine = cell.machine
            yield Usage(
                provider=cell.provider, account=cell.account, month=cell.month, hours=float(total.hours),
                start=total.start, end=_inside(cell.month, total.end), instance=machine.instance, gpu=machine.gpu,
                threads=machine.threads, region=cell.region, project=cell.project, unmapped=machine.unmapped,
            )  # fmt: skip
        yield from self.notes.problems()


def hours_of(quantity: str, unit: str) -> Decimal | None:
    """Hours from ``24`` and ``10 Hours``, or ``28800`` and ``seconds``; ``None`` for a unit that is no time."""
    factor = _factor(unit[:40].strip())
    if factor is None:
        return None
    number = decimals.parse(quantity)
    if number and not -12 <= number.adjusted() <= 12:
        raise ImportFailed(f"{quantity[:40]} is no plausible number of hours")
    return number * factor[0] / factor[1]


@lru_cache(maxsize=1024)
def _factor(unit: str) -> tuple[int, int] | None:
    found = _UNIT.fullmatch(unit)
    return None if found is None else (int(found[1] or 1), _PER_HOUR[found[2][0].lower()])


@lru_cache(maxsize=65_536)
def moment(text: str) -> datetime:
    """A time of a bill; one in the future is refused, for nobody has used that yet."""
    at = months.moment(text[:MAX_NAME])
    if at > datetime.now(UTC) + timedelta(days=2):
        raise ImportFailed(f"{text[:40]} lies in the future")
    return at


@lru_cache(maxsize=4096)
def period_end(text: str) -> datetime:
    """The end of a charge, which may be the end of a month or year that is not over."""
    return months.moment(text[:MAX_NAME])


def _inside(month: str, end: datetime) -> datetime:
    """No later than the month ends: a charge over its last hour may end after it."""
    first = datetime.fromisoformat(f"{month}-01T00:00:00+00:00")
    following = (first + timedelta(days=32)).replace(day=1)
    return min(end, following)
