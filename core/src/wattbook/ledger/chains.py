"""The revisions of one (account, month), and the hash that names its figures."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from attrs import field, frozen

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


def spoken(model_version: str, key: Version) -> str:
    """A version for a sentence."""
    return model_version or ".".join(map(str, key)) or "unnamed"
