"""Lines of turbostat's output in, one value per sampling interval out; nothing is guessed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from attrs import define, field, frozen

from wattbook_turbostat.header import Header

_VALUE = re.compile(rb"\d{1,30}(?:\.\d{1,9})?$")
_WHOLE = re.compile(rb"\d{1,30}\.\d\d$")  #: every watt and joule is printed with two decimals
_SECONDS = re.compile(rb"\s*(\d{1,12}\.\d{1,9}) sec\s*$")
_VERSION = re.compile(rb"turbostat version v?([\w.]+)")
_VENDOR = re.compile(rb"CPUID\(0\): (\w+)")
_SIGNATURE = re.compile(rb"family:model:stepping \S+ \((\d+:\d+:\d+)\)")
_WRAPPERS = (b"TIME:", b"INTERVAL:")
_ROW_STARTS = frozenset(b"-0123456789")
MANY_ROWS = 64  #: more rows than this below one header are samples: no machine has so many packages


@frozen(kw_only=True)
class Interval:
    """What one table says about one sampling interval: the summary row, in watts or in joules."""

    line: int
    figures: Mapping[str, float]  #: domain -> watts, or joules where ``joules``
    joules: bool
    time_us: int | None = None  #: end of the interval, microseconds since 1970
    length_s: float | None = None  #: where turbostat prints it
    packages: int | None = None  #: how many, where the table tells
    by_package: Mapping[int, Mapping[str, float]] = field(factory=dict)
    first: bool = False  #: a run of turbostat begins here


@define
class _Open:
    """An interval whose rows are still being read."""

    line: int
    cells: list[bytes]
    figures: dict[str, float]
    time_us: int | None
    length_s: float | None
    packages: dict[int, dict[str, float]] = field(factory=dict)


@define
class Parser:
    """Reads lines one by one; ``feed`` answers with the intervals that are complete with that line.

    Memory does not grow with the input.  What is skipped is told to ``problem(reason, line)``.
    """

    problem: Callable[[str, int | None], None] = field(default=lambda reason, line: None)
    version: str | None = field(default=None, init=False)
    vendor: str | None = field(default=None, init=False)
    signature: str | None = field(default=None, init=False)
    header: Header | None = field(default=None, init=False)
    domains_seen: set[str] = field(factory=set, init=False)
    stated_interval: str | None = field(default=None, init=False)  #: of a wrapper's ``INTERVAL:`` line
    instructions_seen: bool = field(default=False, init=False)  #: a column of 2021 and later (``IPC``)
    _trusted: bool = field(default=False, init=False)
    _rows: int = field(default=0, init=False)  #: rows below this header
    _open: _Open | None = field(default=None, init=False)
    _waiting: list[_Open] = field(factory=list, init=False)
    _every_row: bool | None = field(default=None, init=False)  #: tables without topology: is each row a sample?
    _length_s: float | None = field(default=None, init=False)  #: from an ``N sec`` line before its table
    _first: bool = field(default=True, init=False)

    @property
    def hardware(self) -> str | None:
        return " ".join(part for part in (self.vendor, self.signature) if part) or None

    def feed(self, line: bytes, number: int) -> list[Interval]:
        """Take one line with its line end; the last line of a file may lack it."""
        header = self.header
        if header is not None and (line[:1].isdigit() or line[:1] == b"-") and header.tabs and header.topology:
            if not self._trusted or b"\t" not in line:
                return [] if b"\t" in line else self._other(line, number)
            if line.count(b"\t") >= len(header.names):
                return self._distrust("a row is longer than its header", number)
            at = header.topology[0]
            if line.split(b"\t", at + 1)[at] != b"-":
                self._rows += 1
                if header.package_at is not None and self._open is not None:
                    self._package_row(line.split(b"\t"), header)
                return []
            return self._summary([cell.strip() for cell in line.split(b"\t")], line, number)
        return self._other(line, number)

    def flush(self) -> list[Interval]:
        """End the interval that is being read: nothing more comes for now."""
        done = self._settle()
        if self._open is not None:
            done.append(self._close(self._open))
            self._open = None
        return [interval for interval in done if interval.figures]

    # --- lines other than the rows of a labelled tab table ---------------------------------------

    def _other(self, line: bytes, number: int) -> list[Interval]:
        text = line.strip()
        if not text:
            return []
        if text.endswith(b"sec") and (match := _SECONDS.match(line)):
            return self._seconds(float(match[1]))
        header = Header.from_line(line.rstrip(b"\r\n"))
        if header is not None:
            return self._begin(header, number)
        if self._preamble(text):
            return []
        if self.header is None:
            return []
        if text[0] not in _ROW_STARTS or not self._row_shaped(line):
            self.problem("this line is not part of a table", number)
            return []
        return self._row(line, number) if self._trusted else []

    def _preamble(self, text: bytes) -> bool:
        """Lines of the system header and of wrappers."""
        if match := _VERSION.search(text):
            self.version, self._first = match[1].decode("ascii", "replace"), True
        elif match := _VENDOR.match(text):
            self.vendor = match[1].decode("ascii", "replace")
        elif text.startswith(_WRAPPERS):
            if text.startswith(b"INTERVAL:"):
                self.stated_interval = text[9:].strip()[:20].decode("ascii", "replace")
            return True
        if match := _SIGNATURE.search(text):
            self.signature = match[1].decode()
            return True
        return bool(_VERSION.search(text) or _VENDOR.match(text))

    def _row_shaped(self, line: bytes) -> bool:
        """Whether the line has the cells of a row: the first and the last tell."""
        header = self.header
        assert header is not None
        cells = line.split(b"\t") if header.tabs else line.split()
        if header.tabs and len(header.names) > 1 and len(cells) == 1:
            return False
        return all(_cell_like(cells[at].strip()) for at in (0, -1))

    def _seconds(self, length_s: float) -> list[Interval]:
        """An ``N sec`` line: it stands before its table, or after it in old versions."""
        done = self._settle(one_sample=True)
        opened = self._open
        if opened is not None and opened.length_s is None and opened.time_us is None:
            opened.length_s = length_s
            done.append(self._close(opened))
        else:
            if opened is not None:
                done.append(self._close(opened))
            self._length_s = length_s
        self._open = None
        return done

    def _begin(self, header: Header, number: int) -> list[Interval]:
        done = self.flush()
        before, rows = self.header, self._rows
        if before is not None and header.text == before.text:
            header = before
        self.header, self._rows, self._trusted = header, 0, not header.flaw
        self.domains_seen.update(header.domains)
        self.instructions_seen |= b"IPC" in header.names
        if before is not None and header is not before:
            self._every_row = None
            if rows == 0:
                self._distrust("two different headers in a row: was the text wrapped?", number)
        if header.flaw and header is not before:
            self._distrust(header.flaw, number)
        return done

    def _distrust(self, reason: str, number: int) -> list[Interval]:
        """Read nothing more until the next header."""
        self._trusted = False
        self.problem(reason, number)
        self._waiting.clear()
        return self.flush()

    # --- rows ------------------------------------------------------------------------------------

    def _row(self, line: bytes, number: int) -> list[Interval]:
        header = self.header
        assert header is not None
        cells = [cell.strip() for cell in line.split(b"\t")] if header.tabs else line.split()
        columns = len(header.names)
        if len(cells) > columns:
            return self._distrust("a row is longer than its header", number)
        if header.blank_until is not None:
            if line[: header.blank_until].strip():
                self._rows += 1
                return []
            cells = [b"-"] * len(header.topology) + cells
            if len(cells) > columns:
                return self._distrust("a row is longer than its header", number)
        if not header.topology:
            return self._unlabelled(cells, line, number)
        if any(at >= len(cells) or cells[at] != b"-" for at in header.topology):
            self._rows += 1
            if self._open is not None:
                self._package_row(cells, header)
            return []
        return self._summary(cells, line, number)

    def _summary(self, cells: list[bytes], line: bytes, number: int) -> list[Interval]:
        done = self.flush()
        opened = self._read(cells, line, number)
        if opened is None:
            return done
        self._open = opened
        return done

    def _read(self, cells: list[bytes], line: bytes, number: int) -> _Open | None:
        """The figures of a summary row."""
        header = self.header
        assert header is not None
        self._rows += 1
        if len(cells) < len(header.names):
            self._trusted = False
            self.problem(f"the summary row has {len(cells)} cells for {len(header.names)} columns", number)
            return None
        if line[-1:] != b"\n" and not (_WHOLE.match(cells[-1]) or header.names[-1].endswith(b"MHz")):
            self.problem("the last line is cut", number)
            return None
        time_us = length_s = None
        if header.time_at is not None:
            time_us = _microseconds(cells[header.time_at])
            if time_us is None:
                self.problem("the row's time is not a number", number)
                return None
        if header.length_at is not None and _VALUE.match(cells[header.length_at]):
            length_s = float(cells[header.length_at])
        if self._length_s is not None:
            length_s, self._length_s = self._length_s, None
        figures = {}
        for at, domain in header.figures:
            if _VALUE.match(cells[at]):
                figures[domain] = float(cells[at])
            else:
                cell = cells[at].decode("utf-8", "replace")
                self.problem(f"{cell!r} is not a number ({header.names[at].decode()})", number)
        return _Open(number, cells, figures, time_us, length_s)

    def _package_row(self, cells: list[bytes], header: Header) -> None:
        """Count packages, and keep each one's figures: they stand in the row of its first CPU."""
        opened = self._open
        assert opened is not None
        if header.package_at is None:
            return
        package = cells[header.package_at].strip()
        if not package.isdigit() or int(package[:6]) in opened.packages or len(opened.packages) >= MANY_ROWS:
            return
        opened.packages[int(package[:6])] = {
            domain: float(cells[at])
            for at, domain in header.figures
            if at < len(cells) and _VALUE.match(cells[at].strip())
        }

    def _close(self, opened: _Open) -> Interval:
        header = self.header
        assert header is not None
        first, self._first = self._first, False
        packages = len(opened.packages) or (1 if header.topology and header.package_at is None else None)
        return Interval(
            line=opened.line,
            figures=opened.figures,
            joules=header.joules,
            time_us=opened.time_us,
            length_s=opened.length_s,
            packages=packages,
            by_package=opened.packages,
            first=first,
        )

    # --- tables without topology: the first row is the summary, or (-S) every row is a sample --------

    def _unlabelled(self, cells: list[bytes], line: bytes, number: int) -> list[Interval]:
        header = self.header
        assert header is not None
        if header.time_at is not None:
            time_us = _microseconds(cells[header.time_at]) if header.time_at < len(cells) else None
            if self._open is not None and self._open.time_us is not None and time_us is not None:
                if time_us <= self._open.time_us:  # per-CPU rows are read before the summary is made
                    self._rows += 1
                    return []
            elif time_us is None:
                self.problem("the row's time is not a number", number)
                return []
            return self._summary(cells, line, number)
        if self._rows == 0 or self._every_row:
            done = self.flush() if self._every_row else []
            opened = self._read(cells, line, number)
            if opened is not None and self._every_row:
                done.append(self._close(opened))
            elif opened is not None:
                self._waiting = [opened]
            return done
        self._rows += 1
        if self._every_row is None and self._waiting:
            return self._weigh(cells, line, number)
        return []

    def _weigh(self, cells: list[bytes], line: bytes, number: int) -> list[Interval]:
        """Another row below the first one: a package of the same sample, or the next sample?"""
        header = self.header
        assert header is not None
        if len(cells) < len(header.names):  # a core's row: only summaries are complete
            self._every_row = False
            return []
        opened = self._read(cells, line, number)
        if opened is not None:
            self._waiting.append(opened)
        if self._waiting[0].length_s is not None:
            return []
        summary, rest = self._totals()
        if rest > summary * 1.05 + 0.05 or len(self._waiting) > MANY_ROWS:
            return self._settle()
        return []

    def _totals(self) -> tuple[float, float]:
        """What the first waiting row says, and what the others say together, in the first domain."""
        header = self.header
        assert header is not None
        main = "package" if "package" in header.domains else next(iter(header.domains), "")
        values = [opened.figures.get(main, 0.0) for opened in self._waiting]
        return values[0], sum(values[1:])

    def _settle(self, *, one_sample: bool = False) -> list[Interval]:
        """Decide about the rows that wait."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return []
        rest = 0.0
        if len(waiting) > 1:
            self._waiting = waiting
            summary, rest = self._totals()
            self._waiting = []
        alike = len(waiting) == 1 or abs(rest - summary) <= summary * 0.05 + 0.05
        if self._every_row is False or one_sample or waiting[0].length_s is not None or alike:
            if len(waiting) > 2:
                self._every_row = False
            first = waiting[0]
            first.packages = {i: opened.figures for i, opened in enumerate(waiting[1:])}
            if one_sample:
                self._open = first
                return []
            return [self._close(first)]
        self._every_row = True
        return [self._close(opened) for opened in waiting]


def _microseconds(cell: bytes) -> int | None:
    whole, _, fraction = cell.partition(b".")
    if not (whole.isdigit() and fraction.isdigit() and len(whole) <= 12):
        return None
    return int(whole) * 1_000_000 + int(fraction[:6].ljust(6, b"0"))


def _cell_like(cell: bytes) -> bool:
    return cell in (b"-", b"nan", b"-nan", b"") or cell[:1].isdigit() or cell[:2] in (b"0x", b"**") or cell[:1] == b"-"
