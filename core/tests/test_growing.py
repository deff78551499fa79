"""Cheap polls: what a killed run keeps between two whole ones is what a whole one would have said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wattbook import spool
from wattbook.model import Domain, Meter
from wattbook.pipeline.growing import STEADY, WHOLE_S, Grower
from wattbook.pipeline.settle import figure
from wattbook.polling import Tally
from wattbook.records import Entry, RunRecord
from wattbook.resolve import Fate, Verdict
from wattbook.sampling import CpuTimes, LoadHistogram
from wattbook.spool.writing import SpoolWriter

PACKAGE = Domain(device="cpu:0", name="package")
METER = Meter(name="m", domains=(PACKAGE,), error=0.02, probe=lambda: None, open=lambda: None)  # type: ignore[arg-type, return-value]
VERDICT = Verdict(plugin="p", source="m", fate=Fate.CHOSEN, domains=(PACKAGE,), reason="", meter=METER)
AT = [f"2026-11-01T08:00:{second:02}.000000Z" for second in range(60)]


def an_entry(basis: str | None, energy_j: float | None, device: str = "machine", **more: Any) -> Entry:
    known = {} if energy_j is None else {"low_j": energy_j / 2, "high_j": energy_j * 2}
    return Entry(
        run_id="r", start=AT[0], end=AT[1], host="h", device=device, domain=more.pop("domain", "host"), basis=basis,
        kind="reading" if basis else "gap", energy_j=energy_j, plugin="p", source="m", **{**known, **more},
    )  # fmt: skip


MEASURED = an_entry("measured", 100.0, device="cpu:0", domain="package")
ESTIMATED = an_entry("estimated", 40.0)
GAP = an_entry(None, None, domain="facility")


def a_thread(energy_j: float, covered_s: float, missed_s: float = 0.0, broken: str = "") -> Any:
    tally = Tally()
    tally.energy_j, tally.covered_s, tally.missed_s = energy_j, covered_s, missed_s
    return SimpleNamespace(source="p:m", broken=broken, tallies=lambda: {PACKAGE.address: (PACKAGE, tally)})


class Machine:
    """Two processors whose load the test chooses."""

    def __init__(self) -> None:
        self.loads, self.busy_s, self.total_s = LoadHistogram(), 0.0, 0.0
        self.loads.take(CpuTimes(0.0, 0.0), 0.0)

    def run(self, seconds: float, load: float) -> None:
        self.busy_s += 2 * seconds * load
        self.total_s += 2 * seconds
        self.loads.take(CpuTimes(self.busy_s, self.total_s), seconds)


def a_whole_poll(entries: Iterable[Entry], *threads: Any, load: float = 0.5) -> tuple[Grower, Machine]:
    machine, grower = Machine(), Grower()
    machine.run(10, load)
    grower.whole(list(entries), 10.0, machine.loads, threads)
    return grower, machine


@given(load=st.floats(0, 1), seconds=st.floats(0.1, WHOLE_S - 0.1), watts=st.floats(0, 500))
def test_what_was_measured_is_what_a_whole_poll_would_say(load: float, seconds: float, watts: float) -> None:
    grower, machine = a_whole_poll([MEASURED, GAP], a_thread(100.0, 10.0), load=load)
    machine.run(seconds, load)
    now = a_thread(100.0 + watts * seconds, 9.9 + seconds)
    figures = grower.grown(10 + seconds, machine.loads, [now], [VERDICT])
    assert figures == [figure(now.tallies()[PACKAGE.address][1], 10 + seconds, 0.02), None]


def test_an_estimate_goes_on_at_its_mean_power() -> None:
    grower, machine = a_whole_poll([ESTIMATED])
    machine.run(5, 0.5)
    assert grower.grown(15.0, machine.loads, [], []) == [(60.0, 30.0, 120.0)]


@given(load=st.floats(0, 1), then=st.floats(0, 1))
def test_a_load_that_changes_calls_for_a_whole_poll(load: float, then: float) -> None:
    grower, machine = a_whole_poll([ESTIMATED], load=load)
    machine.run(2, then)
    grown = grower.grown(12.0, machine.loads, [], [])
    if abs(load - then) < STEADY - 1e-6:
        assert grown is not None
    elif abs(load - then) > STEADY + 1e-6:
        assert grown is None


@pytest.mark.parametrize(
    ("now", "duration_s"),
    [
        (a_thread(120.0, 12.0, missed_s=1.0), 12.0),
        (a_thread(120.0, 12.0, broken="it stopped"), 12.0),
        (a_thread(100.0, 0.0), 12.0),
        (a_thread(400.0, 40.0), 10 + WHOLE_S),
        (a_thread(90.0, 9.0), 9.0),
    ],
    ids=["a hole", "a meter that stopped", "no samples", "long ago", "another stretch"],
)
def test_what_is_not_plain_calls_for_a_whole_poll(now: Any, duration_s: float) -> None:
    grower, machine = a_whole_poll([MEASURED], a_thread(100.0, 10.0))
    machine.run(2, 0.5)
    assert grower.grown(12.0, machine.loads, [a_thread(120.0, 12.0)], [VERDICT]) is not None
    assert grower.grown(duration_s, machine.loads, [now], [VERDICT]) is None


def test_an_accelerator_that_is_estimated_never_grows() -> None:
    grower, machine = a_whole_poll([an_entry("estimated", 40.0, device="gpu:0", domain="board")])
    machine.run(2, 0.5)
    assert grower.grown(12.0, machine.loads, [], []) is None


def test_a_new_stretch_starts_with_a_whole_poll() -> None:
    grower, machine = a_whole_poll([ESTIMATED])
    machine.run(2, 0.5)
    grower.forget()
    assert grower.grown(12.0, machine.loads, [], []) is None


# --- in the spool ------------------------------------------------------------------------------


@pytest.fixture
def writer(tmp_path: Any) -> Iterable[SpoolWriter]:
    made = SpoolWriter.create(RunRecord(run_id="r", start=AT[0], end=AT[0], complete=False), where=str(tmp_path))
    yield made
    made.close()


def energies(path: str) -> Mapping[str, tuple[float | None, str]]:
    return {e.domain: (e.energy_j, e.end) for e in spool.read(path).entries}


def test_a_killed_run_keeps_what_its_last_poll_had_grown_to(writer: SpoolWriter) -> None:
    writer.poll(AT[1], [ESTIMATED, GAP], share=0.5)
    writer.grown(AT[2], [(80.0, 40.0, 160.0), None])
    writer.grown(AT[3], [(120.0, 60.0, 240.0), None])
    content = spool.read(writer.path)
    assert energies(writer.path) == {"host": (120.0, AT[3]), "facility": (None, AT[3])}
    assert (content.entries[0].low_j, content.entries[0].high_j) == (60.0, 240.0)
    assert content.run is not None
    assert (content.run.end, content.run.process_share) == (AT[3], 0.5)


def test_only_a_poll_of_the_running_stretch_grows(writer: SpoolWriter) -> None:
    assert not writer.can_grow
    writer.poll(AT[1], [ESTIMATED])
    assert writer.can_grow
    writer.piece([ESTIMATED])
    assert not writer.can_grow


def test_a_line_that_belongs_to_another_poll_damages_the_file(writer: SpoolWriter) -> None:
    writer.poll(AT[1], [ESTIMATED, GAP])
    writer.grown(AT[2], [(80.0, 40.0, 160.0)])
    writer.grown(AT[3], [None, None])
    assert spool.read(writer.path).damaged


def test_the_next_poll_replaces_what_had_grown(writer: SpoolWriter) -> None:
    writer.poll(AT[1], [ESTIMATED])
    writer.grown(AT[2], [(80.0, 40.0, 160.0)])
    writer.poll(AT[3], [GAP])
    assert energies(writer.path) == {"facility": (None, AT[1])}
