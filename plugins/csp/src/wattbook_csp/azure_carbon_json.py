"""``azure-carbon-json``: answers of Azure's Carbon Optimization API, by scope and page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from attrs import field, frozen
from wattbook import ImportFailed, ImportSource, Problem, Sheet, SourceFile, Statement

from wattbook_csp import months, pages, sheets
from wattbook_csp.azure_views import ALL_SCOPES, Key, View, best
from wattbook_csp.decimals import KG_PER_KG
from wattbook_csp.figures import Figures
from wattbook_csp.notes import Notes
from wattbook_csp.shelves import Group, Shelves

FORMAT = "azure-carbon-json"
UNIT = "kgCO2E"
UNIT_KG = KG_PER_KG
VALUE = "latestMonthEmissions"
FIGURES = Figures(views=(("", ""),), fields=(VALUE,), unit=UNIT, unit_kg=UNIT_KG)

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
    yield from sheets.statements(read_sheets(source))


def read_sheets(source: ImportSource) -> Iterator[Sheet | Problem]:
    notes = Notes()
    shelves = Shelves(FIGURES, _group)
    found = (page for file in source.files for page in _pages(file, source.options, notes))
    chosen = dict(best(_views(found, source.account, shelves, notes), notes))
    if not chosen:
        reason = "holds no emissions: neither item details nor a monthly summary"
        raise ImportFailed(reason, path=source.files[0].path if source.files else None)
    completeness = {True: "partial", False: "complete"}
    shelves.choose({(key.month, key.kind): {"completeness": completeness[partial]} for key, partial in chosen.items()})
    yield from sheets.newest(shelves, (2,), notes)


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


def _views(found: Iterable[Page], account: str | None, shelves: Shelves, notes: Notes) -> Iterable[View]:
    views: dict[Key, View] = {}
    ends: dict[Key, bool] = {}
    closed: set[tuple[str, tuple[str, ...]]] = set()
    for page in found:
        if not page.rows and not page.follows:  # the last page may be an empty one
            closed.add((page.month, page.scopes))
        if page.denied:
            notes.add(f"access was denied, so this is not the whole: {', '.join(page.denied)}")
        rows = list(_rows(page, account, notes))
        if not rows:
            continue
        numbers, names, *keys, services, regions, resources, values = zip(*rows, strict=True)
        for place, refused in FIGURES.wrong([values]):
            reason = f"item {numbers[place]}: {refused.reason}"
            raise ImportFailed(reason, path=page.path, field=refused.field)
        scopes = (",".join(page.scopes),) * len(rows)
        shelves.put(page.path, numbers, (names, *keys, scopes), (services, regions, resources), [values])
        told: dict[tuple[str, ...], list[str]] = {}
        for named, raw in zip(zip(*keys, scopes, strict=True), values, strict=True):
            told.setdefault(named, []).append(raw)
        for named, figures in told.items():
            key = _key(*named)
            view = views.setdefault(key, View(key))
            view.co2e_kg += sum(map(Decimal, filter(None, figures)))
            view.partial = view.partial or bool(page.denied)
            ends[key] = ends.get(key, False) or not page.follows
    for key, ended in ends.items():
        if not ended and (key.month, key.scopes) not in closed:
            views[key].partial = True
            notes.add("the next page is missing (each page here has a skipToken), so this is not the whole")
    return views.values()


_Row = tuple[int, str, str, str, str, str, str, str, str]


def _rows(page: Page, account: str | None, notes: Notes) -> Iterator[_Row]:
    """Of every item its number, whose it is, month, members, category, place and figure."""
    text = pages.text
    for number, item in enumerate(page.rows, start=1):
        kind = text(item.get("dataType")).removesuffix("Data")
        if not (kind.endswith("ItemDetails") or kind == "MonthlySummary"):
            what = "shows the largest items only" if "TopItems" in kind else "has no single month"
            notes.add(f"{kind or 'a report of unknown type'} {what}, left out", path=page.path)
            continue
        field_name = VALUE
        try:
            if not page.scopes:
                raise ImportFailed("does not say for which scopes it was asked; " + _HINT, field="carbonScopeList")
            if kind == "MonthlySummary":
                category = ""
                field_name = "date"
                month = months.month(text(item.get("date")))
            else:
                category, month = _category(item), page.month
                if not month:
                    raise ImportFailed("does not say for which month it was asked; " + _HINT, field="dateRange")
            subscription = text(item.get("subscriptionId")).lower()
            if category == "Subscription":
                subscription = subscription or text(item.get("itemName")).lower()
            name = subscription or account or (page.allowed[0] if len(page.allowed) == 1 else "")
            if not name:
                much = len(set(page.allowed))
                raise ImportFailed(f"adds {much} subscriptions up; name them together with --account NAME")
        except ImportFailed as refused:
            reason = f"item {number}: {refused.reason}"
            raise ImportFailed(reason, path=page.path, field=refused.field or field_name) from None
        resource = (text(item.get("resourceId")) or text(item.get("itemName"))).lower()
        # the previous month is for comparison and no statement
        yield (
            number, name, month, subscription or ",".join(sorted(set(page.allowed))) or name, category,
            text(item.get("resourceType")), text(item.get("location")), resource, text(item.get(VALUE)),
        )  # fmt: skip


@lru_cache(maxsize=4096)
def _key(month: str, members: str, category: str, scopes: str) -> Key:
    """The answer that a row belongs to."""
    return Key(
        month=month, members=frozenset(members.split(",")), category=category, scopes=tuple(scopes.split(","))
    )  # fmt: skip


def _group(name: str, month: str, members: str, category: str, scopes: str) -> Group:
    key = _key(month, members, category, scopes)
    scope = scopes if len(key.scopes) == 1 else "total"
    view = (scope, "unsplit" if key.scopes == ("1", "3") else METHODS[scope])
    head = {"provider": "azure", "account": name, "interface": "carbon-optimization", "views": (view,)}
    return Group(account=name, month=month, version=(), member="", kind=key.kind, head=head)


def _category(item: dict[str, Any]) -> str:
    said = pages.text(item.get("categoryType"))
    return said or ("Resource" if item.get("resourceId") else "Subscription")
