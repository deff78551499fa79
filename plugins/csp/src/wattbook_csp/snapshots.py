"""What one import says today: of each month only its newest version, every figure once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from wattbook import ImportFailed, Problem, Statement

from wattbook_csp.notes import Notes

MAX_ROWS = 5_000_000  #: of one import; each needs some 150 bytes to be known again
Version = tuple[int | str, ...]
AccountMonth = tuple[str, str]


class Row(NamedTuple):
    """One row of an export, seen just enough to know which version of which month it belongs to."""

    path: Path
    line: int | None
    account: str  #: whose months are replaced as a whole: the payer, where there is one
    month: str
    version: Version
    cells: Any  #: what the format makes statements from


class Figures(NamedTuple):
    """The statements of one row, with the key that must not occur twice."""

    key: Hashable
    statements: Sequence[Statement]
    values: Hashable = None  #: equal for equal figures; the statements' own where it is not given
    check: Callable[[], None] | None = None  #: refuses figures that contradict each other


class Told(NamedTuple):
    """That a version of a month is there, and one of the members (accounts of a payer) that it tells of."""

    account: str
    month: str
    version: Version
    member: str = ""


def newest_of(rows: Sequence[Row], notes: Notes) -> Iterator[Statement | Problem]:
    """Statements of the newest version of each (account, month), as a whole month.

    A row that is missing in the newest version is thereby gone.  Equal rows are kept once and noted; rows
    with the same key and other figures are refused.
    """
    best = newest_versions((Told(row.account, row.month, row.version) for row in rows), notes)
    yield from once(
        (row for row in rows if row.version == best.get((row.account, row.month))), lambda row: row.cells, notes
    )
    yield from notes.problems()


def newest_versions(versions: Iterable[Told], notes: Notes) -> Mapping[AccountMonth, Version]:
    """The newest version of each (account, month); the others are noted as left out.

    A year is left out where a month of it is there: the same kilograms may not be in both.
    """
    found: dict[AccountMonth, dict[Version, set[str]]] = {}
    for account, month, version, member in versions:
        found.setdefault((account, month), {}).setdefault(version, set()).add(member)
    best = {place: max(several) for place, several in found.items()}
    for (account, month), several in sorted(found.items()):
        newest_one = best[account, month]
        if len(several) == 1:
            continue
        left_out = ", ".join(_shown(version) for version in sorted(several) if version != newest_one)
        reason = f"{month} of account {account}: {_shown(newest_one)} is the newest, left out: {left_out}"
        # perhaps they left, perhaps the newer file is one of a member and not of the payer
        gone = sorted(set().union(*several.values()) - several[newest_one])
        if gone:
            reason += f", and with it all figures of {', '.join(gone[:5])}{' and more' if len(gone) > 5 else ''}"
        notes.add(reason, kind="older versions left out")
    covered = {(account, month[:4]) for account, month in best if len(month) > 4}
    for account, year in sorted(covered & best.keys()):
        del best[account, year]
        notes.add(f"the figures of all {year} of account {account} left out, because its months are there too")
    return best


def once(rows: Iterable[Row], figures: Callable[[Row], Figures], notes: Notes) -> Iterator[Statement]:
    """The statements of *rows*, none of them twice; a row without any value gives none."""
    seen: dict[int, int] = {}  # hash of the key -> place of the row and hash of its values, in one number
    paths: dict[Path, int] = {}
    found = yielded = False
    for row in rows:
        found = True
        key, statements, values, check = figures(row)
        # hashes instead of keys: an export of a million rows stays within bounded memory
        digest = hash(values or tuple([(s.scope, s.method, s.co2e_kg) for s in statements])) & _HASH
        place = (paths.setdefault(row.path, len(paths)) << _LINES | (row.line or 0)) << 64 | digest
        known = seen.setdefault(hash(key), place)
        if known is not place:
            number, line = divmod(known >> 64, 1 << _LINES)
            first = f"line {line} of {list(paths)[number].name}" if line else list(paths)[number].name
            if known & _HASH != digest:
                reason = f"the same key as in {first} with other figures: {_key(key)}"
                raise ImportFailed(reason, path=row.path, line=row.line)
            notes.add(f"the same row as in {first}, counted once", path=row.path, line=row.line, kind="repeated rows")
            continue
        if check is not None:
            try:
                check()
            except ImportFailed as refused:
                raise ImportFailed(refused.reason, path=row.path, line=row.line, field=refused.field) from None
        if len(seen) > MAX_ROWS:
            reason = f"holds more than {MAX_ROWS:,} rows; split the import by month"
            raise ImportFailed(reason, path=row.path, line=row.line)
        yielded = yielded or bool(statements)
        yield from statements
    if not found:
        raise ImportFailed("holds no row of figures")
    if not yielded:
        raise ImportFailed("holds no figure: every value is empty")


_LINES = 40
_HASH = (1 << 64) - 1


def _shown(version: Version) -> str:
    numbers = ".".join(str(part) for part in version if isinstance(part, int))
    texts = " ".join(part for part in version if isinstance(part, str) and part)
    return " ".join(part for part in (f"v{numbers}" if numbers else "", texts) if part) or "no version"


def _key(key: Hashable) -> str:
    parts = key if isinstance(key, tuple) else (key,)
    return ", ".join(str(part) for part in parts if part)
