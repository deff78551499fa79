"""The text that powermetrics prints, line by line, into blocks: one for every sampled interval."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import IO

from attrs import define, field

from wattbook_powermetrics.block import MIXED, Block

MAX_LABELS = 4_096
LINE_BYTES = 65_536  #: the rest of a longer line is skipped: nothing that matters is that long
HEADER = re.compile(rb"\*\*\* (Sampled|Summary) system activity \((.{10,40})\) \((\d{1,12}\.\d\d)ms elapsed\) \*\*\*$")
POWER = re.compile(rb"(CPU|GPU|ANE|DRAM|Package|Clusters Total|Combined) Power(?: \([^)]*\))?:(.*)$")
INTEL = re.compile(rb"Intel energy model derived package power(?: \([^)]*\))?:(.*)$")
MILLIWATTS = re.compile(rb" +(-?\d{1,9}(?:\.\d{1,6})?) mW$")
WATTS = re.compile(rb" +(-?\d{1,6}\.\d\d) ?W$")  # the unit is glued on
ACTIVE = re.compile(rb"(?:[^\s-]+-Cluster (?:HW )?|[cC][pP][uU] \d+ )active residency: +(\d+(?:\.\d+)?)%")
DATE = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) +(\d{1,2}) (\d\d):(\d\d):(\d\d) (\d{4}) ([+-])(\d\d)(\d\d)$")
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
NAMES = {
    b"CPU": "cpu",
    b"Clusters Total": "cpu",  # macOS 11
    b"GPU": "gpu",
    b"ANE": "ane",
    b"DRAM": "dram",
    b"Package": "package",
    b"Combined": "combined",
}


def lines_of(stream: IO[bytes]) -> Iterator[bytes]:
    """Lines in bounded memory, whatever the stream holds."""
    fresh = True
    while piece := stream.readline(LINE_BYTES):
        if fresh:
            yield piece
        fresh = piece.endswith(b"\n")


@define
class _Open:
    """The block being read."""

    line: int | None
    headed: bool = True
    joined: bool = False
    date: datetime | None = None
    elapsed_s: float | None = None
    power_mw: dict[str, float] = field(factory=dict)
    busy: bool = False
    digest: int = 0
    fault: str = ""
    labels: set[bytes] = field(factory=set)

    def take(self, line: bytes, found: tuple[str, float | str] | None) -> None:
        """One line, with the figure that it holds, if any."""
        self.digest = zlib.crc32(line, self.digest)
        if found is not None:
            name, value = found
            if isinstance(value, str):
                self.fault = self.fault or value
            elif name not in self.power_mw:
                self.power_mw[name] = value
            elif name != "gpu":  # which the GPU section prints again
                self._mixed()
        elif line.startswith(b"****") or b"active residency:" in line:
            label = line.partition(b":")[0]
            if label in self.labels:
                self._mixed()
            elif len(self.labels) < MAX_LABELS:
                self.labels.add(label)
            active = None if self.busy else ACTIVE.match(line)
            self.busy = self.busy or (active is not None and float(active[1]) > 0)

    def _mixed(self) -> None:
        self.fault = self.fault or MIXED

    def close(self, hardware: str, build: str) -> Block:
        return Block(
            power_mw=self.power_mw, date=self.date, elapsed_s=self.elapsed_s, busy=self.busy, line=self.line,
            digest=self.digest if self.headed else None, joined=self.joined, hardware=hardware, build=build, fault=self.fault,
        )  # fmt: skip

    @property
    def complete(self) -> bool:
        have = self.power_mw.keys()
        return "intel" in have or ({"cpu", "gpu"} <= have and ("combined" in have or "package" in have))


def blocks(lines: Iterable[bytes], *, headed: bool = True, live: bool = False) -> Iterator[Block]:
    """Blocks in the order of the lines; where they come *live*, each as soon as its total is known.

    Summary blocks cover the whole run and are left out.  Where the text has no headers at all
    (*headed* is false: somebody kept only the power lines), a repeated figure starts the next block.
    """
    hardware = build = ""
    now: _Open | None = None if headed else _Open(1, headed=False)
    joined = False
    expected = False  # figures outside a block belong to a summary, or repeat what is known
    for number, raw in enumerate(lines, start=1):
        if b":" not in raw and b"***" not in raw:
            continue
        line = raw.strip()
        if line.startswith(b"*** S") or line.endswith(b"ms elapsed) ***"):
            if now is not None:
                yield now.close(hardware, build)
            now, headed, expected = None, True, True
            header = HEADER.match(line)
            if header is None:
                yield Block(power_mw={}, line=number, fault="the header of this sample is damaged")
            elif header[1] == b"Sampled":
                date, elapsed_s = date_of(header[2]), float(header[3]) / 1e3
                now = _Open(number, joined=joined, date=date, elapsed_s=elapsed_s, digest=zlib.crc32(line))
            joined = True
        elif line.startswith(b"Machine model:"):
            if now is not None and headed:
                yield now.close(hardware, build)
                now = None
            hardware, joined = _word(line), False
        elif line.startswith(b"OS version:"):
            build = _word(line)
        elif now is not None:
            found = _power(line) if b"ower" in line else None
            if not headed and found is not None and found[0] in now.power_mw and found[0] != "gpu":
                yield now.close(hardware, build)
                now = _Open(number, headed=False)
            now.take(line, found)
            if live and now.complete:
                yield now.close(hardware, build)
                now, expected = None, True
        elif not expected and b"ower" in line and _power(line) is not None:
            expected = True
            yield Block(power_mw={}, line=number, fault="power figures without a header belong to no sample")
    if now is not None and (headed or now.power_mw or now.fault):
        yield now.close(hardware, build)


def _word(line: bytes) -> str:
    return line.partition(b":")[2].strip()[:80].decode("utf-8", "replace")


def _power(line: bytes) -> tuple[str, float | str] | None:
    """Name and milliwatts of a power line, or name and what is wrong with it; ``None`` for other lines."""
    if intel := INTEL.match(line):
        name, rest = "intel", intel[1]
    elif power := POWER.match(line):
        name, rest = NAMES[power[1]], power[2]
    else:
        return None
    unit, form, scale = ("W", WATTS, 1e3) if name == "intel" else ("mW", MILLIWATTS, 1.0)
    value = form.match(rest)
    if value is None:
        return name, f"{rest.strip()[:40].decode('utf-8', 'replace')!r} is not a power in {unit}"
    return name, float(value[1]) * scale


def date_of(text: bytes) -> datetime | None:
    """The date of a header, which is English whatever the user's language; ``None`` where it is damaged."""
    found = DATE.match(text.decode("ascii", "replace"))
    if found is None or found[1] not in MONTHS:
        return None
    offset = timedelta(hours=int(found[8]), minutes=int(found[9]))
    try:
        zone = timezone(-offset if found[7] == "-" else offset)
        day, hour, minute, second, year = (int(found[i]) for i in (2, 3, 4, 5, 6))
        return datetime(year, MONTHS.index(found[1]) + 1, day, hour, minute, second, tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
