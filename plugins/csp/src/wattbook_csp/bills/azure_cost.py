"""``azure-cost``: the cost details of Azure, actual or amortised, of either kind of agreement, as CSV or Parquet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from wattbook import ImportFailed, ImportSource, Problem, SourceFile, Usage

from wattbook_csp.bills import names
from wattbook_csp.bills.adding import Row, added
from wattbook_csp.bills.hours import Hours, Kind, Kinds, Machine, moment, per_hour
from wattbook_csp.bills.rows import named, plain, rows
from wattbook_csp.notes import Notes

FORMAT = "azure-cost"
REQUIRED = ("date", "subscriptionid", "metercategory", "unitofmeasure", "quantity", "chargetype", "additionalinfo")
#: in which rows of one kind differ; the others say what kind of row it is
VARYING = ("date", "quantity", "resourceid", "meterid")
TELLING = (
    "subscriptionid", "metercategory", "unitofmeasure", "chargetype", "additionalinfo", "metername", "resourcelocation",
    "tags", "publishertype",
)  # fmt: skip
_SEEN = ("metercategory", "unitofmeasure", "quantity", "chargetype", "additionalinfo", "resourcelocation")
DAY = timedelta(days=1)
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
    return named(file, _SEEN, canonical) >= 5


def read(source: ImportSource) -> Iterator[Usage | Problem]:
    notes = Notes()
    hours = Hours(notes, several=len(source.files) > 1)
    tag = source.options.get("project_tag", "project")
    kinds = Kinds(lambda *cells: _kind(hours, plain(cells), tag))

    def lines(file: SourceFile) -> Iterator[Row]:
        for line, date, quantity, resource, meter, *telling in rows(
            file, notes, (*VARYING, *TELLING), REQUIRED, canonical
        ):
            # the amortised view of a month holds the same use as the actual one
            identity = (date, quantity, resource.lower(), meter, *telling)
            yield Row(line, quantity, date, "", tuple(telling), identity)

    yield from added(hours, kinds, source.files, lines, "date", "quantity", _window)


def _window(date: str, _: str) -> tuple[tuple[datetime, str], datetime]:
    first = moment(day(date))
    return first, first[0] + DAY


def _kind(hours: Hours, cells: list[str], tag: str) -> Kind | None:
    subscription, category, unit, charge, info, meter, region, tags, publisher = cells
    # reservations that nobody used, purchases, refunds, and licences beside the machine's own row are no use
    if charge != "Usage" or category != "Virtual Machines" or publisher.lower() == "marketplace":
        return None
    told = names.read_json(info)
    time = per_hour(unit)
    if time is None or "SoftwareOnly" in str(told.get("UsageType") or ""):
        return None
    size, meter = told.get("ServiceType"), meter[: names.MAX_TEXT]
    machine = Machine(instance=size) if isinstance(size, str) and size else names.from_azure(meter)
    if machine is None:
        machine = Machine(unmapped=f"the bill does not name the size of the virtual machine ({meter[:80]})")
    if not subscription:
        raise ImportFailed("is empty", field="subscriptionId")
    return hours.kind(
        provider="azure", account=subscription.lower(), machine=machine, per_hour=time,
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
