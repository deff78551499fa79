"""Ask the one fetcher that the user named for a month that is over, and open what it wrote."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime
from pathlib import Path

from attrs import evolve, frozen

from wattbook.cloud import Fetched, Fetcher, Wanted
from wattbook.errors import ConfigError, ImportFailed, Unavailable
from wattbook.importing.choosing import Chosen
from wattbook.importing.opening import Handed, open_file
from wattbook.model import Importer, ImportSource, Problem
from wattbook.plugins import Broken, Plugins

log = logging.getLogger("wattbook")


@frozen(kw_only=True)
class Haul:
    """What a fetcher brought: one import, what its importer has to know, and what the fetcher noticed."""

    chosen: Chosen
    said: ImportSource
    problems: tuple[Problem, ...] = ()


def fetch(
    plugins: Plugins, name: str, wanted: Wanted, said: ImportSource, folder: Path, *, now: datetime | None = None
) -> Haul:
    """Fetch *wanted* through the fetcher *name* into *folder*; raises ``ImportFailed`` with what would help."""
    plugin, fetcher = _named(plugins, name)
    month = checked(wanted.month, now or datetime.now(UTC))
    unknown = sorted(set(wanted.options) - set(fetcher.options))
    if unknown:
        known = ", ".join(sorted(fetcher.options)) or "none"
        raise ConfigError(f"{name} knows no such option; it knows {known}", where=f"--option {unknown[0]}")
    place = f"{name}:{month}"
    try:
        fetched = fetcher.fetch(evolve(wanted, month=month), folder)
    except Unavailable as no:
        raise ImportFailed(f"{no.reason}; {no.remedy}" if no.remedy else no.reason, path=place) from no
    except ImportFailed as refused:
        raise ImportFailed(
            refused.reason, path=refused.path or place, line=refused.line, field=refused.field
        ) from refused
    except Exception as error:
        log.debug("%s failed to fetch", plugin, exc_info=True)
        reason = Broken.from_error(plugin, "import_provided", error).reason
        raise ImportFailed(f"the plugin {plugin} failed to fetch ({reason})", path=place) from error
    return _haul(plugins, plugin, fetched, said, folder, place)


def is_fetcher(plugins: Plugins, name: str) -> bool:
    """Whether an installed plugin fetches under this name."""
    return name in fetchers(plugins)


def fetchers(plugins: Plugins) -> dict[str, tuple[str, Fetcher]]:
    """Every fetcher by its name, with its plugin; the first plugin keeps a name."""
    found: dict[str, tuple[str, Fetcher]] = {}
    for plugin, answer in plugins.ask("import_provided", source=ImportSource()):
        if isinstance(answer, Fetcher):
            found.setdefault(answer.name, (plugin, answer))
    return found


def checked(month: str, now: datetime) -> str:
    """A month such as ``2026-09`` that is over everywhere; raises ``ConfigError``."""
    if not re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", month):
        raise ConfigError(f"{month!r} is no month such as 2026-09", where="--month")
    if month >= f"{now:%Y-%m}":
        raise ConfigError(f"{month} is not over, and no provider has stated it yet", where="--month")
    return month


def _named(plugins: Plugins, name: str) -> tuple[str, Fetcher]:
    known = fetchers(plugins)
    if name not in known:
        broken = [a for _, a in plugins.ask("import_provided", source=ImportSource()) if isinstance(a, Broken)]
        names = ", ".join(sorted(known)) or "no plugin that fetches is installed"
        names += "".join(f"; {b.plugin} is broken: {b.reason}" for b in broken)
        raise ConfigError(f"--month is for what is fetched ({names}), and {name!r} is a path", where="import")
    return known[name]


def _haul(plugins: Plugins, plugin: str, fetched: Fetched, said: ImportSource, folder: Path, place: str) -> Haul:
    handed = tuple(
        Handed(file=open_file(path), shown=f"{place}/{path.relative_to(folder).as_posix()}") for path in fetched.files
    )
    source = evolve(
        said,
        files=tuple(one.file for one in handed),
        account=fetched.account or said.account,
        options={**said.options, **fetched.options},
    )
    offers = [
        answer
        for name, answer in plugins.ask("import_provided", source=source)
        if name == plugin and isinstance(answer, Importer) and answer.format == fetched.format
    ]
    if len(offers) != 1 or not handed:
        raise ImportFailed(f"the plugin {plugin} fetched nothing that its {fetched.format} reads", path=place)
    return Haul(chosen=Chosen(plugin=plugin, importer=offers[0], files=handed), said=source, problems=fetched.problems)
