"""What one import says today: of each month only its newest version, every figure once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from wattbook import ImportFailed, Problem, Statement

from wattbook_csp.notes import Notes

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


def newest(
    rows: Callable[[], Iterable[Row]], figures: Callable[[Row], Figures], notes: Notes
) -> Iterator[Statement | Problem]:
    """Statements of the newest version of each (account, month), as a whole month.

    *rows* is walked twice, so that a million rows need no memory but one number each: first for the
    versions, then for the figures.  A row that is missing in the newest version is thereby gone.
    Equal rows are kept once and noted; rows with the same key and other figures are refused.
    """
    best = newest_versions(rows(), notes)
    yield from once((row for row in rows() if row.version == best.get((row.account, row.month))), figures, notes)
    yield from notes.problems()


def newest_versions(rows: Iterable[Row], notes: Notes) -> Mapping[AccountMonth, Version]:
    """The newest version of each (account, month); the others are noted as left out.

    A year is left out where a month of it is there: the same kilograms may not be in both.
    """
    best: dict[AccountMonth, Version] = {}
    others: dict[AccountMonth, set[Version]] = {}
    for row in rows:
        month = (row.account, row.month)
        known = best.get(month)
        if known is None:
            best[month] = row.version
        elif known != row.version:
            others.setdefault(month, {known}).add(row.version)
            best[month] = max(known, row.version)
    if not best:
        raise ImportFailed("holds no row of figures")
    for month, versions in sorted(others.items()):
        left_out = ", ".join(_shown(version) for version in sorted(versions - {best[month]}))
        notes.add(
            f"{month[1]} of account {month[0]}: {_shown(best[month])} is the newest, left out: {left_out}",
            kind="older versions left out",
        )
    covered = {(account, month[:4]) for account, month in best if len(month) > 4}
    for account, year in sorted(covered & best.keys()):
        del best[account, year]
        notes.add(f"the figures of all {year} of account {account} left out, because its months are there too")
    return best


def once(rows: Iterable[Row], figures: Callable[[Row], Figures], notes: Notes) -> Iterator[Statement]:
    """The statements of *rows*, none of them twice; a row without any value gives none."""
    seen: dict[int, tuple[int, int]] = {}
    paths: dict[Path, int] = {}
    yielded = False
    for row in rows:
        key, statements = figures(row)
        place = paths.setdefault(row.path, len(paths)) << 40 | (row.line or 0)
        # hashes instead of keys: an export of a million rows stays within bounded memory
        values = hash(tuple([(s.scope, s.method, s.co2e_kg) for s in statements]))
        known = seen.setdefault(hash(key), (place, values))
        if known[0] != place:
            path, line = list(paths)[known[0] >> 40], known[0] & (1 << 40) - 1
            first = f"line {line} of {path.name}" if line else path.name
            if known[1] != values:
                reason = f"the same key as in {first} with other figures: {_key(key)}"
                raise ImportFailed(reason, path=row.path, line=row.line)
            notes.add(f"the same row as in {first}, counted once", path=row.path, line=row.line, kind="repeated rows")
            continue
        yielded = yielded or bool(statements)
        yield from statements
    if not yielded:
        raise ImportFailed("holds no figure: every value is empty")


def _shown(version: Version) -> str:
    numbers = ".".join(str(part) for part in version if isinstance(part, int))
    texts = " ".join(part for part in version if isinstance(part, str) and part)
    return " ".join(part for part in (f"v{numbers}" if numbers else "", texts) if part) or "no version"


def _key(key: Hashable) -> str:
    parts = key if isinstance(key, tuple) else (key,)
    return ", ".join(str(part) for part in parts if part)
