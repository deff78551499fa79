"""One sampling interval as turbostat tells it, and what rows without labels belong to it."""

from __future__ import annotations

from attrs import define, field

MANY_ROWS = 64  #: more rows than this below one header are samples: no machine has so many packages


@define(eq=False)
class Interval:
    """The summary row of one table; filled while its rows are read, and left alone afterwards."""

    line: int
    figures: dict[str, float]  #: domain -> watts, or joules where ``joules``
    joules: bool
    time_us: int | None = None  #: end of the interval, microseconds since 1970
    length_s: float | None = None  #: where the recording tells it
    assumed_s: float | None = None  #: the usual length, where this one is not known
    packages: int | None = None  #: how many, where the table tells
    by_package: dict[int, dict[str, float]] = field(factory=dict)
    first: bool = False  #: a run of turbostat begins here


@define
class Unlabelled:
    """Rows of a table without topology columns and times, where only the order tells what a row is.

    With ``-S`` there is one header and every row below it is a sample.  Otherwise the header precedes
    every sample: its first row is the sum, and rows of packages and cores follow.  The rows below a
    header wait until they tell which it is: packages add up to the first row, samples do not.
    """

    every_row: bool | None = None
    _waiting: list[Interval] = field(factory=list, init=False)
    _sums: int = field(default=0, init=False)  #: headers below which the rows added up

    def put(self, interval: Interval) -> list[Interval]:
        """Take a complete row; answers with the samples that are certain now."""
        if self.every_row:
            return [interval]
        self._waiting.append(interval)
        if len(self._waiting) == 1 or self._waiting[0].length_s is not None:
            return []
        total, rest = self._totals()
        return self.settle() if rest > total * 1.05 + 0.05 or len(self._waiting) > MANY_ROWS else []

    def incomplete(self) -> None:
        """A row with fewer cells than the header belongs to a core: only sums are complete."""
        if self._waiting:
            self.every_row = False

    def settle(self, *, one_sample: bool = False) -> list[Interval]:
        """Decide about the rows that wait: no other will come below this header."""
        waiting, total_rest = self._waiting, self._totals()
        self._waiting = []
        if not waiting:
            return []
        total, rest = total_rest
        adds_up = len(waiting) == 1 or abs(rest - total) <= total * 0.05 + 0.05
        if self.every_row is False or one_sample or waiting[0].length_s is not None or adds_up:
            self._sums += len(waiting) - 1
            if self._sums > 1:
                self.every_row = False
            waiting[0].packages = len(waiting) - 1 or None
            return waiting[:1]
        self.every_row = True
        return waiting

    def clear(self) -> None:
        self._waiting.clear()

    def _totals(self) -> tuple[float, float]:
        """The main figure of the first row, and the sum of those below it."""
        if not self._waiting:
            return 0.0, 0.0
        first = self._waiting[0].figures
        main = "package" if "package" in first else next(iter(first), "")
        values = [interval.figures.get(main, 0.0) for interval in self._waiting]
        return values[0], sum(values[1:])
