"""A jobs CSV: one described piece of work a line."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, tzinfo

from wattbook.jobs.job import COLUMNS, Job, Wrong, job_from_fields

TEMPLATE = (
    ",".join(COLUMNS) + "\n"
    "2026-10-05T10:00:00+00:00,6.5,gitlab-ci,my-project,,ci,,,,4,,,,,16,ci,,,,,1\n"
    "2026-10-12T09:00:00+00:00,18,server-room,my-project,,train,AMD EPYC 7763,,2,,,NVIDIA A40,,4,512,20..35,60..80,,,,1\n"
    "2026-10-20T01:00:00+00:00,36,aws,my-project,,train,,,,,p4d.24xlarge,,,,,20..35,60..80,,,ap-southeast-1,1\n"
)
_DECIMAL_COMMA = re.compile(r"^(\d+),(\d+)$")


def read_jobs(lines: Iterable[str], *, zone: tzinfo = UTC) -> Iterator[Job | Wrong]:
    """Jobs and what is wrong, in the order of the lines; a file without a usable header yields one ``Wrong``.

    Columns come in any order and are parted by comma, semicolon or tab; an empty field is not given.
    Beside a semicolon a decimal comma is understood.
    """
    numbered = iter(lines)
    line, header = 0, ""
    for line, header in enumerate(numbered, start=1):  # noqa: B007
        if header.strip("\ufeff\r\n ,;\t"):
            break
    else:
        yield Wrong(line=None, field=None, reason="the file is empty; wattbook log --template FILE writes a first one")
        return
    delimiter = max(",;\t", key=header.count)
    names, problem = _header(header.lstrip("\ufeff"), delimiter)
    if problem:
        yield Wrong(line=line, field=None, reason=problem)
        return
    found = False
    for number, row in _rows(numbered, delimiter, line):
        found = True
        if isinstance(row, str):
            yield Wrong(line=number, field=None, reason=row)
        elif len(row) != len(names) and (len(row) < len(names) or any(map(str.strip, row[len(names) :]))):
            cut = ": is it cut?" if len(row) < len(names) else ""
            reason = f"{len(row)} fields under a header of {len(names)}{cut}"
            yield Wrong(line=number, field=None, reason=reason)
        else:
            job = job_from_fields(dict(zip(names, row, strict=False)), line=number, zone=zone)
            if isinstance(job, Job):
                yield job
            else:
                yield from job
    if not found:
        yield Wrong(line=line, field=None, reason="a header without lines below it")


def _rows(lines: Iterator[str], delimiter: str, header: int) -> Iterator[tuple[int, list[str] | str]]:
    """Rows that are not blank, each with the number of its first line; a text is why the file ends here."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        number = header + reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield number, f"is not CSV: {error}"
            return
        if any(map(str.strip, row)):
            yield number, row if delimiter == "," else [_DECIMAL_COMMA.sub(r"\1.\2", cell) for cell in row]


def _header(text: str, delimiter: str) -> tuple[list[str], str | None]:
    """The names of the columns, and what is wrong with them."""
    try:
        names = [name.strip().lower() for name in next(csv.reader([text], delimiter=delimiter, strict=True))]
    except (csv.Error, StopIteration):
        return [], "the header is not CSV"
    if "hours" not in names:
        return names, f"the header has no column hours; the columns are {', '.join(COLUMNS)}"
    twice = next((name for name in names if name and names.count(name) > 1), None)
    return names, None if twice is None else f"the header names {twice} twice"
