"""``azure-carbon-json``: answers of Azure's Carbon Optimization API, by scope and page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from attrs import field, frozen
from wattbook import ImportFailed, ImportSource, Problem, SourceFile, Statement

from wattbook_csp import months, pages
from wattbook_csp.azure_views import ALL_SCOPES, Key, View, best
from wattbook_csp.decimals import KG_PER_KG, kilograms
from wattbook_csp.notes import Notes
from wattbook_csp.snapshots import Figures, Row, newest_of

FORMAT = "azure-carbon-json"
UNIT = "kgCO2E"
UNIT_KG = KG_PER_KG

#: Azure computes scope 2 by the market-based method only; scopes 1 and 3 do not depend on the method
METHODS = {"1": "unsplit", "2": "market", "3": "unsplit", "total": "market"}
_HINT = (
    "name the file after both, as in itemdetails.2026-01.Scope2.page1.json, or keep the request beside the answer:"
    ' {"request": {...}, "response": {...}}'
)


@frozen(kw_only=True)
class Page:
    """One answer, with what its request asked for: that is not in the answer."""

    path: Path
    rows: list[dict[str, Any]] = field(repr=False)
    scopes: tuple[str, ...]
    month: str
    allowed: tuple[str, ...]
    denied: tuple[str, ...]
    follows: bool  #: another page follows this one


def sniff(file: SourceFile) -> bool:
    head = file.head
    return b"latestMonthEmissions" in head or b"subscriptionAccessDecisionList" in head or _is_availability(head)


def _is_availability(head: bytes) -> bool:
    return b"CarbonEmissionDataAvailableDateRange" in head


def read(source: ImportSource) -> Iterator[Statement | Problem]:
    notes = Notes()
    found = (page for file in source.files for page in _pages(file, source.options, notes))
    rows = list(best(_views(found, source.account, notes), notes))
    if not rows:
        reason = "holds no emissions: neither item details nor a monthly summary"
        raise ImportFailed(reason, path=source.files[0].path if source.files else None)
    yield from newest_of(rows, notes)


def _pages(file: SourceFile, options: Any, notes: Notes) -> Iterator[Page]:
    for line, document in pages.documents(file):
        asked = pages.get(document, "parameters", "queryParameters") or pages.get(document, "request") or {}
        body = pages.get(document, "responses", "200", "body") or pages.get(document, "response") or document
        if not isinstance(body, dict) or ("value" not in body and not _is_availability(file.head)):
            raise ImportFailed("is no answer of the carbon API: 'value' is missing", path=file.path, line=line)
        if "value" not in body:
            notes.add("says which months are available, and holds no emissions", path=file.path)
            continue
        decisions = pages.objects(body.get("subscriptionAccessDecisionList"))
        yield Page(
            path=file.path,
            rows=pages.objects(body["value"]),
            scopes=_scopes(asked, options, file.path),
            month=_month(asked, options, file.path),
            allowed=_decided(decisions, "Allowed"),
            denied=_decided(decisions, "Denied"),
            follows=bool(body.get("skipToken")),
        )


def _decided(decisions: Iterable[dict[str, Any]], decision: str) -> tuple[str, ...]:
    return tuple(
        pages.text(d.get("subscriptionId")).lower() for d in decisions if pages.text(d.get("decision")) == decision
    )


def _scopes(asked: Any, options: Any, path: Path) -> tuple[str, ...]:
    """The scopes that were asked for, and that are one number in the answer."""
    listed = pages.get(asked, "carbonScopeList")
    if isinstance(listed, list):
        return tuple(sorted({pages.text(scope)[-1:] for scope in listed} & set(ALL_SCOPES)))
    said = options.get("scope")
    if said is not None:
        scopes = ALL_SCOPES if said in ("all", "total") else tuple(sorted(re.findall("[123]", said)))
        if not scopes:
            raise ImportFailed(f"the option scope is 1, 2, 3 or all, not {said!r}")
        return scopes
    name = "/".join(path.parts[-3:])
    if re.search(r"all[-_. ]?scopes", name, re.IGNORECASE):
        return ALL_SCOPES
    return tuple(sorted(set(re.findall(r"scope[-_. ]?([123])", name, re.IGNORECASE))))


def _month(asked: Any, options: Any, path: Path) -> str:
    """The month that was asked for, where it is one; the rows of a summary say their own."""
    start, end = pages.text(pages.get(asked, "dateRange", "start")), pages.text(pages.get(asked, "dateRange", "end"))
    if start:
        return months.month(start) if start == end else ""
    if said := options.get("month"):
        return months.month(said)
    return months.in_name(path)


def _views(found: Iterable[Page], account: str | None, notes: Notes) -> Iterable[View]:
    views: dict[Key, View] = {}
    ends: dict[Key, bool] = {}
    closed: set[tuple[str, tuple[str, ...]]] = set()
    for page in found:
        if not page.rows and not page.follows:  # the last page may be an empty one
            closed.add((page.month, page.scopes))
        if page.denied:
            notes.add(f"access was denied, so this is not the whole: {', '.join(page.denied)}")
        for number, item in enumerate(page.rows, start=1):
            kind = pages.text(item.get("dataType")).removesuffix("Data")
            if not (kind.endswith("ItemDetails") or kind == "MonthlySummary"):
                what = "shows the largest items only" if "TopItems" in kind else "has no single month"
                notes.add(f"{kind or 'a report of unknown type'} {what}, left out", path=page.path)
                continue
            key, row = _row(page, number, item, kind, account)
            view = views.setdefault(key, View(key))
            view.partial = view.partial or bool(page.denied)
            view.rows.append(row)
            ends[key] = ends.get(key, False) or not page.follows
    for key, ended in ends.items():
        if not ended and (key.month, key.scopes) not in closed:
            views[key].partial = True
            notes.add("the next page is missing (each page here has a skipToken), so this is not the whole")
    return views.values()


def _row(page: Page, number: int, item: dict[str, Any], kind: str, account: str | None) -> tuple[Key, Row]:
    """One item as a row, with the answer that it belongs to."""
    raw = item.get("latestMonthEmissions")  # the previous month is for comparison and no statement
    field_name = "latestMonthEmissions"
    place = f"item {number}"
    try:
        if not page.scopes:
            raise ImportFailed("does not say for which scopes it was asked; " + _HINT, field="carbonScopeList")
        if kind == "MonthlySummary":
            category = ""
            field_name = "date"
            month = months.month(pages.text(item.get("date")))
        else:
            category, month = _category(item), page.month
            if not month:
                raise ImportFailed("does not say for which month it was asked; " + _HINT, field="dateRange")
        subscription = pages.text(item.get("subscriptionId")).lower()
        if category == "Subscription":
            subscription = subscription or pages.text(item.get("itemName")).lower()
        members = frozenset([subscription] if subscription else page.allowed)
        name = subscription or account or (page.allowed[0] if len(page.allowed) == 1 else "")
        if not name:
            raise ImportFailed(f"adds {len(members)} subscriptions up; name them together with --account NAME")
        scope = page.scopes[0] if len(page.scopes) == 1 else "total"
        field_name = "latestMonthEmissions"
        resource = (pages.text(item.get("resourceId")) or pages.text(item.get("itemName"))).lower()
        statements = []
        if raw is not None:
            statements.append(
                Statement(
                    provider="azure", account=name, month=month, service=pages.text(item.get("resourceType")),
                    region=pages.text(item.get("location")), resource=resource, scope=scope,
                    method="unsplit" if page.scopes == ("1", "3") else METHODS[scope],
                    co2e_kg=kilograms(pages.text(raw), UNIT_KG), value_raw=pages.text(raw), unit_raw=UNIT,
                    interface="carbon-optimization",
                )
            )  # fmt: skip
    except ImportFailed as refused:
        raise ImportFailed(f"{place}: {refused.reason}", path=page.path, field=refused.field or field_name) from None
    key = Key(month=month, members=members or frozenset([name]), category=category, scopes=page.scopes)
    figures = Figures((name, month, scope, page.scopes, category, resource), statements)
    return key, Row(page.path, number, name, month, (), figures)


def _category(item: dict[str, Any]) -> str:
    said = pages.text(item.get("categoryType"))
    return said or ("Resource" if item.get("resourceId") else "Subscription")
