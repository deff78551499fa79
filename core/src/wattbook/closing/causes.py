"""Why a month differs between two states: one cause after the other happens, and each is what it adds."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from wattbook.closing.figures import Figures, together
from wattbook.closing.states import CAUSES, FACTOR, LATE, REALLOCATION, VERSION, Between, Rules
from wattbook.report import Report

Parts = dict[str | None, Figures]


@frozen(kw_only=True)
class Cause:
    """One cause: what it touched, what it adds to the total, and to each project."""

    name: str
    count: int
    figures: Figures
    projects: Parts


@frozen(kw_only=True)
class Difference:
    """Two states of a month and the causes that lead from one to the other; they add up exactly."""

    before: Figures
    after: Figures
    causes: tuple[Cause, ...]

    @property
    def figures(self) -> Figures:
        return self.after.less(self.before)

    @property
    def sums_up(self) -> bool:
        return bool(together(cause.figures for cause in self.causes).less(self.figures)) is False


def difference(
    told: Between, before: Rules, after: Rules, *, recorded: Figures | None = None, factors: bool = True
) -> Difference:
    """The difference between the earlier state by the rules of *before* and the later one by those of *after*.

    *recorded* are the figures that were told at the earlier moment: where they are not those that this
    version makes of the same rows, that is a cause of its own.  Without *factors*, pinned ones stay.
    """
    steps = list(_steps(told, before, after, factors))
    first = steps[0][1]
    here = Figures.from_total(first.total)
    begin = recorded if recorded is not None else here
    causes = [Cause(name=VERSION, count=0, figures=here.less(begin), projects={})] if here.less(begin) else []
    for name, report in steps[1:]:
        now = Figures.from_total(report.total)
        parts = _moved(first, report)
        if now.less(here) or parts:
            causes.append(Cause(name=name, count=told.counted(name), figures=now.less(here), projects=parts))
        first, here = report, now
    return Difference(before=begin, after=here, causes=tuple(causes))


def _steps(told: Between, before: Rules, after: Rules, factors: bool) -> Iterator[tuple[str, Report]]:
    """The states on the way, each only where it can differ from the one before."""
    rules, done = before, set[str]()
    yield "", told.report(done, rules)
    for cause in CAUSES:
        if cause == VERSION:
            continue
        if cause == FACTOR:
            if factors and rules.pins != after.pins:
                yield cause, told.report(done, after)
            continue
        done.add(cause)
        settled = rules.settings
        if cause == REALLOCATION:
            rules = Rules(settings=after.settings, pins=rules.pins)
        if told.counted(cause) or rules.settings != settled or _runs(told, cause):
            yield cause, told.report(done, rules)


def _runs(told: Between, cause: str) -> bool:
    return cause == LATE and told.runs != told.later_runs


def _moved(before: Report, after: Report) -> Parts:
    """What every project has more or less."""
    then = {row.key: Figures.from_total(row.total) for row in before.by["project"]}
    now = {row.key: Figures.from_total(row.total) for row in after.by["project"]}
    keys = sorted({*then, *now}, key=lambda key: (key is None, key or ""))
    moved = {key: now.get(key, Figures()).less(then.get(key, Figures())) for key in keys}
    return {key: figures for key, figures in moved.items() if figures}
