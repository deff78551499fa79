"""Adds up the intervals of one recording, and says what the reader of its figures should know."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from attrs import define, field
from wattbook import Domain, ImportFailed, Recording, RecordingBuilder

from wattbook_turbostat.domains import domains_of
from wattbook_turbostat.interval import Interval
from wattbook_turbostat.parse import Parser
from wattbook_turbostat.preamble import misreads_dram

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOUR_US = 3_600 * 1_000_000
BATCH = 256  #: intervals that are added up before they go to the builder


@define
class _Batch:
    """Intervals in a row with the same domains, all of known or all of unknown length."""

    names: tuple[str, ...]
    sums: list[float]  #: watts times seconds, or joules; plain watts where lengths are not known
    count: int = 0
    seconds: float | None = 0.0  #: ``None``: lengths are not known
    end_us: int | None = None
    hour: int | None = None  #: of the clock, in which the first of them begins
    line: int = 0

    def takes(self, names: tuple[str, ...], length_s: float | None, begin_us: int | None) -> bool:
        """Whether an interval carries on where the last one ended."""
        if names != self.names or (length_s is None) != (self.seconds is None):
            return False
        if begin_us is None or self.end_us is None:
            return begin_us is self.end_us
        return length_s is not None and begin_us // HOUR_US == self.hour and begin_us - self.end_us < 500_000


@define
class Book:
    """Takes intervals in the order of the file; ``close`` gives the recording."""

    builder: RecordingBuilder
    parser: Parser
    intervals: int = field(default=0, init=False)
    domains: dict[str, Domain] = field(factory=dict, init=False)
    _batch: _Batch | None = field(default=None, init=False)
    _lengths_known: bool = field(default=False, init=False)
    _dram_left_out: bool = field(default=False, init=False)
    _joules_without_time: bool = field(default=False, init=False)

    def add(self, interval: Interval) -> None:
        self.intervals += 1
        if not self.domains:
            self.domains = domains(interval.packages, self.parser.preamble.hardware or "")
            self.builder.max_power_w *= interval.packages or 1
        figures, length_s = interval.figures, interval.length_s
        if interval.joules and length_s is None:
            length_s = interval.assumed_s
            if length_s is None:
                self._joules_without_time = True
                return
        if "dram" in figures and self._dram_is_wrong():
            figures.pop("dram")
        most = self.builder.max_power_w * (length_s or 1.0 if interval.joules else 1.0)
        if not figures or (max(figures.values()) > most and not self._plausible(interval, most)):
            return
        end_us = interval.time_us
        begin_us = None if end_us is None else end_us - round((length_s or 0.0) * 1e6)
        batch = self._batch
        if batch is None or batch.count >= BATCH or not batch.takes(tuple(figures), length_s, begin_us):
            self._put()
            hour = None if begin_us is None else begin_us // HOUR_US
            seconds = None if length_s is None else 0.0
            batch = self._batch = _Batch(tuple(figures), [0.0] * len(figures), seconds=seconds, hour=hour)
        factor = length_s if length_s is not None and not interval.joules else 1.0
        sums = batch.sums
        for i, figure in enumerate(figures.values()):
            sums[i] += figure * factor
        batch.count += 1
        batch.end_us, batch.line = end_us, interval.line
        if length_s is not None and batch.seconds is not None:
            batch.seconds += length_s

    def _plausible(self, interval: Interval, most: float) -> bool:
        """Leave out what no domain can draw: counters read while they change give 10^15 W."""
        for name, figure in list(interval.figures.items()):
            if not figure <= most:
                unit = "J" if interval.joules else "W"
                self.builder.problem(f"{figure:g} {unit} is not plausible for {self.domains[name]}", interval.line)
                del interval.figures[name]
        return bool(interval.figures) and ("package" in interval.figures or "package" not in self.parser.domains_seen)

    def _put(self) -> None:
        batch, self._batch = self._batch, None
        if batch is None or not batch.names:
            return
        seconds = batch.seconds
        self._lengths_known |= seconds is not None
        divisor = batch.count if seconds is None else seconds
        self.builder.add(
            {self.domains[name]: total / divisor for name, total in zip(batch.names, batch.sums, strict=True)},
            end=None if batch.end_us is None else EPOCH + timedelta(microseconds=batch.end_us),
            elapsed_s=seconds,
            line=batch.line,
            samples=batch.count,
        )

    def _dram_is_wrong(self) -> bool:
        preamble = self.parser.preamble
        wrong = misreads_dram(preamble.version, preamble.vendor, preamble.signature)
        if wrong and not self._dram_left_out:
            self._dram_left_out = True
            self.builder.warn(
                f"turbostat {preamble.version} misreads the DRAM energy unit of this processor (21.05 is right): "
                "its DRAM column is not used"
            )
        return wrong

    def close(self, lines: int) -> Recording:
        self._put()
        builder, preamble = self.builder, self.parser.preamble
        builder.hardware, builder.tool_version = preamble.hardware, preamble.version
        if not self.intervals:
            raise ImportFailed(self._why_nothing(lines), line=builder.problems[0].line if builder.problems else None)
        if self._joules_without_time and not builder.samples:
            raise ImportFailed(
                "joules without a time: give the sampling interval with --interval-s, or record Time_Of_Day_Seconds"
            )
        self._forget_what_means_nothing()
        if builder.samples and not builder.domains:
            raise ImportFailed("every power column is 0.00: nothing was measured")
        self._doubts()
        return builder.build()

    def _why_nothing(self, lines: int) -> str:
        parser, problems = self.parser, self.builder.problems
        if parser.header is None:
            said = f" (it says: {parser.preamble.complaint})" if parser.preamble.complaint else ""
            return f"no table of turbostat's in {lines} lines{said}" if lines else "the file is empty"
        if not parser.domains_seen:
            shown = ", ".join(name.decode("utf-8", "replace")[:20] for name in parser.header.names[:8])
            return f"no power column: turbostat prints none where it cannot read RAPL (columns: {shown}, ...)"
        if problems:
            return f"no row can be trusted: {problems[0].reason}"
        return "a header with power columns, but no summary row below it"

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
        if by_name.get("core", 0) > by_name.get("package", math.inf):
            builder.warn("the cores draw more than the package they are in: its counter does not cover all of it")
        if by_name.get("platform", math.inf) < by_name.get("package", 0):
            builder.warn("the platform figure is below that of the processors in it: it does not cover the machine")

    @property
    def _version_unknown(self) -> bool:
        return self.parser.preamble.version is None and not self.parser.counts_instructions

    def _doubts(self) -> None:
        builder = self.builder
        names = {domain.name for domain in builder.domains.values()}
        if names and "package" not in names:
            builder.warn("no package column: what is not listed here is not covered")
        if "dram" in names and self._version_unknown:
            builder.warn(
                "the recording does not say its turbostat version: before 21.05 the DRAM figure of Xeons from "
                "Skylake-SP on is about four times too high"
            )
        asked = self.parser.preamble.interval
        if asked and not self._lengths_known:
            builder.warn(f"the file says INTERVAL: {asked}; give --interval-s to turn its watts into joules")


def domains(packages: int | None, model: str = "") -> dict[str, Domain]:
    """The domains of a summary row: of the only package, or of all packages together."""
    return domains_of("0" if packages == 1 else "all", model)
