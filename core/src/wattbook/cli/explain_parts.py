"""Which figure of a period somebody means: its total, a part of it, or what a provider states."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wattbook.errors import WattbookError

if TYPE_CHECKING:
    from wattbook.config import Config
    from wattbook.explaining.parts import Explained
    from wattbook.ledger.store import Ledger
    from wattbook.report import Period

FEW = 10  #: names that a refusal lists


def part_of(book: Ledger, settings: Config, period: Period, what: str) -> Explained:
    """A closed month is explained as it was closed.  Raises ``WattbookError`` with what there is."""
    from wattbook.closing.reading import report_of
    from wattbook.explaining.parts import explain_part, explain_total
    from wattbook.report.lines import UNLABELLED, clean

    if len(what) > 400 or not what.isprintable():
        raise WattbookError("a part is named DIM:KEY, such as project:ner")
    if what == "total":
        return explain_total(report_of(book, settings, period, (), None))
    dim, key = _named(what)
    if dim is None:
        if "/" in what:
            return _statement(book, settings, period, what)
        raise WattbookError(f"{what!r} is no part of a period: total, DIM:KEY such as project:ner, or PROVIDER/ACCOUNT")
    report = report_of(book, settings, period, (dim,), None)
    told = explain_part(report, dim, None if key in ("", UNLABELLED) else key, what)
    if told is None:
        keys = [UNLABELLED if row.key is None else clean(row.key) for row in report.by[dim]]
        there = ", ".join(keys[:FEW]) or "none"
        more = f" and {len(keys) - FEW} more" if len(keys) > FEW else ""
        raise WattbookError(f"{period.title} holds nothing of {clean(what)}; by {clean(dim)} there are {there}{more}")
    return told


def _named(what: str) -> tuple[str | None, str]:
    """``project:ner`` and ``tag:model:big`` as dimension and key; no dimension where it names none."""
    from wattbook.report.dimensions import DIMENSIONS, check_dimension

    dim, colon, key = what.partition(":")
    if not colon:
        return None, ""
    if dim == "tag":
        name, _, key = key.partition(":")
        dim = f"tag:{name}"
    if dim not in DIMENSIONS and "/" in what:
        return None, ""
    check_dimension(dim)
    return dim, key


def _statement(book: Ledger, settings: Config, period: Period, what: str) -> Explained:
    from wattbook.closing.manifest import watermark_of
    from wattbook.closing.reading import act_of, report_of
    from wattbook.explaining.parts import explain_statement
    from wattbook.ledger import periods
    from wattbook.report.lines import clean

    report = report_of(book, settings, period, (), None)
    found = [n for n, one in enumerate(report.claims) if f"{one.provider}/{one.account}" == what]
    if not found:
        there = ", ".join(dict.fromkeys(clean(f"{one.provider}/{one.account}") for one in report.claims)) or "none"
        raise WattbookError(f"no provider states {clean(what)} for {period.title}; there are {there}")
    if len(found) > 1:
        raise WattbookError(f"{clean(what)} is stated for {len(found)} months of {period.title}: name one with --month")
    claim = report.claims[found[0]]
    act = act_of(periods.closed(book), period)
    statements = [
        one
        for one in book.statements(months=[claim.month], as_of=None if act is None else watermark_of(act))
        if (one.provider, one.account) == (claim.provider, claim.account)
    ]
    return explain_statement(report, found[0], statements)
