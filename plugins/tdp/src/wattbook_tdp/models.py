"""Power in watts from a chip's figures and its utilisation: each model is one small formula.

``share`` is ``f(u)`` of ``shapes``: 0 at idle, 1 at full load.  Every model is linear in the curve that it
rises along, so that its watts at both ends say all of it.  Watts in, watts out; no intervals here.
"""

from __future__ import annotations

from wattbook_tdp import constants as c
from wattbook_tdp.shapes import bent


def server(tdp_w: float, memory_gb: float, share: float) -> float:
    """Whole server at the wall: power supply, fans, board, memory and disks inside; no GPU, no PUE.

    ``T * (0.15 + 0.70 * f) + M * (0.14 + 0.27 * f)``, T in W over all sockets, M in GB.
    Source: 453 SPECpower_ssj2008 servers of 2017-2025; mean absolute error 17.0 % on unseen vendors.
    """
    idle = c.SERVER_IDLE_PER_W * tdp_w + c.SERVER_IDLE_PER_GB * memory_gb
    full = c.SERVER_MAX_PER_W * tdp_w + c.SERVER_MAX_PER_GB * memory_gb
    return idle + (full - idle) * share


def server_tdp_only(tdp_w: float, share: float) -> float:
    """Whole server at the wall, memory unknown: ``T * (0.22 + 0.86 * f)``.

    Source: the same servers; mean absolute error 19.0 % on unseen vendors.
    """
    return tdp_w * (c.TDP_ONLY_IDLE_PER_W + (c.TDP_ONLY_MAX_PER_W - c.TDP_ONLY_IDLE_PER_W) * share)


def threads(count: float, make: str, share: float) -> float:
    """Share of a server at the wall from its hardware threads: ``n * (idle + (max - idle) * f)``.

    Idle/max are 0.37/1.75 W per thread for AMD, 0.74/3.89 W for Intel and unknown makes.
    Source: medians of the same servers; mean absolute error 25.5 % on unseen vendors.
    """
    idle, full = c.THREAD_IDLE_W[make], c.THREAD_MAX_W[make]
    return count * (idle + (full - idle) * share)


def package(tdp_w: float, os_share: float) -> float:
    """CPU package as RAPL measures it: ``T * (0.12 + 0.93 * u^0.69)``, u the operating system's CPU share.

    Source: 9 server CPUs, 119 RAPL points; median absolute error 13.6 % on unseen CPUs.
    """
    return tdp_w * (c.PACKAGE_IDLE_PER_W + c.PACKAGE_SPAN_PER_W * bent(os_share, "os"))


def gpu(limit_w: float, utilisation: float) -> float:
    """GPU board: ``L * (0.10 + 0.62 * u)``, L the power limit that the driver enforces, else the board's TDP.

    Source: ML.ENERGY and Zeus; the slope against paired utilisation and power logs is not verified.
    """
    return limit_w * (c.GPU_IDLE_PER_LIMIT + c.GPU_SPAN_PER_LIMIT * utilisation)


def ram(memory_gb: float, share: float) -> float:
    """Memory: ``M * (0.14 + 0.27 * f)``; only beside a package figure, the server models contain it.

    Source: regression on the same SPECpower servers, inside what Turbostress measured (0.13-0.49 W/GB).
    """
    return memory_gb * (c.RAM_IDLE_W_PER_GB + (c.RAM_LOAD_W_PER_GB - c.RAM_IDLE_W_PER_GB) * share)


def soc(tdp_w: float, share: float) -> float:
    """System on a chip of a laptop or desktop: ``T * (0.02 + 0.73 * f)``, T the unofficial design power.

    Source: judgement, held against powermetrics recordings and Apple's published idle and maximum power
    of Mac mini and Mac Studio; hence the wide interval.
    """
    return tdp_w * (c.SOC_IDLE_PER_W + (c.SOC_MAX_PER_W - c.SOC_IDLE_PER_W) * share)


def disk(ssd_tb: float, hdd_tb: float) -> float:
    """Disks: 1.2 W per TB of flash, 0.65 W per TB of spinning disk.  Source: Cloud Carbon Footprint."""
    return 1.2 * ssd_tb + 0.65 * hdd_tb


def wall_from_components(components_w: float, constant_w: float = 30.0) -> float:
    """A workstation at the wall from measured CPU, GPU and memory: ``1.20 * components + 15..45 W``.

    Source: ai-energy-validation (R. Fischer), 318 runs of an i9-13900K with an RTX 4090 on a wall meter.
    """
    return 1.20 * components_w + constant_w
