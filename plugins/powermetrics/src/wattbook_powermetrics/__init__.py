"""Measure Macs with powermetrics, and import its recordings."""

from __future__ import annotations

from collections.abc import Iterator

from wattbook import Importer, ImportSource, hookimpl


@hookimpl
def import_provided(source: ImportSource) -> Iterator[Importer]:
    """Recordings as text and as property lists."""
    from wattbook_powermetrics.recording import importers

    yield from importers()
