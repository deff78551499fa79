"""Read a description of work (options, or a line of a jobs CSV) into a ``Job``; pure over text."""

from __future__ import annotations

from wattbook.jobs.job import COLUMNS, Job, Wrong, job_from_fields
from wattbook.jobs.presets import PRESETS, Range
from wattbook.jobs.table import TEMPLATE, read_jobs

__all__ = ["COLUMNS", "PRESETS", "TEMPLATE", "Job", "Range", "Wrong", "job_from_fields", "read_jobs"]
