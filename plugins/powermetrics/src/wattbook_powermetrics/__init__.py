"""Measure Macs with powermetrics, and import its recordings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from wattbook import hookimpl

if TYPE_CHECKING:
    from wattbook import Host, Importer, ImportSource, Meter


@hookimpl
def measure(host: Host, config: Any) -> Iterator[Meter]:
    """powermetrics, and on Apple Silicon also IOReport, which needs no root."""
    if host.os != "darwin":
        from wattbook_powermetrics import elsewhere

        yield elsewhere.meter(host)
        return
    from wattbook_powermetrics import ioreport, session

    yield session.meter(host)
    if host.arch == "arm64":
        yield ioreport.meter()


@hookimpl
def import_provided(source: ImportSource, config: Any) -> Iterator[Importer]:
    """Recordings as text and as property lists."""
    from wattbook_powermetrics.recording import importers

    yield from importers()
