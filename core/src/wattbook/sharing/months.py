"""The calendar months that a book tells about."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from wattbook.ledger import schema
from wattbook.ledger.store import Ledger
from wattbook.records import utc_text, utc_time

LONGEST = 1_200  #: months; a book that claims more has a damaged clock, and every month is a report
EDGE = timedelta(hours=15)  #: a month of any time zone starts and ends within this of the UTC one


def months_of(book: Ledger) -> list[str]:
    """Every month in which an entry may lie or that a provider tells about, in any time zone, in order."""
    entry = schema.entry
    first, last = func.substr(entry.c.start_at, 1, 10), func.substr(entry.c.end_at, 1, 10)
    query = select(first.label("first"), last.label("last")).where(entry.c.kind == "reading").distinct()
    found: set[str] = set()
    for row in book.scan(query):
        start, end = f"{row.first}T00:00:00.000000Z", f"{row.last}T23:59:59.999999Z"
        low, high = _shifted(start, -EDGE), _shifted(end, EDGE)
        while low <= high and len(found) < LONGEST:
            found.add(low)
            low = _next(low)
    found |= {row.month for row in book.sets() if len(row.month) == 7}
    return sorted(found)


def _shifted(moment: str, by: timedelta) -> str:
    try:
        return utc_text(utc_time(moment) + by)[:7]
    except OverflowError:
        return moment[:7]


def _next(month: str) -> str:
    year, number = int(month[:4]), int(month[5:])
    return f"{year + number // 12:04}-{number % 12 + 1:02}"
