"""Many questions at once have the answers of each alone, whatever a plugin can do and however it fails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wattbook import hookimpl
from wattbook.byhand import Estimators
from wattbook.byhand.estimators import HOUR
from wattbook.jobs import Job
from wattbook.model import Activity, Basis, Domain, Gap, Host, Load, Reading
from wattbook.pipeline import fill
from wattbook.pipeline.many import fill_many
from wattbook.plugins import gather

DOMAINS = [Domain(device="machine", name="host"), Domain(device="gpu:0", name="board"), Domain(device="x", name="y")]
GAPS = [Gap(domain=domain, window=HOUR, reason="open") for domain in DOMAINS]


class Plain:
    """Answers the host in watts of its threads, and fails where there are thirteen."""

    calls = 0

    @hookimpl
    def estimate(self, gaps: list[Gap], activity: Activity, config: Any) -> Iterator[Reading | Gap]:
        self.calls += 1
        threads = activity.host.threads or 0
        if threads == 13:
            raise RuntimeError("thirteen")
        for gap in gaps:
            if gap.domain.device == "machine":
                yield Reading(
                    domain=gap.domain, window=HOUR, energy_j=2.0 * threads, low_j=1.0 * threads, high_j=3.0 * threads,
                    basis=Basis.ESTIMATED, source="plain", cause="model:plain", method="threads",
                )  # fmt: skip
            else:
                yield Gap(domain=gap.domain, window=HOUR, reason="no idea")


class Wide(Plain):
    many = 0

    @hookimpl
    def estimate_many(self, questions: list[tuple[list[Gap], Activity]], config: Any) -> Iterator[list[Reading | Gap]]:
        self.many += 1
        for gaps, activity in questions:
            yield list(self.estimate(gaps=gaps, activity=activity, config=config))


class Short(Wide):
    """A plugin with a defect: one list too few."""

    @hookimpl
    def estimate_many(self, questions: list[tuple[list[Gap], Activity]], config: Any) -> Iterator[list[Reading | Gap]]:
        yield from list(super().estimate_many(questions=questions, config=config))[:-1]


class Lazy(Plain):
    """Another defect: what should be a list is not."""

    @hookimpl
    def estimate_many(self, questions: list[tuple[list[Gap], Activity]], config: Any) -> Iterator[Any]:
        for gaps, activity in questions:
            yield self.estimate(gaps=gaps, activity=activity, config=config)


def question(threads: int, some: list[Gap]) -> tuple[list[Gap], Activity]:
    load = Load(device="cpu", seconds=3600.0, low=0.5, high=0.5)
    return some, Activity(window=HOUR, host=Host(threads=threads), loads=(load,))


questions = st.lists(st.builds(question, st.integers(1, 16), st.lists(st.sampled_from(GAPS), unique=True)), max_size=6)


@given(st.lists(st.sampled_from([Plain, Wide, Short, Lazy]), max_size=3), questions)
def test_many_questions_have_the_answers_of_each_alone(
    kinds: list[type[Plain]], some: list[tuple[list[Gap], Activity]]
) -> None:
    plugins = gather([(f"p{number}", kind()) for number, kind in enumerate(kinds)])
    alone = [fill(plugins, gaps, activity, calibrated=False) for gaps, activity in some]
    together = fill_many(plugins, some)
    for one, other in zip(alone, together, strict=True):
        assert (other.readings, other.gaps) == (one.readings, one.gaps)
        assert [(b.plugin, b.hook, b.reason) for b in other.broken] == [
            (b.plugin, b.hook, b.reason) for b in one.broken
        ]


def test_a_long_file_is_asked_in_parts() -> None:
    plugin = Wide()
    estimators = Estimators(gather([("wide", plugin)]))
    jobs = [Job(hours=1.0, threads=threads) for threads in range(20, 1_220)]
    estimators.foresee(jobs)
    assert plugin.many == 3
    before = plugin.calls
    assert [estimators.hourly(job).power.value for job in jobs[:2]] == pytest.approx([2 * 20 / 3600, 2 * 21 / 3600])
    assert plugin.calls == before


def test_a_failure_stays_with_its_line() -> None:
    estimators = Estimators(gather([("wide", Wide())]))
    jobs = [Job(hours=1.0, threads=threads) for threads in (12, 13, 14)]
    estimators.foresee(jobs)
    assert estimators.hourly(jobs[0]).readings
    assert estimators.hourly(jobs[2]).readings
    with pytest.raises(Exception, match="thirteen"):
        estimators.hourly(jobs[1])
