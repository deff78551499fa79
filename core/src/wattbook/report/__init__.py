"""What a report says and how it is written: one model, one file a format; values in, text out."""

from __future__ import annotations

from wattbook.report.build import DEFAULT_DIMENSIONS, build
from wattbook.report.model import Report
from wattbook.report.period import Period

__all__ = ["DEFAULT_DIMENSIONS", "Period", "Report", "build"]
