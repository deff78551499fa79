"""What a new snapshot of a provider's figures does to those in the book: pure rules over months."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

from attrs import field, frozen

from wattbook.errors import ImportFailed
from wattbook.model import Statement
from wattbook.records import content_id

NAMELESS = {"", "unspecified"}  #: accounts of files that do not say whose figures they hold
ACTIVE, BESIDE, WITHDRAWN = "active", "beside", "withdrawn"
Version = tuple[int | str, ...]


@frozen(kw_only=True, order=True)
class Chain:
    """The revisions of one (account, month) as one interface of a provider tells it."""

    provider: str
    interface: str
    account: str
    payer: str
    month: str

    def __str__(self) -> str:
        told = f" ({self.interface})" if self.interface else ""
        return f"{self.provider} account {self.account or '?'}, {self.month}{told}"

    def alternative(self, other: Chain) -> bool:
        """Whether both tell of the same emissions, so that only one of them may count.

        The periods overlap, and the account is the same or one is the whole of what the other is a
        part of: a figure without a payer may be a payer's own total, which holds its members, and one
        of nobody knows which account may be anybody's.
        """
        if self == other or self.provider != other.provider:
            return False
        if not (self.month.startswith(other.month) or other.month.startswith(self.month)):
            return False
        if NAMELESS & {self.account, other.account}:
            return True
        if self.account == other.account and (self.payer == other.payer or not (self.payer and other.payer)):
            return True
        return (not self.payer and self.account == other.payer) or (not other.payer and other.account == self.payer)


@frozen(kw_only=True)
class Revision:
    """One state of a chain, as it is in the book or goes there."""

    chain: Chain
    revision: int
    content_id: str
    version_key: Version = ()
    model_version: str = ""
    standing: str = ACTIVE
    reason: str = ""
    supersedes: str | None = None
    statements: tuple[Statement, ...] = field(default=(), repr=False)
    size: int = 0


@frozen(kw_only=True)
class Plan:
    """What to write, and how many statements were new, known, or take the place of others."""

    revisions: tuple[Revision, ...] = ()
    new: int = 0
    known: int = 0
    superseded: int = 0
    warnings: tuple[str, ...] = ()


def later(version: Version) -> tuple[tuple[int, int | str], ...]:
    """A version that sorts: numbers by size, words after them."""
    return tuple((0, part) if isinstance(part, int) else (1, part) for part in version)


def chain_of(statement: Statement) -> Chain:
    return Chain(
        provider=statement.provider, interface=statement.interface, account=statement.account,
        payer=statement.payer, month=statement.month,
    )  # fmt: skip


def figures_id(chain: Chain, version: Version, statements: Iterable[Statement]) -> str:
    """A hash of the figures: equal for equal numbers, however they were written."""
    rows = sorted([*s.key, plain(s.co2e_kg), s.completeness] for s in statements)
    return content_id([[chain.provider, chain.interface, chain.account, chain.payer, chain.month], list(version), rows])


def plain(number: Decimal) -> str:
    """A decimal without exponent and trailing zeros."""
    text = format(number, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def single(statements: Iterable[Statement]) -> tuple[list[Statement], list[str]]:
    """Each figure once: equal duplicates are kept once and told; unequal ones are refused."""
    seen: dict[tuple[object, ...], Statement] = {}
    doubled = 0
    for statement in statements:
        _check(statement)
        key = (statement.interface, later(statement.version_key), *statement.key)
        first = seen.setdefault(key, statement)
        if first is statement:
            continue
        if first.co2e_kg != statement.co2e_kg:
            where = ", ".join(part for part in (*statement.key[1:7], f"scope {statement.scope}") if part)
            raise ImportFailed(
                f"the same figure is there twice with different values: {first.value_raw} and "
                f"{statement.value_raw} {statement.unit_raw} for {where} ({statement.method})"
            )
        doubled += 1
    warnings = [f"{doubled} figures were there twice with equal values; each is kept once"] if doubled else []
    return list(seen.values()), warnings


_MONTH = re.compile(r"\d{4}(-(0[1-9]|1[0-2]))?")
_SCOPES, _METHODS = ("1", "2", "3", "total"), ("location", "market", "unsplit")
MAX_DIGITS = 30


def _check(statement: Statement) -> None:
    """Refuse what no plugin should yield; the book must not hold it, whoever wrote the plugin."""
    kg = statement.co2e_kg
    if not kg.is_finite() or (kg and not -MAX_DIGITS < kg.adjusted() < MAX_DIGITS):
        raise ImportFailed(f"{statement.value_raw[:40]!r} is no number of kilograms")
    if statement.month == "unspecified":
        raise ImportFailed("the file does not say its month: say it with --option month=2026-09")
    if not _MONTH.fullmatch(statement.month):
        raise ImportFailed(f"{statement.month[:40]!r} is neither a month nor a year")
    if statement.scope not in _SCOPES or statement.method not in _METHODS:
        raise ImportFailed(f"there is no scope {statement.scope[:40]!r} with method {statement.method[:40]!r}")


def plan(
    statements: Iterable[Statement],
    book: Mapping[Chain, list[Revision]],
    figures_of: Callable[[Revision], Iterable[Statement]],
    *,
    force: bool = False,
) -> Plan:
    """Judge a snapshot against the book; raises ``ImportFailed`` where it must not go in.

    *book* holds the revisions of every chain of the snapshot's providers and years, oldest first;
    *figures_of* gives the figures of one of them.
    """
    kept, warnings = newest(statements)
    _one_granularity(kept)
    sets: dict[Chain, list[Statement]] = {}
    for statement in kept:
        sets.setdefault(chain_of(statement), []).append(statement)
    state = _State({chain: list(revisions) for chain, revisions in book.items()}, figures_of, force)
    state.warnings += warnings
    for payer, there in _payers(sets).items():
        state.withdraw_missing(payer, later(sets[there[0]][0].version_key), there)
    for chain, told in sorted(sets.items()):
        state.take(chain, told)
    return Plan(
        revisions=tuple(state.added), new=state.new, known=state.known, superseded=state.superseded,
        warnings=tuple(dict.fromkeys(state.warnings)),
    )  # fmt: skip


Group = tuple[str, str, str, str]


def _group(chain: Chain) -> Group:
    """What a provider restates as a whole: a month of a payer with its members, else of one account."""
    owner = f"payer {chain.payer}" if chain.payer else f"account {chain.account}"
    return (chain.provider, chain.interface, owner, chain.month)


def newest(statements: Iterable[Statement]) -> tuple[list[Statement], list[str]]:
    """Of every month only its newest version, each figure once, and what was left out."""
    kept, warnings = single(statements)
    versions: dict[Group, dict[Version, str]] = {}
    for s in kept:
        versions.setdefault(_group(chain_of(s)), {})[s.version_key] = s.model_version
    best = {group: max(found, key=later) for group, found in versions.items()}
    for group, found in sorted(versions.items()):
        if len(found) > 1:
            rest = ", ".join(_spoken(found[key], key) for key in sorted(found, key=later)[:-1])
            warnings.append(
                f"{group[0]} {group[2]}, {group[3]}: of several versions the older ones were left out: {rest}"
            )
    return [s for s in kept if s.version_key == best[_group(chain_of(s))]], warnings


def _payers(sets: Iterable[Chain]) -> dict[Group, list[Chain]]:
    """The payers whose whole export this is: it holds the payer itself or several accounts."""
    groups: dict[Group, list[Chain]] = {}
    for chain in sets:
        if chain.payer:
            groups.setdefault(_group(chain), []).append(chain)
    return {group: c for group, c in sorted(groups.items()) if len(c) > 1 or c[0].account == c[0].payer}


def _one_granularity(statements: Iterable[Statement]) -> None:
    periods: dict[tuple[str, str, str, str], set[str]] = {}
    for s in statements:
        periods.setdefault((s.provider, s.interface, s.account, s.payer), set()).add(s.month)
    for (provider, _, account, _), months in periods.items():
        for month in months:
            if any(other != month and other.startswith(month) for other in months):
                raise ImportFailed(
                    f"{provider} account {account}: figures of {month} as a whole and of its months stand in one import; "
                    "they tell the same emissions twice"
                )


class _State:
    """The book as it would be, one set of figures after the other."""

    def __init__(
        self,
        book: dict[Chain, list[Revision]],
        figures_of: Callable[[Revision], Iterable[Statement]],
        force: bool,
    ) -> None:
        self.book, self.figures_of, self.force = book, figures_of, force
        self.added: list[Revision] = []
        self.warnings: list[str] = []
        self.new = self.known = self.superseded = 0

    def take(self, chain: Chain, told: list[Statement]) -> None:
        version = told[0].version_key
        revisions = self.book.get(chain, [])
        head = revisions[-1] if revisions else None
        content = raw = figures_id(chain, version, told)
        before = next((old for old in reversed(revisions) if old.size), None)
        order = (
            1
            if before is None
            else (later(version) > later(before.version_key)) - (later(version) < later(before.version_key))
        )
        replaced: list[Statement] = []
        carried: list[Statement] = []
        if before is not None and order == 0 and before.content_id != raw:
            carried, replaced = _beside(self.figures_of(before) if not before.statements else before.statements, told)
            content = figures_id(chain, version, [*carried, *told])
        if head is not None and any(old.content_id in (raw, content) for old in revisions):
            recalled = self.force and (head.content_id != content or head.standing != ACTIVE)
            freed = head.content_id == content and head.standing == BESIDE and not self._rivals(chain)
            if not (recalled or freed):
                self.known += len(told)
                return
        if before is None:
            reason = "first"
        elif order > 0:
            reason = "newer version"
        elif order == 0:
            silent = _changed(told, replaced)
            reason = "silent restatement" if silent else "same version, further figures"
            if silent and before.content_id != content:
                self.warnings.append(f"silent restatement: {chain} has new figures under the same version")
        elif self.force:
            reason = "forced"
        else:
            raise ImportFailed(
                f"{chain}: these figures are of version {_spoken(told[0].model_version, version)}, the book has "
                f"{_spoken(before.model_version, before.version_key)}, which is newer; --force takes the older one"
            )
        self._add(chain, content, told, carried, reason)

    def _add(self, chain: Chain, content: str, told: list[Statement], carried: list[Statement], reason: str) -> None:
        revisions = self.book.setdefault(chain, [])
        head = revisions[-1] if revisions else None
        standing = ACTIVE
        if head is None or head.standing != ACTIVE:
            rivals = self._rivals(chain)
            if rivals and self.force:
                for rival in rivals:
                    self._withdraw(rival, f"{chain} counts instead")
            elif rivals:
                standing = BESIDE
                self.warnings.append(
                    f"{chain} tells what {rivals[0]} tells already: it is kept beside and not added "
                    "(--force lets it count instead)"
                )
        if head is not None and head.standing == ACTIVE:
            self.superseded += head.size - len(carried)
        self.new += len(told)
        told = [*carried, *told]
        self._append(
            Revision(
                chain=chain,
                revision=len(revisions) + 1,
                content_id=content,
                version_key=told[0].version_key,
                model_version=told[0].model_version,
                standing=standing,
                reason=reason,
                supersedes=head.content_id if head else None,
                statements=tuple(told),
                size=len(told),
            )
        )

    def withdraw_missing(self, payer: Group, version: tuple[object, ...], there: list[Chain]) -> None:
        """What a payer's newer export of a month no longer holds is gone from that month."""
        for chain, revisions in list(self.book.items()):
            if not revisions or chain in there or not chain.payer or _group(chain) != payer:
                continue
            if revisions[-1].standing == ACTIVE and later(revisions[-1].version_key) < version:
                self._withdraw(chain, "not in the payer's newer figures")
                self.warnings.append(
                    f"{chain}: the payer's newer figures no longer hold this account; it was withdrawn"
                )

    def _rivals(self, chain: Chain) -> list[Chain]:
        return sorted(
            c for c, revs in self.book.items() if revs and revs[-1].standing == ACTIVE and c.alternative(chain)
        )

    def _withdraw(self, chain: Chain, reason: str) -> None:
        head = self.book[chain][-1]
        self.superseded += head.size
        self._append(
            Revision(
                chain=chain,
                revision=head.revision + 1,
                content_id=figures_id(chain, (), ()),
                standing=WITHDRAWN,
                reason=reason,
                supersedes=head.content_id,
            )
        )

    def _append(self, revision: Revision) -> None:
        self.book[revision.chain].append(revision)
        self.added.append(revision)


def _beside(old: Iterable[Statement], new: Iterable[Statement]) -> tuple[list[Statement], list[Statement]]:
    """The old figures that the new ones leave alone, and those whose place they take.

    A file may hold one view only (location-based, or scope 1) and another file the other: what a file
    does not tell about, it does not restate.  Of the views that it tells about it restates the whole
    month, unless it is partial (a page is missing, an account was denied): then only what it holds.
    """
    old, new = list(old), list(new)
    views = {(s.scope, s.method) for s in new}
    meant = [s for s in old if (s.scope, s.method) in views]
    carried = [s for s in old if (s.scope, s.method) not in views]
    if any(s.completeness == "partial" for s in new) and {_level(s) for s in meant} == {_level(s) for s in new}:
        there = {s.key for s in new}
        carried += [s for s in meant if s.key not in there]
        meant = [s for s in meant if s.key in there]
    return carried, meant


def _level(statement: Statement) -> tuple[bool, bool, bool]:
    """How finely a figure is told; a total and its items must not stand side by side."""
    return (bool(statement.service), bool(statement.region), bool(statement.resource))


def _changed(told: Iterable[Statement], replaced: Iterable[Statement]) -> bool:
    """Whether a figure that was told before is another one now, or gone."""
    now = {s.key: s.co2e_kg for s in told}
    return any(now.get(s.key) != s.co2e_kg for s in replaced)


def _spoken(model_version: str, key: Version) -> str:
    return model_version or ".".join(map(str, key)) or "unnamed"
