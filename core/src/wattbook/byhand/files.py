"""A jobs CSV from disk: bytes to text, and the time zone of a start without one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, tzinfo

from wattbook.config import Config
from wattbook.errors import ImportFailed
from wattbook.jobs import Job, Wrong, read_jobs

MAX_LINE = 1_000_000


def read_file(lines: Iterable[bytes], name: str, zone: tzinfo = UTC) -> Iterator[Job | Wrong]:
    """The jobs in the lines of a file; raises ``ImportFailed`` where it is not text."""
    return read_jobs(_as_text(lines, name), zone=zone)


def _as_text(lines: Iterable[bytes], name: str) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        if number == 1 and line[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise ImportFailed("is UTF-16; save it as UTF-8", path=name, line=1)
        if b"\x00" in line or len(line) > MAX_LINE:
            raise ImportFailed("is not a text file", path=name, line=number)
        try:
            yield line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ImportFailed(f"is not UTF-8 text: {error.reason}", path=name, line=number) from error


def zone_of(config: Config) -> tzinfo:
    """The time zone of a start without one: the report's, else the system's."""
    if config.report.timezone:
        from zoneinfo import ZoneInfo

        return ZoneInfo(config.report.timezone)
    return datetime.now().astimezone().tzinfo or UTC
