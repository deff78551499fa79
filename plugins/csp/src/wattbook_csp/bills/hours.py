"""Adds up the rows of a bill to hours by account, month, region, project and kind of machine."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from attrs import define, field
from wattbook import ImportFailed, Problem, Usage

from wattbook_csp import decimals, months
from wattbook_csp.notes import Notes

MAX_KINDS = 100_000
MAX_ROWS = 5_000_000  #: of an import of several files; each needs some 100 bytes to be known again
MAX_NAME = 200
MAX_KNOWN, MAX_CHARACTERS = 20_000, 2_000  #: kinds of rows that are remembered, and how long one may be
_UNIT = re.compile(r"(?:([1-9]\d{0,5})\s*)?(hours?|hrs?|h|minutes?|mins?|seconds?|secs?|s)", re.IGNORECASE)
_PER_HOUR = {"h": 1, "m": 60, "s": 3600}


class Machine(NamedTuple):
    """What a row charges the hours of; none of the names: no machine that a model knows, and why."""

    instance: str = ""
    gpu: str = ""
    threads: int = 0
    unmapped: str = ""


class _Cell(NamedTuple):
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

    def add(self, hours: Decimal, start: datetime, end: datetime) -> None:
        self.hours += hours
        if start < self.start:
            self.start = start
        if end > self.end:
            self.end = end


@define(eq=False, kw_only=True)
class Kind:
    """Rows that differ in time and amount only."""

    provider: str
    account: str
    machine: Machine
    region: str = ""
    project: str = ""
    per_hour: Decimal = Decimal(1)  #: how much of the unit is an hour of the machine
    months: dict[str, _Sum] = field(factory=dict, init=False)


class Kinds:
    """Decides about rows by everything but time and amount, each kind once."""

    def __init__(self, decide: Callable[..., Kind | None]) -> None:
        self._decide = decide
        self._known: dict[tuple[Any, ...], Kind | None] = {}

    def of(self, cells: tuple[Any, ...]) -> Kind | None:
        """The kind of a row; ``None`` for what is no hour of a machine."""
        try:
            return self._known[cells]
        except KeyError:
            found = self._decide(*cells)
        if len(self._known) < MAX_KNOWN and sum(map(len, cells)) < MAX_CHARACTERS:
            self._known[cells] = found
        return found


@define
class Hours:
    """Collects rows; a row that another file of the same import holds too counts once."""

    notes: Notes
    several: bool  #: whether the import has more than one file
    _kinds: list[Kind] = field(factory=list, init=False)
    _seen: dict[int, int] = field(factory=dict, init=False)
    _files: int = field(default=0, init=False)
    _rows: int = field(default=0, init=False)

    def next_file(self) -> None:
        self._files += 1

    def known(self, key: tuple[Any, ...]) -> bool:
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

    def kind(self, **told: Any) -> Kind:
        """A new kind of rows, its names checked."""
        made = Kind(**told)
        for name in (made.provider, made.account, made.region, made.project, made.machine.instance, made.machine.gpu):
            if len(name) > MAX_NAME or not name.isprintable():
                raise ImportFailed(f"{name[:40]!r} is no name: at most {MAX_NAME} characters that can be printed")
        if len(self._kinds) >= MAX_KINDS:
            raise ImportFailed(f"names more than {MAX_KINDS:,} kinds of machines, projects and places")
        self._kinds.append(made)
        return made

    def add(self, kind: Kind, quantity: str, start: tuple[datetime, str], end: datetime) -> None:
        """Some hours, negative ones too: a correction takes back what another row said."""
        self._rows += 1
        hours = number(quantity) / kind.per_hour
        first, month = start
        known = kind.months.get(month)
        if known is None:
            kind.months[month] = _Sum(hours, first, end)
        else:
            known.add(hours, first, end)

    def usages(self) -> Iterator[Usage | Problem]:
        """What came together; a sum that corrections took back to nothing is none."""
        if not self._rows:
            raise ImportFailed("holds no hours of computing that were used")
        for cell, total in sorted(self._cells().items()):
            if total.hours <= 0:
                if total.hours < 0:
                    name = cell.machine.instance or cell.machine.gpu or cell.machine.unmapped
                    self.notes.add(
                        f"{cell.month} of account {cell.account}: corrections take back {-total.hours:f} hours of "
                        f"{name} more than this import holds"
                    )
                continue
            machine = cell.machine
            yield Usage(
                provider=cell.provider, account=cell.account, month=cell.month, hours=float(total.hours),
                start=total.start, end=_inside(cell.month, total.end), instance=machine.instance, gpu=machine.gpu,
                threads=machine.threads, region=cell.region, project=cell.project, unmapped=machine.unmapped,
            )  # fmt: skip
        yield from self.notes.problems()

    def _cells(self) -> dict[_Cell, _Sum]:
        cells: dict[_Cell, _Sum] = {}
        for kind in self._kinds:
            for month, found in kind.months.items():
                cell = _Cell(kind.provider, kind.account, month, kind.region, kind.project, kind.machine)
                known = cells.setdefault(cell, found)
                if known is not found:
                    known.add(found.hours, found.start, found.end)
        return cells


@lru_cache(maxsize=16_384)
def number(quantity: str) -> Decimal:
    """An amount, negative in corrections."""
    found = decimals.parse(quantity)
    if found and not -12 <= found.adjusted() <= 12:
        raise ImportFailed(f"{quantity[:40]} is no plausible number of hours")
    return found


@lru_cache(maxsize=1024)
def per_hour(unit: str) -> Decimal | None:
    """3600 for ``seconds``, 1/10 for ``10 Hours``; ``None`` for a unit that is no time."""
    found = _UNIT.fullmatch(unit[:40].strip())
    return None if found is None else Decimal(_PER_HOUR[found[2][0].lower()]) / int(found[1] or 1)


@lru_cache(maxsize=16_384)
def moment(text: str) -> tuple[datetime, str]:
    """When a charge begins, with its month; one in the future is refused, for nobody has used that yet."""
    at = months.moment(text[:MAX_NAME])
    if at > datetime.now(UTC) + timedelta(days=2):
        raise ImportFailed(f"{text[:40]} lies in the future")
    return at, f"{at:%Y-%m}"


@lru_cache(maxsize=16_384)
def span(start: str, end: str) -> tuple[tuple[datetime, str], datetime]:
    """A charge from its beginning to its end, which may be that of a month or year that is not over."""
    first = moment(start)
    last = months.moment(end[:MAX_NAME])
    if last <= first[0]:
        raise ImportFailed("ends before it begins")
    return first, last


def _inside(month: str, end: datetime) -> datetime:
    """No later than the month ends: a charge over its last hour may end after it."""
    first = datetime.fromisoformat(f"{month}-01T00:00:00+00:00")
    following = (first + timedelta(days=32)).replace(day=1)
    return min(end, following)
