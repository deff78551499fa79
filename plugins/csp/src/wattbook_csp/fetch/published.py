"""When a provider publishes a month, and what to say before."""

from __future__ import annotations

from datetime import UTC, date, datetime

from wattbook import ImportFailed


def first_of(month: str) -> date:
    """The first day of ``2026-09``."""
    return date.fromisoformat(f"{month}-01")


def after(month: str) -> date:
    """The first day of the month after *month*."""
    first = first_of(month)
    return date(first.year + first.month // 12, first.month % 12 + 1, 1)


def nothing_there(whose: str, month: str, day: int, *, today: date | None = None) -> ImportFailed:
    """Why there is no figure of *month*, where the provider publishes on the *day*th of the next month."""
    due = after(month).replace(day=day)
    today = today or datetime.now(UTC).date()
    if today <= due:
        return ImportFailed(f"{whose} has not published {month} yet: it comes by {due:%Y-%m-%d}; nothing is recorded")
    return ImportFailed(f"{whose} states nothing of {month}, which was due on {due:%Y-%m-%d}; nothing is recorded")
