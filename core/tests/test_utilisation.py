"""Utilisation is recorded, not guessed: processors with stolen time, devices, memory, stretch by stretch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from wattbook.config import Config
from wattbook.hookspecs import hookimpl
from wattbook.model import Activity, Basis, Busy, Chip, Domain, Gap, Host, Load, Meter, Reading, Sample, Window
from wattbook.pipeline import survey
from wattbook.pipeline.settle import Settled, Stretch, settle
from wattbook.plugins import gather
from wattbook.polling import MeterThread, close, poll
from wattbook.resolve import Offer, Tree, resolve, wanted
from wattbook.sampling import CpuTimes, LoadHistogram
from wattbook.testing.builders import START
from wattbook.utilisation import MemoryUse, Utilisation, in_words

BOARD = Domain(device="gpu:0", name="board")
BUSY = Domain(device="gpu:0", name="busy", model="ACME Virtual GPU")
PACKAGE = Domain(device="cpu:0", name="package")
HOST = Host(name="h", os="linux", arch="x86_64", cpus=(Chip(name="X", device="cpu:0"),))


def a_meter(name: str, *domains: Domain, items: tuple[Any, ...] = ()) -> Meter:
    class Told:
        def read(self) -> Iterator[Any]:
            yield from items

    @contextmanager
    def opened() -> Iterator[Told]:
        yield Told()

    return Meter(name=name, domains=domains, error=0.01, probe=lambda: None, open=opened, interval_s=60)


class Plugin:
    """Measures with the meters given; its model is 100 W x u for a board and 50 W for everything else."""

    def __init__(self, *meters: Meter) -> None:
        self.meters = meters
        self.asked: list[str] = []

    @hookimpl
    def measure(self, host: Host, config: Any) -> Iterator[Meter]:
        yield from self.meters

    @hookimpl
    def estimate(self, gaps: list[Gap], activity: Activity, config: Any) -> Iterator[Reading]:
        for gap in gaps:
            self.asked.append(gap.domain.address)
            if gap.domain.name == "board":
                joules = sum(100 * load.middle * load.seconds for load in activity.of(gap.domain.device))
            elif gap.domain.name in ("host", "package"):
                joules = 50 * activity.window.duration_s
            else:
                continue
            yield Reading(
                domain=gap.domain, window=activity.window, energy_j=joules, low_j=joules / 2, high_j=joules * 2,
                basis=Basis.ESTIMATED, source="thumb", cause="model:thumb",
            )  # fmt: skip


def settled(plugin: Plugin, *, compare: bool = False, seconds: float = 100.0, **stretch: Any) -> Settled:
    found = gather([("plugin", plugin)])
    window = Window(start=START, end=START + timedelta(seconds=seconds))
    return settle(Stretch(window=window, **stretch), survey(HOST, Config(), found), found, compare=compare)


def energy(found: Settled) -> dict[str, float]:
    return {reading.domain.address: reading.energy_j for _, reading, _ in found.readings}


# --- devices -------------------------------------------------------------------------------------


def test_a_device_that_only_tells_how_busy_it_is_is_estimated_sample_by_sample() -> None:
    loads = (Load(device="gpu:0", seconds=25, low=0.2, high=0.2), Load(device="gpu:0", seconds=75, low=1.0, high=1.0))
    found = settled(Plugin(a_meter("busy", BUSY)), busy={"plugin:busy": {"gpu:0": loads}})
    assert energy(found)["gpu:0/board"] == pytest.approx(100 * (0.2 * 25 + 75))


def test_a_device_of_unknown_utilisation_may_be_anything() -> None:
    found = settled(Plugin(a_meter("busy", BUSY)))
    assert energy(found)["gpu:0/board"] == pytest.approx(100 * 0.5 * 100)


def test_a_utilisation_covers_no_energy_and_stands_beside_what_does() -> None:
    offers = [
        Offer(plugin="p", name="power", domains=(BOARD,), error=0.05, meter=a_meter("power", BOARD)),
        Offer(plugin="p", name="busy", domains=(BUSY,), meter=a_meter("busy", BUSY)),
    ]
    found = resolve(offers)
    assert [domain.address for domain in found.covered] == ["gpu:0/board"]
    assert {v.source: v.reason for v in found.verdicts}["busy"] == "tells how busy gpu:0 is"
    assert all(verdict.meter is not None for verdict in found.verdicts)


def test_a_utilisation_lies_in_nothing() -> None:
    vague = Domain(device="machine", name="platform", may_contain=("gpu:*",))
    tree = Tree((vague, BUSY))
    assert not tree.overlap("machine/platform", "gpu:0/busy")
    assert not tree.overlap("gpu:0/board", "gpu:0/busy")


def test_a_board_that_only_its_utilisation_tells_of_is_wanted() -> None:
    boards = [want.domain for want in wanted(HOST, offered=[BUSY]) if want.domain.device == "gpu:0"]
    assert [(board.address, board.model) for board in boards] == [("gpu:0/board", "ACME Virtual GPU")]


def test_of_two_sources_that_tell_the_same_one_is_heard() -> None:
    one, other = a_meter("a", BUSY), a_meter("b", BUSY)
    loads = (Load(device="gpu:0", seconds=100, low=0.5, high=0.5),)
    found = settled(Plugin(one, other), busy={"plugin:a": {"gpu:0": loads}, "plugin:b": {"gpu:0": loads}})
    assert energy(found)["gpu:0/board"] == pytest.approx(5000)


def test_a_thread_adds_up_how_busy_its_devices_were() -> None:
    items = iter([(Busy(at_s=10.0, domain=BUSY, share=0.9),), (Busy(at_s=14.0, domain=BUSY, share=0.25),), ()])

    class Told:
        def read(self) -> Iterator[Busy]:
            yield from next(items)

    @contextmanager
    def opened() -> Iterator[Told]:
        yield Told()

    thread = MeterThread("p:busy", Meter(name="busy", domains=(BUSY,), probe=lambda: None, open=opened, interval_s=60))
    thread.start()
    poll([thread])
    poll([thread], stop=True)
    assert close([thread]) == []
    assert thread.busy() == {"gpu:0": (Load(device="gpu:0", seconds=4.0, low=0.25, high=0.25),)}
    thread.start_stretch()
    assert thread.busy() == {"gpu:0": ()}


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_utilisation_lies_between_nothing_and_all(share: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        Busy(at_s=0.0, domain=BUSY, share=share)


# --- the model beside what was measured ----------------------------------------------------------


def measuring(joules: float, domain: Domain = PACKAGE) -> dict[str, Any]:
    from wattbook.polling import Tally

    tally = Tally()
    tally.energy_j, tally.covered_s = joules, 100.0
    return {"tallies": {"plugin:m": {domain.address: (domain, tally)}}}


def test_the_model_is_held_against_what_was_measured_and_is_no_addend() -> None:
    found = settled(Plugin(a_meter("m", PACKAGE)), compare=True, **measuring(6000.0))
    assert [(p, r.domain.address, r.energy_j) for p, r in found.models] == [("plugin", "cpu:0/package", 5000.0)]
    entries = found.entries(run_id="r", host="h", labels=_labels(), place=_place(), versions={})
    (model,) = [entry for entry in entries if entry.kind == "model"]
    assert not model.outermost
    assert model.entry_id not in {entry.entry_id for entry in entries if entry.kind == "reading"}


def test_a_poll_asks_no_model_about_what_is_measured() -> None:
    plugin = Plugin(a_meter("m", PACKAGE))
    assert settled(plugin, **measuring(6000.0)).models == ()
    assert "cpu:0/package" not in plugin.asked


@pytest.mark.parametrize("name", ["wall", "platform"])
def test_a_whole_machine_is_held_against_the_model_of_the_machine(name: str) -> None:
    domain = Domain(device="machine", name=name)
    found = settled(Plugin(a_meter("m", domain)), compare=True, **measuring(6000.0, domain))
    assert [reading.domain.address for _, reading in found.models] == ["machine/host"]


def test_a_whole_machine_with_an_accelerator_is_not() -> None:
    domain = Domain(device="machine", name="wall")
    found = settled(Plugin(a_meter("m", domain), a_meter("busy", BUSY)), compare=True, **measuring(6000.0, domain))
    assert found.models == ()


def test_a_board_of_unknown_utilisation_teaches_nothing() -> None:
    told = measuring(6000.0, BOARD)
    plugin = Plugin(a_meter("m", BOARD), a_meter("busy", BUSY))
    assert settled(plugin, compare=True, **told).models == ()
    loads = (Load(device="gpu:0", seconds=100, low=0.5, high=0.5),)
    known = settled(plugin, compare=True, busy={"plugin:busy": {"gpu:0": loads}}, **told)
    assert [(r.domain.address, r.energy_j) for _, r in known.models] == [("gpu:0/board", 5000.0)]


def _labels() -> Any:
    from wattbook.records import Labels

    return Labels()


def _place() -> Any:
    from wattbook.records import Place

    return Place()


# --- the machine ---------------------------------------------------------------------------------


def test_a_run_knows_its_processors_with_what_others_stole() -> None:
    loads, seen = LoadHistogram(), Utilisation()
    loads.take(CpuTimes(busy_s=0, total_s=0, processors=4), 0.0)
    loads.take(CpuTimes(busy_s=10, total_s=40, stolen_s=4, processors=4), 10.0)
    seen.add(loads, [Load(device="gpu:0", seconds=10, low=0.6, high=0.8)])
    loads.clear()
    loads.take(CpuTimes(busy_s=40, total_s=80, stolen_s=4, processors=4), 10.0)
    seen.add(loads, [Load(device="gpu:0", seconds=10, low=0.1, high=0.1)])
    found = seen.as_dict()
    assert (found["seconds"], found["threads"]) == (20.0, 4)
    assert found["cpu_utilisation"] == pytest.approx(0.5)
    assert found["cpu_steal"] == pytest.approx(0.05)
    assert found["busy_threads"] == pytest.approx(2.0)
    assert found["gpu_utilisation"] == {"gpu:0": pytest.approx(0.4)}


def test_what_nothing_told_is_left_out() -> None:
    assert Utilisation().as_dict(64.0) == {}


def test_memory_is_weighted_by_time_and_keeps_its_peak(tmp_path: Path) -> None:
    meminfo = tmp_path / "proc" / "meminfo"
    meminfo.parent.mkdir()
    memory = MemoryUse(str(tmp_path))
    for at_s, free_gb in ((0, 12), (10, 8), (11, 0), (20, 12)):
        meminfo.write_text(f"MemTotal: {16 << 20} kB\nMemFree: 1 kB\nMemAvailable: {free_gb << 20} kB\n")
        memory.look(at_s)
    assert memory.mean_gb == pytest.approx(6.0)  # 4 and 8, then 8 and 4; the look after one second is too soon
    assert memory.peak_gb == pytest.approx(8.0)


def test_a_system_that_does_not_tell_its_memory_is_no_machine_without_memory(tmp_path: Path) -> None:
    memory = MemoryUse(str(tmp_path))
    memory.look(0.0)
    assert memory.mean_gb is None


def test_what_was_seen_is_said_in_words() -> None:
    seen = {
        "cpu_utilisation": 0.43, "busy_threads": 3.44, "threads": 8, "cpu_steal": 0.02,
        "gpu_utilisation": {"gpu:0": 0.8}, "memory_used_gb": 12.3, "memory_peak_gb": 20.0, "memory_gb": 64,
    }  # fmt: skip
    assert in_words(seen) == (
        "processors 43.0% busy (3.44 of 8 threads), 2.0% stolen by other guests; gpu:0 80.0% busy; "
        "memory 12.3 of 64 GB in use, at most 20"
    )


def test_samples_are_no_utilisation() -> None:
    assert Sample(at_s=0, domain=BOARD, energy_j=0).domain.is_energy
    assert not BUSY.is_energy
