"""What the options of a report ask for: a zone, a period, a moment."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from wattbook.config import Config
    from wattbook.report import Period

T = TypeVar("T")


def zone_of(timezone: str | None, settings: Config) -> str:
    """The IANA zone of months and days: as asked, as configured, else the system's."""
    from wattbook.host import system_timezone

    return _zone(timezone) or settings.report.timezone or _zone(system_timezone(), "the system's time zone") or "UTC"


def usage(option: str, check: Callable[[str], T], value: str) -> T:
    """What *check* makes of an option's value; what it refuses is wrong usage."""
    from wattbook.errors import WattbookError

    try:
        return check(value)
    except WattbookError as error:
        raise click.UsageError(f"{option}: {error}") from error


def _zone(name: str | None, where: str = "--timezone") -> str | None:
    """An IANA zone that exists; the system's may be anything, and then counts as none."""
    if not name:
        return None
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        if where != "--timezone":
            return None
        raise click.UsageError(f"{where}: {name!r} is no IANA time zone, such as Asia/Singapore") from error
    return name


def period_of(month: str | None, first: str | None, last: str | None, zone: str) -> Period:
    from wattbook.report import Period

    if month and (first or last):
        raise click.UsageError("--month and --from or --to contradict each other")
    if bool(first) != bool(last):
        raise click.UsageError("--from and --to belong together")
    try:
        if first and last:
            return Period.from_days(first, last, zone)
        return Period.from_month(month or this_month(zone), zone)
    except ValueError as error:
        raise click.UsageError(f"{'--month' if month else '--from, --to'}: {error}") from error


def this_month(zone: str) -> str:
    """The current month, or that of ``SOURCE_DATE_EPOCH`` for a report that must come out the same again."""
    from zoneinfo import ZoneInfo

    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    try:
        now = datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise click.UsageError(f"SOURCE_DATE_EPOCH is a number of seconds, not {epoch!r}") from error
    return now.astimezone(ZoneInfo(zone)).strftime("%Y-%m")


def moment_of(text: str | None, zone: str) -> datetime | None:
    """A moment; a day means its last microsecond, so that what was recorded on it is known."""
    if text is None:
        return None
    from zoneinfo import ZoneInfo

    try:
        moment = datetime.fromisoformat(text.strip())
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=ZoneInfo(zone))
        if len(text.strip()) <= 10:
            moment += timedelta(days=1) - timedelta(microseconds=1)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise click.UsageError(f"--as-of is a day or a time such as 2026-11-05T09:00+08:00, not {text!r}") from error
