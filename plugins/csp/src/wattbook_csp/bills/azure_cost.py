"""``azure-cost``: the cost details of Azure, actual or amortised, of either kind of agreement, as CSV or Parquet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from wattbook import ImportFailed, ImportSource, Problem, SourceFile, Usage

from wattbook_csp.bills import names
from wattbook_csp.bills.hours import Hours, Machine, hours_of, moment
from wattbook_csp.bills.rows import named, rows
from wattbook_csp.notes import Notes

FORMAT = "azure-cost"
REQUIRED = ("date", "subscriptionid", "metercategory", "unitofmeasure", "quantity", "chargetype", "additionalinfo")
COLUMNS = (*REQUIRED, "metername", "resourcelocation", "resourceid", "tags", "meterid", "publishertype")
_TELLING = ("metercategory", "unitofmeasure", "quantity", "chargetype", "additionalinfo", "resourcelocation")
_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_SAME = {
    "usagedatetime": "date", "usagedate": "date", "instanceid": "resourceid", "subscriptionguid": "subscriptionid",
    "consumedquantity": "quantity", "usagequantity": "quantity",
}  # fmt: skip


@lru_cache(maxsize=4096)
def canonical(name: str) -> str:
    """The two kinds of agreement spell the names in different cases."""
    plain = re.sub(r"[\s_]", "", name).lower()
    return _SAME.get(plain, plain)


def sniff(file: SourceFile) -> bool:
    return named(file, _TELLING, canonical) >= 5


def read(source: ImportSource) -> Iterator[Usage | Problem]:
    notes = Notes()
    hours = Hours(notes, several=len(source.files) > 1)
    tag = source.options.get("project_tag", "project")
    for file in source.files:
        hours.next_file()
        for line, cells in rows(file, notes, COLUMNS, REQUIRED, canonical):
            try:
                _take(hours, cells, tag)
            except ImportFailed as refused:
                raise ImportFailed(refused.reason, path=file.path, line=line, field=refused.field) from None
    yield from hours.usages()


def _take(hours: Hours, cells: list[str], tag: str) -> None:
    (
        date, subscription, category, unit, quantity, charge, info, meter, region, resource, tags, meter_id, publisher,
    ) = cells  # fmt: skip
    # reservations that nobody used, purchases, refunds, and licences beside the machine's own row are no use
    if charge != "Usage" or category != "Virtual Machines" or not quantity:
        return
    if publisher.lower() == "marketplace":
        return
    told = names.read_json(info)
    if "SoftwareOnly" in str(told.get("UsageType") or ""):
        return
    try:
        found = hours_of(quantity, unit)
    except ImportFailed as refused:
        raise ImportFailed(refused.reason, field="quantity") from None
    if found is None:
        return
    size = told.get("ServiceType")
    meter = meter[: names.MAX_TEXT]
    machine = Machine(instance=size) if isinstance(size, str) and size else names.from_azure(meter)
    if machine is None:
        machine = Machine(unmapped=f"the bill does not name the size of the virtual machine ({meter[:80]})")
    if not subscription:
        raise ImportFailed("is empty", field="subscriptionId")
    # the amortised view of a month holds the same use as the actual one
    if hours.known((date, subscription.lower(), resource.lower(), meter_id or meter, info, quantity, tags)):
        return
    try:
        first = moment(day(date))
    except ImportFailed as refused:
        raise ImportFailed(refused.reason, field="date") from None
    hours.add(
        machine, found, provider="azure", account=subscription.lower(), start=first, end=first + timedelta(days=1),
        region=re.sub(r"\s", "", region).lower(), project=names.project_of(tags, tag),
    )  # fmt: skip


@lru_cache(maxsize=4096)
def day(text: str) -> str:
    """A day in UTC: Azure writes the month first."""
    found = _DATE.fullmatch(text.strip())
    if not found:
        return text
    month, number, year = map(int, found.groups())
    try:
        return datetime(year, month, number, tzinfo=UTC).isoformat()
    except ValueError:
        raise ImportFailed(f"{text[:40]!r} is not a date with its month first, as Azure writes them") from None
