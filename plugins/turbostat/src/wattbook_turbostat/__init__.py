"""Measure x86 processors with turbostat, and import its recordings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wattbook import Basis, Importer, ImportSource, hookimpl

from wattbook_turbostat.recording import read, sniff


@hookimpl
def import_provided(source: ImportSource, config: Any) -> Iterator[Importer]:
    yield Importer(format="turbostat", basis=Basis.MEASURED, sniff=sniff, read=read)
