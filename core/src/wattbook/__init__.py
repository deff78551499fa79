"""wattbook: the carbon book of an ML engineering team."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from wattbook.cloud import Fetched, Fetcher, Usage, Wanted
    from wattbook.config import HourFactor
    from wattbook.counters import Advance, Counter, Integrator, Step
    from wattbook.errors import ConfigError, ImportFailed, ReadError, Unavailable, WattbookError
    from wattbook.hookspecs import hookimpl
    from wattbook.model import (
        Activity,
        Basis,
        Busy,
        Chip,
        Domain,
        Gap,
        Host,
        Identity,
        Importer,
        ImportSource,
        Load,
        Meter,
        Missed,
        Piece,
        Problem,
        Reading,
        Recording,
        Sample,
        Sheet,
        SourceFile,
        Statement,
        Term,
        Window,
    )
    from wattbook.recording import RecordingBuilder
    from wattbook.tracking import track

_HOME = {
    **dict.fromkeys(("Fetched", "Fetcher", "Usage", "Wanted"), "wattbook.cloud"),
    **dict.fromkeys(("Advance", "Counter", "Integrator", "Step"), "wattbook.counters"),
    **dict.fromkeys(("ConfigError", "ImportFailed", "ReadError", "Unavailable", "WattbookError"), "wattbook.errors"),
    "HourFactor": "wattbook.config",
    "hookimpl": "wattbook.hookspecs",
    **dict.fromkeys(
        (
            "Activity", "Basis", "Chip", "Domain", "Gap", "Host", "Identity", "Importer", "ImportSource", "Load",
            "Piece", "Problem", "Reading", "Recording", "Sheet", "SourceFile", "Statement", "Term", "Window",
        ),
        "wattbook.model",
    ),
    **dict.fromkeys(("Busy", "Meter", "Missed", "Sample"), "wattbook.metering"),
    "RecordingBuilder": "wattbook.recording",
    "track": "wattbook.tracking",
}  # fmt: skip

__all__ = [
    "Activity", "Advance", "Basis", "Busy", "Chip", "ConfigError", "Counter", "Domain", "Fetched", "Fetcher", "Gap", "Host", "HourFactor", "Identity",
    "ImportFailed", "ImportSource", "Importer", "Integrator", "Load", "Meter", "Missed", "Piece", "Problem", "ReadError",
    "Reading", "Recording", "RecordingBuilder", "Sample", "Sheet", "SourceFile", "Statement", "Step", "Term", "Unavailable",
    "Usage", "Wanted", "WattbookError", "Window", "hookimpl", "track",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used, so that ``wattbook --help`` loads none."""
    if name not in _HOME:
        raise AttributeError(f"module 'wattbook' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
