"""What a new snapshot of a provider's figures does to those in the book: pure rules over months."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from attrs import frozen

from wattbook.errors import ImportFailed
from wattbook.ledger.chains import (
    ACTIVE,
    BESIDE,
    WITHDRAWN,
    Chain,
    Revision,
    chain_of,
    figures_id,
    later,
    ranked,
    spoken,
)
from wattbook.ledger.told import Group, group_of, newest, one_granularity, payers
from wattbook.model import Statement


@frozen(kw_only=True)
class Plan:
    """What to write, and how many statements were new, known, or take the place of others."""

    revisions: tuple[Revision, ...] = ()
    new: int = 0
    known: int = 0
    superseded: int = 0
    warnings: tuple[str, ...] = ()


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
    one_granularity(kept)
    sets: dict[Chain, list[Statement]] = {}
    for statement in kept:
        sets.setdefault(chain_of(statement), []).append(statement)
    state = _State({chain: list(revisions) for chain, revisions in book.items()}, figures_of, force)
    state.warnings += warnings
    for payer, there in payers(sets).items():
        state.withdraw_missing(payer, later(sets[there[0]][0].version_key), there)
    for chain, told in sorted(sets.items()):
        state.take(chain, told)
    return Plan(
        revisions=tuple(state.added), new=state.new, known=state.known, superseded=state.superseded,
        warnings=tuple(dict.fromkeys(state.warnings)),
    )  # fmt: skip


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
        head = _head(revisions)
        content = raw = figures_id(chain, version, told)
        before = head if head is not None and head.size else next((r for r in reversed(revisions) if r.size), None)
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
                f"{chain}: these figures are of version {spoken(told[0].model_version, version)}, the book has "
                f"{spoken(before.model_version, before.version_key)}, which is newer; --force takes the older one"
            )
        self._add(chain, content, told, carried, reason)

    def _add(self, chain: Chain, content: str, told: list[Statement], carried: list[Statement], reason: str) -> None:
        revisions = self.book.setdefault(chain, [])
        head = _head(revisions)
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
        for other in ranked(revisions)[1:]:  # what another book told otherwise is settled by this
            self._end(chain, other, "another book told it otherwise, and it was restated since")
        self.new += len(told)
        told = [*carried, *told]
        self._append(
            Revision(
                chain=chain,
                revision=_next(revisions),
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
            if not revisions or chain in there or not chain.payer or group_of(chain) != payer:
                continue
            head = ranked(revisions)[0]
            if head.standing == ACTIVE and later(head.version_key) < version:
                self._withdraw(chain, "not in the payer's newer figures")
                self.warnings.append(
                    f"{chain}: the payer's newer figures no longer hold this account; it was withdrawn"
                )

    def _rivals(self, chain: Chain) -> list[Chain]:
        return sorted(
            c for c, revs in self.book.items() if revs and ranked(revs)[0].standing == ACTIVE and c.alternative(chain)
        )

    def _withdraw(self, chain: Chain, reason: str) -> None:
        heads = ranked(self.book[chain])
        self.superseded += heads[0].size
        for head in heads:
            self._end(chain, head, reason)

    def _end(self, chain: Chain, head: Revision, reason: str) -> None:
        self._append(
            Revision(
                chain=chain,
                revision=_next(self.book[chain]),
                content_id=figures_id(chain, (), ()),
                standing=WITHDRAWN,
                reason=reason,
                supersedes=head.content_id,
            )
        )

    def _append(self, revision: Revision) -> None:
        self.book[revision.chain].append(revision)
        self.added.append(revision)


def _head(revisions: list[Revision]) -> Revision | None:
    return ranked(revisions)[0] if revisions else None


def _next(revisions: list[Revision]) -> int:
    return max((old.revision for old in revisions), default=0) + 1


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
