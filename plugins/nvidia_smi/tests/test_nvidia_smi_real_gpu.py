"""The same meters on a real GPU, where this machine has one."""

from __future__ import annotations

import time

import pytest
from wattbook import Host, Meter, Sample, Unavailable
from wattbook_nvidia_smi import measure

METERS = {meter.name: meter for meter in measure(host=Host(), config=None)}


@pytest.fixture(params=["energy", "power", "smi"])
def meter(request: pytest.FixtureRequest) -> Meter:
    found = METERS[request.param]
    try:
        found.probe()
    except Unavailable as no:
        pytest.skip(f"no real GPU for {request.param}: {no.reason}")
    return found


def test_a_real_gpu_draws_a_plausible_power(meter: Meter) -> None:
    with meter.open() as session:
        first = {s.domain: s for s in session.read() if isinstance(s, Sample)}
        time.sleep(3)
        last = {s.domain: s for s in session.read() if isinstance(s, Sample)}
    assert first
    for domain, sample in last.items():
        watts = (sample.energy_j - first[domain].energy_j) / (sample.at_s - first[domain].at_s)
        assert 1.0 < watts < 5_000.0, f"{domain} draws {watts} W"
