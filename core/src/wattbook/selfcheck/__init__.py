"""The self-check of ``doctor --probe``: open what was chosen for a few seconds, and judge what it says."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from wattbook.polling import MeterThread, close, poll
from wattbook.resolve import Fate, Verdict
from wattbook.selfcheck.outcome import Probed, ProbedMeter, SelfCheck, judge
from wattbook.selfcheck.watching import Trace, Watch

__all__ = ["MAX_PROBE_S", "Probed", "ProbedMeter", "SelfCheck", "self_check"]

MAX_PROBE_S = 3_600.0
OPEN_S, ANSWER_S, CLOSE_S = 10.0, 3.0, 5.0  #: how long meters may take to open, to answer, to close
LOOK_S = 0.05  #: how often it is looked whether they have died


def self_check(verdicts: Iterable[Verdict], seconds: float) -> SelfCheck:
    """Open every chosen meter at once, read for *seconds*, close, and judge.

    Ends in bounded time whatever a meter does: one that hangs is left behind in its thread and reported.
    """
    began_s = time.monotonic()
    watched: list[tuple[Verdict, Watch, MeterThread]] = []
    for verdict in verdicts:
        measures = any(domain.is_energy for domain in verdict.domains)
        if verdict.fate is Fate.CHOSEN and verdict.meter is not None and measures:
            watch = Watch(watched=verdict.meter, seconds=seconds)
            watched.append((verdict, watch, MeterThread(f"{verdict.plugin}:{verdict.source}", watch.meter())))
    threads = [thread for _, _, thread in watched]
    try:
        for thread in threads:
            thread.start()
        _wait(threads, OPEN_S, lambda thread: thread.opened)
        _wait(threads, seconds, lambda thread: False)
    finally:
        started = [thread for thread in threads if thread.ident is not None]
        poll(started, stop=True, timeout_s=ANSWER_S)
        hanging = close(started, timeout_s=CLOSE_S)
    meters = tuple(_judge(verdict, watch, thread, thread in hanging) for verdict, watch, thread in watched)
    return SelfCheck(seconds=seconds, duration_s=time.monotonic() - began_s, meters=meters)


def _wait(threads: Sequence[MeterThread], seconds: float, enough: Callable[[MeterThread], bool]) -> None:
    """Wait for *seconds*, or until every thread has died or is *enough*."""
    until = time.monotonic() + seconds
    for thread in threads:
        while thread.is_alive() and not enough(thread) and (left := until - time.monotonic()) > 0:
            thread.join(min(left, LOOK_S))


def _judge(verdict: Verdict, watch: Watch, thread: MeterThread, hangs: bool) -> ProbedMeter:
    reason = None
    if thread.broken:
        reason = f"it broke: {thread.broken}" if thread.opened else f"it cannot be opened: {thread.broken}"
    elif hangs and not thread.opened:
        reason = f"it did not open within {OPEN_S + watch.seconds:g} s"
    elif hangs:
        reason = "it stopped answering" if thread.late else "it does not close"
    chosen = {domain.address: domain for domain in verdict.domains if domain.is_energy}
    traces = watch.copies()
    for address, domain in chosen.items():
        traces.setdefault(address, Trace(domain=domain, missed=watch.reads))
    return ProbedMeter(
        plugin=verdict.plugin,
        source=verdict.source,
        domains=tuple(judge(trace, address in chosen, watch) for address, trace in sorted(traces.items())),
        reason=reason,
    )
