"""Times and months as providers write them; everything is UTC and a month is a calendar month."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from wattbook import ImportFailed, ImportSource

#: stands for a month or an account that the file does not name and the user did not say
UNSPECIFIED = "unspecified"
NO_MONTH = "the file does not say its month; give it with --option month=2026-09, or name the file after it"
NO_ACCOUNT = "the file does not say whose figures these are; give the account with --account ID"

_MONTH = re.compile(r"(\d{4})-(\d{2})")
_YEARS = range(2000, 2101)


@lru_cache(maxsize=4096)
def moment(text: str) -> datetime:
    """A point in time: ISO 8601 in any of its spellings, with ``Z``, ``UTC``, an offset or nothing (UTC)."""
    plain = text.strip().removesuffix("UTC").rstrip()
    try:
        found = datetime.fromisoformat(plain)
    except ValueError:
        raise ImportFailed(f"{text[:40]!r} is not a date") from None
    found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    if found.year not in _YEARS:
        raise ImportFailed(f"{text[:40]!r} lies in no plausible year")
    return found


@lru_cache(maxsize=4096)
def month(text: str) -> str:
    """``2025-09`` from ``2025-09`` or from the first moment of the month."""
    found = _MONTH.fullmatch(text.strip())
    if found and 1 <= int(found[2]) <= 12 and int(found[1]) in _YEARS:
        return found[0]
    try:
        start = moment(text)
    except ImportFailed:
        raise ImportFailed(f"{text[:40]!r} is not a month such as 2025-09 or 2025-09-01") from None
    if start != start.replace(day=1, hour=0, minute=0, second=0, microsecond=0):
        raise ImportFailed(f"{text[:40]!r} is not the start of a month in UTC")
    return f"{start:%Y-%m}"


@lru_cache(maxsize=4096)
def year(text: str) -> str:
    """``2025``."""
    plain = text.strip()
    if not (plain.isascii() and plain.isdigit() and len(plain) == 4 and int(plain) in _YEARS):
        raise ImportFailed(f"{text[:40]!r} is not a year such as 2025")
    return plain


@lru_cache(maxsize=4096)
def period(start: str, end: str) -> str:
    """The calendar month or year from *start* to *end* (exclusive, or its last day); else refused."""
    first = moment(start)
    last = moment(end)
    # an end that includes its day, or only its last second, means the same month
    after = last if last.day == 1 else (last + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    if first == _first_of_month(first) and after == _first_of_month(after):
        months = (after.year - first.year) * 12 + after.month - first.month
        if months == 1:
            return f"{first:%Y-%m}"
        if months == 12 and first.month == 1:
            return f"{first:%Y}"
    raise ImportFailed(f"{start} to {end} is neither a calendar month nor a calendar year in UTC")


def _first_of_month(at: datetime) -> datetime:
    return at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def is_whole_months(start: str, end: str) -> int:
    """How many whole months lie from *start* to *end*; 0 where they are not whole."""
    first, last = moment(start), moment(end)
    if first != _first_of_month(first) or last != _first_of_month(last):
        return 0
    return (last.year - first.year) * 12 + last.month - first.month


def from_user(source: ImportSource, path: Path) -> str:
    """The month of a file that does not name one: said as ``--option month=2026-09`` or as ``--start``, or in its name."""
    if said := source.options.get("month"):
        return month(said)
    if source.start is not None:
        return f"{source.start:%Y-%m}"  # the month that the user wrote, in whatever zone
    return in_name(path) or UNSPECIFIED


def in_name(path: Path) -> str:
    """The last month such as ``2026-01`` in the name of a file or of its nearest folders."""
    found = re.findall(r"(?<!\d)(20\d\d-(?:0[1-9]|1[0-2]))(?!\d|-\d)", "/".join(path.parts[-3:]))
    return found[-1] if found else ""
