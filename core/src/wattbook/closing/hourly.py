"""The configuration with its factors by the hour: read from files, and asked of plugins where they are named."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from wattbook.config import Config, HourFactor
from wattbook.errors import ConfigError
from wattbook.factors.hours import checked, with_hours
from wattbook.model import Window
from wattbook.report import Period

EVER = Window(start=datetime(1970, 1, 1, tzinfo=UTC), end=datetime(2200, 1, 1, tzinfo=UTC))
AROUND = timedelta(days=1)  #: an entry may reach across the edge of a period


def hourly(settings: Config, period: Period | None = None) -> Config:
    """*settings* with every hour that they name; a closed month's settings hold theirs already.

    What a configuration names is read; a plugin is asked only where ``factors.plugins`` names it.
    """
    if settings.factors.hours or not settings.factors.plugins:
        return with_hours(settings)
    window = EVER if period is None else Window(start=period.start - AROUND, end=period.end + AROUND)
    return with_hours(settings, _asked(settings, window))


def _asked(settings: Config, window: Window) -> Iterator[HourFactor]:
    from wattbook.plugins import Broken, installed

    plugins = installed(settings.plugins)
    wanted = set(settings.factors.plugins)
    for name in sorted(wanted):
        if name not in plugins.names or "factors" not in plugins.hooks(name):
            raise ConfigError(f"the plugin {name!r} is not installed, or knows no factors", where="factors.plugins")
    for name, answer in plugins.ask("factors", window=window):
        if name not in wanted:
            continue
        if isinstance(answer, Broken):
            raise ConfigError(f"the plugin {name} gave no factors: {answer.reason}", where="factors.plugins")
        if not isinstance(answer, HourFactor):
            raise ConfigError(f"the plugin {name} answered with a {type(answer).__name__}", where="factors.plugins")
        yield checked(answer, f"plugin {name}")
