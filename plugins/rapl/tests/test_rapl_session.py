"""Reading counters: wraps, losses and failures, each said for what it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wattbook import Host, Missed, ReadError, Sample
from wattbook_rapl import powercap
from wattbook_rapl.session import Session

if TYPE_CHECKING:
    MachineOf = Callable[[], Any]

HOST = Host(os="linux", arch="x86_64")
RANGE_UJ = 262_143_328_850


def a_session(machine: Any) -> Session:
    files: dict[Any, list[Any]] = {}
    for zone in powercap.zones(machine.root, amd=False):
        files.setdefault(zone.place.domain(HOST), []).append(powercap.ZoneFile(zone))
    session = Session(files, clock=machine.clock, asleep=lambda: machine.asleep_s)
    session.start()
    return session


def joules(session: Session) -> dict[str, float]:
    return {str(i.domain): i.energy_j for i in session.read() if isinstance(i, Sample)}


def missed(session: Session) -> list[Missed]:
    return [i for i in session.read() if isinstance(i, Missed)]


def test_energy_is_the_difference_of_the_counter(a_machine: MachineOf) -> None:
    machine = a_machine().zone("intel-rapl:0", "package-0", watts=42).zone("intel-rapl:0:0", "dram", watts=5)
    session = a_session(machine)
    assert joules(session) == {"cpu:0/package": 0.0, "dram:0/dram": 0.0}
    machine.run(10)
    assert joules(session) == pytest.approx({"cpu:0/package": 420, "dram:0/dram": 50})
    session.close()


def test_dies_are_added(a_machine: MachineOf) -> None:
    machine = (
        a_machine().zone("intel-rapl:0", "package-0-die-0", watts=40).zone("intel-rapl:1", "package-0-die-1", watts=30)
    )
    session = a_session(machine)
    joules(session)
    machine.run(10)
    assert joules(session) == pytest.approx({"cpu:0/package": 700})
    session.close()


def test_a_counter_that_turns_over_loses_nothing(a_machine: MachineOf) -> None:
    machine = a_machine().zone("intel-rapl:0", "package-0", watts=400, start_uj=RANGE_UJ - 1_000_000_000)
    session = a_session(machine)
    joules(session)
    for _ in range(6):
        machine.run(10)
        assert missed(session) == []
    assert joules(session) == pytest.approx({"cpu:0/package": 24_000})
    session.close()


def test_a_step_that_may_hide_two_turns_is_a_gap_with_bounds(a_machine: MachineOf) -> None:
    machine = a_machine().zone("intel-rapl:0", "package-0", watts=100)
    session = a_session(machine)
    joules(session)
    machine.run(900)
    (gap,) = missed(session)
    assert "more than once" in gap.reason
    assert gap.until_s - gap.since_s == 900
    assert gap.low_j <= 90_000 <= (gap.high_j or 0)
    machine.run(10)
    assert joules(session) == pytest.approx({"cpu:0/package": 1_000}), "the next step counts again"
    session.close()


def test_without_a_range_a_fall_is_a_reset_and_not_an_underflow(a_machine: MachineOf) -> None:
    machine = a_machine().zone("intel-rapl:0", "package-0", watts=100, start_uj=5_000_000_000, range_uj=0)
    session = a_session(machine)
    joules(session)
    machine.joules["intel-rapl:0"] = 0
    machine.run(10)
    (gap,) = missed(session)
    assert gap.reason == "the counter started anew"
    session.close()


def test_a_machine_that_slept_says_so(a_machine: MachineOf) -> None:
    machine = a_machine().zone("intel-rapl:0", "package-0", watts=100)
    session = a_session(machine)
    joules(session)
    machine.asleep_s = 3_600
    machine.run(10)
    (gap,) = missed(session)
    assert gap.reason == "the machine slept"
    session.close()


def test_what_the_dies_of_a_package_lose_together_is_one_gap(a_machine: MachineOf) -> None:
    machine = a_machine().zone("intel-rapl:0", "package-0-die-0", watts=40)
    machine.zone("intel-rapl:1", "package-0-die-1", watts=30)
    session = a_session(machine)
    joules(session)
    machine.run(900)
    (gap,) = missed(session)
    assert gap.low_j <= 63_000 <= (gap.high_j or 0)
    session.close()


def test_a_driver_that_was_loaded_anew_is_not_a_turn_of_the_counter(a_machine: MachineOf) -> None:
    machine = a_machine().zone("intel-rapl:0", "package-0", watts=40, start_uj=100_000_000_000)
    session = a_session(machine)
    joules(session)
    machine.joules["intel-rapl:0"] = 0
    machine.run(1)
    (gap,) = missed(session)
    assert gap.reason == "the counter jumped by more than can be"
    assert joules(session) == {"cpu:0/package": 0.0}
    session.close()


def test_a_zone_that_went_and_came_back_starts_anew(a_machine: MachineOf) -> None:
    machine = a_machine().zone("intel-rapl:0", "package-0", watts=40).zone("intel-rapl:0:0", "dram", watts=5)
    session = a_session(machine)
    joules(session)
    machine.energy_uj("intel-rapl:0").write_text("")
    assert set(joules(session)) == {"dram:0/dram"}, "the other counters go on"
    machine.run(10)
    (gap,) = missed(session)
    assert (str(gap.domain), gap.reason) == ("cpu:0/package", "the counter started anew")
    machine.run(10)
    assert joules(session) == pytest.approx({"cpu:0/package": 400, "dram:0/dram": 100})
    session.close()


def test_where_no_counter_answers_the_poll_fails(a_machine: MachineOf) -> None:
    machine = a_machine().zone("intel-rapl:0", "package-0", watts=40)
    session = a_session(machine)
    joules(session)
    machine.energy_uj("intel-rapl:0").write_text("not a number")
    with pytest.raises(ReadError, match="no counter can be read"):
        list(session.read())
    session.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.floats(0, 400), min_size=1, max_size=20), st.integers(0, RANGE_UJ - 1))
def test_whatever_the_power_and_the_start_the_sum_is_right(
    tmp_path_factory: pytest.TempPathFactory, powers: list[float], start_uj: int
) -> None:
    from types import SimpleNamespace

    state = SimpleNamespace(now=0.0, joules=start_uj / 1e6)

    class File:
        place = powercap.Place(package=0, name="package")
        unit_j, range_counts, generation = 1e-6, float(RANGE_UJ), 1

        def read(self) -> int:
            return round(state.joules * 1e6) % RANGE_UJ

        def close(self) -> None: ...

    domain = File.place.domain(HOST)
    session = Session({domain: [File()]}, clock=lambda: state.now, asleep=lambda: 0.0)
    session.start()
    list(session.read())
    for power_w in powers:
        state.now += 60
        state.joules += 60 * power_w
        items = list(session.read())
        assert not any(isinstance(item, Missed) for item in items)
    assert joules(session)[str(domain)] == pytest.approx(60 * sum(powers), abs=1e-3)
