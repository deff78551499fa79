"""Measure NVIDIA GPUs with NVML or nvidia-smi, and import its recordings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from wattbook import hookimpl

if TYPE_CHECKING:
    from wattbook import Host, Importer, ImportSource, Meter


@hookimpl
def measure(host: Host, config: Any) -> Iterator[Meter]:
    """NVML's energy counters, its power gauges, and nvidia-smi where NVML cannot be used."""
    from wattbook_nvidia_smi.meters import meters

    yield from meters(host)


@hookimpl
def import_provided(source: ImportSource, config: Any) -> Iterator[Importer]:
    """The four formats of nvidia-smi: CSV, XML, text and dmon."""
    from wattbook_nvidia_smi.importers import importers

    yield from importers()
