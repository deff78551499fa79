"""Import turbostat's recorded output: one recording per file, whatever version wrote it."""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Iterator
from typing import IO

from wattbook import Domain, ImportFailed, ImportSource, Problem, Recording, RecordingBuilder, SourceFile

from wattbook_turbostat.header import Header
from wattbook_turbostat.parse import Parser
from wattbook_turbostat.timeline import Timed, Timeline

ERROR = 0.05  #: relative half width of the 90 % interval of RAPL's package energy
LONGEST_LINE = 1 << 16  #: bytes; 400 columns of a header are 4 kB
#: Intel family 6 models whose DRAM unit turbostat read wrongly before 21.05 (Skylake-SP to Ice Lake)
WRONG_DRAM_UNIT = frozenset(["6:85", "6:106", "6:108"])
_HINT = re.compile(rb"(?m)^turbostat version ")


def sniff(file: SourceFile) -> bool:
    """A table header of turbostat's, or its version line."""
    if _HINT.search(file.head):
        return True
    return any(Header.from_line(line) is not None for line in file.head.splitlines()[:2_000])


def read(source: ImportSource) -> Iterator[Recording | Problem]:
    """One recording per file; raises ``ImportFailed`` for a file without any power."""
    for file in source.files:
        try:
            with file.open() as stream:
                yield read_stream(stream, source)
        except ImportFailed as refused:
            raise refused.at(file.path) from None
        except (OSError, EOFError, zlib.error) as error:
            raise ImportFailed(f"cannot be read to its end: {error}", path=file.path) from error


def read_stream(stream: IO[bytes], source: ImportSource) -> Recording:
    """Add up one recording in constant memory."""
    builder = RecordingBuilder(format="turbostat", source="turbostat", error=ERROR)
    timeline = Timeline(start=source.start, interval_s=source.interval_s, problem=builder.problem)

    def problem(reason: str, line: int | None) -> None:
        builder.problem(reason, line)
        timeline.lose()

    parser = Parser(problem=problem)
    book = _Book(builder, parser)
    number = 0
    for number, line in enumerate(lines_of(stream, builder), start=1):
        for interval in parser.feed(line, number):
            for timed in timeline.put(interval):
                book.add(timed)
    for interval in parser.flush():
        for timed in timeline.put(interval):
            book.add(timed)
    for timed in timeline.drain():
        book.add(timed)
    return book.close(number)


def lines_of(stream: IO[bytes], builder: RecordingBuilder) -> Iterator[bytes]:
    """Lines of bounded length; what is longer is left out and said."""
    number = 0
    while line := stream.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE and line[-1:] != b"\n":
            builder.problem("this line is too long to be turbostat's", number)
            while (rest := stream.readline(LONGEST_LINE)) and rest[-1:] != b"\n":
                pass
            line = b"\n"
        yield line[3:] if number == 1 and line.startswith(b"\xef\xbb\xbf") else line


class _Book:
    """Turns timed intervals into samples of the builder's."""

    def __init__(self, builder: RecordingBuilder, parser: Parser) -> None:
        self.builder, self.parser = builder, parser
        self.domains: dict[str, Domain] = {}
        self.intervals = 0
        self.lengths_known = False
        self.joules_without_time = False

    def add(self, timed: Timed) -> None:
        interval, builder = timed.interval, self.builder
        self.intervals += 1
        if not self.domains:
            self.domains = domains(interval.packages, self.parser.hardware or "")
        figures = dict(interval.figures)
        if "dram" in figures and self._dram_is_wrong():
            del figures["dram"]
            builder.warn(
                f"turbostat {self.parser.version} misreads the DRAM energy unit of this processor (21.05 is right): "
                "its DRAM column is not used"
            )
        length_s = timed.length_s
        self.lengths_known |= length_s is not None
        if interval.joules and length_s is None:
            length_s = timed.assumed_s
            if length_s is None:
                self.joules_without_time = True
                return
        power_w: dict[Domain, float] = {}
        for name, figure in figures.items():
            watts = figure / length_s if interval.joules and length_s else figure
            if watts > builder.max_power_w and name != "package":
                builder.problem(f"{watts:g} W is not a plausible power for {self.domains[name]}", interval.line)
            else:
                power_w[self.domains[name]] = watts
        energy_j = {self.domains[name]: figures[name] for name in figures} if interval.joules else None
        builder.add(power_w, end=timed.end, elapsed_s=length_s, energy_j=energy_j, line=interval.line)

    def _dram_is_wrong(self) -> bool:
        """Before 21.05 turbostat took 61 µJ for the 15.3 µJ of Skylake-SP and its successors."""
        parser = self.parser
        if parser.version is None or version_key(parser.version) >= (2021, 5):
            return False
        if parser.signature is None:
            return parser.vendor in (None, "GenuineIntel")
        return parser.vendor != "AuthenticAMD" and parser.signature.rpartition(":")[0] in WRONG_DRAM_UNIT

    def close(self, lines: int) -> Recording:
        builder, parser = self.builder, self.parser
        builder.hardware, builder.tool_version = parser.hardware, parser.version
        if not self.intervals:
            raise ImportFailed(self._why_nothing(lines), line=builder.problems[0].line if builder.problems else None)
        if self.joules_without_time and not builder.samples:
            raise ImportFailed(
                "joules without a time: give the sampling interval with --interval-s, or record Time_Of_Day_Seconds"
            )
        self._forget_what_means_nothing()
        if builder.samples and not builder.domains:
            raise ImportFailed("every power column is 0.00: nothing was measured")
        self._doubts()
        return builder.build()

    def _forget_what_means_nothing(self) -> None:
        builder = self.builder
        means_w = builder.means_w()
        for domain, mean_w in means_w.items():
            if mean_w == 0:
                builder.forget(domain)
                builder.warn(f"{domain} is 0.00 in every sample: taken as not reported, not as a measured zero")
        by_name = {domain.name: mean_w for domain, mean_w in means_w.items() if mean_w}
        if by_name.get("dram", 0) > by_name.get("package", math.inf) and self._version_unknown:
            builder.forget(self.domains["dram"])
            builder.warn(
                f"{by_name['dram']:.0f} W of DRAM beside {by_name['package']:.0f} W of processors is what turbostat "
                "before 21.05 prints for Xeons, four times too high, and the recording does not say its version: "
                "its DRAM column is not used"
            )
        if by_name.get("platform", math.inf) < by_name.get("package", 0):
            builder.warn("the platform figure is below that of the processors in it: it does not cover the machine")

    @property
    def _version_unknown(self) -> bool:
        return self.parser.version is None and not self.parser.instructions_seen

    def _why_nothing(self, lines: int) -> str:
        parser, problems = self.parser, self.builder.problems
        if parser.header is None:
            return f"no table of turbostat's in {lines} lines" if lines else "the file is empty"
        if not parser.domains_seen:
            shown = ", ".join(name.decode("utf-8", "replace") for name in parser.header.names[:8])
            return f"no power column: turbostat prints none where it cannot read RAPL (columns: {shown}, ...)"
        if problems:
            return f"no row can be trusted: {problems[0].reason}"
        wanted = "a summary row" if parser.header.topology else "a row"
        return f"a header with power columns, but no {wanted.removeprefix('a ')} below it"

    def _doubts(self) -> None:
        """What the reader of the figures should know."""
        builder, parser = self.builder, self.parser
        names = {domain.name for domain in builder.domains.values()}
        if names and "package" not in names:
            builder.warn("no package column: what is not listed here is not covered")
        if "dram" in names and self._version_unknown:
            builder.warn(
                "the recording does not say its turbostat version: before 21.05 the DRAM figure of Xeons from "
                "Skylake-SP on is about four times too high"
            )
        if parser.stated_interval and not self.lengths_known:
            builder.warn(
                f"the file says INTERVAL: {parser.stated_interval}; give --interval-s to turn its watts into joules"
            )


def domains(packages: int | None, model: str = "") -> dict[str, Domain]:
    """The domains of a summary row: of the only package, or of all packages together."""
    which = "0" if packages == 1 else "all"
    cpu = f"cpu:{which}"
    return {
        "package": Domain(device=cpu, name="package", model=model),
        "core": Domain(device=cpu, name="core", within=f"{cpu}/package", model=model),
        "gfx": Domain(device=cpu, name="gfx", within=f"{cpu}/package", model=model),
        "dram": Domain(device=f"dram:{which}", name="dram"),
        "platform": Domain(device="machine", name="platform", may_contain=("gpu:*",)),
    }


def version_key(version: str) -> tuple[int, ...]:
    """``20.09.30`` and ``2024.12.03`` in one order; ``4.12`` and older before all of them."""
    numbers = [int(part) for part in re.findall(r"\d{1,6}", version)[:3]]
    if not numbers:
        return (0,)
    year = numbers[0]
    if 17 <= year < 100:
        year += 2_000
    return (year, *numbers[1:])
