"""Our estimates beside other tools' formulas, on measured power: ``python benchmarks/estimators.py``.

Reads ``cpu_rapl_profiles.csv`` and ``gpu_power_zeus.csv`` from the folder that ``WATTBOOK_ESTIMATION``
names.  CPU packages: Turbostress (CC0-1.0) and CodeCarbon's profiling (MIT), measured with RAPL; runs of
February 2021, which begin before the machine is idle, and readings under 2 % of the design power are left
out.  GPUs: Zeus traces (Apache-2.0), mean
board power of training runs; the utilisation is taken as 100 %.
"""

from __future__ import annotations

import csv
import math
import os
import statistics
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from pathlib import Path

from wattbook.calibrating.backtest import backtest
from wattbook.calibrating.fit import Z, hosted
from wattbook.calibrating.pairs import HostDay
from wattbook_tdp import constants as c
from wattbook_tdp import models
from wattbook_tdp.families import family
from wattbook_tdp.matching import match
from wattbook_tdp.shapes import at

ARTEFACT = 0.02  #: of the design power; no processor that is switched on draws less, a broken counter says so
Point = tuple[str, float, float, float]  #: chip, design power in W, utilisation 0..1, measured W
Formula = Callable[[float, float], float]


def teads(tdp_w: float, u: float) -> float:
    """Teads: 12, 32, 75 and 102 % of TDP at 0, 10, 50 and 100 % load, linear between."""
    points = ((0.0, 0.12), (0.1, 0.32), (0.5, 0.75), (1.0, 1.02))
    for (low, at_low), (high, at_high) in pairwise(points):
        if u <= high:
            return tdp_w * (at_low + (at_high - at_low) * (u - low) / (high - low))
    return tdp_w * points[-1][1]


def boavizta(tdp_w: float, u: float) -> float:
    """Boavizta's default consumption profile of a CPU, scaled by TDP: a x ln(b x (load + c)) + d."""
    a, b, c_, d = 171.2, 0.0354, 36.89, -10.13
    full = a * math.log(b * (100 + c_)) + d
    return tdp_w * 1.02 * (a * math.log(b * (100 * u + c_)) + d) / full


CPU: dict[str, Formula] = {
    "TDP x utilisation": lambda tdp_w, u: tdp_w * u,
    "TDP / 2": lambda tdp_w, u: tdp_w / 2,
    "CodeCarbon 3.3 (cubic)": lambda tdp_w, u: tdp_w * (0.1 + 0.9 * u**3),
    "Teads curve": teads,
    "Boavizta log profile": boavizta,
    "wattbook package": models.package,
    "wattbook, table of f(u)": lambda tdp_w, u: tdp_w * (0.12 + 0.93 * at(c.OS_SHAPE, u)),
}
GPU: dict[str, Formula] = {
    "TDP x utilisation": lambda limit_w, u: limit_w * u,
    "TDP x 0.75": lambda limit_w, u: limit_w * 0.75,
    "wattbook GPU": models.gpu,
}


def cpu_points(folder: Path) -> Iterator[Point]:
    with (folder / "cpu_rapl_profiles.csv").open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            tdp_w = float(row["tdp"]) * float(row["sockets"] or 1)
            if "February21" not in row["run"] and float(row["pkg_w"] or 0) > ARTEFACT * tdp_w:
                yield row["cpu"], tdp_w, float(row["load"]) / 100, float(row["pkg_w"])


def gpu_points(folder: Path) -> Iterator[Point]:
    with (folder / "gpu_power_zeus.csv").open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            yield row["gpu"], float(row["power_limit"]), 1.0, float(row["average_power"])


def table(title: str, formulas: dict[str, Formula], points: Iterable[Point]) -> None:
    """One line a formula: mean and median absolute error, mean error, error of the sum, in percent."""
    points = list(points)
    print(f"\n{title}: {len(points)} points, {len({chip for chip, *_ in points})} chips")
    print(f"{'':<26}{'MAPE':>8}{'median':>8}{'bias':>8}{'energy':>8}   (%)")
    for name, formula in formulas.items():
        errors = [formula(watts, u) / measured - 1 for _, watts, u, measured in points]
        energy = sum(formula(watts, u) for _, watts, u, _ in points) / sum(m for *_, m in points) - 1
        absolute = [abs(error) for error in errors]
        figures = (statistics.mean(absolute), statistics.median(absolute), statistics.mean(errors), energy)
        print(f"{name:<26}" + "".join(f"{100 * figure:8.1f}" for figure in figures))


def covered(formula: Formula, bounds: tuple[float, float], points: Iterable[Point]) -> float:
    hits = [bounds[0] <= measured / formula(watts, u) <= bounds[1] for _, watts, u, measured in points]
    return sum(hits) / len(hits)


def host_days(folder: Path) -> Iterator[HostDay]:
    """Every measured run as a day of a machine, its loads equally long; measured beside the package model."""
    runs: dict[tuple[str, str], list[tuple[float, float]]] = {}
    with (folder / "cpu_rapl_profiles.csv").open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            tdp_w = float(row["tdp"]) * float(row["sockets"] or 1)
            measured_w = float(row["pkg_w"] or 0)
            if "February21" not in row["run"] and measured_w > ARTEFACT * tdp_w:
                modelled_w = models.package(tdp_w, float(row["load"]) / 100)
                runs.setdefault((row["run"], row["cpu"]), []).append((measured_w, modelled_w))
    low, high = c.PACKAGE_Q
    for (run, cpu), watts in runs.items():
        found = match(cpu, "cpu").facts
        machine = run.split("_loadstep")[0] if "loadstep" in run else cpu
        yield HostDay(
            cause="model:tdp.package", family=family(found.name) if found else cpu, host=machine, day=run,
            measured_j=sum(measured for measured, _ in watts), modelled_j=sum(modelled for _, modelled in watts),
            down=-math.log(low), up=math.log(high),
        )  # fmt: skip


def calibrated(days: Iterable[HostDay]) -> None:
    """The back-test of ``wattbook calibrate``, and of all families together with each machine left out."""
    days = sorted(days, key=lambda day: (day.family, day.host, day.day))
    machines = hosted(days)
    spread = statistics.mean((day.down + day.up) / (2 * Z) for day in days)
    print(f"\nCalibration of the package model, leaving each machine out: {len(days)} runs of {len(machines)} machines")
    print(f"{'family':<38}{'machines':>9}{'runs':>6}{'before':>8}{'after':>8}{'covered':>9}   (%)")
    sums = [0.0, 0.0, 0.0, 0.0]
    for name, score in sorted(backtest(days, machines, spread).items()):
        mine = [day for day in days if day.family == name]
        if score.before is not None and score.after is not None and score.covered is not None:
            told = "".join(f"{100 * figure:{width}.1f}" for figure, width in zip(score[:3], (8, 8, 9), strict=True))
            print(f"{name:<38}{len({day.host for day in mine}):>9}{len(mine):>6}{told}   by {score.left_out}")
            sums = [
                total + part for total, part in zip(sums, (len(mine), *(len(mine) * f for f in score[:3])), strict=True)
            ]
    if sums[0]:
        told = "".join(f"{100 * part / sums[0]:{width}.1f}" for part, width in zip(sums[1:], (8, 8, 9), strict=True))
        print(f"{'together':<38}{'':>9}{sums[0]:>6.0f}{told}")


def main() -> int:
    folder = Path(os.environ.get("WATTBOOK_ESTIMATION", ""))
    if not (folder / "cpu_rapl_profiles.csv").is_file():
        print("WATTBOOK_ESTIMATION names no folder with cpu_rapl_profiles.csv", file=sys.stderr)
        return 1
    cpu, gpu = list(cpu_points(folder)), list(gpu_points(folder))
    servers = [point for point in cpu if "Platinum" in point[0] or "E5-26" in point[0]]
    table("CPU package, all machines", CPU, cpu)
    table("CPU package, servers", CPU, servers)
    table("GPU board in training, against its power limit", GPU, gpu)
    print("\n90 % intervals cover")
    print(f"  CPU package  {covered(models.package, c.PACKAGE_Q, cpu):.1%}")
    print(f"  GPU board    {covered(models.gpu, c.GPU_Q, gpu):.1%}")
    calibrated(host_days(folder))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
