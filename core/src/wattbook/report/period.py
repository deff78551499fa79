"""The stretch of time that a report covers: calendar months and days of one time zone."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from attrs import field, frozen


@frozen(kw_only=True)
class Period:
    """From *start* until just before *end*; months and days are those of the IANA zone *zone*."""

    start: datetime
    end: datetime
    zone: str
    title: str = field(default="", eq=False)

    def __attrs_post_init__(self) -> None:
        if self.end <= self.start:
            raise ValueError("the period ends before it starts")

    @classmethod
    def from_month(cls, month: str, zone: str) -> Period:
        """``2026-10``, a calendar month in *zone*; raises ``ValueError`` with a sentence."""
        year, number = _month(month)
        return cls(start=_midnight(_first(year, number), zone), end=_midnight(_first(year, number + 1), zone),
                   zone=zone, title=month)  # fmt: skip

    @classmethod
    def from_days(cls, first: str, last: str, zone: str) -> Period:
        """Two days, both included, or two moments with a clock time, the second excluded."""
        start, end = _moment(first, zone, 0), _moment(last, zone, 1)
        if end <= start:
            raise ValueError(f"the period ends ({last}) before it starts ({first})")
        return cls(start=start, end=end, zone=zone, title=f"{first} to {last}")

    def month_of(self, moment: datetime) -> str:
        return moment.astimezone(ZoneInfo(self.zone)).strftime("%Y-%m")

    def day_of(self, moment: datetime) -> str:
        return moment.astimezone(ZoneInfo(self.zone)).strftime("%Y-%m-%d")

    def edges(self) -> list[datetime]:
        """The period's own ends and every start of a month between them."""
        first = self.start.astimezone(ZoneInfo(self.zone))
        found = [self.start]
        number = first.month + 1
        while (edge := _midnight(_first(first.year, number), self.zone)) < self.end:
            found.append(edge)
            number += 1
        return [*found, self.end]

    def months(self) -> list[str]:
        """Every month that the period touches, and every year, as a provider's figures name them."""
        found = [self.month_of(edge) for edge in self.edges()[:-1]]
        return [*found, *sorted({month[:4] for month in found})]

    def whole_months(self) -> int:
        """How many calendar months the period consists of; 0 where it does not start and end with one."""
        first, last = self.start.astimezone(ZoneInfo(self.zone)), self.end.astimezone(ZoneInfo(self.zone))
        if _midnight(_first(first.year, first.month), self.zone) != self.start:
            return 0
        if _midnight(_first(last.year, last.month), self.zone) != self.end:
            return 0
        return (last.year - first.year) * 12 + last.month - first.month

    def before(self) -> Period | None:
        """The period of the same length that ends where this one starts: as many months, or as many days.

        ``None`` where that would reach back before 1900, when nobody kept a book.
        """
        if self.end - self.start > self.start - datetime(1900, 2, 1, tzinfo=UTC):
            return None
        first, last = self.start.astimezone(ZoneInfo(self.zone)), self.end.astimezone(ZoneInfo(self.zone))
        months = self.whole_months()
        if months:
            start = _midnight(_first(first.year, first.month - months), self.zone)
        elif first.time() == last.time():
            start = (first - (last.date() - first.date())).astimezone(UTC)
        else:
            start = self.start - (self.end - self.start)
        begins = start.astimezone(ZoneInfo(self.zone))
        title = f"{begins:%Y-%m}" if months == 1 else f"{begins:%Y-%m-%d} to {_last_day(first):%Y-%m-%d}"
        return Period(start=start, end=self.start, zone=self.zone, title=title)

    def holds_month(self, month: str) -> bool:
        """Whether the whole month, or the whole year of a yearly figure, lies inside the period."""
        if re.fullmatch(r"\d{4}", month):
            start, end = _first(int(month), 1), _first(int(month) + 1, 1)
        else:
            year, number = _month(month)
            start, end = _first(year, number), _first(year, number + 1)
        return self.start <= _midnight(start, self.zone) and _midnight(end, self.zone) <= self.end

    def touches_month(self, month: str) -> bool:
        """Whether any of the month lies inside the period."""
        if re.fullmatch(r"\d{4}", month):
            start, end = _first(int(month), 1), _first(int(month) + 1, 1)
        else:
            year, number = _month(month)
            start, end = _first(year, number), _first(year, number + 1)
        return _midnight(start, self.zone) < self.end and self.start < _midnight(end, self.zone)


def _last_day(end: datetime) -> date:
    """The last day before *end*, or its own where it ends within one."""
    return (end - timedelta(microseconds=1)).date()


def _month(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{4})-(\d{2})", text.strip())
    if found is None:
        raise ValueError(f"{text!r} is not a month; write it as 2026-10")
    year, number = int(found.group(1)), int(found.group(2))
    if not 1 <= number <= 12:
        raise ValueError(f"there is no month {number} in {text!r}; months go from 01 to 12")
    if not 1970 <= year <= 9000:
        raise ValueError(f"the year of {text!r} is out of range")
    return year, number


def _first(year: int, month: int) -> date:
    return date(year + (month - 1) // 12, (month - 1) % 12 + 1, 1)


def _midnight(day: date, zone: str) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def _moment(text: str, zone: str, days: int) -> datetime:
    """Midnight of a day plus *days*, or the moment itself where *text* has a clock time."""
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text.strip()):
            day = date.fromisoformat(text.strip())
            if not 1970 <= day.year <= 9000:
                raise ValueError
            return _midnight(day + timedelta(days=days), zone)
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{text!r} is not a day; write it as 2026-10-31") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)
