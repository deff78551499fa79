"""``wattbook import aws --month 2026-09``: which of the names are fetchers, and what is said to them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from wattbook.importing import Imported
    from wattbook.importing.fetching import Haul
    from wattbook.model import ImportSource
    from wattbook.plugins import Plugins

#: a path that says so (``./aws``, ``aws.csv``) is never taken for a fetcher
NAME = re.compile(r"[a-z][a-z0-9_-]*")


def refuse_without_month(plugins: Plugins, paths: Sequence[str]) -> None:
    """A fetcher's name alone asks for nothing; a file of that name is a file."""
    from wattbook.importing.fetching import is_fetcher

    for path in paths:
        if NAME.fullmatch(path) and not Path(path).exists() and is_fetcher(plugins, path):
            raise click.UsageError(f"Say which month to fetch: wattbook import {path} --month 2026-09")


def fetched(plugins: Plugins, names: Sequence[str], month: str, said: ImportSource, folder: Path) -> list[Haul]:
    """What the named fetchers bring, each into a folder of its own below *folder*."""
    from wattbook.cloud import Wanted
    from wattbook.importing.fetching import fetch

    hauls = []
    for number, name in enumerate(names):
        if not NAME.fullmatch(name):
            raise click.UsageError(f"--month is for what is fetched by its name, and {name!r} is a path.")
        own = folder / f"{number}-{name}"
        own.mkdir()
        wanted = Wanted(month=month, account=said.account, options=said.options)
        hauls.append(fetch(plugins, name, wanted, said, own))
    return hauls


def refuse_another_month(imports: Sequence[Imported], month: str) -> None:
    """What was fetched has to say something of the month that was asked for."""
    from wattbook.errors import ImportFailed
    from wattbook.importing import together

    for one in imports:
        if month not in {*(s.month for s in one.statements), *(s.month for s in one.sheets)}:
            raise ImportFailed(f"says nothing of {month}; nothing is recorded", path=together(one.shown))


def options_of(context: click.Context, dataset: str | None, place: str | None, project: str | None) -> dict[str, str]:
    """What options of the command say to a fetcher; a project from the environment is a label and no cloud's."""
    told = {"dataset": dataset, "from": place}
    if context.get_parameter_source("project") is click.core.ParameterSource.COMMANDLINE:
        told["project"] = project
    return {key: value for key, value in told.items() if value}
