"""What a new snapshot of a provider's figures does to those in the book: pure rules over months."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter

from attrs import evolve, frozen

from wattbook.errors import ImportFailed
from wattbook.ledger.chains import (
    ACTIVE,
    BESIDE,
    WITHDRAWN,
    Alternatives,
    Chain,
    Revision,
    figures_id,
    later,
    ranked,
    spoken,
)
from wattbook.ledger.figures import Figures, Listed
from wattbook.ledger.told import Group, group_of, newest, one_granularity, payers
from wattbook.model import Sheet, Statement


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
    sheets: Iterable[Sheet] = (),
    write: Callable[[Revision], object] = lambda revision: None,
) -> Plan:
    """Judge a snapshot against the book; raises ``ImportFailed`` where it must not go in.

    *book* holds the revisions of every chain of the snapshot's providers and years, oldest first;
    *figures_of* gives the figures of one of them.  *write* is handed every revision with its figures as soon
    as it is made, and those of sheets are given up then: of millions there are never more than one month's.
    """
    sets, warnings = newest(statements, sheets)
    one_granularity(sets)
    state = _State({chain: list(revisions) for chain, revisions in book.items()}, figures_of, force, write)
    state.warnings += warnings
    for payer, there in payers(sets).items():
        state.withdraw_missing(payer, later(sets[there[0]].version_key), set(there))
    for chain, told in sorted(sets.items(), key=itemgetter(0)):
        state.take(chain, told)
        told.forget()
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
        write: Callable[[Revision], object],
    ) -> None:
        self.book, self.figures_of, self.force, self.write = book, figures_of, force, write
        self.active = Alternatives(c for c, revs in book.items() if revs and ranked(revs)[0].standing == ACTIVE)
        self.added: list[Revision] = []
        self.warnings: list[str] = []
        self.new = self.known = self.superseded = 0

    def take(self, chain: Chain, told: Figures) -> None:
        version = told.version_key
        revisions = self.book.get(chain, [])
        head = _head(revisions)
        content = raw = told.content_id(chain)
        before = head if head is not None and head.size else next((r for r in reversed(revisions) if r.size), None)
        order = (
            1
            if before is None
            else (later(version) > later(before.version_key)) - (later(version) < later(before.version_key))
        )
        silent = False
        carried: list[Statement] = []
        size = told.size
        if before is not None and order == 0 and before.content_id != raw:
            here = told.statements()
            carried, replaced = _beside(self.figures_of(before) if not before.statements else before.statements, here)
            silent = _changed(here, replaced)
            told = Listed([*carried, *here])
            content = told.content_id(chain)
        if head is not None and any(old.content_id in (raw, content) for old in revisions):
            recalled = self.force and (head.content_id != content or head.standing != ACTIVE)
            freed = head.content_id == content and head.standing == BESIDE and not self._rivals(chain)
            if not (recalled or freed):
                self.known += size
                return
        if before is None:
            reason = "first"
        elif order > 0:
            reason = "newer version"
        elif order == 0:
            reason = "silent restatement" if silent else "same version, further figures"
            if silent and before.content_id != content:
                self.warnings.append(f"silent restatement: {chain} has new figures under the same version")
        elif self.force:
            reason = "forced"
        else:
            raise ImportFailed(
                f"{chain}: these figures are of version {spoken(told.model_version, version)}, the book has "
                f"{spoken(before.model_version, before.version_key)}, which is newer; --force takes the older one"
            )
        self.new += size
        self._add(chain, content, told, len(carried), reason)

    def _add(self, chain: Chain, content: str, told: Figures, carried: int, reason: str) -> None:
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
            self.superseded += head.size - carried
        for other in ranked(revisions)[1:]:  # what another book told otherwise is settled by this
            self._end(chain, other, "another book told it otherwise, and it was restated since")
        self._append(
            Revision(
                chain=chain,
                revision=_next(revisions),
                content_id=content,
                version_key=told.version_key,
                model_version=told.model_version,
                standing=standing,
                reason=reason,
                supersedes=head.content_id if head else None,
                statements=tuple(told.statements()) if isinstance(told, Listed) else (),
                size=told.size,
                lines=tuple(told.rows(content)),
            )
        )

    def withdraw_missing(self, payer: Group, version: tuple[object, ...], there: set[Chain]) -> None:
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
        return [other for other in self.active.of(chain) if ranked(self.book[other])[0].standing == ACTIVE]

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
        self.write(revision)
        kept = evolve(revision, lines=())
        self.book[revision.chain].append(kept)
        self.added.append(kept)
        if revision.standing == ACTIVE:
            self.active.add(revision.chain)


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
