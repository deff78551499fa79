"""The revisions of one (account, month), and the hash that names its figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from attrs import evolve, field, frozen

from wattbook.model import Sheet, Statement
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
    lines: tuple[tuple[Any, ...], ...] = field(default=(), repr=False)  #: rows to write, of a new one


def ranked(revisions: Iterable[Revision]) -> list[Revision]:
    """The revisions of one chain that no later one takes the place of, the one that counts first.

    In the book where they were made there is one.  Books that told a month otherwise, each by itself,
    have one each; then the newest version counts, of equal versions the higher revision, of these the
    greater hash: a rule that gives every book the same answer, in whatever order it learns of them.
    """
    told = list(revisions)
    replaced: dict[str, int] = {}
    for one in told:
        if one.supersedes is not None:
            replaced[one.supersedes] = max(one.revision, replaced.get(one.supersedes, 0))
    left = [one for one in told if one.revision >= replaced.get(one.content_id, 0)]
    return sorted(left, key=_rank, reverse=True)


def _rank(one: Revision) -> tuple[object, ...]:
    return later(one.version_key), one.revision, one.content_id, one.standing == ACTIVE, one.model_version, one.reason


def heads_of(revisions: Iterable[Revision]) -> list[Revision]:
    """Of every chain the revision that counts; of chains that tell of the same, one at most is active."""
    chains: dict[Chain, list[Revision]] = {}
    for one in revisions:
        chains.setdefault(one.chain, []).append(one)
    heads: list[Revision] = []
    active = Alternatives()
    for chain in sorted(chains):
        head = ranked(chains[chain])[0]
        if head.standing == ACTIVE:
            rivals = active.of(chain)
            if rivals:
                head = evolve(head, standing=BESIDE, reason=f"{rivals[0]} counts, as another book told it")
            else:
                active.add(chain)
        heads.append(head)
    return heads


def rivals_of(revisions: Sequence[Revision]) -> list[str]:
    """In words: the months that books told otherwise, each with what counts."""
    chains: dict[Chain, list[Revision]] = {}
    for one in revisions:
        chains.setdefault(one.chain, []).append(one)
    found = []
    for chain, some in sorted(chains.items()):
        first, *others = ranked(some)
        differ = {other.content_id for other in others} - {first.content_id}
        if differ:
            version = spoken(first.model_version, first.version_key)
            found.append(
                f"{chain}: books tell it in {len(differ) + 1} ways; version {version} counts "
                f"({first.content_id[:12]}), the others are kept beside it"
            )
    return found


def later(version: Version) -> tuple[tuple[int, int | str], ...]:
    """A version that sorts: numbers by size, words after them."""
    return tuple((0, part) if isinstance(part, int) else (1, part) for part in version)


class Alternatives:
    """Chains, found again by those that tell of the same emissions, without a look at all of them."""

    def __init__(self, chains: Iterable[Chain] = ()) -> None:
        self._all: dict[str, list[Chain]] = {}
        self._by_account: dict[tuple[str, str], list[Chain]] = {}
        self._by_payer: dict[tuple[str, str], list[Chain]] = {}
        for chain in chains:
            self.add(chain)

    def add(self, chain: Chain) -> None:
        self._all.setdefault(chain.provider, []).append(chain)
        account = "" if chain.account in NAMELESS else chain.account
        self._by_account.setdefault((chain.provider, account), []).append(chain)
        self._by_payer.setdefault((chain.provider, chain.payer), []).append(chain)

    def of(self, chain: Chain) -> list[Chain]:
        """The alternatives of *chain*, in their order."""
        if chain.account in NAMELESS:
            near = self._all.get(chain.provider, [])
        else:
            near = [
                c for name in {chain.account, chain.payer, ""} for c in self._by_account.get((chain.provider, name), ())
            ]
            if not chain.payer:
                near += self._by_payer.get((chain.provider, chain.account), ())
        return sorted({other for other in near if chain.alternative(other)})


def chain_of(statement: Statement | Sheet) -> Chain:
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


def spoken(model_version: str, key: Version) -> str:
    """A version for a sentence."""
    return model_version or ".".join(map(str, key)) or "unnamed"
