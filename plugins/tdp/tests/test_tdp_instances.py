"""A described cloud machine is what its type says, and a description that contradicts it is refused."""

from __future__ import annotations

import pytest
import wattbook_tdp
from wattbook.byhand import Estimators, Undescribed
from wattbook.jobs import Job
from wattbook.plugins import gather


def hourly(**said: object) -> float:
    return Estimators(gather([("tdp", wattbook_tdp)])).hourly(Job(hours=1.0, **said)).power.value  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "field", "sentence"),
    [
        ({"instance": "m5.large", "gpu_count": 2}, "gpu_count", "m5.large has no accelerators, not 2"),
        ({"instance": "m5.large", "gpu_util": (0.5, 0.5)}, "gpu_util", "m5.large has no accelerators"),
        ({"instance": "p5.48xlarge", "gpu_count": 3}, "gpu_count", "8 accelerators, not 3"),
        (
            {"instance": "p5.48xlarge", "gpu": "NVIDIA A100-SXM4-80GB"},
            "gpu",
            "8 x NVIDIA H100 80GB HBM3, not NVIDIA A100-SXM4-80GB",
        ),
        ({"instance": "m5.large", "memory_gb": 900.0}, "memory_gb", "8 GB of memory, not 900"),
        ({"instance": "m5.large", "cpu": "AMD EPYC 9965"}, "cpu", "not AMD EPYC 9965"),
    ],
)
def test_a_description_that_contradicts_its_instance_type_is_refused(
    said: dict[str, object], field: str, sentence: str
) -> None:
    with pytest.raises(Undescribed, match=sentence) as refused:
        hourly(**said)
    assert refused.value.field == field


def test_what_agrees_with_an_instance_type_may_be_said_again() -> None:
    plain = hourly(instance="g4dn.xlarge", util=(0.5, 0.5), gpu_util=(0.5, 0.5))
    assert plain == hourly(instance="g4dn.xlarge", util=(0.5, 0.5), gpu_util=(0.5, 0.5), gpu="NVIDIA T4", gpu_count=1)
    assert plain > hourly(instance="g4dn.xlarge", util=(0.5, 0.5), gpu_util=(0.0, 0.0))


def test_an_accelerator_may_be_added_to_a_type_that_has_none() -> None:
    assert hourly(instance="n1-standard-8", gpu="Tesla T4", gpu_util=(1.0, 1.0)) > 50


def test_an_idle_column_says_nothing_about_accelerators() -> None:
    assert hourly(instance="m5.large", gpu_util=(0.0, 0.0)) == hourly(instance="m5.large")
