"""The self-check of doctor, with fake meters that work, fail, lie and hang."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wattbook import Domain, Meter, Missed, ReadError, Sample, selfcheck
from wattbook.resolve import Fate, Verdict
from wattbook.selfcheck import ProbedMeter, SelfCheck, self_check
from wattbook.selfcheck.outcome import judge
from wattbook.selfcheck.watching import Trace, Watch

PACKAGE = Domain(device="cpu:0", name="package")
CORE = Domain(device="cpu:0", name="core", within="cpu:0/package")
BOARD = Domain(device="gpu:0", name="board")
PLATFORM = Domain(device="machine", name="platform")

Read = Callable[[int, float], list[Sample | Missed]]


class FakeSession:
    """Answers with what *read* makes of the number of the call and the time since the session was opened."""

    def __init__(self, read: Read) -> None:
        self.of, self.calls, self.began_s = read, 0, time.monotonic()

    def read(self) -> Iterator[Sample | Missed]:
        self.calls += 1
        yield from self.of(self.calls, time.monotonic() - self.began_s)


def drawing(watts: float, *domains: Domain) -> Read:
    """A counter that runs as if each of *domains* drew *watts*."""
    return lambda call, at_s: [Sample(at_s=at_s, domain=d, energy_j=watts * at_s) for d in domains or (PACKAGE,)]


def a_verdict(read: Read, *chosen: Domain, fate: Fate = Fate.CHOSEN, interval_s: float = 0.02) -> Verdict:
    @contextmanager
    def opened() -> Iterator[FakeSession]:
        yield FakeSession(read)

    return verdict_of(opened, *chosen, fate=fate, interval_s=interval_s)


def verdict_of(
    opened: Callable[[], object], *chosen: Domain, fate: Fate = Fate.CHOSEN, interval_s: float = 0.02
) -> Verdict:
    domains = chosen or (PACKAGE,)
    meter = Meter(name="m", domains=domains, interval_s=interval_s, probe=lambda: None, open=opened)  # type: ignore[arg-type]
    return Verdict(plugin="fake", source="m", fate=fate, domains=domains, reason="best", meter=meter)


def checked(*verdicts: Verdict, seconds: float = 0.1) -> SelfCheck:
    return self_check(verdicts, seconds)


def only(check: SelfCheck) -> ProbedMeter:
    (meter,) = check.meters
    return meter


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Short patience, and an event on which hanging fakes wait; it is set when the test is over."""
    for name in ("OPEN_S", "ANSWER_S", "CLOSE_S"):
        monkeypatch.setattr(selfcheck, name, 0.05)
    released = threading.Event()
    yield released
    released.set()


def test_a_meter_that_works_shows_its_watts_and_its_interval() -> None:
    (domain,) = only(checked(a_verdict(drawing(42)))).domains
    assert domain.power_w == pytest.approx(42)
    assert domain.samples >= 2
    assert domain.interval_s is not None
    assert domain.interval_s * (domain.samples - 1) == pytest.approx(domain.energy_j / 42)
    assert (domain.ok, domain.missed, domain.notes) == (True, 0, ())


def test_a_meter_that_wants_to_be_read_once_a_minute_is_read_often_enough() -> None:
    assert only(checked(a_verdict(drawing(42), interval_s=60))).domains[0].samples >= 2


def test_only_chosen_meters_are_opened() -> None:
    def refuse() -> object:
        raise AssertionError("opened")

    assert checked(verdict_of(refuse, fate=Fate.PASSED_OVER)).meters == ()


def test_a_machine_without_a_chosen_meter_is_fine() -> None:
    check = checked()
    assert check.ok
    assert list(check.as_lines()) == ["nothing to probe: no meter is chosen here"]


def test_a_breakdown_is_shown_beside_what_was_chosen() -> None:
    meter = only(checked(a_verdict(drawing(42, PACKAGE, CORE))))
    assert {str(d.domain): d.chosen for d in meter.domains} == {"cpu:0/package": True, "cpu:0/core": False}


@pytest.mark.parametrize(
    ("domain", "watts", "fine"),
    [(PACKAGE, 4_999, True), (PACKAGE, 5_001, False), (BOARD, 1e15, False), (PLATFORM, 9_000, True),
     (PLATFORM, 1e6, False), (BOARD, 0, False), (CORE, 0, True)],
)  # fmt: skip
def test_no_device_draws_more_than_it_can_or_nothing_at_all(domain: Domain, watts: float, fine: bool) -> None:
    check = checked(a_verdict(drawing(watts, domain), domain))
    assert check.ok is fine
    assert (only(check).domains[0].reason is None) is fine


def test_energy_that_runs_backwards_is_implausible() -> None:
    falling: Read = lambda call, at_s: [Sample(at_s=at_s, domain=PACKAGE, energy_j=max(0.0, 100 - 10 * call))]  # noqa: E731
    assert only(checked(a_verdict(falling))).domains[0].reason == "its energy ran backwards"


def test_a_figure_that_is_not_a_number_is_told_and_is_still_json() -> None:
    check = checked(a_verdict(drawing(float("nan"))), a_verdict(drawing(1e308)))
    assert not check.ok
    assert "ValueError" in (check.meters[0].reason or "")
    json.dumps(check.as_dict(), allow_nan=False)


def test_a_single_jump_is_found_in_the_mean_of_many_quiet_seconds() -> None:
    trace = Trace(domain=PACKAGE)
    for second in range(100):
        trace.take(Sample(at_s=second, domain=PACKAGE, energy_j=second * 10 + (9_000 if second > 50 else 0)))
    watch = Watch(watched=Meter(name="m", domains=(), probe=lambda: None, open=lambda: None), seconds=100)  # type: ignore[arg-type,return-value]
    probed = judge(trace, True, watch)
    assert probed.power_w == pytest.approx(10 + 9_000 / 99)
    assert probed.max_power_w == pytest.approx(9_010)
    assert "9010 W" in (probed.reason or "")


@given(st.lists(st.floats(0.001, 10), min_size=2, max_size=50), st.floats(0, 4_999))
def test_a_steady_device_shows_its_watts_whatever_the_intervals(steps_s: list[float], watts: float) -> None:
    trace, at_s = Trace(domain=CORE), 0.0
    for step_s in steps_s:
        at_s += step_s
        trace.take(Sample(at_s=at_s, domain=CORE, energy_j=watts * at_s))
    watch = Watch(watched=Meter(name="m", domains=(), probe=lambda: None, open=lambda: None), seconds=1)  # type: ignore[arg-type,return-value]
    probed = judge(trace, True, watch)
    assert probed.power_w == pytest.approx(watts, rel=1e-6, abs=1e-9)
    assert probed.samples == len(steps_s)
    assert probed.longest_interval_s == pytest.approx(max(steps_s[1:]), rel=1e-6)


def test_the_same_sample_again_is_no_new_one() -> None:
    slow: Read = lambda call, at_s: [Sample(at_s=at_s // 0.05, domain=PACKAGE, energy_j=at_s // 0.05)]  # noqa: E731
    (domain,) = only(checked(a_verdict(slow, interval_s=0.005), seconds=0.2)).domains
    assert 2 <= domain.samples <= 10
    assert domain.missed == 0


def test_polls_that_fail_are_counted_with_their_reason() -> None:
    def flaky(call: int, at_s: float) -> list[Sample | Missed]:
        if call == 2:
            raise ReadError("the bus was busy")
        return [Sample(at_s=at_s, domain=PACKAGE, energy_j=at_s)]

    (domain,) = only(checked(a_verdict(flaky))).domains
    assert (domain.ok, domain.missed, domain.notes) == (True, 1, ("the bus was busy",))


def test_a_stretch_of_unknown_energy_does_not_thin_the_power() -> None:
    def jumping(call: int, at_s: float) -> list[Sample | Missed]:
        lost = [Missed(since_s=1, until_s=2, domain=PACKAGE, reason="reset")] if call == 3 else []
        return [*lost, Sample(at_s=call, domain=PACKAGE, energy_j=40.0 * (call - (call > 2)))]

    (domain,) = only(checked(a_verdict(jumping))).domains
    assert domain.power_w == pytest.approx(40)
    assert (domain.missed, domain.missed_s, domain.notes) == (1, 1.0, ("reset",))


def test_a_device_that_disappears_is_missed() -> None:
    both = drawing(40, PACKAGE, BOARD)
    meter = only(checked(a_verdict(lambda call, at_s: both(call, at_s)[: 2 if call < 3 else 1], PACKAGE, BOARD)))
    package, board = sorted(meter.domains, key=lambda d: d.domain.name, reverse=True)
    assert package.missed == 0
    assert board.missed >= 1


def test_a_chosen_domain_without_a_figure_is_wrong() -> None:
    meter = only(checked(a_verdict(drawing(40), PACKAGE, BOARD)))
    assert {str(d.domain): d.ok for d in meter.domains} == {"cpu:0/package": True, "gpu:0/board": False}
    assert not meter.ok


def test_a_meter_that_gives_nothing_is_wrong() -> None:
    check = checked(a_verdict(lambda call, at_s: []))
    assert not check.ok
    assert "it gave nothing within 0.1 s" in "\n".join(check.as_lines())


def test_one_sample_is_no_power() -> None:
    once = drawing(40)
    (domain,) = only(checked(a_verdict(lambda call, at_s: once(call, at_s) if call == 1 else []))).domains
    assert domain.power_w is None
    assert "probe longer" in (domain.reason or "")


def test_a_meter_that_cannot_be_opened_says_why() -> None:
    def refuse() -> object:
        raise PermissionError("not for you")

    assert "cannot be opened: PermissionError: not for you" in (only(checked(verdict_of(refuse))).reason or "")


def test_a_probe_in_which_everything_breaks_is_over_at_once() -> None:
    def refuse() -> object:
        raise OSError("gone")

    assert checked(verdict_of(refuse), seconds=3_600).duration_s < 60


def test_a_meter_that_hangs_in_opening_is_left_behind(impatient: threading.Event) -> None:
    def hang() -> object:
        impatient.wait()
        raise OSError("too late")

    check = checked(verdict_of(hang), a_verdict(drawing(42)))
    assert [meter.ok for meter in check.meters] == [False, True]
    assert "did not open" in (check.meters[0].reason or "")


def test_a_meter_that_hangs_in_reading_is_left_behind_with_what_it_gave(impatient: threading.Event) -> None:
    def hang(call: int, at_s: float) -> list[Sample | Missed]:
        if call > 2:
            impatient.wait()
        return [Sample(at_s=call, domain=PACKAGE, energy_j=40.0 * call)]

    meter = only(checked(a_verdict(hang)))
    assert (meter.ok, meter.reason) == (False, "it stopped answering")
    assert meter.domains[0].power_w == pytest.approx(40)


def test_a_meter_that_does_not_close_is_wrong(impatient: threading.Event) -> None:
    @contextmanager
    def opened() -> Iterator[FakeSession]:
        yield FakeSession(drawing(42))
        impatient.wait()

    assert only(checked(verdict_of(opened))).reason == "it does not close"


def test_every_session_is_closed_also_when_the_probe_is_cut_short(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = threading.Event()

    @contextmanager
    def opened() -> Iterator[FakeSession]:
        try:
            yield FakeSession(drawing(42))
        finally:
            closed.set()

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(selfcheck, "_wait", interrupt)
    with pytest.raises(KeyboardInterrupt):
        checked(verdict_of(opened))
    assert closed.wait(5)
