"""What a gauge that is read now and then may be off by: the interval holds the true energy of synthetic signals."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wattbook.counters import Integrator
from wattbook.model import Domain, Missed, Sample
from wattbook.pipeline.settle import figure, sampling_error_j
from wattbook.polling import Tally

FINE_S = 0.02  #: the resolution of the true signal
BOARD = Domain(device="gpu:0", name="board")
TRIALS = 150
Signal = Callable[[random.Random, int], list[float]]


def noise(chance: random.Random, count: int) -> list[float]:
    """Every tenth of a second another power."""
    held = [chance.uniform(50, 700) for _ in range(count // 5 + 1)]
    return [held[i // 5] for i in range(count)]


def bursts(chance: random.Random, count: int) -> list[float]:
    """Work and rest, of random lengths around three seconds."""
    watts: list[float] = []
    high = chance.random() < 0.5
    while len(watts) < count:
        watts += [600.0 if high else 60.0] * max(1, int(chance.expovariate(1 / 3) / FINE_S))
        high = not high
    return watts[:count]


def wandering(chance: random.Random, count: int) -> list[float]:
    power = chance.uniform(200, 400)
    return [power := max(0.0, power + chance.gauss(0, 2)) for _ in range(count)]


def swinging(chance: random.Random, count: int) -> list[float]:
    """A wave whose period has nothing to do with the interval."""
    period, phase = chance.uniform(2.5, 30), chance.uniform(0, 2 * math.pi)
    return [300 + 200 * math.sin(2 * math.pi * i * FINE_S / period + phase) for i in range(count)]


def read(watts: list[float], every: int, first: int) -> tuple[Tally, float]:
    """The gauge read at every so many fine steps, and the true joules between the first and the last reading."""
    gauge, tally, at = Integrator(), Tally(), first
    while at < len(watts):
        gauge.update(watts[at], at * FINE_S)
        tally.take(
            Sample(at_s=at * FINE_S, domain=BOARD, energy_j=gauge.total_j, variance_j2=gauge.variance_j2)
        )  # fmt: skip
        last, at = at, at + every
    return tally, math.fsum(watts[first:last]) * FINE_S


@settings(max_examples=12, deadline=None)
@given(
    signal=st.sampled_from([noise, bursts, wandering, swinging]),
    readings=st.integers(8, 60),
    every=st.sampled_from([25, 50, 100]),
    seed=st.integers(0, 2**32),
)
def test_the_interval_covers_the_true_energy(signal: Signal, readings: int, every: int, seed: int) -> None:
    chance = random.Random(seed)
    covered = 0
    for _ in range(TRIALS):
        watts = signal(chance, readings * every)
        tally, true_j = read(watts, every, chance.randrange(every))
        found = figure(tally, tally.covered_s, 0.0)
        assert found is not None
        assert found.low_j is not None
        assert found.high_j is not None
        covered += found.low_j <= true_j <= found.high_j
    assert covered >= 0.82 * TRIALS  # 90 % less four standard deviations of such a count


@given(st.floats(0, 1_000), st.integers(2, 50))
def test_a_constant_power_has_no_sampling_error(watts: float, readings: int) -> None:
    tally, true_j = read([watts] * readings * 10, 10, 0)
    assert tally.variance_j2 == 0.0
    assert tally.energy_j == pytest.approx(true_j)


def test_the_error_shrinks_with_the_root_of_the_number_of_readings() -> None:
    chance = random.Random(1)
    watts = noise(chance, 400_000)
    few, many = (read(watts[:count], 50, 0)[0] for count in (100_000, 400_000))
    shares = [sampling_error_j(t.variance_j2, t.steps) / t.energy_j for t in (few, many)]
    assert shares[0] / shares[1] == pytest.approx(2.0, rel=0.1)


def test_a_few_readings_get_a_wider_interval_than_their_variance_says() -> None:
    assert sampling_error_j(1.0, 4) == pytest.approx(2.13, rel=0.01)  # the 95 % quantile of Student's t
    assert sampling_error_j(1.0, 30) == pytest.approx(1.697, rel=0.001)


def test_sensor_and_sampling_errors_add_in_quadrature() -> None:
    tally = Tally()
    tally.energy_j, tally.covered_s, tally.variance_j2, tally.steps = 1_000.0, 10.0, 900.0, 10_000
    found = figure(tally, 10.0, 0.05)
    assert found is not None
    assert found.high_j == pytest.approx(1_000 + math.hypot(50, 1.645 * 30), rel=1e-4)
    assert found.low_j == pytest.approx(1_000 - math.hypot(50, 1.645 * 30), rel=1e-4)


def test_what_was_read_before_the_stretch_does_not_count() -> None:
    tally = Tally(last=Sample(at_s=0.0, domain=BOARD, energy_j=5.0, variance_j2=9.0))
    tally.take(Sample(at_s=1.0, domain=BOARD, energy_j=15.0, variance_j2=13.0))
    tally.take(Missed(since_s=1.0, until_s=2.0, domain=BOARD, reason="gone"))
    assert (tally.energy_j, tally.variance_j2, tally.steps) == (10.0, 4.0, 1)


def test_a_meter_of_unknown_error_has_no_interval_of_its_samples_alone() -> None:
    tally = Tally()
    tally.energy_j, tally.covered_s, tally.variance_j2, tally.steps = 1_000.0, 10.0, 900.0, 100
    found = figure(tally, 10.0, None)
    assert found is not None
    assert (found.low_j, found.high_j) == (None, None)
