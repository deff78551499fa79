"""From samples to the book: subtract, find what is open, estimate it, and never count a joule twice."""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wattbook import spool
from wattbook.cli.child import Event, Events
from wattbook.cli.running import Box
from wattbook.config import Config
from wattbook.hookspecs import hookimpl
from wattbook.model import (
    Activity,
    Basis,
    Chip,
    Domain,
    Gap,
    Host,
    Load,
    Meter,
    Missed,
    Reading,
    Sample,
    Session,
    Window,
)
from wattbook.pipeline import Survey, fill, survey
from wattbook.pipeline.document import document
from wattbook.pipeline.labels import named
from wattbook.pipeline.observe import observe
from wattbook.pipeline.settle import Settled, Stretch, settle
from wattbook.plugins import Plugins, gather
from wattbook.polling import Tally
from wattbook.records import Entry, Labels, Place, RunRecord, utc_text, utc_time
from wattbook.sampling import CpuTimes

START = datetime(2026, 10, 1, 8, tzinfo=UTC)
WALL = Domain(device="machine", name="wall")
PACKAGE = Domain(device="cpu:0", name="package")
CORE = Domain(device="cpu:0", name="core", within="cpu:0/package")
HOST = Host(name="h", os="linux", arch="x86_64", cpus=(Chip(name="X", device="cpu:0"),))


def window(seconds: float = 100.0) -> Window:
    return Window(start=START, end=START + timedelta(seconds=seconds))


def never() -> AbstractContextManager[Session]:
    raise AssertionError("opened")


def a_meter(*domains: Domain, name: str = "m", error: float | None = 0.01, opened: Any = never) -> Meter:
    return Meter(name=name, domains=domains, error=error, probe=lambda: None, open=opened, interval_s=0.1)


def measuring(*meters: Meter) -> object:
    @hookimpl
    def measure(host: Host, config: Any) -> Iterable[Meter]:
        return meters

    return SimpleNamespace(measure=measure, __name__="measuring")


def estimating(answer: Callable[[list[Gap], Activity], Iterable[Any]]) -> object:
    @hookimpl
    def estimate(gaps: list[Gap], activity: Activity, config: Any) -> Iterable[Any]:
        return answer(gaps, activity)

    return SimpleNamespace(estimate=estimate, __name__="estimating")


def ten_watts(gaps: list[Gap], activity: Activity) -> Iterator[Reading]:
    for gap in gaps:
        if gap.domain.name in ("host", "other", "dram"):
            joules = 10 * activity.window.duration_s
            yield Reading(
                domain=gap.domain, window=activity.window, energy_j=joules, low_j=joules / 2, high_j=joules * 2,
                basis=Basis.ESTIMATED, source="thumb", cause="model:thumb",
            )  # fmt: skip


class Plugin:
    """pluggy wants what can be hashed, and a namespace cannot."""

    def __init__(self, **hooks: Any) -> None:
        self.__dict__.update(hooks)


def plugins(**named: object) -> Plugins:
    made = gather([(name, Plugin(**vars(plugin))) for name, plugin in named.items()])
    assert made.broken == ()
    return made


def seen(energy_j: float, seconds: float = 100.0, **missed: Any) -> Tally:
    tally = Tally()
    tally.energy_j, tally.covered_s = energy_j, seconds
    for name, value in missed.items():
        setattr(tally, name, value)
    return tally


def settled(made: Plugins, tallies: dict[str, dict[Domain, Tally]], host: Host = HOST, **more: Any) -> Settled:
    stretch = Stretch(
        window=window(),
        loads=(Load(device="cpu", seconds=100, low=0.5, high=0.5),),
        tallies={s: {d.address: (d, tally) for d, tally in said.items()} for s, said in tallies.items()},
        **more,
    )
    return settle(stretch, survey(host, Config(), made), made, pue=1.0)


def as_entries(result: Settled, run_id: str = "r") -> list[Entry]:
    return result.entries(run_id=run_id, host="h", labels=Labels(), place=Place(zone="SG"), versions={"m": "1.2"})


# --- step 5: subtract ---------------------------------------------------------------------------


def test_a_meter_that_saw_all_of_it_is_taken_as_it_is() -> None:
    (_, reading, outermost), *_ = settled(plugins(p=measuring(a_meter(WALL))), {"p:m": {WALL: seen(5000)}}).readings
    assert (reading.energy_j, reading.low_j, reading.high_j) == (5000, pytest.approx(4950), pytest.approx(5050))
    assert (reading.basis, reading.source, outermost) == (Basis.MEASURED, "m", True)
    assert reading.window == window()


def test_the_seconds_that_a_meter_did_not_see_widen_the_interval() -> None:
    (_, reading, _), *_ = settled(plugins(p=measuring(a_meter(WALL))), {"p:m": {WALL: seen(4500, 90)}}).readings
    assert reading.energy_j == pytest.approx(5000)
    assert reading.low_j == pytest.approx(4500 * 0.99)
    assert reading.high_j == pytest.approx(5500 * 1.01)


def test_a_meter_read_a_moment_too_late_is_cut_to_the_window() -> None:
    (_, reading, _), *_ = settled(plugins(p=measuring(a_meter(WALL))), {"p:m": {WALL: seen(5050, 101)}}).readings
    assert reading.energy_j == pytest.approx(5000)
    assert reading.low_j is not None
    assert reading.low_j < 4950 * 0.995


def test_an_unknown_error_gives_no_interval() -> None:
    (_, reading, _), *_ = settled(plugins(p=measuring(a_meter(WALL, error=None))), {"p:m": {WALL: seen(5000)}}).readings
    assert (reading.low_j, reading.high_j) == (None, None)


def test_a_meter_that_saw_next_to_nothing_did_not_measure_and_is_named() -> None:
    result = settled(
        plugins(p=measuring(a_meter(PACKAGE)), e=estimating(lambda gaps, activity: [])),
        {"p:m": {PACKAGE: seen(50, 1)}},
    )
    assert result.readings == ()
    assert result.silent == ("p:m was chosen, but gave no figure for most of this time",)


def test_a_meter_that_broke_says_why() -> None:
    result = settled(plugins(p=measuring(a_meter(WALL))), {"p:m": {}}, broken={"p:m": "KeyError: 'x'"})
    assert result.silent == ("p:m was chosen, but stopped (KeyError: 'x')",)


def test_a_meter_that_was_never_opened_came_too_late() -> None:
    result = settled(plugins(p=measuring(a_meter(WALL))), {})
    assert result.silent == ("the command ended before p:m was ready",)


def test_what_was_missed_is_a_gap_with_bounds_and_the_rest_is_measured() -> None:
    tally = seen(4000, 80, missed_s=20.0, missed_low_j=10.0, missed_high_j=900.0, reasons=["asleep"])
    result = settled(plugins(p=measuring(a_meter(WALL))), {"p:m": {WALL: tally}})
    (_, reading, _) = result.readings[0]
    assert reading.energy_j == pytest.approx(4000)
    hole = next(gap for gap in result.gaps if gap.domain == WALL)
    assert (hole.low_j, hole.high_j) == (10, 900)
    assert hole.reason == "20.0 s of it are not known: asleep"


def test_a_breakdown_is_kept_and_is_no_addend() -> None:
    made = plugins(p=measuring(a_meter(PACKAGE, CORE)), e=estimating(ten_watts))
    result = settled(made, {"p:m": {PACKAGE: seen(5000), CORE: seen(3000)}})
    outermost = {reading.domain.address: flag for _, reading, flag in result.readings}
    assert outermost == {"cpu:0/package": True, "dram:0/dram": True, "machine/other": True, "cpu:0/core": False}


def test_a_domain_that_another_source_answers_for_is_left_to_it() -> None:
    made = plugins(p=measuring(a_meter(PACKAGE, error=0.5)), q=measuring(a_meter(PACKAGE, error=0.01)))
    result = settled(made, {"p:m": {PACKAGE: seen(1)}, "q:m": {PACKAGE: seen(5000)}})
    assert [(plugin, reading.energy_j) for plugin, reading, _ in result.readings] == [("q", 5000)]


def test_a_breakdown_of_what_was_not_measured_is_dropped() -> None:
    made = plugins(p=measuring(a_meter(PACKAGE, CORE)))
    assert settled(made, {"p:m": {PACKAGE: seen(1, 0.5), CORE: seen(3000)}}).readings == ()


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_adding_a_breakdown_never_changes_a_total(package_j: float, core_j: float) -> None:
    made = plugins(p=measuring(a_meter(PACKAGE, CORE)), e=estimating(ten_watts))
    run = RunRecord(run_id="r", start=utc_text(START), end=utc_text(window().end))
    totals = []
    for tallies in ({PACKAGE: seen(package_j)}, {PACKAGE: seen(package_j), CORE: seen(core_j)}):
        doc = document(run, as_entries(settled(made, {"p:m": tallies})), command=["x"])
        totals.append((doc["energy_j"], doc["energy_low_j"], doc["co2e_g"], doc["by_basis_j"]))
    assert totals[0] == totals[1]


# --- steps 6 and 7: gaps and estimates ----------------------------------------------------------


def test_without_a_meter_the_whole_machine_is_one_gap_and_is_estimated() -> None:
    result = settled(plugins(e=estimating(ten_watts)), {})
    ((plugin, reading, outermost),) = result.readings
    assert (plugin, reading.domain.address, reading.basis, outermost) == ("e", "machine/host", Basis.ESTIMATED, True)
    assert result.gaps == ()


def test_what_nobody_answers_for_stays_a_gap_with_its_reason() -> None:
    result = settled(plugins(), {})
    assert [(gap.domain.address, gap.reason) for gap in result.gaps] == [
        ("machine/host", "no source measures or models this machine")
    ]


def test_an_accelerator_that_nothing_measures_may_have_done_anything() -> None:
    asked: list[Activity] = []

    def remember(gaps: list[Gap], activity: Activity) -> Iterable[Any]:
        asked.append(activity)
        return []

    host = Host(name="h", os="linux", arch="x86_64", gpus=(Chip(name="A100", device="gpu:0"),))
    settled(plugins(e=estimating(remember)), {}, host=host)
    assert asked[0].of("gpu:0") == (Load(device="gpu:0", seconds=100, low=0.0, high=1.0),)
    assert asked[0].of("cpu")[0].middle == 0.5


def test_an_estimator_may_give_a_better_reason() -> None:
    def know_better(gaps: list[Gap], activity: Activity) -> Iterable[Any]:
        return [Gap(domain=gap.domain, window=gap.window, reason="the chip is not in the catalogue") for gap in gaps]

    result = settled(plugins(e=estimating(know_better)), {})
    assert [gap.reason for gap in result.gaps] == ["the chip is not in the catalogue"]


def test_the_first_estimator_by_name_wins_a_gap() -> None:
    made = plugins(b=estimating(ten_watts), a=estimating(ten_watts))
    assert [plugin for plugin, _, _ in settled(made, {}).readings] == ["a"]


@pytest.mark.parametrize(
    "answer",
    [
        lambda gaps, activity: 1 / 0,
        lambda gaps, activity: ["text"],
        lambda gaps, activity: [
            Reading(
                domain=CORE, window=activity.window, energy_j=1, low_j=0, high_j=2, basis=Basis.ESTIMATED, source="x"
            )
        ],
        lambda gaps, activity: [
            Reading(domain=gaps[0].domain, window=activity.window, energy_j=1, basis=Basis.ESTIMATED, source="x")
        ],
    ],
    ids=["raises", "answers with text", "answers what was not asked", "answers without an interval"],
)
def test_an_estimator_that_breaks_its_word_is_broken_and_the_gap_stays(answer: Any) -> None:
    result = settled(plugins(e=estimating(answer)), {})
    assert result.readings == ()
    assert [b.plugin for b in result.broken] == ["e"]
    assert [gap.domain.address for gap in result.gaps] == ["machine/host"]


def test_an_estimator_that_hangs_is_left_behind() -> None:
    done = threading.Event()
    made = plugins(e=estimating(lambda gaps, activity: [done.wait(60)]))
    gap = Gap(domain=WALL, window=window(), reason="open")
    filled = fill(made, [gap], Activity(window=window(), host=HOST), timeout_s=0.1)
    done.set()
    assert filled.gaps == (gap,)
    assert "did not answer within 0.1 s" in filled.broken[0].reason


def test_asking_about_nothing_asks_nobody() -> None:
    made = plugins(e=estimating(lambda gaps, activity: 1 / 0))  # type: ignore[arg-type,return-value]
    assert fill(made, [], Activity(window=window(), host=HOST)).broken == ()


# --- the document -------------------------------------------------------------------------------

RUN = RunRecord(run_id="r", start=utc_text(START), end=utc_text(window().end), exit_code=3, process_share=0.25)


def test_nothing_known_is_null_and_never_zero() -> None:
    doc = document(RUN, [], command=["x"])
    nulls = {"energy_j", "energy_low_j", "energy_high_j", "co2e_g", "co2e_low_g", "co2e_high_g", "factor", "signal"}
    assert {key for key in nulls if doc[key] is not None} == set()
    assert doc["by_basis_j"] == {"measured": None, "estimated": None}
    assert (doc["exit_code"], doc["process_share"], doc["duration_s"]) == (3, 0.25, 100)


def test_gaps_are_named_once() -> None:
    entries = as_entries(settled(plugins(), {}))
    doc = document(RUN, [*entries, *entries], command=["x"])
    assert doc["gaps"] == [{"domain": "machine/host", "reason": "no source measures or models this machine"}]


def test_carbon_follows_from_the_factor_that_is_named() -> None:
    doc = document(RUN, as_entries(settled(plugins(e=estimating(ten_watts)), {})), command=["x"])
    assert doc["co2e_g"] == pytest.approx(doc["energy_j"] / 3_600_000 * doc["factor"]["g_per_kwh"])
    assert doc["co2e_low_g"] < doc["co2e_g"] < doc["co2e_high_g"]
    assert doc["factor"]["assumed"] is False


@given(st.lists(st.floats(0.1, 1e5), min_size=1, max_size=10))
def test_cutting_a_run_into_stretches_changes_no_total(lengths: list[float]) -> None:
    def entries(start: float, end: float, run_id: str) -> Entry:
        span = Window(start=START + timedelta(seconds=start), end=START + timedelta(seconds=end))
        (reading,) = ten_watts([Gap(domain=Domain(device="machine", name="host"), window=span, reason="")],
                               Activity(window=span, host=HOST))  # fmt: skip
        return Entry.from_reading(reading, run_id=run_id, host="h", plugin="e", place=Place(zone="SG"))

    cuts = [sum(lengths[:i]) for i in range(len(lengths) + 1)]
    pieces = [entries(a, b, "r") for a, b in itertools.pairwise(cuts)]
    one, many = (document(RUN, made, command=["x"]) for made in ([entries(0, cuts[-1], "r")], pieces))
    assert len(many["readings"]) == 1
    for key in ("energy_j", "energy_low_j", "energy_high_j", "co2e_g", "co2e_low_g", "co2e_high_g"):
        assert many[key] == pytest.approx(one[key], rel=1e-4)
    assert many["readings"][0]["energy_j"] == pytest.approx(many["energy_j"])


# --- a run under observation --------------------------------------------------------------------


class Strip:
    """A meter that counts 100 J a second."""

    def read(self) -> Iterator[Sample]:
        now = time.monotonic()
        yield Sample(at_s=now, domain=WALL, energy_j=100 * now)


class Observation:
    """One run under observation in this process, with a command that is only played."""

    def __init__(
        self, folder: Path, made: Plugins, monkeypatch: pytest.MonkeyPatch, ended: Event | None = None, **order: Any
    ) -> None:
        monkeypatch.setenv("WATTBOOK_STATE", str(folder))
        monkeypatch.setattr("wattbook.pipeline.observe.installed", lambda tables=None: made)
        monkeypatch.setattr("wattbook.pipeline.observe.detect", lambda: HOST)
        monkeypatch.setattr("wattbook.pipeline.observe.load", lambda path: Config())
        self.folder, self.events, self.box = folder, Events(), Box()
        self.order = {
            "run_id": "r1", "parent_id": None, "argv": ["/usr/bin/train", "--secret"], "stat": b"", "pid": os.getpid(),
            "started_at": time.time(), "started_s": time.monotonic(), "project": "ner", "phase": None, "tags": {},
            "site": None, "interval_s": 0.05, "config": None, "ledger": None, **order,
        }  # fmt: skip
        if ended is not None:
            self.events.put(ended)
        self.thread = threading.Thread(target=observe, args=(self.order, self.events, self.box))
        self.thread.start()

    def content(self) -> spool.SpoolContent:
        return spool.read(str(self.folder / "spool" / "r1.jsonl"))

    def wait_for(self, condition: Callable[[], bool]) -> None:
        until = time.monotonic() + 20
        while not condition() and time.monotonic() < until:
            time.sleep(0.01)
        assert condition()

    def polled(self) -> bool:
        return os.path.exists(self.folder / "spool" / "r1.jsonl") and bool(self.content().entries)

    def measured(self) -> bool:
        """A first poll may come before the meter's thread has a figure."""
        return self.polled() and any(entry.kind == "reading" for entry in self.content().entries)

    def end(self, **more: Any) -> dict[str, Any]:
        self.events.put(Event("ended", time.monotonic(), b"", **({"exit_code": 0, "cpu_s": 0.0} | more)))
        self.thread.join(20)
        assert self.box.document is not None
        return self.box.document


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Observation]]:
    started: list[Observation] = []

    def start(made: Plugins, ended: Event | None = None, **order: Any) -> Observation:
        started.append(Observation(tmp_path, made, monkeypatch, ended, **order))
        return started[-1]

    yield start
    for one in started:
        if one.thread.is_alive():
            one.end()


def strip() -> object:
    return measuring(a_meter(WALL, name="strip", opened=lambda: contextlib.nullcontext(Strip())))


def test_every_poll_is_in_the_spool_before_the_end(watched: Callable[..., Observation]) -> None:
    run = watched(plugins(e=estimating(ten_watts)))
    run.wait_for(run.polled)
    before = run.content()
    assert before.run is not None
    assert (before.complete, before.run.complete) == (False, False)
    assert spool.is_live(str(run.folder / "spool" / "r1.jsonl"))
    run.end()
    after = run.content()
    assert after.run is not None
    assert (after.complete, after.run.exit_code) == (True, 0)
    assert not spool.is_live(str(run.folder / "spool" / "r1.jsonl"))


def test_the_spool_and_the_document_say_the_same(watched: Callable[..., Observation]) -> None:
    run = watched(plugins(p=strip()))
    run.wait_for(run.polled)
    time.sleep(0.3)
    doc = run.end()
    content = run.content()
    assert content.run is not None
    booked = [e.energy_j for e in content.entries if e.kind == "reading"]
    assert booked == [doc["energy_j"]]
    assert doc["energy_j"] == pytest.approx(100 * doc["duration_s"], rel=0.02)
    assert (content.run.start, content.run.end) == (doc["start"], doc["end"])


def test_the_model_stands_beside_the_meter_once_the_run_is_over(watched: Callable[..., Observation]) -> None:
    run = watched(plugins(s=strip(), e=estimating(ten_watts)))
    run.wait_for(run.polled)
    assert {entry.kind for entry in run.content().entries} <= {"reading", "gap"}
    doc = run.end()
    models = [entry for entry in run.content().entries if entry.kind == "model"]
    assert [(m.device, m.domain, m.outermost) for m in models] == [("machine", "host", False)]
    assert all(reading["basis"] == "measured" for reading in doc["readings"] if reading["domain"] == "wall")
    assert doc["by_basis_j"]["estimated"] is None


def test_a_run_knows_how_busy_the_machine_was(watched: Callable[..., Observation]) -> None:
    run = watched(plugins(e=estimating(ten_watts)))
    run.wait_for(run.polled)
    doc = run.end()
    saved = run.content().run
    assert saved is not None
    assert doc["activity"] == dict(saved.activity)
    assert 0 <= doc["activity"]["cpu_utilisation"] <= 1
    assert doc["activity"]["threads"] >= 1


def test_only_the_programs_name_goes_to_the_book(watched: Callable[..., Observation]) -> None:
    run = watched(plugins())
    doc = run.end()
    content = run.content()
    assert content.run is not None
    assert content.run.command == "train"
    assert "--secret" not in (run.folder / "spool" / "r1.jsonl").read_text()
    assert doc["command"] == ["/usr/bin/train", "--secret"]


def test_verdicts_are_kept_with_the_run(watched: Callable[..., Observation]) -> None:
    run = watched(plugins(p=strip()))
    run.wait_for(run.polled)
    run.end()
    content = run.content()
    assert content.run is not None
    assert [(v["plugin"], v["source"], v["fate"]) for v in content.run.verdicts] == [("p", "strip", "chosen")]


def test_a_command_that_ended_at_once_is_estimated_and_says_why(watched: Callable[..., Observation]) -> None:
    now_s = time.monotonic()
    ended = Event("ended", now_s + 0.002, exit_code=0, cpu_s=0.001)
    run = watched(plugins(p=strip(), e=estimating(ten_watts)), ended, started_s=now_s)
    run.thread.join(20)
    assert run.box.document is not None
    assert run.box.document["duration_s"] == pytest.approx(0.002)
    assert {r["basis"] for r in run.box.document["readings"]} == {"estimated"}
    assert any("before a meter could be opened" in w for w in run.box.document["warnings"])


def test_time_that_the_command_stood_still_belongs_to_no_stretch(watched: Callable[..., Observation]) -> None:
    run = watched(plugins(p=strip()))
    run.wait_for(run.polled)
    paused_s = time.monotonic()
    run.events.put(Event("paused", paused_s))
    run.events.wait_until_done(10)
    time.sleep(0.5)
    resumed_s = time.monotonic()
    run.events.put(Event("resumed", resumed_s))
    run.events.wait_until_done(10)
    time.sleep(0.2)
    doc = run.end()
    assert doc["suspended_s"] == pytest.approx(resumed_s - paused_s, abs=1e-3)
    assert doc["energy_j"] == pytest.approx(100 * (doc["duration_s"] - doc["suspended_s"]), rel=0.05)
    windows = sorted({(e.start, e.end) for e in run.content().entries if e.kind == "reading"})
    assert len(windows) == 2
    assert (utc_time(windows[1][0]) - utc_time(windows[0][1])).total_seconds() == pytest.approx(
        resumed_s - paused_s, abs=1e-3
    )


def test_a_command_that_dies_while_it_stands_still_is_saved(watched: Callable[..., Observation]) -> None:
    run = watched(plugins(p=strip()))
    run.wait_for(run.measured)
    run.events.put(Event("paused", time.monotonic()))
    run.events.wait_until_done(10)
    time.sleep(0.2)
    doc = run.end(exit_code=None, signal="SIGKILL")
    assert doc["suspended_s"] > 0.15
    assert doc["signal"] == "SIGKILL"
    assert doc["energy_j"] == pytest.approx(100 * (doc["duration_s"] - doc["suspended_s"]), rel=0.05)


def test_a_long_run_goes_to_the_book_in_pieces_that_lose_nothing(
    watched: Callable[..., Observation], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wattbook.pipeline.observe.PIECE_S", 1)
    run = watched(plugins(p=strip()))
    run.wait_for(lambda: run.polled() and len({e.start for e in run.content().entries}) >= 3)
    doc = run.end()
    readings = sorted((e for e in run.content().entries if e.kind == "reading"), key=lambda e: e.start)
    assert all(a.end == b.start for a, b in itertools.pairwise(readings))
    assert (readings[0].start, readings[-1].end) == (doc["start"], doc["end"])
    assert sum(e.energy_j or 0 for e in readings) == pytest.approx(100 * doc["duration_s"], rel=0.02)
    assert len(doc["readings"]) == 1


def test_sleep_of_the_machine_is_not_counted_and_moves_the_clock(
    watched: Callable[..., Observation], monkeypatch: pytest.MonkeyPatch
) -> None:
    slept = [0.0]
    monkeypatch.setattr("wattbook.pipeline.observe.asleep_s", lambda: slept[0])
    run = watched(plugins(p=strip()))
    run.wait_for(run.polled)
    slept[0] = 3600.0
    time.sleep(0.3)
    doc = run.end()
    assert doc["duration_s"] == pytest.approx(3600, abs=5)
    assert doc["energy_j"] < 100 * 10
    assert any("asleep for 3600 s" in warning for warning in doc["warnings"])


def test_a_disk_that_refuses_for_a_while_costs_nothing(
    watched: Callable[..., Observation], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wattbook.pipeline.observe.PIECE_S", 1)
    run = watched(plugins(p=strip()))
    run.wait_for(run.polled)
    from wattbook.spool.writing import SpoolWriter

    with monkeypatch.context() as full:

        def refuse(self: SpoolWriter, data: bytes) -> None:
            raise OSError(28, "No space left on device")

        full.setattr(SpoolWriter, "_append", refuse)
        time.sleep(1.5)
    doc = run.end()
    assert run.box.troubles == []
    assert any("No space left" in warning for warning in doc["warnings"])
    assert sum(e.energy_j or 0 for e in run.content().entries if e.kind == "reading") == pytest.approx(doc["energy_j"])


def test_a_share_is_the_commands_processor_time_over_the_machines(watched: Callable[..., Observation]) -> None:
    stat = b"cpu  %d 0 0 %d 0 0 0 0 0 0\ncpu0 1\n"
    hertz = os.sysconf("SC_CLK_TCK")
    ended = Event("ended", time.monotonic(), stat % (40 * hertz, 60 * hertz), exit_code=0, cpu_s=10.0)
    run = watched(plugins(), ended, stat=stat % (0, 0), started_s=ended.at_s - 100)
    run.thread.join(20)
    assert run.box.document is not None
    assert run.box.document["process_share"] == pytest.approx(0.25)


def test_a_survey_of_a_missing_machine_still_names_what_is_open() -> None:
    surveyed: Survey = survey(Host(), Config(), plugins())
    assert [want.domain.address for want in surveyed.open_wants] == ["machine/host", "machine/facility"]


def test_missed_samples_of_a_session_reach_the_document(watched: Callable[..., Observation]) -> None:
    class Sleepy(Strip):
        told = False

        def read(self) -> Iterator[Sample | Missed]:  # type: ignore[override]
            yield from super().read()
            if not self.told:
                self.told = True
                now = time.monotonic()
                yield Missed(since_s=now, until_s=now + 0.01, domain=WALL, reason="the driver was reloaded")

    meter = a_meter(WALL, name="strip", opened=lambda: contextlib.nullcontext(Sleepy()))
    run = watched(plugins(p=measuring(meter)))
    run.wait_for(run.polled)
    time.sleep(0.3)
    assert any("the driver was reloaded" in gap["reason"] for gap in run.end()["gaps"])


@pytest.mark.parametrize(
    ("ledger", "kept"),
    [
        ("postgresql://ann:secret@db/book", "postgresql://ann:***@db/book"),
        ("postgresql://db/book", "postgresql://db/book"),
        ("postgresql://db/book?sslpassword=x&sslmode=require", "postgresql://db/book?sslpassword=***&sslmode=require"),
        ("sqlite:////tmp/book.db", "sqlite:////tmp/book.db"),
        ("/tmp/book.db", "/tmp/book.db"),
    ],
)
def test_the_book_is_named_without_its_password(ledger: str, kept: str) -> None:
    assert named(ledger) == kept


def test_a_book_named_from_here_is_found_from_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert named("book.db") == str(tmp_path / "book.db")


# --- what the command caused ----------------------------------------------------------------------

GPU = Domain(device="gpu:0", name="board")
IDLE_GPU = Domain(device="gpu:1", name="board")


class Cards:
    """Two boards of 200 W and 50 W; *users* says whose process uses the first one."""

    def __init__(self, *users: int) -> None:
        self._users = users

    def read(self) -> Iterator[Sample]:
        now = time.monotonic()
        yield Sample(at_s=now, domain=GPU, energy_j=200 * now)
        yield Sample(at_s=now, domain=IDLE_GPU, energy_j=50 * now)

    def users(self) -> dict[str, dict[int, float | None]]:
        return {"gpu:0": dict.fromkeys(self._users), "gpu:1": {}}


def cards(*users: int) -> object:
    meter = a_meter(GPU, IDLE_GPU, name="cards", opened=lambda: contextlib.nullcontext(Cards(*users)))
    return measuring(meter)


STAT = b"cpu  0 0 0 0 0 0 0 0\ncpu0 0 0 0 0 0 0 0 0\n"


def a_stat(busy_s: float) -> bytes:
    """The machine's counters when one processor was busy for so long, of a hundred seconds more."""
    hertz = os.sysconf("SC_CLK_TCK")
    ticks = round(busy_s * hertz)
    return b"cpu  %d 0 0 %d 0 0 0 0\ncpu0 0 0 0 0 0 0 0 0\n" % (ticks, 100 * hertz)


def caused(watched: Callable[..., Observation], made: Plugins, **order: Any) -> tuple[dict[str, Any], list[Entry]]:
    """A command that used a quarter of the machine's busy time, as it stands in the document and in the spool."""
    run = watched(made, stat=STAT, **order)
    run.wait_for(run.polled)
    time.sleep(0.3)
    run.events.put(Event("ended", time.monotonic(), a_stat(40.0), exit_code=0, cpu_s=10.0))
    run.thread.join(20)
    assert run.box.document is not None
    return run.box.document, [entry for entry in run.content().entries if entry.kind == "reading"]


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between its start and its end nobody's processor time moves."""
    monkeypatch.setattr("wattbook.sampling.CpuTimes.now", lambda: CpuTimes.from_proc_stat(STAT))
    monkeypatch.setattr("wattbook.pipeline.processor.CommandTime.so_far_s", lambda self: 0.0)


@pytest.mark.usefixtures("still")
def test_a_run_books_the_machine_and_tells_beside_it_what_the_command_caused(
    watched: Callable[..., Observation],
) -> None:
    doc, booked = caused(watched, plugins(p=strip()))
    assert doc["energy_j"] == pytest.approx(100 * doc["duration_s"], rel=0.05)
    assert [entry.attribution for entry in booked] == [""]
    told = doc["attributed"]
    assert told["attribute"] == "machine"
    assert told["machine_j"] == pytest.approx(doc["energy_j"])
    assert told["process_j"] + told["rest_j"] == pytest.approx(told["machine_j"])


@pytest.mark.usefixtures("still")
def test_only_boards_that_its_processes_used_are_the_commands(watched: Callable[..., Observation]) -> None:
    doc, booked = caused(watched, plugins(p=cards(os.getpid())), attribute="process")
    assert {(entry.device, entry.attribution) for entry in booked} == {("gpu:0", "process:used")}
    domains = {row["domain"]: row for row in doc["attributed"]["domains"]}
    assert [entry.energy_j for entry in booked] == [pytest.approx(domains["gpu:0/board"]["machine_j"])]
    assert domains["gpu:1/board"]["process_j"] == 0.0
    assert doc["attributed"]["rest_j"] == pytest.approx(domains["gpu:1/board"]["machine_j"])


@pytest.mark.usefixtures("still")
def test_a_board_that_is_shared_is_divided_with_a_wide_interval(watched: Callable[..., Observation]) -> None:
    doc, booked = caused(watched, plugins(p=cards(os.getpid(), 1)), attribute="process")
    (part,) = booked
    (machine_j,) = (row["machine_j"] for row in doc["attributed"]["domains"] if row["domain"] == "gpu:0/board")
    assert part.energy_j == pytest.approx(machine_j / 2)
    assert part.low_j == 0.0
    assert part.high_j is not None
    assert part.high_j >= machine_j
    assert "evenly" in part.terms[0]["formula"]


@pytest.mark.usefixtures("still")
def test_a_board_of_others_is_none_of_the_commands_and_no_gap(watched: Callable[..., Observation]) -> None:
    doc, booked = caused(watched, plugins(p=cards(1)), attribute="process")
    assert booked == []
    assert not any(gap["domain"].startswith("gpu:") for gap in doc["gaps"])


@pytest.mark.parametrize("idle", ["reserved", "none"])
@pytest.mark.usefixtures("still")
def test_measured_standing_power_divides_by_the_policy(
    watched: Callable[..., Observation], tmp_path: Path, idle: str
) -> None:
    from wattbook.pipeline import idle as account

    now = datetime.now(UTC)
    hour = account.Idle(
        utc_text(now - timedelta(hours=1)), utc_text(now), 40.0 * 3600, 39.0 * 3600, 41.0 * 3600, "p:strip"
    )
    account.write(str(tmp_path), HOST.name, {str(WALL): (hour,)})
    doc, booked = caused(watched, plugins(p=strip()), attribute="process", idle=idle)
    assert {entry.attribution for entry in booked} == {f"process:{idle}"}
    told = doc["attributed"]
    undivided_j = told.get("undivided_j") or 0.0  # of moments too short for a share
    whole_j = told["process_j"] + told["rest_j"] + told["unallocated_j"] + undivided_j
    assert whole_j == pytest.approx(told["machine_j"])
    if idle == "none":
        assert told["unallocated_j"] == pytest.approx(40 * doc["duration_s"], rel=0.02)
        assert told["process_j"] <= told["machine_j"] - told["unallocated_j"]
    else:
        assert told["unallocated_j"] == 0.0
        assert told["process_j"] >= 40 * doc["duration_s"] * 0.98
        assert "measured by p:strip over 60 min" in booked[0].terms[0]["source"]


@pytest.mark.usefixtures("still")
def test_a_policy_that_cannot_be_applied_is_a_warning_of_the_run(watched: Callable[..., Observation]) -> None:
    doc, booked = caused(watched, plugins(p=strip()), attribute="process", idle="none")
    assert any("'none' cannot be applied to machine/wall" in warning for warning in doc["warnings"])
    assert {entry.attribution for entry in booked} == {"process:used"}


@pytest.mark.usefixtures("still")
def test_what_a_model_draws_at_no_load_is_the_standing_power_of_its_estimates(
    watched: Callable[..., Observation],
) -> None:
    def ten_and_more(gaps: list[Gap], activity: Activity) -> Iterator[Reading]:
        for gap in gaps:
            if gap.domain.name == "host":
                seconds = activity.window.duration_s
                busy = sum(load.seconds * load.middle for load in activity.of("cpu")) / seconds if seconds else 0.0
                joules = (10 + 90 * busy) * seconds
                yield Reading(
                    domain=gap.domain, window=activity.window, energy_j=joules, low_j=joules / 2, high_j=joules * 2,
                    basis=Basis.ESTIMATED, source="model",
                )  # fmt: skip

    doc, booked = caused(watched, plugins(e=estimating(ten_and_more)), attribute="process", idle="none")
    assert doc["attributed"]["unallocated_j"] == pytest.approx(10 * doc["duration_s"], rel=0.02)
    assert "idle power by the model e:model" in booked[0].terms[0]["source"]


@pytest.mark.usefixtures("still")
def test_parts_go_to_the_book_in_pieces_of_the_watch(
    watched: Callable[..., Observation], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wattbook.pipeline.observe.PART_S", 1)
    run = watched(plugins(p=cards(os.getpid())), attribute="process")
    run.wait_for(lambda: run.polled() and len({e.start for e in run.content().entries}) >= 3)
    doc = run.end()
    readings = sorted((e for e in run.content().entries if e.kind == "reading"), key=lambda e: e.start)
    assert all(entry.attribution for entry in readings)
    assert sum(entry.energy_j or 0.0 for entry in readings) == pytest.approx(doc["energy_j"])
    assert doc["attributed"]["process_j"] == pytest.approx(doc["energy_j"])
