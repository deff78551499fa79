"""What a snapshot says by itself: each figure once, the newest version of each month, one granularity."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from wattbook.errors import ImportFailed
from wattbook.ledger.chains import Chain, Version, chain_of, later, spoken
from wattbook.ledger.figures import MAX_DIGITS, Figures, Listed, Sheeted
from wattbook.model import Sheet, Statement

Group = tuple[str, str, str, str]
_MONTH = re.compile(r"\d{4}(-(0[1-9]|1[0-2]))?")
_SCOPES, _METHODS = ("1", "2", "3", "total"), ("location", "market", "unsplit")


def check(statement: Statement) -> None:
    """Refuse what no plugin should yield; the book must not hold it, whoever wrote the plugin."""
    kg = statement.co2e_kg
    if not kg.is_finite() or (kg and not -MAX_DIGITS < kg.adjusted() < MAX_DIGITS):
        raise ImportFailed(f"{statement.value_raw[:40]!r} is no number of kilograms")
    _check_names(statement.month, [(statement.scope, statement.method)])


def check_sheet(sheet: Sheet) -> None:
    """The same for a sheet, whose figures are looked at when they are read."""
    _check_names(sheet.month, sheet.views)


def _check_names(month: str, views: Iterable[tuple[str, str]]) -> None:
    if month == "unspecified":
        raise ImportFailed("the file does not say its month: say it with --option month=2026-09")
    if not _MONTH.fullmatch(month):
        raise ImportFailed(f"{month[:40]!r} is neither a month nor a year")
    for scope, method in views:
        if scope not in _SCOPES or method not in _METHODS:
            raise ImportFailed(f"there is no scope {scope[:40]!r} with method {method[:40]!r}")


def single(statements: Iterable[Statement]) -> tuple[list[Statement], list[str]]:
    """Each figure once: equal duplicates are kept once and told; unequal ones are refused."""
    seen: dict[tuple[object, ...], Statement] = {}
    doubled = 0
    for statement in statements:
        check(statement)
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


def group_of(chain: Chain) -> Group:
    """What a provider restates as a whole: a month of a payer with its members, else of one account."""
    owner = f"payer {chain.payer}" if chain.payer else f"account {chain.account}"
    return (chain.provider, chain.interface, owner, chain.month)


def newest(statements: Iterable[Statement], sheets: Iterable[Sheet] = ()) -> tuple[dict[Chain, Figures], list[str]]:
    """Of every month only its newest version, each figure once, and what was left out."""
    listed, warnings = single(statements)
    sheets = list(sheets)
    for sheet in sheets:
        check_sheet(sheet)
    versions: dict[Group, dict[Version, str]] = {}
    everything: list[Statement | Sheet] = [*listed, *sheets]
    for one in everything:
        versions.setdefault(group_of(chain_of(one)), {})[one.version_key] = one.model_version
    best = {group: max(found, key=later) for group, found in versions.items()}
    for group, found in sorted(versions.items()):
        if len(found) > 1:
            rest = ", ".join(spoken(found[key], key) for key in sorted(found, key=later)[:-1])
            warnings.append(
                f"{group[0]} {group[2]}, {group[3]}: of several versions the older ones were left out: {rest}"
            )
    kept: dict[Chain, list[Statement]] = {}
    many: dict[Chain, list[Sheet]] = {}
    for statement in listed:
        if statement.version_key == best[group_of(chain := chain_of(statement))]:
            kept.setdefault(chain, []).append(statement)
    for sheet in sheets:
        if sheet.version_key == best[group_of(chain := chain_of(sheet))]:
            many.setdefault(chain, []).append(sheet)
    return {chain: _figures(kept.get(chain, []), many.get(chain, []), warnings) for chain in kept | many}, warnings


def _figures(listed: Sequence[Statement], sheets: Sequence[Sheet], warnings: list[str]) -> Figures:
    """The figures of a chain, each once: one sheet has them so; of several, or beside statements, it is looked at."""
    if sheets and not listed:
        told = Sheeted(sheets)
        if len(sheets) == 1 or not told.repeated:
            told.forget()
            return told
    once, more = single([*listed, *(s for sheet in sheets for s in sheet.statements())])
    warnings += more
    return Listed(once)


def payers(sets: Iterable[Chain]) -> dict[Group, list[Chain]]:
    """The payers whose whole export this is: it holds the payer itself or several accounts."""
    groups: dict[Group, list[Chain]] = {}
    for chain in sets:
        if chain.payer:
            groups.setdefault(group_of(chain), []).append(chain)
    return {group: c for group, c in sorted(groups.items()) if len(c) > 1 or c[0].account == c[0].payer}


def one_granularity(chains: Iterable[Chain]) -> None:
    periods: dict[tuple[str, str, str, str], set[str]] = {}
    for one in chains:
        periods.setdefault((one.provider, one.interface, one.account, one.payer), set()).add(one.month)
    for (provider, _, account, _), months in periods.items():
        for month in months:
            if any(other != month and other.startswith(month) for other in months):
                raise ImportFailed(
                    f"{provider} account {account}: figures of {month} as a whole and of its months stand in one import; "
                    "they tell the same emissions twice"
                )
