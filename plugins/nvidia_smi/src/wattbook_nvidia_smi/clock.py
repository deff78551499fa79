"""Read the times that nvidia-smi prints, which are local and carry no zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from wattbook import ImportFailed

_SHORT = re.compile(r"(\d{4})[/-](\d\d)[/-](\d\d)[ T](\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?", re.A)
_LONG = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) +(\d{1,2}) (\d\d):(\d\d):(\d\d) (\d{4})", re.A)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_YEARS = range(2006, 2200)  # nvidia-smi is younger than the first; beyond the second a byte was damaged


def stamp(text: str) -> datetime | None:
    """``2026/07/14 08:12:38.696`` or ``Tue Jul 14 09:00:43 2026``, without a zone; else ``None``.

    The long form is English in every locale, so that the system's month names are not asked.
    """
    text = text.strip()
    short = _SHORT.fullmatch(text)
    try:
        if short:
            year, month, day, hour, minute, second = map(int, short.groups()[:6])
            micro = int((short[7] or "0").ljust(6, "0"))
            moment = datetime(year, month, day, hour, minute, second, micro)
        elif (long := _LONG.fullmatch(text)) and long[1] in _MONTHS:
            month = _MONTHS.index(long[1]) + 1
            moment = datetime(int(long[6]), month, int(long[2]), int(long[3]), int(long[4]), int(long[5]))
        else:
            return None
    except ValueError:
        return None
    return moment if moment.year in _YEARS else None


def later(start: datetime, by: timedelta) -> datetime:
    """*start* moved on; refused where the user's start leaves no room on the calendar."""
    try:
        return start + by
    except OverflowError as error:
        raise ImportFailed(f"its times would lie beyond the calendar; is the start {start} right?") from error


class Zone:
    """The zone that a recording's times are in: named by the user, else the system's."""

    def __init__(self, name: str | None = None) -> None:
        self.name = name or None
        self._zone: ZoneInfo | None = None
        if name:
            try:
                self._zone = ZoneInfo(name)
            except (KeyError, ValueError, OSError) as error:
                raise ImportFailed(f"{name!r} is no IANA time zone", field="timezone") from error

    def utc(self, moment: datetime, after: datetime | None = None) -> datetime:
        """*moment* in UTC.

        The hour that a clock passes twice in autumn is taken as its second pass where the first would
        lie before *after*, the moment before it.
        """
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
        first = self._at(moment)
        if after is not None and first < after:
            second = self._at(moment.replace(fold=1))
            if second > first and second > after and second - after < timedelta(hours=1):
                return second
        return first

    def _at(self, moment: datetime) -> datetime:
        return (moment if self._zone is None else moment.replace(tzinfo=self._zone)).astimezone(UTC)

    def label(self, moment: datetime) -> str:
        """The zone's name at *moment*, for a message."""
        return self.name or moment.astimezone().tzname() or "local time"
