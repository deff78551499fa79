"""Measure x86 processors with turbostat, and import its recordings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from wattbook import hookimpl

from wattbook_turbostat.settings import Config

if TYPE_CHECKING:
    from wattbook import Host, Importer, ImportSource, Meter

__all__ = ["Config"]


@hookimpl
def measure(host: Host, config: Config) -> Iterator[Meter]:
    """turbostat runs on Linux on x86 only."""
    if host.os == "linux" and host.arch in ("x86_64", "i686", "i386"):
        from wattbook_turbostat.meter import Offer

        yield Offer(host, config).meter()


@hookimpl
def import_provided(source: ImportSource, config: Config) -> Iterator[Importer]:
    """Recordings of turbostat, as it printed them."""
    from wattbook import Basis, Importer

    from wattbook_turbostat.recording import read, sniff

    yield Importer(format="turbostat", basis=Basis.MEASURED, sniff=sniff, read=read)
