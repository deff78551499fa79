"""Builders with visible values for tests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from wattbook.model import Activity, Gap, Host, ImportSource, Load, Window

START = datetime(2026, 10, 1, 8, tzinfo=UTC)


def an_activity(host: Host, utilisation: Mapping[str, float | tuple[float, float]], *, hours: float = 1.0) -> Activity:
    """An hour, or *hours*, of *host* at the given utilisation (0..1) per device."""
    window = Window(start=START, end=START + timedelta(hours=hours))
    loads = []
    for device, u in utilisation.items():
        low, high = u if isinstance(u, tuple) else (u, u)
        loads.append(Load(device=device, seconds=window.duration_s, low=low, high=high))
    return Activity(window=window, host=host, loads=tuple(loads))


def a_gap(activity: Activity, address: str) -> Gap:
    """The gap of one domain over the activity's window."""
    from wattbook.model import Domain

    device, _, name = address.rpartition("/")
    return Gap(domain=Domain(device=device, name=name), window=activity.window, reason="nothing measures it")


def a_source(*paths: Path | str, **said: object) -> ImportSource:
    """What ``wattbook import PATH...`` hands to an importer."""
    from wattbook.importing import open_source

    return open_source([Path(p) for p in paths], **said)  # type: ignore[arg-type]
