"""``wattbook watch``: labels that never go back, gaps that say why, and a machine whose sources come and go."""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import wattbook
from hypothesis import given
from hypothesis import strategies as st
from wattbook import spool
from wattbook.accounting.overlaps import without_overlaps
from wattbook.config import Config
from wattbook.model import Basis, Chip, Domain, Host, Meter, Reading, Sample, Window
from wattbook.pipeline import idle as idle_account
from wattbook.pipeline.own import own_energy_j
from wattbook.plugins import Plugins, gather
from wattbook.records import Entry, Labels, RunRecord, utc_text, utc_time
from wattbook.sampling import CpuTimes
from wattbook.spool.writing import SpoolWriter
from wattbook.watching.absence import Now, Seen, absences
from wattbook.watching.frame import Frame
from wattbook.watching.idle import is_idle
from wattbook.watching.lastseen import AlreadyWatched, LastSeen
from wattbook.watching.live import frames
from wattbook.watching.machine import Machine
from wattbook.watching.recorder import Clock, Recorder
from wattbook.watching.timeline import Timeline

WALL = Domain(device="machine", name="wall")
HOST = Host(name="h", os="linux", arch="x86_64", cpus=(Chip(name="X", device="cpu:0"),))
NOON = datetime(2026, 10, 1, 12, tzinfo=UTC).timestamp()
STRIP_W = 100.0


# --- labels of time ------------------------------------------------------------------------------

steps = st.lists(
    st.tuples(st.floats(0.01, 600), st.floats(-5_000, 5_000) | st.just(0.0)), min_size=1, max_size=40
)  # fmt: skip


@given(steps)
def test_labels_never_overlap_whatever_the_clock_does(moves: list[tuple[float, float]]) -> None:
    at_s, wall_s = 100.0, NOON
    timeline = Timeline(at_s, wall_s)
    spans = []
    for lasting_s, jump_s in moves:
        start_s = timeline.begin(at_s, wall_s)
        at_s, wall_s = at_s + lasting_s, wall_s + lasting_s + jump_s
        spans.append((start_s, timeline.end(at_s)))
    assert all(start < end for start, end in spans)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))


@given(st.lists(st.floats(0.01, 600), min_size=1, max_size=40))
def test_labels_are_seamless_while_the_clock_is_quiet(lasting: list[float]) -> None:
    at_s, wall_s = 100.0, NOON
    timeline = Timeline(at_s, wall_s)
    end_s = wall_s
    for seconds in lasting:
        assert timeline.begin(at_s, wall_s) == end_s
        at_s, wall_s = at_s + seconds, wall_s + seconds
        end_s = timeline.end(at_s)
    assert end_s == pytest.approx(wall_s, abs=0.01)


def test_labels_catch_up_with_a_clock_that_was_set_back() -> None:
    timeline = Timeline(0.0, NOON)
    timeline.end(600.0)
    wall_s = NOON + 600 - 60
    for i in range(4):
        timeline.begin(600.0 + 60 * i, wall_s + 60 * i)
        timeline.end(600.0 + 60 * (i + 1))
    assert timeline.begin(840.0, wall_s + 240) == pytest.approx(wall_s + 240, abs=1)


# --- absences --------------------------------------------------------------------------------------


def test_a_restart_of_the_machine_is_told_as_off_and_then_not_started() -> None:
    found = absences(Seen("boot1", NOON, clean=True), Now("boot2", NOON + 100, slept_s=0, up_s=30))
    assert [(a.start_s - NOON, a.end_s - NOON, a.kind) for a in found] == [(0, 70, "off"), (70, 100, "agent stopped")]


@pytest.mark.parametrize(("clean", "kind"), [(False, "agent dead"), (True, "agent stopped")])
def test_a_watch_that_died_is_told_apart_from_one_that_was_ended(clean: bool, kind: str) -> None:
    (found,) = absences(Seen("b", NOON, clean=clean), Now("b", NOON + 100, slept_s=0, up_s=1e6))
    assert (found.kind, found.reason.partition(":")[0]) == (kind, kind)


def test_sleep_while_nobody_watched_is_told() -> None:
    (found,) = absences(Seen("b", NOON, slept_s=10), Now("b", NOON + 100, slept_s=50, up_s=1e6))
    assert found.kind == "agent dead"
    assert "asleep for 40 s" in found.reason
    (found,) = absences(Seen("b", NOON, slept_s=10), Now("b", NOON + 100, slept_s=109.5, up_s=1e6))
    assert found.kind == "asleep"


@pytest.mark.parametrize("seen", [None, Seen("b", NOON), Seen("b", NOON + 50), Seen("a", NOON + 99.9)])
def test_nothing_is_told_where_nothing_is_missing(seen: Seen | None) -> None:
    assert absences(seen, Now("b", NOON if seen is None else seen.wall_s - 5, slept_s=0, up_s=10)) == []


@given(st.text("ab", max_size=1), st.floats(0, 1e9), st.floats(0, 1e6), st.floats(0, 1e9), st.booleans())
def test_absences_lie_between_the_last_poll_and_now(
    boot: str, up_s: float, slept: float, away: float, clean: bool
) -> None:
    found = absences(Seen("a", NOON, clean=clean), Now(boot, NOON + away, slept_s=slept, up_s=up_s))
    assert all(NOON <= a.start_s < a.end_s <= NOON + away for a in found)
    assert all(before.end_s <= after.start_s for before, after in itertools.pairwise(found))


def test_the_last_poll_is_remembered_and_a_damaged_file_is_none(tmp_path: Path) -> None:
    seen = LastSeen.open(str(tmp_path))
    assert seen.read() is None
    seen.write(Seen("boot", NOON, 3.5, True, "r1"))
    assert seen.read() == Seen("boot", NOON, 3.5, True, "r1")
    content = Path(seen.path).read_bytes()
    for position in range(0, len(content.strip()), 7):
        Path(seen.path).write_bytes(content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :])
        assert seen.read() is None
    seen.close()


def test_two_watches_do_not_record_one_machine_twice(tmp_path: Path) -> None:
    first = LastSeen.open(str(tmp_path))
    with pytest.raises(AlreadyWatched, match="already"):
        LastSeen.open(str(tmp_path))
    first.close()
    LastSeen.open(str(tmp_path)).close()


# --- idle ------------------------------------------------------------------------------------------


def a_reading(device: str, joules: float, *, basis: Basis = Basis.MEASURED) -> Reading:
    window = Window(start=datetime(2026, 10, 1, tzinfo=UTC), end=datetime(2026, 10, 1, 0, 0, 10, tzinfo=UTC))
    return Reading(domain=Domain(device=device, name="board"), window=window, energy_j=joules, basis=basis, source="s")


def test_idle_is_less_than_one_busy_processor_in_twenty() -> None:
    assert is_idle(4.9, 100, [])
    assert not is_idle(5.0, 100, [])
    assert not is_idle(0.0, 0.0, [])


def test_a_working_accelerator_is_not_idle() -> None:
    assert is_idle(1, 100, [a_reading("gpu:0", 700)])
    assert not is_idle(1, 100, [a_reading("gpu:0", 3000)])
    assert is_idle(1, 100, [a_reading("cpu:0", 3000)])
    assert is_idle(1, 100, [a_reading("gpu:0", 3000, basis=Basis.ESTIMATED)])


# --- a machine under watch ---------------------------------------------------------------------------


class World:
    """A clock that a test moves, and what a machine's sensors say at its time."""

    def __init__(self) -> None:
        self.at_s, self.wall_s, self.slept_s, self.up_s, self.boot = 1000.0, NOON, 0.0, 5000.0, "boot"
        self.busy = 0.5
        self._busy_s = self._total_s = 0.0
        self.strip = True  #: the sensor is there
        self.opened = 0

    def go(self, seconds: float, *, asleep: float = 0.0, jump: float = 0.0) -> None:
        self.at_s += seconds
        self.wall_s += seconds + asleep + jump
        self.slept_s += asleep
        self.up_s += seconds + asleep
        self._busy_s += self.busy * seconds * 4
        self._total_s += seconds * 4

    def cpu_times(self) -> CpuTimes:
        return CpuTimes(busy_s=self._busy_s, total_s=self._total_s, processors=4)

    @property
    def clock(self) -> Clock:
        return Clock(
            at_s=lambda: self.at_s, wall_s=lambda: self.wall_s, slept_s=lambda: self.slept_s,
            up_s=lambda: self.up_s, boot_id=lambda: self.boot,
        )  # fmt: skip

    def read(self) -> Iterator[Sample]:
        if not self.strip:
            raise OSError("the sensor is gone")
        yield Sample(at_s=self.at_s, domain=WALL, energy_j=STRIP_W * self.at_s)

    def probe(self) -> None:
        if not self.strip:
            raise wattbook.Unavailable("no sensor: permission denied")

    @contextlib.contextmanager
    def open(self) -> Iterator[Any]:
        self.opened += 1
        yield self

    @property
    def plugins(self) -> Plugins:
        world = self

        class Strip:
            @wattbook.hookimpl
            def measure(self, host: Any, config: Any) -> Iterator[Meter]:
                yield Meter(
                    name="strip", domains=(WALL,), error=0.01, interval_s=3600, probe=world.probe, open=world.open
                )

        class Thumb:
            @wattbook.hookimpl
            def estimate(self, gaps: Any, activity: Any, config: Any) -> Iterator[Reading]:
                for gap in gaps:
                    if gap.domain.name == "host":
                        joules = 10 * activity.window.duration_s
                        yield Reading(
                            domain=gap.domain, window=activity.window, energy_j=joules, low_j=0, high_j=2 * joules,
                            basis=Basis.ESTIMATED, source="thumb",
                        )  # fmt: skip

        return gather([("strip", Strip()), ("thumb", Thumb())])


class Watch:
    """A recorder in a world of its own; every start is a new process, played."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.folder = world, folder
        self.recorder: Recorder
        self.said: list[str] = []

    def start(self, **more: Any) -> Recorder:
        world = self.world
        self.machine = Machine(Config(), world.plugins, HOST, cpu_times=world.cpu_times)
        self.recorder = Recorder(
            self.machine, LastSeen.open(str(self.folder)), clock=world.clock, say=self.said.append,
            labels=Labels(project="lab", phase="serve"), **more,
        )  # fmt: skip
        self.recorder.start()
        self.settle()
        return self.recorder

    def settle(self) -> None:
        """Wait for meters to be open, so that every poll finds them there."""
        import time

        self.machine.wait_open(time.sleep, tries=300)

    def polls(self, count: int, every_s: float = 1.0, **more: Any) -> None:
        for _ in range(count):
            self.world.go(every_s, **more)
            self.recorder.poll()
            self.settle()

    def kill(self) -> None:
        """Leave everything as ``kill -9`` does: descriptors are closed, nothing is written."""
        if self.recorder._spool is not None:
            self.recorder._spool.close()
        self.recorder.seen.close()
        self.machine.close()

    def contents(self) -> list[spool.SpoolContent]:
        return [spool.read(path) for path in spool.paths(str(self.folder / "spool"))]

    def entries(self, kind: str = "reading") -> list[Entry]:
        return sorted(
            (e for c in self.contents() for e in c.entries if e.kind == kind), key=lambda e: (e.start, e.domain)
        )

    def addends(self) -> list[Entry]:
        return [entry for entry in self.entries() if entry.outermost]

    def gaps(self) -> list[Entry]:
        return [gap for gap in self.entries("gap") if (gap.device, gap.domain) == ("machine", "host")]


@pytest.fixture
def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    monkeypatch.setenv("WATTBOOK_STATE", str(tmp_path))
    made = Watch(World(), tmp_path)
    yield made
    with contextlib.suppress(Exception):
        made.kill()


def joules(entries: list[Entry]) -> float:
    return math.fsum(entry.energy_j or 0 for entry in entries)


def offsets(entries: list[Entry]) -> list[tuple[float, float]]:
    return [(utc_time(e.start).timestamp() - NOON, utc_time(e.end).timestamp() - NOON) for e in entries]


def test_an_hour_is_entries_of_five_minutes_without_a_seam(watch: Watch) -> None:
    watch.start()
    watch.polls(360, 10.0)
    watch.recorder.end()
    spans = offsets(watch.addends())
    assert len(spans) == 12
    assert [start for start, _ in spans] == pytest.approx([300.0 * i for i in range(12)])
    assert [end for _, end in spans] == pytest.approx([300.0 * (i + 1) for i in range(12)])
    assert joules(watch.addends()) == pytest.approx(STRIP_W * 3600, rel=1e-6)
    assert {entry.labels.phase for entry in watch.addends()} == {"serve"}


def test_every_hour_has_a_spool_that_the_book_can_take(watch: Watch) -> None:
    watch.start()
    watch.polls(800, 10.0)
    assert [content.complete for content in watch.contents()] == [True, True, False]
    watch.recorder.end()
    runs = [content.run for content in watch.contents()]
    assert all(run is not None and run.kind == "watch" and run.complete for run in runs)
    assert joules(watch.addends()) == pytest.approx(STRIP_W * 8000, rel=1e-6)


def test_idle_pieces_have_the_phase_idle(watch: Watch) -> None:
    watch.world.busy = 0.01
    watch.start()
    watch.polls(30, 10.0)
    assert watch.recorder.idle
    watch.world.busy = 0.8
    watch.polls(30, 10.0)
    watch.recorder.end()
    assert [entry.labels.phase for entry in watch.addends()] == ["idle", "serve"]


def test_a_kill_loses_no_more_than_one_interval_and_is_told(watch: Watch) -> None:
    watch.start()
    watch.polls(100)
    watch.world.go(0.9)
    watch.kill()
    watch.world.go(59.1)
    watch.start()
    watch.polls(100)
    watch.recorder.end()
    assert joules(watch.addends()) == pytest.approx(STRIP_W * 200, rel=1e-6)
    (gap,) = watch.gaps()
    assert offsets([gap]) == [pytest.approx((100, 160))]
    assert gap.reason.startswith("agent dead: ")
    assert gap.energy_j is None


def test_a_clean_end_and_a_restart_of_the_machine(watch: Watch) -> None:
    watch.start()
    watch.polls(10)
    watch.recorder.end()
    watch.world.go(100)
    watch.world.boot, watch.world.up_s = "boot2", 20.0
    watch.start()
    watch.polls(10)
    watch.recorder.end()
    assert [gap.reason.partition(":")[0] for gap in watch.gaps()] == ["off", "agent stopped"]
    assert offsets(watch.gaps()) == [pytest.approx((10, 90)), pytest.approx((90, 110))]


def test_the_machines_sleep_is_a_gap_of_its_own(watch: Watch) -> None:
    watch.start()
    watch.polls(50)
    watch.polls(1, asleep=7200.0)
    watch.polls(50)
    watch.recorder.end()
    (gap,) = watch.gaps()
    assert gap.reason.startswith("asleep: ")
    assert offsets([gap]) == [pytest.approx((50, 7251))]
    assert joules(watch.addends()) == pytest.approx(STRIP_W * 100, rel=0.02)


def test_a_watch_that_was_stopped_for_a_while_loses_nothing(watch: Watch) -> None:
    watch.start()
    watch.polls(50)
    watch.world.go(3000)  # SIGSTOP: the machine goes on
    watch.polls(50)
    watch.recorder.end()
    assert joules(watch.addends()) == pytest.approx(STRIP_W * 3100, rel=1e-6)
    assert watch.gaps() == []


@pytest.mark.parametrize("jump_s", [30.0, -30.0, 86_400.0, -86_400.0, -3.0])
def test_a_clock_that_is_set_neither_loses_nor_doubles(watch: Watch, jump_s: float) -> None:
    watch.start()
    watch.polls(100)
    watch.polls(1, jump=jump_s)
    watch.polls(399)
    watch.recorder.end()
    assert joules(watch.addends()) == pytest.approx(STRIP_W * 500, rel=1e-6)
    spans = offsets(watch.addends())
    assert all(a[1] <= b[0] + 1e-6 for a, b in itertools.pairwise(spans))
    assert any("clock was set" in sentence for sentence in watch.said)


def test_a_clock_set_back_before_a_restart_makes_no_overlap(watch: Watch) -> None:
    watch.start()
    watch.polls(100)
    watch.kill()
    watch.world.go(1, jump=-500.0)
    watch.start()
    watch.polls(100)
    watch.recorder.end()
    spans = offsets(watch.addends())
    assert all(a[1] <= b[0] + 1e-6 for a, b in itertools.pairwise(spans))
    assert joules(watch.addends()) == pytest.approx(STRIP_W * 200, rel=1e-6)


def test_a_sensor_that_goes_is_estimated_and_measured_again_when_it_is_back(watch: Watch) -> None:
    watch.start()
    watch.polls(50)
    watch.world.strip = False
    watch.polls(100)
    watch.world.strip = True
    watch.polls(200)
    watch.recorder.end()
    bases = [basis for basis, _ in itertools.groupby(entry.basis for entry in watch.addends())]
    assert bases == ["measured", "estimated", "measured"]
    spans = offsets(watch.addends())
    assert all(a[1] == pytest.approx(b[0]) for a, b in itertools.pairwise(spans))
    assert any("looked for again" in sentence for sentence in watch.said)
    assert watch.world.opened == 2


def test_a_missing_permission_is_told_in_the_gap(watch: Watch) -> None:
    watch.world.strip = False

    made = gather([p for p in watch.world.plugins.manager.list_name_plugin() if p[0] == "strip"])
    machine = Machine(Config(), made, HOST, cpu_times=watch.world.cpu_times)
    recorder = Recorder(machine, LastSeen.open(str(watch.folder)), clock=watch.world.clock)
    recorder.start()
    watch.world.go(10)
    recorder.poll()
    recorder.end()
    (gap,) = watch.gaps()
    assert gap.reason.startswith("no permission: ")
    assert "strip:strip: no sensor: permission denied" in gap.reason


def test_wattbooks_own_energy_is_a_line_and_no_addend(watch: Watch) -> None:
    watch.start()
    watch.polls(60)
    watch.recorder.end()
    own = [entry for entry in watch.entries() if entry.domain == "wattbook"]
    assert own
    assert not any(entry.outermost for entry in own)
    assert 0 <= joules(own) <= joules(watch.addends())  # a moment of the real clock may be all ours


def test_a_disk_that_refuses_for_hours_costs_nothing(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    watch.start()
    watch.polls(30, 10.0)
    with monkeypatch.context() as full:

        def refuse(self: SpoolWriter, data: bytes) -> None:
            raise OSError(28, "No space left on device")

        full.setattr(SpoolWriter, "_append", refuse)
        watch.polls(720, 10.0)
    watch.polls(30, 10.0)
    watch.recorder.end()
    assert joules(watch.addends()) == pytest.approx(STRIP_W * 7800, rel=1e-6)
    assert any("No space left" in sentence for sentence in watch.said)


def test_a_spool_that_somebody_removed_is_made_anew(watch: Watch) -> None:
    watch.start()
    watch.polls(100, 10.0)
    (path,) = spool.paths(str(watch.folder / "spool"))
    os.unlink(path)
    watch.polls(100, 10.0)
    watch.recorder.end()
    assert joules(watch.addends()) == pytest.approx(STRIP_W * 2000, rel=1e-6)


@given(st.data())
def test_whatever_happens_no_joule_is_counted_twice(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("watch")
    watch = Watch(World(), folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WATTBOOK_STATE", str(folder))
        began_s = watch.world.at_s
        watch.start()
        for what in data.draw(st.lists(st.sampled_from(["poll", "sleep", "kill", "end", "jump", "stop"]), max_size=12)):
            if what in ("kill", "end"):
                watch.kill() if what == "kill" else watch.recorder.end()
                watch.world.go(data.draw(st.floats(0, 4000)))
                watch.start()
            elif what == "sleep":
                watch.polls(1, asleep=data.draw(st.floats(0, 4000)))
            elif what == "jump":
                watch.polls(1, jump=data.draw(st.floats(-4000, 4000)))
            else:
                watch.polls(1, data.draw(st.floats(0.1, 400 if what == "stop" else 2)))
        watch.recorder.end()
    spans = offsets(watch.addends())
    assert all(a[1] <= b[0] + 1e-5 for a, b in itertools.pairwise(spans))
    # entries are written with six digits
    assert joules(watch.addends()) <= STRIP_W * (watch.world.at_s - began_s) * (1 + 1e-5)


def test_a_report_gives_a_run_its_joules_and_the_watch_the_rest() -> None:
    def entry(run_id: str, start: int, end: int) -> Entry:
        moment = datetime(2026, 10, 1, tzinfo=UTC)
        window = Window(start=moment + timedelta(seconds=start), end=moment + timedelta(seconds=end))
        reading = Reading(domain=WALL, window=window, energy_j=100.0 * (end - start), basis=Basis.MEASURED, source="s")
        return Entry.from_reading(reading, run_id=run_id, host="h", plugin="p")

    watched, run = entry("w", 0, 300), entry("r", 100, 200)
    runs = {
        "w": RunRecord(run_id="w", kind="watch", start=watched.start, end=watched.end, host="h"),
        "r": RunRecord(run_id="r", start=run.start, end=run.end, host="h"),
    }
    kept, lost = without_overlaps([watched, run], runs)
    assert {r: sum(e.energy_j or 0 for e in kept if e.run_id == r) for r in "wr"} == pytest.approx(
        {"w": 20_000, "r": 10_000}
    )
    assert [overlap.run_id for overlap in lost] == ["w"]


# --- the live view -----------------------------------------------------------------------------------


def shown(world: World, count: int, every: Callable[[int], None] = lambda i: None) -> list[Frame]:
    machine = Machine(Config(), world.plugins, HOST, cpu_times=world.cpu_times)
    made: list[Frame] = []

    def wait(seconds: float) -> bool:
        if seconds < 0.5:  # for the meters to open
            import time

            time.sleep(seconds)
            return False
        every(len(made))
        world.go(1.0)
        return False

    try:
        for frame in frames(machine, 1.0, wait, count=count, clock=lambda: world.at_s):
            made.append(frame)
    finally:
        machine.close()
    return made


def test_a_frame_says_watts_with_basis_and_interval() -> None:
    world = World()
    made = shown(world, 3)
    assert len(made) == 3
    assert made[-1].power_w == pytest.approx(STRIP_W)
    (power,) = made[-1].domains
    assert (power.device, power.domain, power.basis, power.plugin, power.source) == (
        "machine",
        "wall",
        "measured",
        "strip",
        "strip",
    )
    assert (power.low_w, power.high_w) == pytest.approx((99, 101))
    assert made[-1].by_basis_w == {"measured": pytest.approx(STRIP_W), "estimated": None}
    assert made[-1].busy_share == pytest.approx(0.5)


def test_a_frame_is_one_line_of_json() -> None:
    (frame,) = shown(World(), 1)
    plain = json.loads(json.dumps(frame.as_dict(), allow_nan=False))
    assert {
        "at",
        "duration_s",
        "power_w",
        "power_low_w",
        "power_high_w",
        "by_basis_w",
        "domains",
        "gaps",
        "own_power_w",
    } <= set(plain)


def test_a_view_goes_on_without_its_sensor() -> None:
    world = World()

    def lose(shown_so_far: int) -> None:
        world.strip = shown_so_far < 2

    made = shown(world, 6, lose)
    assert made[1].by_basis_w["measured"] == pytest.approx(STRIP_W)
    assert made[-1].by_basis_w["estimated"] == pytest.approx(10)


def test_own_energy_is_a_part_of_the_machine_without_accelerators() -> None:
    assert own_energy_j([("cpu:0", 100.0), ("gpu:0", 1000.0), ("dram:0", None)], 0.1) == pytest.approx(10)
    assert own_energy_j([("cpu:0", 100.0)], None) is None
    assert own_energy_j([("gpu:0", 100.0)], 0.1) is None


def test_what_an_idle_machine_draws_is_remembered_with_its_dates(watch: Watch) -> None:
    watch.world.busy = 0.01
    watch.start()
    watch.polls(7, 50)
    watch.recorder.end()
    account = idle_account.read([str(watch.folder)], HOST.name)
    standing = idle_account.standing_of(account, "machine/wall", now="2026-10-01T13:00:00.000000Z")
    assert standing is not None
    assert standing.power_w == pytest.approx(STRIP_W, rel=0.02)
    assert "measured by strip:strip over 5 min, 2026-10-01T12:00" in standing.source


def test_a_busy_machine_says_nothing_about_standing_power(watch: Watch) -> None:
    watch.world.busy = 0.9
    watch.start()
    watch.polls(7, 50)
    watch.recorder.end()
    assert idle_account.read([str(watch.folder)], HOST.name) == {}


def test_the_idle_account_of_another_host_or_a_damaged_one_is_not_used(watch: Watch) -> None:
    watch.world.busy = 0.01
    watch.start()
    watch.polls(7, 50)
    watch.recorder.end()
    path = watch.folder / idle_account.NAME
    assert idle_account.read([str(watch.folder)], "another") == {}
    text = path.read_text()
    for damaged in (text.replace("29700", "19700", 1), text[:-20], "", "\0" * 100, "[]\t00000000"):
        path.write_text(damaged)
        assert idle_account.read([str(watch.folder)], HOST.name) == {}


def test_an_old_idle_account_is_not_used(watch: Watch) -> None:
    watch.world.busy = 0.01
    watch.start()
    watch.polls(7, 50)
    watch.recorder.end()
    account = idle_account.read([str(watch.folder)], HOST.name)
    late = utc_text(datetime.fromtimestamp(NOON, UTC) + timedelta(days=200))
    assert idle_account.standing_of(account, "machine/wall", now=late) is None


def test_the_idle_account_is_bounded_and_shared_by_the_service(
    watch: Watch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = tmp_path / "run"
    shared.mkdir()
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(shared))
    watch.world.busy = 0.01
    watch.start()
    watch.polls(7, 50)
    watch.recorder.end()
    account = idle_account.read([str(shared)], HOST.name)
    assert account == idle_account.read([str(watch.folder)], HOST.name)
    assert (shared / idle_account.NAME).stat().st_mode & 0o777 == 0o644
    entry = next(e for e in watch.addends() if e.basis == "measured" and e.duration_s >= 60)
    for _ in range(100):
        account = idle_account.grown(account, [entry])
    assert len(account["machine/wall"]) == idle_account.KEPT


# --- the model beside the meter ----------------------------------------------------------------------


def test_every_sealed_piece_says_once_what_the_model_would_have_said(watch: Watch) -> None:
    watch.start()
    watch.polls(60, 10.0)
    models = watch.entries("model")
    assert offsets(models) == offsets(watch.addends())[: len(models)]
    assert len(models) == 2
    assert {(m.device, m.domain, m.basis, m.outermost) for m in models} == {("machine", "host", "estimated", False)}
    assert joules(models) == pytest.approx(10 * 600, rel=1e-3)
    watch.recorder.end()


def test_an_hour_of_a_watch_knows_what_it_saw(watch: Watch) -> None:
    watch.world.busy = 0.25
    watch.start()
    watch.polls(30, 10.0)
    watch.recorder.end()
    (run,) = [content.run for content in watch.contents()]
    assert run is not None
    assert run.activity["cpu_utilisation"] == pytest.approx(0.25, abs=0.01)
    assert (run.activity["threads"], run.activity["seconds"]) == (4, pytest.approx(300, abs=15))
