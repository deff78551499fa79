"""Add up an instrument's recording in constant memory: samples in, one ``Recording`` out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from attrs import define, field

from wattbook.errors import ImportFailed
from wattbook.model import Basis, Domain, Problem, Reading, Recording, Window
from wattbook.resolve import Tree
from wattbook.units import MAX_DEVICE_W

MAX_PROBLEMS = 100  #: further ones are counted, not kept
MAX_PIECES = 200_000  #: more stretches than this are no recording, but times that jump about
YEARS = range(1970, 2200)  #: of what was recorded; a clock that says otherwise is damaged
PIECE_S = 3_600  #: a recording goes to the book in pieces that end with the clock's hour


@define
class _Sum:
    """Power of one domain so far."""

    samples: int = 0
    watts: float = 0.0
    weighted_ws: float = 0.0
    weighted_s: float = 0.0
    unweighted: int = 0  #: samples of unknown length, and their watts
    unweighted_watts: float = 0.0


@define
class _Piece:
    start: datetime
    end: datetime
    energy_j: float = 0.0


@define(kw_only=True)
class RecordingBuilder:
    """Takes samples in the order of the file.

    A sample is the mean power of each domain over an interval.  ``elapsed_s`` is the interval's length
    and ``end`` its end, each ``None`` where the recording does not say.  A sample whose length is not
    known counts in the mean, with the typical length of the others, and not in the energy.
    Memory is bounded by the number of domains and of hours.
    """

    format: str
    source: str  #: name of the source within the plugin, as in ``turbostat``
    error: float | None = None  #: relative half width of the 90 % interval
    hardware: str | None = None
    tool_version: str | None = None
    max_power_w: float = MAX_DEVICE_W
    domains: dict[str, Domain] = field(factory=dict, init=False)
    samples: int = field(default=0, init=False)
    problems: list[Problem] = field(factory=list, init=False)
    warnings: list[str] = field(factory=list, init=False)
    _skipped: int = field(default=0, init=False)
    _sums: dict[str, _Sum] = field(factory=dict, init=False)
    _energy: dict[str, float] = field(factory=dict, init=False)
    _pieces: dict[str, list[_Piece]] = field(factory=dict, init=False)
    _start: datetime | None = field(default=None, init=False)
    _end: datetime | None = field(default=None, init=False)
    _elapsed_s: float = field(default=0.0, init=False)
    _untimed: int = field(default=0, init=False)

    def problem(self, reason: str, line: int | None = None) -> None:
        """Keep what was skipped, up to a bound."""
        self._skipped += 1
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(reason=reason, line=line))

    def warn(self, sentence: str) -> None:
        if sentence not in self.warnings:
            self.warnings.append(sentence)

    def add(
        self,
        power_w: Mapping[Domain, float],
        *,
        end: datetime | None = None,
        elapsed_s: float | None = None,
        energy_j: Mapping[Domain, float] | None = None,
        line: int | None = None,
        samples: int = 1,
    ) -> bool:
        """Take one sample; an implausible one is kept as a problem and answered with ``False``.

        ``energy_j`` replaces power times length where the tool prints joules.  ``samples`` in a row may be
        handed over as one, with their mean power: cheaper where a recording has millions.
        """
        for domain, watts in power_w.items():
            if not math.isfinite(watts) or watts < 0 or watts > self.max_power_w:
                self.problem(f"{watts:g} W is not a plausible power for {domain}", line)
                return False
        if elapsed_s is not None and not (math.isfinite(elapsed_s) and 0 < elapsed_s < 366 * 86_400):
            self.problem(f"{elapsed_s:g} s is not a plausible interval", line)
            return False
        if end is not None and end.year not in YEARS:
            self.problem(f"{end.date()} is not a plausible day", line)
            return False
        if not power_w:
            return False
        self.samples += samples
        if elapsed_s is None:
            self._untimed += samples
        else:
            self._elapsed_s += elapsed_s
        if end is not None:
            begin = end - timedelta(seconds=elapsed_s or 0.0)
            self._start = begin if self._start is None else min(self._start, begin)
            self._end = end if self._end is None else max(self._end, end)
        for domain, watts in power_w.items():
            address = domain.address
            self.domains.setdefault(address, domain)
            total = self._sums.setdefault(address, _Sum())
            total.samples += samples
            total.watts += watts * samples
            if elapsed_s is None:
                total.unweighted += samples
                total.unweighted_watts += watts * samples
                continue
            total.weighted_ws += watts * elapsed_s
            total.weighted_s += elapsed_s
            joules = watts * elapsed_s if energy_j is None else energy_j[domain]
            self._energy[address] = self._energy.get(address, 0.0) + joules
            if end is not None:
                self._put(address, joules, end - timedelta(seconds=elapsed_s), end)
        return True

    def _put(self, address: str, joules: float, start: datetime, end: datetime) -> None:
        pieces = self._pieces.setdefault(address, [])
        last = pieces[-1] if pieces else None
        same_hour = last is not None and last.start.timestamp() // PIECE_S == start.timestamp() // PIECE_S
        if last is not None and same_hour and abs((start - last.end).total_seconds()) < 60:
            last.end, last.energy_j = max(last.end, end), last.energy_j + joules
        elif len(pieces) < MAX_PIECES:
            pieces.append(_Piece(start, max(start, end), joules))
        else:
            raise ImportFailed(f"its times jump about: more than {MAX_PIECES} stretches that do not join")

    def means_w(self) -> dict[Domain, float]:
        """The mean power of each domain so far."""
        return {self.domains[address]: self._mean_w(total) for address, total in self._sums.items()}

    def forget(self, domain: Domain) -> None:
        """Drop a domain whose figures turn out to mean nothing, as a column that is 0.00 in every sample."""
        for kept in (self.domains, self._sums, self._energy, self._pieces):
            kept.pop(domain.address, None)

    def build(self, *, allow_empty: bool = False) -> Recording:
        """The recording; raises ``ImportFailed`` where no sample carried a power."""
        if not self.samples and not allow_empty:
            first = f" ({self.problems[0].reason})" if self.problems else ""
            raise ImportFailed(
                f"no power figure in this {self.format} recording{first}",
                line=self.problems[0].line if self.problems else None,
            )
        if self._skipped > len(self.problems):
            self.warn(f"{self._skipped - len(self.problems)} further problems are not listed")
        tree = Tree(self.domains.values())
        outermost = {a for a in self.domains if not any(tree.contains(other, a) for other in self.domains)}
        timed = self._elapsed_s > 0
        return Recording(
            format=self.format,
            samples=self.samples,
            mean_power_w=self._by_name({a: self._mean_w(s) for a, s in self._sums.items()}, outermost),
            energy_j=self._by_name(self._energy, outermost) if timed else None,
            readings=tuple(self._readings()),
            start=self._start,
            end=self._end,
            duration_s=self._elapsed_s if timed else None,
            hardware=self.hardware,
            tool_version=self.tool_version,
            problems=tuple(self.problems),
            warnings=tuple(self.warnings),
        )

    @staticmethod
    def _mean_w(total: _Sum) -> float:
        if total.weighted_s <= 0:
            return total.watts / total.samples
        typical_s = total.weighted_s / (total.samples - total.unweighted)
        extra = total.unweighted_watts * typical_s
        return (total.weighted_ws + extra) / (total.weighted_s + typical_s * total.unweighted)

    def _by_name(self, values: Mapping[str, float], outermost: set[str]) -> dict[str, float]:
        named: dict[str, float] = {"total": math.fsum(v for a, v in values.items() if a in outermost)}
        for address, value in values.items():
            name = self.domains[address].name
            named[name] = named.get(name, 0.0) + value
        return named

    def _readings(self) -> list[Reading]:
        readings = []
        for address, pieces in self._pieces.items():
            for piece in pieces:
                spread = None if self.error is None else piece.energy_j * self.error
                readings.append(
                    Reading(
                        domain=self.domains[address],
                        window=Window(start=piece.start.astimezone(UTC), end=piece.end.astimezone(UTC)),
                        energy_j=piece.energy_j,
                        low_j=None if spread is None else max(0.0, piece.energy_j - spread),
                        high_j=None if spread is None else piece.energy_j + spread,
                        basis=Basis.MEASURED,
                        source=self.source,
                        cause=f"sensor:{self.source}",
                        method="recorded power x time",
                    )
                )
        return readings
