"""One field of a description: text in, a checked value out, or ``Refused`` with the reason."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import datetime, tzinfo

from wattbook.jobs.presets import PRESETS, Range, preset
from wattbook.model import Phase

MAX_HOURS = 24 * 366 * 10
MAX_NAME = 200


class Refused(ValueError):
    """A field that cannot be read; the text is the reason."""


def shown(text: str) -> str:
    """The text in quotes, cut where it is long."""
    return repr(text if len(text) <= 40 else text[:37] + "...")


def read_number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or "_" in text:
        raise Refused(f"{shown(text)} is not a number")
    return number


def read_hours(text: str) -> float:
    hours = read_number(text)
    if hours < 0:
        raise Refused(f"hours are not negative, as {hours:g} is")
    if hours > MAX_HOURS:
        raise Refused(f"{hours:g} hours are more than ten years; use count for several machines")
    return hours


def between(most: float, sentence: str) -> Callable[[str], float]:
    """A reader of numbers above 0 and up to *most*."""

    def read(text: str) -> float:
        number = read_number(text)
        if not 0 < number <= most:
            raise Refused(f"{sentence}, not {number:g}")
        return number

    return read


def whole(name: str, least: int, most: int) -> Callable[[str], int]:
    """A reader of whole numbers between *least* and *most*."""

    def read(text: str) -> int:
        number = read_number(text)
        if number != int(number):
            raise Refused(f"a count is a whole number, not {shown(text)}")
        if not least <= number <= most:
            raise Refused(f"{name} lies between {least} and {most}, not {int(number)}")
        return int(number)

    return read


def one_of(name: str, *choices: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.lower() not in choices:
            raise Refused(f"{name} is one of {', '.join(choices)}, not {shown(text)}")
        return text.lower()

    return read


def read_name(text: str) -> str:
    if len(text) > MAX_NAME:
        raise Refused(f"a name has at most {MAX_NAME} characters")
    if not text.isprintable():
        raise Refused(f"{shown(text)} holds characters that cannot be printed")
    return text


def read_start(text: str, zone: tzinfo) -> datetime:
    """A moment; *zone* is that of a text without one."""
    try:
        moment = datetime.fromisoformat(text)
        moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
        plausible = 1990 <= moment.year <= 2100
    except (ValueError, OverflowError):
        raise Refused(f"{shown(text)} is not a time such as 2026-10-05T10:00:00+08:00") from None
    if not plausible:
        raise Refused(f"the year {moment.year} is not plausible")
    return moment


_SPREAD = re.compile(r"([^\s.%][^\s%]*?)\s*%?\s*(?:\.\.\.?|[–—]|(?<=[\d%])\s*-(?=\s*\d)|\sto\s)\s*(\S+?)\s*%?")


def read_util(text: str, which: int) -> Range:
    """A utilisation in percent: ``60``, ``60 %``, ``60..80``, or a preset's name; answers 0..1.

    *which* chooses a preset's range: ``ALONE``, ``BESIDE`` or ``ACCELERATOR``.
    """
    spread = _SPREAD.fullmatch(text)
    if spread:
        low, high = read_number(spread[1]), read_number(spread[2])
    elif text[0].isalpha():
        named = preset(text, which)
        if named is None:
            raise Refused(f"utilisation is a percentage, a range or one of {', '.join(PRESETS)}, not {shown(text)}")
        return named
    else:
        low = high = read_number(text.rstrip("% "))
    for number in (low, high):
        if not 0 <= number <= 100:
            raise Refused(f"utilisation is a percentage between 0 and 100, not {number:g}")
    if low > high:
        raise Refused(f"the range {low:g}..{high:g} runs backwards")
    return low / 100, high / 100


#: readers of the columns that need to know nothing of the others
READERS: dict[str, Callable[[str], object]] = {
    "hours": read_hours,
    "tdp_w": between(2_000, "a processor is rated between 1 and 2000 W"),
    "gpu_tdp_w": between(3_000, "an accelerator is rated between 1 and 3000 W"),
    "memory_gb": between(100_000, "memory lies between 0 and 100000 GB"),
    "sockets": whole("sockets", 1, 64),
    "threads": whole("threads", 1, 16_384),
    "gpu_count": whole("gpu_count", 0, 4_096),
    "count": whole("count", 1, 1_000_000),
    "load": one_of("load", "os", "throughput"),
    "boundary": one_of("boundary", "wall", "package"),
    "phase": one_of("phase", *map(str, Phase)),
    **dict.fromkeys(("cpu", "gpu", "instance", "region", "project", "person", "platform"), read_name),
}
