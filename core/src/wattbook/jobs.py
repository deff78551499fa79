"""Read a description of work (options, or a line of a jobs CSV) into a ``Job``; pure over text."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, tzinfo
from functools import partial

from attrs import field, frozen

from wattbook.model import Phase
from wattbook.records import Labels

#: columns of a jobs CSV in the order of the template; others are kept as tags
COLUMNS = (
    "start", "hours", "platform", "project", "person", "phase", "cpu", "tdp_w", "sockets", "threads", "instance",
    "gpu", "gpu_tdp_w", "gpu_count", "memory_gb", "util", "gpu_util", "load", "boundary", "region", "count",
)  # fmt: skip
TEMPLATE = (
    ",".join(COLUMNS) + "\n"
    "2026-10-05T10:00:00+00:00,6.5,gitlab-ci,my-project,,ci,,,,4,,,,,16,ci,,,,,1\n"
    "2026-10-20T01:00:00+00:00,36,aws,my-project,,train,,,,,p4d.24xlarge,,,,,20..35,60..80,,,ap-southeast-1,1\n"
)

Range = tuple[float, float]

#: utilisation in percent by kind of work: (processor without accelerator, processor beside one, accelerator).
#: Judgement. Idle, notebook and ci from what monitoring of such machines usually shows; training between the
#: 52 % mean of Jeon et al. (USENIX ATC 2019, 96,260 GPU jobs) and tuned runs over 90 %; inference from the
#: 10 to 60 % that Weng et al. (NSDI 2022, Alibaba) and cloud operators report.  A preset is a guess, and its
#: interval says so: a figure of your own monitoring is always better.
PRESETS: dict[str, tuple[Range, Range, Range]] = {
    "idle": ((0, 5), (0, 5), (0, 5)),
    "notebook": ((2, 20), (2, 20), (0, 30)),
    "ci": ((30, 90), (30, 90), (0, 50)),
    "inference": ((20, 70), (5, 40), (10, 60)),
    "training": ((60, 100), (10, 50), (50, 95)),
}

MAX_HOURS = 24 * 366 * 10
_BOUNDS: dict[str, tuple[float, str]] = {
    "tdp_w": (2_000, "a processor draws between 1 and 2000 W"),
    "gpu_tdp_w": (3_000, "an accelerator draws between 1 and 3000 W"),
    "memory_gb": (100_000, "memory lies between 0 and 100000 GB"),
}
_COUNTS = {"sockets": 64, "threads": 16_384, "gpu_count": 4_096, "count": 1_000_000}
_BLANK = re.compile(r"[\s\x00]*")


@frozen(kw_only=True)
class Wrong:
    """What is wrong with one field of one line."""

    line: int | None
    field: str | None
    reason: str


@frozen(kw_only=True)
class Job:
    """A piece of work as a person describes it; what is ``None`` was not given."""

    line: int | None = None
    start: datetime | None = None
    hours: float
    cpu: str | None = None
    tdp_w: float | None = None
    sockets: int | None = None
    threads: int | None = None
    instance: str | None = None
    memory_gb: float | None = None
    gpu: str | None = None
    gpu_tdp_w: float | None = None
    gpu_count: int | None = None
    util: Range | None = None  #: 0..1
    gpu_util: Range | None = None
    scale: str = "os"  #: whose utilisation ``util`` is: ``os`` or ``throughput``
    boundary: str = "wall"  #: ``wall`` or ``package``
    region: str | None = None
    count: int = 1
    labels: Labels = field(factory=Labels)
    warnings: tuple[str, ...] = field(default=(), eq=False)

    @property
    def has_gpu(self) -> bool:
        return self.gpu is not None or self.gpu_tdp_w is not None

    @property
    def has_host(self) -> bool:
        return self.cpu is not None or self.tdp_w is not None or self.threads is not None


class Refused(ValueError):
    """One field that cannot be read; ``field`` names it."""

    def __init__(self, field: str | None, reason: str) -> None:
        super().__init__(reason)
        self.field = field
        self.reason = reason


def job_from_fields(fields: Mapping[str, str], *, line: int | None = None, zone: tzinfo = UTC) -> Job | list[Wrong]:
    """A job from text by column; everything that is wrong with it at once.

    *zone* is that of a ``start`` without one.
    """
    wrong: list[Wrong] = []
    values: dict[str, object] = {}
    warnings: list[str] = []
    given = {key: value.strip() for key, value in fields.items() if value is not None and not _BLANK.fullmatch(value)}

    def take(name: str, read: Callable[[str], object]) -> None:
        if name not in given:
            return
        try:
            values[name] = read(given[name])
        except Refused as refused:
            wrong.append(Wrong(line=line, field=name, reason=refused.reason))

    take("start", lambda text: read_start(text, zone))
    take("hours", read_hours)
    for name in _BOUNDS:
        take(name, partial(read_bounded, name))
    for name in _COUNTS:
        take(name, partial(read_count, name))
    take("load", lambda text: read_choice("load", text, ("os", "throughput")))
    take("boundary", lambda text: read_choice("boundary", text, ("wall", "package")))
    take("phase", lambda text: read_choice("phase", text, tuple(Phase)))
    for name in ("cpu", "gpu", "instance", "region", "project", "person", "platform"):
        take(name, read_name)
    with_gpu = "gpu" in given or "gpu_tdp_w" in given
    take("util", lambda text: read_util(text, 1 if with_gpu else 0, warnings))
    take("gpu_util", lambda text: read_util(text, 2, warnings))
    if with_gpu and "gpu_util" not in given and given.get("util", "").lower() in PRESETS:
        values["gpu_util"] = _share(PRESETS[given["util"].lower()][2])
    if "hours" not in given:
        wrong.append(Wrong(line=line, field="hours", reason="the number of hours is missing"))
    wrong += [Wrong(line=line, field=name, reason=reason) for name, reason in _contradictions(given)]
    if wrong:
        return wrong
    tags = {key: value for key, value in given.items() if key and key not in COLUMNS}
    labels = Labels(
        project=_text(values, "project"),
        phase=_text(values, "phase"),
        person=_text(values, "person"),
        platform=_text(values, "platform"),
        tags=tags,
    )
    values["scale"] = values.pop("load", "os")
    described = {name: value for name, value in values.items() if name not in _LABELS}
    return Job(line=line, labels=labels, warnings=tuple(warnings), **described)  # type: ignore[arg-type]


_LABELS = {"project", "phase", "person", "platform"}


def _text(values: Mapping[str, object], name: str) -> str | None:
    value = values.get(name)
    return None if value is None else str(value)


def _contradictions(given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if "gpu_count" in given and not {"gpu", "gpu_tdp_w", "instance"} & set(given) and given["gpu_count"] != "0":
        yield "gpu_count", "accelerators are counted but not named: give gpu or gpu_tdp_w"
    if "gpu_util" in given and not {"gpu", "gpu_tdp_w", "instance"} & set(given):
        yield "gpu_util", "a utilisation of accelerators without an accelerator: give gpu or gpu_tdp_w"
    if given.get("gpu_count") == "0" and {"gpu", "gpu_tdp_w"} & set(given):
        yield "gpu_count", "an accelerator is named, and there are 0 of it"
    if "sockets" in given and not {"cpu", "tdp_w"} & set(given):
        yield "sockets", "sockets of which processor? Give cpu or tdp_w"
    if given.get("boundary") == "package" and not {"cpu", "tdp_w"} & set(given):
        yield "boundary", "the package model needs a processor: give cpu or tdp_w"


# --- one field -----------------------------------------------------------------------------------


def read_number(text: str) -> float:
    try:
        number = float(text.replace("_", "x"))
    except ValueError:
        raise Refused(None, f"{_shown(text)} is not a number") from None
    if not math.isfinite(number):
        raise Refused(None, f"{_shown(text)} is not a finite number")
    return number


def read_hours(text: str) -> float:
    hours = read_number(text)
    if hours < 0:
        raise Refused(None, f"hours are not negative, as {hours:g} is")
    if hours > MAX_HOURS:
        raise Refused(None, f"{hours:g} hours are more than ten years; use count for several machines")
    return hours


def read_bounded(name: str, text: str) -> float:
    number = read_number(text)
    most, sentence = _BOUNDS[name]
    if not 0 < number <= most:
        raise Refused(None, f"{sentence}, not {number:g}")
    return number


def read_count(name: str, text: str) -> int:
    number = read_number(text)
    if number != int(number):
        raise Refused(None, f"a count is a whole number, not {_shown(text)}")
    least = 0 if name == "gpu_count" else 1
    if not least <= number <= _COUNTS[name]:
        raise Refused(None, f"{name} lies between {least} and {_COUNTS[name]}, not {int(number)}")
    return int(number)


def read_choice(name: str, text: str, choices: Iterable[str]) -> str:
    choices = [str(choice) for choice in choices]
    if text.lower() not in choices:
        raise Refused(None, f"{name} is one of {', '.join(choices)}, not {_shown(text)}")
    return text.lower()


def read_name(text: str) -> str:
    if len(text) > 200:
        raise Refused(None, "a name has at most 200 characters")
    if not text.isprintable():
        raise Refused(None, f"{_shown(text)} holds characters that cannot be printed")
    return text


def read_start(text: str, zone: tzinfo) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(None, f"{_shown(text)} is not a time such as 2026-10-05T10:00:00+08:00") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    if not 1990 <= moment.year <= 2100:
        raise Refused(None, f"the year {moment.year} is not plausible")
    return moment


_RANGE = re.compile(r"\s*(\S+?)\s*%?\s*(?:\.\.|–|—|(?<=[\d%])\s*-\s*|\bto\b)\s*(\S+?)\s*%?\s*")


def read_util(text: str, column: int, warnings: list[str] | None = None) -> Range:
    """A utilisation in percent: ``60``, ``60 %``, ``60..80``, or a preset's name; answers 0..1.

    *column* chooses a preset's range: 0 processor alone, 1 processor beside an accelerator, 2 accelerator.
    """
    preset = PRESETS.get(text.lower())
    if preset is not None:
        return _share(preset[column])
    spread = _RANGE.fullmatch(text)
    low = read_number(spread[1] if spread else text.rstrip("% "))
    high = read_number(spread[2].rstrip("% ")) if spread else low
    for number in (low, high):
        if not 0 <= number <= 100:
            raise Refused(None, f"utilisation is a percentage between 0 and 100, not {number:g}")
    if low > high:
        raise Refused(None, f"the range {low:g}..{high:g} runs backwards")
    if warnings is not None and 0 < high <= 1:
        warnings.append(f"utilisation is a percentage: {text} means {high:g} %, not {high:.0%}")
    return _share((low, high))


def _share(percent: Range) -> Range:
    return percent[0] / 100, percent[1] / 100


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")


# --- a file --------------------------------------------------------------------------------------


def read_jobs(lines: Iterable[str], *, zone: tzinfo = UTC) -> Iterator[Job | Wrong]:
    """Jobs and what is wrong, in the order of the lines; a file without a usable header yields one ``Wrong``.

    Columns come in any order and are parted by comma, semicolon or tab; an empty field is not given.
    """
    numbered = iter(lines)
    header_line = 0
    header = ""
    for header in numbered:
        header_line += 1
        if header.strip("\ufeff\r\n ,;\t"):
            break
    else:
        yield Wrong(line=None, field=None, reason="the file is empty; wattbook log --template FILE writes a first one")
        return
    header = header.lstrip("\ufeff")
    delimiter = max(",;\t", key=header.count)
    names = [name.strip().lower() for name in next(csv.reader([header], delimiter=delimiter))]
    problem = _bad_header(names)
    if problem:
        yield Wrong(line=header_line, field=None, reason=problem)
        return
    reader = csv.reader(numbered, delimiter=delimiter, strict=True)
    found = False
    line = header_line + 1
    while True:
        before = reader.line_num
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            yield Wrong(line=line, field=None, reason=f"is not CSV: {error}")
            return
        this, line = line, line + reader.line_num - before
        if not any(cell.strip() for cell in row):
            continue
        found = True
        if len(row) > len(names) and any(cell.strip() for cell in row[len(names) :]):
            yield Wrong(line=this, field=None, reason=f"{len(row)} fields under a header of {len(names)}")
            continue
        if len(row) < len(names):
            yield Wrong(line=this, field=None, reason=f"{len(row)} fields under a header of {len(names)}: is it cut?")
            continue
        if delimiter != ",":
            row = [_DECIMAL_COMMA.sub(r"\1.\2", cell) for cell in row]
        job = job_from_fields(dict(zip(names, row, strict=False)), line=this, zone=zone)
        if isinstance(job, Job):
            yield job
        else:
            yield from job
    if not found:
        yield Wrong(line=header_line, field=None, reason="a header without lines below it")


_DECIMAL_COMMA = re.compile(r"^(\d+),(\d+)$")


def _bad_header(names: list[str]) -> str | None:
    if any("\x00" in name for name in names):
        return "is not text"
    if "hours" not in names:
        return f"the header has no column hours; known columns are {', '.join(COLUMNS)}"
    twice = next((name for name in names if name and names.count(name) > 1), None)
    return None if twice is None else f"the header names {twice} twice"
