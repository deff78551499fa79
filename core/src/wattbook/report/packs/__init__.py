"""What others want to read: model cards, SCI scores, a table of the GHG Protocol, metrics; one file a format."""

from __future__ import annotations

from wattbook.report.packs.selection import Refused, Selection, selected

__all__ = ["Refused", "Selection", "selected"]
