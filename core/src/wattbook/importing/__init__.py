"""From paths to what their files say: open, choose the one importer that fits, read everything first."""

from __future__ import annotations

from wattbook.importing.choosing import Chosen, choose
from wattbook.importing.opening import Handed, open_all, open_file, open_source, spool_folder
from wattbook.importing.reading import Imported, content_sha256, read, together

__all__ = [
    "Chosen",
    "Handed",
    "Imported",
    "choose",
    "content_sha256",
    "open_all",
    "open_file",
    "open_source",
    "read",
    "spool_folder",
    "together",
]
