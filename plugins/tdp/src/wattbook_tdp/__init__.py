"""Estimate energy from duration, utilisation and thermal design power, with an interval."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from wattbook import hookimpl

if TYPE_CHECKING:
    from wattbook import Activity, Gap, Host, Identity, Meter, Reading


@hookimpl
def measure(host: Host, config: object) -> Iterator[Meter]:
    """How busy AMD's boards are: no energy, but what their model needs."""
    if host.os == "linux" and host.gpus:
        from wattbook_tdp.amdgpu import offers

        yield from offers(host)


@hookimpl
def estimate(gaps: list[Gap], activity: Activity, config: object) -> Iterator[Reading | Gap]:
    """A model's answer to each gap that it knows something about."""
    from wattbook_tdp.estimator import answer

    for gap in gaps:
        answered = answer(gap, activity)
        if answered is not None:
            yield answered


@hookimpl
def estimate_many(questions: list[tuple[list[Gap], Activity]], config: object) -> Iterator[list[Reading | Gap]]:
    """The same for many questions at once."""
    from wattbook_tdp.estimator import answer

    for gaps, activity in questions:
        yield [found for gap in gaps if (found := answer(gap, activity)) is not None]


@hookimpl
def identify(name: str, kind: str | None, config: object) -> Iterator[Identity]:
    """The chip or instance type of exactly this name, or why there is none."""
    from wattbook_tdp.identity import identity

    yield identity(name, kind)
