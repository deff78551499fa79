"""What one import says today: of each month only its newest version, every figure once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from attrs import define, field
from wattbook import ImportFailed, Problem, Statement

MAX_NOTES = 50  #: of one kind; further ones are counted


class Row(NamedTuple):
    """One row of an export, seen just enough to know which version of which month it belongs to."""

    path: Path
    line: int | None
    account: str  #: whose months are replaced as a whole: the payer, where there is one
    month: str
    version: tuple[int | str, ...]
    cells: Any  #: what the format makes statements from


class Figures(NamedTuple):
    """The statements of one row, with the key that must not occur twice."""

    key: Hashable
    statements: Sequence[Statement]


@define
class Notes:
    """Problems found on the way, each once, in their order."""

    _seen: dict[tuple[str, str | None, int | None], None] = field(factory=dict, init=False)
    _kinds: dict[str, int] = field(factory=dict, init=False)

    def add(self, reason: str, *, path: Path | None = None, line: int | None = None, kind: str = "") -> None:
        place = (reason, None if path is None else str(path), line)
        if place in self._seen:
            return
        kind = kind or reason
        self._kinds[kind] = self._kinds.get(kind, 0) + 1
        if self._kinds[kind] <= MAX_NOTES:
            self._seen[place] = None

    def problems(self) -> Iterator[Problem]:
        for reason, path, line in self._seen:
            yield Problem(reason=reason, path=path, line=line)
        for kind, count in self._kinds.items():
            if count > MAX_NOTES:
                yield Problem(reason=f"{kind}: {count - MAX_NOTES} more")


def newest(
    rows: Callable[[], Iterable[Row]], figures: Callable[[Row], Figures], notes: Notes
) -> Iterator[Statement | Problem]:
    """Statements of the newest version of each (account, month), as a whole month.

    *rows* is walked twice, so that a million rows need no memory but one number each: first for the
    versions, then for the figures.  A row that is missing in the newest version is thereby gone.
    Equal rows are kept once and noted; rows with the same key and other figures are refused.
    """
    best: dict[tuple[str, str], tuple[int | str, ...]] = {}
    others: dict[tuple[str, str], set[tuple[int | str, ...]]] = {}
    found = False
    for row in rows():
        found = True
        month = (row.account, row.month)
        known = best.get(month)
        if known is None:
            best[month] = row.version
        elif known != row.version:
            others.setdefault(month, {known}).add(row.version)
            best[month] = max(known, row.version)
    if not found:
        raise ImportFailed("holds a header and no figure")
    for month, versions in sorted(others.items()):
        left_out = ", ".join(_shown(version) for version in sorted(versions - {best[month]}))
        notes.add(f"{month[1]} of account {month[0]}: {_shown(best[month])} is the newest, left out: {left_out}",
                  kind="left out older versions")  # fmt: skip
    yield from _once(rows, figures, notes, best)
    yield from notes.problems()


def _once(
    rows: Callable[[], Iterable[Row]],
    figures: Callable[[Row], Figures],
    notes: Notes,
    best: dict[tuple[str, str], tuple[int | str, ...]],
) -> Iterator[Statement]:
    seen: dict[int, tuple[int, int]] = {}
    paths: dict[Path, int] = {}
    yielded = False
    for row in rows():
        if row.version != best[row.account, row.month]:
            continue
        key, statements = figures(row)
        place = paths.setdefault(row.path, len(paths)) << 40 | (row.line or 0)
        # hashes instead of keys: an export of a million rows stays within bounded memory
        digest, values = hash(key), hash(tuple((s.scope, s.method, float(s.co2e_kg)) for s in statements))
        known = seen.setdefault(digest, (place, values))
        if known[0] != place:
            path, line = list(paths)[known[0] >> 40], known[0] & (1 << 40) - 1
            first = f"line {line} of {path.name}" if line else path.name
            if known[1] != values:
                raise ImportFailed(
                    f"the same key as in {first} with other figures: {_key(key)}", path=row.path, line=row.line
                )
            notes.add(f"the same row as in {first}, counted once", path=row.path, line=row.line, kind="repeated rows")
            continue
        yielded = yielded or bool(statements)
        yield from statements
    if not yielded:
        raise ImportFailed("holds no figure: every value is empty")


def _shown(version: tuple[int | str, ...]) -> str:
    numbers = ".".join(str(part) for part in version if isinstance(part, int))
    texts = " ".join(part for part in version if isinstance(part, str) and part)
    return " ".join(part for part in (f"v{numbers}" if numbers else "", texts) if part) or "no version"


def _key(key: Hashable) -> str:
    parts = key if isinstance(key, tuple) else (key,)
    return ", ".join(str(part) for part in parts if part)
