"""Read ``nvidia-smi stats -d pwrDraw``: GPU, metric, microseconds since 1970, watts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from wattbook import Problem

from wattbook_nvidia_smi.gpu import BOARD, Gpu, GpuSample
from wattbook_nvidia_smi.lines import Line

#: The tool puts a blank before the comma after the metric's name.
ROW = re.compile(r"\s*(\d{1,4})\s*,\s*(\w+)\s*,\s*(\d{15,17})\s*,\s*(\S+)\s*")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def samples(lines: Iterable[Line]) -> Iterator[GpuSample | Problem]:
    """The rows of the power; other metrics of the same output are passed by."""
    for line in lines:
        if not line.text.strip():
            continue
        row = ROW.fullmatch(line.text)
        if row is None:
            yield Problem(reason=f"not a row of nvidia-smi stats: {line.text.strip()[:60]!r}", line=line.number)
        elif row[2] == "pwrDraw":
            at = _EPOCH + timedelta(microseconds=int(row[3]))
            yield GpuSample(gpu=Gpu(index=row[1]), line=line.number, at=at, figures={BOARD: {"draw": row[4]}})
