"""Measure x86 processors with turbostat, and import its recordings."""

from __future__ import annotations

from collections.abc import Iterator

from wattbook import Basis, Host, Importer, ImportSource, Meter, hookimpl

from wattbook_turbostat.meter import Config, Offer
from wattbook_turbostat.recording import read, sniff

__all__ = ["Config"]


@hookimpl
def measure(host: Host, config: Config) -> Iterator[Meter]:
    """turbostat runs on Linux on x86 only."""
    if host.os == "linux" and host.arch in ("x86_64", "i686", "i386"):
        yield Offer(host, config).meter()


@hookimpl
def import_provided(source: ImportSource, config: Config) -> Iterator[Importer]:
    yield Importer(format="turbostat", basis=Basis.MEASURED, sniff=sniff, read=read)
