"""The live view's data: one frame after the other, nothing recorded."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from wattbook.records import Labels, Place
from wattbook.watching.frame import Frame
from wattbook.watching.machine import Machine, moment_of


def frames(
    machine: Machine,
    interval_s: float,
    wait: Callable[[float], bool],
    *,
    count: int | None = None,
    lasting_s: float | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Frame]:
    """Frames until *wait* (seconds to the next one) says that it is enough; a meter that comes back is used again."""
    machine.look()
    machine.wait_open(wait)
    began_s = last_s = looked_s = clock()
    machine.begin(last_s, skip=True)
    given = 0
    while count is None or given < count:
        due_s = last_s + interval_s
        if lasting_s is not None:
            due_s = min(due_s, began_s + lasting_s)
        stop = wait(max(0.0, due_s - clock()))
        now_s = clock()
        if stop or now_s <= last_s:
            return
        machine.tick(now_s)
        yield frame(machine, now_s - last_s)
        given += 1
        if lasting_s is not None and now_s - began_s >= lasting_s:
            return
        if machine.lost() or (not machine.complete and now_s - looked_s > 5):
            looked_s = now_s
            machine.look()
        machine.begin(now_s)
        last_s = now_s


def frame(machine: Machine, duration_s: float) -> Frame:
    """The running stretch as a frame."""
    moment = moment_of(time.time() - duration_s)
    settled = machine.settle(moment)
    loads = machine.loads
    warnings = list(machine.warnings)
    machine.warnings.clear()
    entries = settled.entries(run_id="", host=machine.host.name, labels=Labels(), place=Place(), versions={})
    return Frame.from_settled(
        settled.readings, settled.gaps, entries,
        duration_s=duration_s,
        own_share=machine.own_share(),
        busy_share=loads.busy_s / loads.total_s if loads.total_s > 0 else None,
        warnings=warnings,
    )  # fmt: skip
