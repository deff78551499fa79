"""Measure NVIDIA GPUs with NVML or nvidia-smi, and import its recordings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wattbook import Importer, ImportSource, hookimpl


@hookimpl
def import_provided(source: ImportSource, config: Any) -> Iterator[Importer]:
    """The four formats of nvidia-smi: CSV, XML, text and dmon."""
    from wattbook_nvidia_smi.importers import importers

    yield from importers()
