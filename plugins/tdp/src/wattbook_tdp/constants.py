"""The fitted constants of every model, each with its source; nothing here is computed.

Power models were fitted on published measurements; the fit is described in ``docs/method.md``.
Intervals hold the ratio truth/prediction between its 5 % and 95 % quantiles.
"""

from __future__ import annotations

from typing import Final

VERSION: Final = "2026-11"

SPEC: Final = "fit on 453 SPECpower_ssj2008 servers, hardware 2017-2025 (SPEC, spec.org), rounded"
STRESS: Final = "9 stress-ng runs with RAPL package power: Turbostress (CC0-1.0), turbostress-modeling"
RAPL_FIT: Final = "fit on 9 server CPUs, 119 RAPL points: Turbostress (CC0-1.0), CodeCarbon profiling (MIT); all Intel"
GPU_FIT: Final = "ML.ENERGY leaderboard (1,858 configurations, H100, B200) and Zeus traces (V100, A40, P100, RTX 6000)"

#: f(u) at u = 0, 0.1 ... 1: share of the way from idle to full power
LOAD_SHAPE: Final = (0.0, 0.18, 0.24, 0.31, 0.38, 0.45, 0.53, 0.62, 0.73, 0.88, 1.0)  # median SPECpower curve
OS_SHAPE: Final = (0.0, 0.22, 0.34, 0.45, 0.57, 0.70, 0.79, 0.87, 0.92, 0.98, 1.0)  # median RAPL curve of STRESS

# whole server at the wall, memory known: W per W of TDP and W per GB
SERVER_IDLE_PER_W: Final = 0.15
SERVER_MAX_PER_W: Final = 0.85
SERVER_IDLE_PER_GB: Final = 0.14
SERVER_MAX_PER_GB: Final = 0.41
#: quantiles by throughput load, knots as the shapes'
SERVER_Q05: Final = (0.56, 0.73, 0.75, 0.74, 0.74, 0.76, 0.77, 0.76, 0.75, 0.75, 0.78)
SERVER_Q95: Final = (2.13, 1.65, 1.59, 1.49, 1.44, 1.41, 1.39, 1.38, 1.37, 1.36, 1.32)

# whole server at the wall, memory unknown
TDP_ONLY_IDLE_PER_W: Final = 0.22
TDP_ONLY_MAX_PER_W: Final = 1.08
TDP_ONLY_Q05: Final = (0.55, 0.70, 0.71, 0.71, 0.70, 0.71, 0.72, 0.72, 0.72, 0.72, 0.75)
TDP_ONLY_Q95: Final = (2.39, 1.78, 1.71, 1.64, 1.54, 1.51, 1.47, 1.45, 1.47, 1.41, 1.36)

# watts of wall power per hardware thread, TDP unknown
THREAD_IDLE_W: Final = {"amd": 0.37, "intel": 0.74}
THREAD_MAX_W: Final = {"amd": 1.75, "intel": 3.89}
THREADS_Q05: Final = (0.56, 0.63, 0.66, 0.66, 0.67, 0.68, 0.67, 0.68, 0.67, 0.66, 0.64)
THREADS_Q95: Final = (2.44, 1.92, 1.91, 1.88, 1.80, 1.76, 1.72, 1.74, 1.74, 1.68, 1.65)

#: SPEC submissions are tuned for power and vector work exceeds TDP: with a reading of the operating system,
#: whose transfer to the wall is not verified, no upper bound is closer than this
MIN_UPPER: Final = 1.5

# CPU package as RAPL sees it
PACKAGE_IDLE_PER_W: Final = 0.12
PACKAGE_SPAN_PER_W: Final = 0.93
PACKAGE_EXPONENT: Final = 0.69
PACKAGE_Q: Final = (0.42, 1.42)  # leave one CPU out, all loads

# GPU board, per watt of power limit
GPU_IDLE_PER_LIMIT: Final = 0.10
GPU_SPAN_PER_LIMIT: Final = 0.62
#: covers 91 % of the 1,609 Zeus runs against their power limit, 92 % of the 218 at the full limit
GPU_Q: Final = (0.21, 1.36)

# memory, W per GB (only beside a package figure; the server models contain it)
RAM_IDLE_W_PER_GB: Final = 0.14
RAM_LOAD_W_PER_GB: Final = 0.41
RAM_LOW_W_PER_GB: Final = (0.08, 0.25)  # idle, load: Turbostress DRAM RAPL, lowest
RAM_HIGH_W_PER_GB: Final = (0.28, 0.85)  # idle, load: between CPU stress (0.49) and memory stress (1.16)

# system on a chip (Apple), per watt of unofficial design power: judgement, held against powermetrics
# recordings of idle chips (0.04 to 1 W) and Apple's published idle and maximum of Mac mini and Mac Studio
SOC_IDLE_PER_W: Final = 0.02
SOC_MAX_PER_W: Final = 0.75
SOC_Q: Final = (0.30, 1.60)
SOC_BOARD_W: Final = (4.0, 2.0, 12.0)  # supply, board, memory, display: middle, low, high

# chips of desktops and laptops in the server model: Intel states base power since the 12th generation and
# turbo draws up to twice as much, AMD's socket limit is 1.35 x TDP
CLIENT_INTEL_UPPER: Final = 1.5
CLIENT_UPPER: Final = 1.25
CLIENT_INTEL_YEAR: Final = 2021

UNOFFICIAL_TDP: Final = 0.25  #: relative uncertainty of a TDP that no vendor published
NEWER_THAN_FIT: Final = 0.15  #: relative, for hardware launched after the fit's last server
FIT_LAST_YEAR: Final = 2025
MIN_HARDWARE_YEAR: Final = 2012
OLD_UPPER: Final = 1.6  #: servers before 2012 draw 1.3-1.6 x TDP at full load
