"""Lines of turbostat's output in, sampling intervals out; no column is ever guessed."""

from __future__ import annotations

import re
from collections.abc import Callable

from attrs import define, field

from wattbook_turbostat.header import Header
from wattbook_turbostat.interval import MANY_ROWS, Interval, Unlabelled
from wattbook_turbostat.preamble import Preamble

_SECONDS = re.compile(rb"\s*(\d{1,12}\.\d{1,9}) sec\s*$")
_ROW_STARTS = frozenset((b"-", b"0", b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"8", b"9"))
_NOT_NUMBERS = frozenset((b"", b"-", b"nan", b"-nan"))


@define
class Parser:
    """Reads lines one by one; ``feed`` answers with the intervals that are complete with that line.

    Memory does not grow with the input.  What is skipped is told to ``problem(reason, line)``.
    After a row that contradicts its header nothing is read until the next header.
    """

    problem: Callable[[str, int | None], None] = field(default=lambda reason, line: None)
    per_package: bool = False  #: keep the figures of each package too
    preamble: Preamble = field(factory=Preamble, init=False)
    header: Header | None = field(default=None, init=False)
    counts_instructions: bool = field(default=False, init=False)  #: the column ``IPC``, of 2021 and later
    domains_seen: set[str] = field(factory=set, init=False)
    _trusted: bool = field(default=False, init=False)
    _rows: int = field(default=0, init=False)  #: rows below this header
    _open: Interval | None = field(default=None, init=False)
    _unlabelled: Unlabelled = field(factory=Unlabelled, init=False)
    _length_s: float | None = field(default=None, init=False)  #: from an ``N sec`` line before its table
    _known: bool = field(default=False, init=False)  #: the packages have been counted
    _runs: int = field(default=-1, init=False)

    def feed(self, line: bytes, number: int) -> list[Interval]:
        """Take one line with its line end; only the last line of a file may lack it."""
        header = self.header
        if header is None or not header.tabs or line[:1] not in _ROW_STARTS or b"\t" not in line:
            return self._other(line, number)
        if not self._trusted:
            return []
        if line.count(b"\t") >= len(header.names):
            return self._distrust("a row is longer than its header", number)
        if header.topology:  # most rows are those of CPUs: look no further than needed
            at = header.topology[0]
            if line.split(b"\t", at + 1)[at : at + 1] != [b"-"]:
                self._rows += 1
                if header.package_at is not None and (self.per_package or not self._known):
                    self._package_row(line.rstrip(b"\r\n").split(b"\t"), header)
                return []
        return self._row(line.rstrip(b"\r\n").split(b"\t"), header, line, number)

    def flush(self) -> list[Interval]:
        """End the interval that is being read: nothing more comes for now."""
        done = self._unlabelled.settle()
        if self._open is not None:
            done.append(self._open)
            self._open = None
        return [interval for interval in done if interval.figures]

    # --- lines that need a closer look ------------------------------------------------------------

    def _other(self, line: bytes, number: int) -> list[Interval]:
        text = line.strip()
        if not text:
            return []
        header = self.header
        if text[:1] in _ROW_STARTS:
            if text.endswith(b"sec") and (match := _SECONDS.match(line)):
                return self._seconds(float(match[1]))
            if header is None:
                return []
            cells = line.rstrip(b"\r\n").split(b"\t") if header.tabs else text.split()
            if _cell_like(cells[0]) and _cell_like(cells[-1]):  # else a sentence that begins with a number
                return self._loose_row(cells, header, line, number) if self._trusted else []
        elif header is not None and text == header.text:
            return self._begin(header, number)
        elif (found := Header.from_line(line.rstrip(b"\r\n"))) is not None:
            return self._begin(found, number)
        elif self.preamble.take(text) or header is None:
            return []
        self.problem("this line is not part of a table", number)
        return []

    def _loose_row(self, cells: list[bytes], header: Header, line: bytes, number: int) -> list[Interval]:
        """A row whose cells are padded or separated with blanks, or that has only one."""
        if header.blank_until is not None:  # 2014 format: the summary row is the one without topology
            if line[: header.blank_until].strip():
                self._rows += 1
                return []
            cells = [b"-"] * len(header.topology) + cells
        if len(cells) > len(header.names):
            return self._distrust("a row is longer than its header", number)
        return self._row([cell.strip() for cell in cells], header, line, number)

    def _seconds(self, length_s: float) -> list[Interval]:
        """An ``N sec`` line: it stands before its table, or after it in old versions."""
        done = self._unlabelled.settle(one_sample=True)
        opened = self._open or (done.pop() if done else None)
        self._open = None
        if opened is None:
            self._length_s = length_s
            return []
        if opened.length_s is None and opened.time_us is None:
            opened.length_s = length_s
        else:
            self._length_s = length_s
        return [opened] if opened.figures else []

    def _begin(self, header: Header, number: int) -> list[Interval]:
        done = self.flush()
        before, rows = self.header, self._rows
        same = header is before or (before is not None and header.text == before.text)
        self._rows, self._trusted = 0, not header.flaw
        if same:
            return done
        self.header = header
        self.counts_instructions |= b"IPC" in header.names
        self.domains_seen.update(header.domains)
        self._unlabelled = Unlabelled()
        flaw = header.flaw
        if before is not None and rows == 0:
            flaw = flaw or "two different headers in a row: was the text wrapped?"
        return done + self._distrust(flaw, number) if flaw else done

    def _distrust(self, reason: str, number: int) -> list[Interval]:
        """Read nothing more until the next header."""
        self._trusted = False
        self.problem(reason, number)
        self._unlabelled.clear()
        return self.flush()

    # --- rows ------------------------------------------------------------------------------------

    def _row(self, cells: list[bytes], header: Header, line: bytes, number: int) -> list[Interval]:
        """A row that fits its header; topology cells of ``-`` make it the summary."""
        if not header.topology:
            return self._bare_row(cells, header, line, number)
        if any(at >= len(cells) or cells[at] != b"-" for at in header.topology):
            self._rows += 1
            self._package_row(cells, header)
            return []
        return self._summary(cells, header, line, number)

    def _bare_row(self, cells: list[bytes], header: Header, line: bytes, number: int) -> list[Interval]:
        """A row of a table without topology."""
        if header.time_at is not None:
            opened = self._open
            time_us = _microseconds(cells[header.time_at]) if header.time_at < len(cells) else None
            if opened is not None and time_us is not None and time_us <= (opened.time_us or 0):
                self._rows += 1  # CPUs are read before the summary is made
                return []
            return self._summary(cells, header, line, number, time_us)
        unlabelled = self._unlabelled
        below = self._rows > 0 and unlabelled.every_row is not True
        if below and (unlabelled.every_row is False or len(cells) < len(header.names)):
            self._rows += 1
            unlabelled.incomplete()
            return []
        interval = self._read(cells, header, line, number)
        return [] if interval is None else [i for i in unlabelled.put(interval) if i.figures]

    def _summary(
        self, cells: list[bytes], header: Header, line: bytes, number: int, time_us: int | None = None
    ) -> list[Interval]:
        opened, self._open = self._open, self._read(cells, header, line, number, time_us)
        self._known |= opened is not None
        if self._open is not None and header.topology and header.package_at is None:
            self._open.packages = 1  # a topology column is printed only where there is more than one of it
        return [] if opened is None or not opened.figures else [opened]

    def _read(
        self, cells: list[bytes], header: Header, line: bytes, number: int, time_us: int | None = None
    ) -> Interval | None:
        """The figures of a complete row.

        Watts and joules are always printed with two decimals; with ``**`` in their place turbostat says itself
        that the counter may have turned more than once.
        """
        self._rows += 1
        if len(cells) < len(header.names):
            self._trusted = False
            self.problem(f"the summary row has {len(cells)} cells for {len(header.names)} columns", number)
            return None
        if line[-1:] != b"\n" and b"." in cells[-1] and cells[-1][-3:-2] != b".":
            self.problem("the last line is cut", number)
            return None
        if header.time_at is not None and time_us is None:
            time_us = _microseconds(cells[header.time_at])
            if time_us is None:
                self.problem("the row's time is not a number", number)
                return None
        figures: dict[str, float] = {}
        for at, domain in header.figures:
            cell = cells[at]
            if cell[-3:-2] == b"." and cell.replace(b".", b"", 1).isdigit():
                figures[domain] = float(cell)
            else:
                text = cell[:40].decode("utf-8", "replace")
                self.problem(f"{text!r} is not a number ({header.names[at].decode()})", number)
        interval = Interval(number, figures, header.joules, time_us)
        if header.length_at is not None and cells[header.length_at].replace(b".", b"", 1).isdigit():
            interval.length_s = float(cells[header.length_at])
        if self._length_s is not None:
            interval.length_s, self._length_s = self._length_s, None
        if self._runs != self.preamble.runs:
            interval.first, self._runs = True, self.preamble.runs
        return interval

    def _package_row(self, cells: list[bytes], header: Header) -> None:
        """Count packages and add up each one's rows: its own figures stand in one of them, those of cores in many."""
        opened, at = self._open, header.package_at
        if opened is None or at is None or at >= len(cells) or not cells[at].isdigit():
            return
        package = int(cells[at][:6])
        if package not in opened.by_package and len(opened.by_package) >= MANY_ROWS:
            return
        sums = opened.by_package.setdefault(package, {})
        opened.packages = len(opened.by_package)
        for column, domain in header.figures if self.per_package else ():
            cell = cells[column] if column < len(cells) else b""
            if cell[-3:-2] == b"." and cell.replace(b".", b"", 1).isdigit():
                sums[domain] = sums.get(domain, 0.0) + float(cell)


def _microseconds(cell: bytes) -> int | None:
    whole, _, fraction = cell.partition(b".")
    if not (whole.isdigit() and fraction.isdigit() and len(whole) <= 12):
        return None
    return int(whole) * 1_000_000 + int(fraction[:6].ljust(6, b"0"))


def _cell_like(cell: bytes) -> bool:
    cell = cell.strip()
    return cell in _NOT_NUMBERS or cell[:2] in (b"0x", b"**") or cell.lstrip(b"-").replace(b".", b"", 1).isdigit()
