"""Read ``nvidia-smi dmon``: whole watts in a table whose columns the ``#`` lines name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from wattbook import ImportFailed, Problem

from wattbook_nvidia_smi.clock import stamp
from wattbook_nvidia_smi.gpu import BOARD, Gpu, GpuSample
from wattbook_nvidia_smi.lines import Line
from wattbook_nvidia_smi.refusals import explain

_DAY = "2020/01/01"  #: stands for the unknown date where only the time of day is printed


def columns_of(text: str) -> list[str] | None:
    """The column names in a header line of dmon or pmon, else ``None``."""
    text = text.strip()
    if not text.startswith("#"):
        return None
    names = _cells(text[1:].lower())
    return names if "gpu" in names[:3] and len(names) > 1 else None


def _cells(text: str) -> list[str]:
    return [cell.strip() for cell in text.split(",")] if "," in text else text.split()


def samples(lines: Iterable[Line]) -> Iterator[GpuSample | Problem]:
    """One sample a row; ``-`` is no figure.  Raises ``ImportFailed`` where no column holds the power."""
    columns: list[str] | None = None
    days: dict[str, tuple[datetime, timedelta]] = {}
    for line in lines:
        text = line.text.strip()
        if not text:
            continue
        if text.startswith("#"):
            columns = columns_of(text) or columns
            if columns and "pid" in columns:
                raise ImportFailed(
                    "pmon lists processes, not watts; record nvidia-smi dmon -s p -o DT", line=line.number
                )
            if columns and "pwr" not in columns:
                raise ImportFailed(
                    "there is no pwr column; record nvidia-smi dmon -s p -o DT", line=line.number, field="pwr"
                )
            continue
        if columns is None:
            yield _noise(line, "before the header line")
            continue
        row = _cells(text)
        power, gpu = columns.index("pwr"), columns.index("gpu")
        if len(row) > len(columns):
            yield _noise(line, f"{len(row)} cells where the header has {len(columns)}")
        elif len(row) <= max(power, gpu) or (not line.whole and len(row) == power + 1):
            yield Problem(reason="the row is cut before its power", line=line.number)
        elif not row[gpu].isdigit():
            yield _noise(line, "no number of a GPU")
        else:
            if len(row) < len(columns):
                yield Problem(reason=f"{len(row)} cells where the header has {len(columns)}", line=line.number)
            at, dateless = _time(row, columns, days, row[gpu])
            figures = {BOARD: {"draw": row[power]}}
            yield GpuSample(gpu=Gpu(index=row[gpu]), line=line.number, at=at, dateless=dateless, figures=figures)


def _noise(line: Line, otherwise: str) -> Problem:
    known = explain(line.text)
    return Problem(reason=known[0] if known else f"{otherwise}: {line.text.strip()[:60]!r}", line=line.number)


def _time(
    row: list[str], columns: list[str], days: dict[str, tuple[datetime, timedelta]], gpu: str
) -> tuple[datetime | None, bool]:
    """The row's time, and whether its date is unknown (``dmon -o T``), counted on over midnight."""
    if "time" not in columns:
        return None, False
    clock = row[columns.index("time")]
    if "date" in columns:
        date = row[columns.index("date")].replace("/", "").replace("-", "")
        return stamp(f"{date[:4]}/{date[4:6]}/{date[6:]} {clock}"), False
    at = stamp(f"{_DAY} {clock}")
    if at is None:
        return None, True
    last, shift = days.get(gpu, (at, timedelta()))
    if last - at > timedelta(hours=12):
        shift += timedelta(days=1)
    if gpu in days or len(days) < 1_024:
        days[gpu] = (at, shift)
    return at + shift, True
