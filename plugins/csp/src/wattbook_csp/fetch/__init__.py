"""Fetch a month from the interfaces of the large clouds; their libraries are loaded when one is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

import wattbook

if TYPE_CHECKING:
    from pathlib import Path


class Interface(NamedTuple):
    """A row of the table of fetchers; the module has ``fetch(wanted, folder)``."""

    name: str
    options: dict[str, str]

    def fetch(self, wanted: wattbook.Wanted, folder: Path) -> wattbook.Fetched:
        fetched: wattbook.Fetched = import_module(f"wattbook_csp.fetch.{self.name}").fetch(wanted, folder)
        return fetched

    def ready(self) -> str:
        found: str = import_module("wattbook_csp.fetch.readiness").ready(self.name)
        return found


INTERFACES = (
    Interface(
        "aws",
        {
            "from": "s3://BUCKET/PREFIX of a Data Export, instead of the API",
            "profile": "a profile of the AWS configuration",
            "region": "the region of the interface",
        },
    ),
    Interface(
        "gcp",
        {
            "dataset": "[PROJECT.]DATASET[.TABLE] of the Carbon Footprint export",
            "project": "the project that runs the query",
        },
    ),
    Interface("azure", {"cloud": "a management endpoint other than the public cloud's"}),
)


def fetchers() -> Iterator[wattbook.Fetcher]:
    """One offer an interface; nothing is loaded."""
    for interface in INTERFACES:
        yield wattbook.Fetcher(
            name=interface.name, fetch=interface.fetch, options=interface.options, ready=interface.ready
        )
