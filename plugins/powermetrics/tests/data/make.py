"""Writes the synthetic recordings of this folder: the form is that of powermetrics, the numbers are made up.

Run it here with any Python: ``python make.py``.  No machine ever printed these figures.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

HERE = Path(__file__).parent
MARK = "synthetic: made up for the tests of wattbook; no machine printed these numbers"
SINGAPORE = timezone(timedelta(hours=8))


def dated(moment: datetime, seconds: float) -> str:
    """A header's date: the end of the sample, cut to the second."""
    end = moment + timedelta(seconds=seconds)
    return f"{end:%a %b} {end.day:2d} {end:%H:%M:%S %Y %z}"


def top(model: str, build: str, boot: str = "Mon Oct  5 08:12:41 2026", *more: str) -> str:
    head = [f"Machine model: {model}", *more, f"OS version: {build}", "Boot arguments: ", f"Boot time: {boot}"]
    return "\n".join([*head, "", "", "", ""])


def header(kind: str, start: datetime, at_s: float, elapsed_ms: float) -> str:
    return f"*** {kind} system activity ({dated(start, at_s)}) ({elapsed_ms:.2f}ms elapsed) ***\n\n\n**** Processor usage ****\n\n"


def residencies(share: float, label: str = "CPU", names: tuple[str, ...] = ("E-Cluster", "P-Cluster")) -> str:
    lines: list[str] = []
    for index, name in enumerate(names):
        active = share * 100 / (index + 1)
        lines += [
            f"{name} HW active frequency: {900 + 40 * index} MHz",
            f"{name} HW active residency: {active:6.2f}% (900 MHz: {active / 2:3.0f}% 2000 MHz: {active / 2:3.0f}%)",
            f"{name} idle residency: {100 - active:6.2f}%",
            f"{label} {index} frequency: {1000 + 10 * index} MHz",
            f"{label} {index} active residency: {active:6.2f}% (900 MHz: {active:3.0f}%)",
            "",
        ]
    return "\n".join(lines) + "\n"


def gpu_section(gpu: int, *, hw: bool = True) -> str:
    kind = "GPU HW active" if hw else "GPU active"
    return f"**** GPU usage ****\n\n{kind} residency:   1.23% (338 MHz: 1.2%)\nGPU idle residency:  98.77%\nGPU Power: {gpu} mW\n"


def ventura(
    start: datetime,
    rows: list[tuple[float, int, int, int]],
    *,
    share: float = 0.2,
    names: tuple[str, ...] = ("E-Cluster", "P-Cluster"),
) -> Iterator[str]:
    """macOS 13 and newer; rows of elapsed ms, CPU, GPU and ANE milliwatts."""
    at_s = 0.4  # the run began within a second
    for elapsed_ms, cpu, gpu, ane in rows:
        at_s += elapsed_ms / 1e3
        yield header("Sampled", start, at_s, elapsed_ms) + residencies(share, names=names)
        yield f"CPU Power: {cpu} mW\nGPU Power: {gpu} mW\nANE Power: {ane} mW\n"
        yield f"Combined Power (CPU + GPU + ANE): {cpu + gpu + ane} mW\n\n{gpu_section(gpu)}\n\n"


def monterey(start: datetime, rows: list[tuple[float, int, int, int, int, int]]) -> Iterator[str]:
    """macOS 12; rows of elapsed ms, ANE, DRAM, CPU, GPU and package."""
    at_s = 0.7
    for elapsed_ms, ane, dram, cpu, gpu, package in rows:
        at_s += elapsed_ms / 1e3
        yield header("Sampled", start, at_s, elapsed_ms)
        yield f"E-Cluster Power: {cpu // 5} mW\nP-Cluster Power: {cpu - cpu // 5} mW\n" + residencies(0.3)
        yield f"ANE Power: {ane} mW\nDRAM Power: {dram} mW\nCPU Power: {cpu} mW\nGPU Power: {gpu} mW\n"
        yield f"Package Power: {package} mW\n\n\n"


def big_sur(start: datetime, rows: list[tuple[float, int, int, int, int, int]]) -> Iterator[str]:
    """macOS 11 with its summary of the whole run, which is no sample."""
    at_s = 0.2
    sums, total_ms = [0.0] * 5, 0.0
    for elapsed_ms, *powers in rows:
        at_s += elapsed_ms / 1e3
        total_ms += elapsed_ms
        sums = [s + p * elapsed_ms for s, p in zip(sums, powers, strict=True)]
        yield header("Sampled", start, at_s, elapsed_ms) + _big_sur(*powers)
    last_ms = 350.0  # a last interval that is in no sample
    sums = [s + 400 * last_ms for s in sums]
    total_ms += last_ms
    yield header("Summary", start, at_s + 0.35, total_ms) + _big_sur(*(round(s / total_ms) for s in sums))


def _big_sur(ane: int, dram: int, cpu: int, gpu: int, package: int) -> str:
    return (
        residencies(0.1, "cpu")
        + f"ANE Power: {ane} mW\nDRAM Power: {dram} mW\nClusters Total Power: {cpu} mW\n"
        + f"GPU Power: {gpu} mW\nPackage Power: {package} mW\n\n{gpu_section(gpu, hw=False)}\n\n\n"
    )


def intel(start: datetime, rows: list[tuple[float, float]]) -> Iterator[str]:
    """An Intel Mac; rows of elapsed ms and watts."""
    at_s = 0.9
    for elapsed_ms, watts in rows:
        at_s += elapsed_ms / 1e3
        yield header("Sampled", start, at_s, elapsed_ms)
        yield f"Intel energy model derived package power (CPUs+GT+SA): {watts:.2f}W\n\nLLC flushed residency: 26.3%\n\n"
        yield "System Average frequency as fraction of nominal: 96.10% (2498.72 Mhz)\n"
        yield "CPU Average frequency as fraction of nominal: 92.36% (2401.36 Mhz)\n\n\n"


def key(name: str, value: object) -> str:
    if isinstance(value, bool):
        return f"<key>{name}</key><{'true' if value else 'false'}/>\n"
    kind = "integer" if isinstance(value, int) else "real" if isinstance(value, float) else "string"
    return f"<key>{name}</key><{kind}>{value if kind != 'real' else f'{value:.6g}'}</{kind}>\n"


def document(start: datetime, at_s: float, elapsed_ns: int, inside: str, model: str, build: str) -> str:
    end = (start + timedelta(seconds=at_s)).astimezone(UTC)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">\n'
        f'<plist version="1.0">\n<!-- {MARK} -->\n<dict>\n'
        + key("is_delta", True) + key("elapsed_ns", elapsed_ns) + key("hw_model", model) + key("kern_osversion", build)
        + f"<key>timestamp</key><date>{end:%Y-%m-%dT%H:%M:%SZ}</date>\n{inside}</dict>\n</plist>\n"
    )  # fmt: skip


def cluster(name: str, active: float) -> str:
    return f"<dict>\n{key('name', name)}{key('idle_ratio', 1 - active)}{key('dvfm_states', 0)}</dict>\n"


def processor(elapsed_s: float, mw: dict[str, float], active: float = 0.25, *, package_mj: int | None = None) -> str:
    inside = f"<key>clusters</key>\n<array>\n{cluster('E-Cluster', active)}{cluster('P-Cluster', active / 2)}</array>\n"
    for name, power in mw.items():
        inside += key(f"{name}_energy", round(power * elapsed_s)) + (
            key(f"{name}_power", power) if package_mj is None else ""
        )
    if package_mj is None:
        inside += key("combined_power", sum(mw.values()))
    else:
        inside += key("package_energy", package_mj)
    return f"<key>processor</key>\n<dict>\n{inside}</dict>\n"


def gpu(energy_mj: int) -> str:
    """Some keys come twice, as they do in the original."""
    twice = key("idle_ns", 900_000_000) + key("idle_ratio", 0.9)
    return f"<key>gpu</key>\n<dict>\n{key('freq_hz', 338.0)}{twice}{twice}{key('gpu_energy', energy_mj)}</dict>\n"


def sonoma_plist(start: datetime, rows: list[tuple[int, float, float, float]], model: str, build: str) -> Iterator[str]:
    """macOS 14; rows of elapsed ns, CPU, GPU and ANE milliwatts."""
    at_s = 0.3
    for elapsed_ns, cpu_mw, gpu_mw, ane_mw in rows:
        at_s += elapsed_ns / 1e9
        inside = processor(elapsed_ns / 1e9, {"cpu": cpu_mw, "gpu": gpu_mw, "ane": ane_mw})
        yield document(start, at_s, elapsed_ns, inside + gpu(round(gpu_mw * elapsed_ns / 1e9)), model, build)


def working_day(minutes: int) -> Iterator[tuple[float, int, int, int]]:
    """A laptop from nine to one: reading, two builds, a local training run, a call."""
    for i in range(240 // minutes):
        hour = 9 + i * minutes / 60
        cpu = 420 + 180 * math.sin(hour * 7) + (5200 if 9.5 <= hour < 9.75 or 11.2 <= hour < 11.4 else 0)
        gpu_mw = 60 + 25 * math.cos(hour * 5) + (9400 if 10 <= hour < 11 else 0)
        ane = 310 if 12 <= hour < 12.5 else 0
        yield minutes * 60_000 + 31.4 + i % 7, round(cpu), round(gpu_mw), ane


def write(name: str, *parts: str, mark: bool = True) -> None:
    text = (f"# {MARK}\n" if mark else "") + "".join(parts)
    (HERE / name).write_bytes(text.encode())


def main() -> None:
    day = datetime(2026, 10, 6, 9, 0, 0, tzinfo=SINGAPORE)
    east = datetime(2024, 2, 29, 23, 59, 57, tzinfo=timezone(timedelta(hours=-5)))
    modern = [(1004.31, 812, 40, 0), (1002.96, 2290, 351, 0), (1009.12, 1764, 77, 12), (1003.55, 905, 38, 0)]
    old = [(1005.02, 0, 120, 640, 31, 1010), (1003.40, 0, 410, 2950, 44, 3702), (1011.77, 3, 205, 1222, 29, 1490)]
    one = "".join(ventura(day, modern))
    write("synthetic_m4_sequoia.txt", top("Mac16,8", "24F74"), one)
    write("synthetic_m5_tahoe.txt", *ventura(day, modern, names=("S-Cluster", "P-Cluster")))
    write("synthetic_m1_monterey.txt", top("MacBookAir10,1", "21G115"), *monterey(east, old))
    write("synthetic_m1_bigsur_summary.txt", top("Macmini9,1", "20G95"), *big_sur(east, old))
    rows = [(1003.11, 7.41), (1002.05, 18.9), (1004.6, 9.05)]
    write(
        "synthetic_intel_catalina.txt",
        top("MacBookPro15,1", "19H2026", "Mon Oct  5 08:12:41 2026", "SMC version: 1"),
        *intel(east, rows),
    )
    later = "".join(ventura(day + timedelta(minutes=7), modern[:2]))
    write("synthetic_two_runs.txt", top("Mac16,8", "24F74"), one, top("Mac16,8", "24F74"), later)
    beta = "".join(ventura(day, [(1004.31, 0, 40, 0), (1002.96, 0, 351, 0)], share=0.9))
    write("synthetic_macos27_beta_0mw.txt", top("MacBookPro18,3", "26A5368g"), beta)
    thermal = header("Sampled", day, 0.0, 1.2) + "**** Thermal pressure ****\n\nCurrent pressure level: Nominal\n"
    write("synthetic_thermal_only.txt", top("Mac17,3", "26A428"), thermal.replace("**** Processor usage ****\n\n", ""))
    (power_lines,) = ["".join(f"{line}\n" for line in one.splitlines() if " Power" in line)]
    write("synthetic_power_lines_only.txt", power_lines, mark=False)
    (summary,) = ["".join(big_sur(east, old)).rpartition("*** Summary")[2]]
    write("synthetic_summary_only.txt", top("Macmini9,1", "20G95"), "*** Summary" + summary)

    precise = [
        (1_004_310_000, 812.4, 40.25, 0.0),
        (1_002_960_000, 2290.75, 351.5, 0.0),
        (1_009_120_000, 1764.0, 77.0, 12.5),
    ]
    documents = list(sonoma_plist(day, precise, "MacBookPro18,3", "23H311"))
    write("synthetic_m1pro_sonoma.plist", "\0".join(documents), mark=False)
    write("synthetic_m1pro_sonoma_cut.plist", "Password:\n", "\0".join(documents)[:-400], mark=False)
    package = [
        (1_005_000_000, {"cpu": 640.0, "gpu": 31.0, "ane": 0.0, "dram": 120.0}, 1015),
        (1_003_000_000, {"cpu": 2950.0, "gpu": 44.0, "ane": 0.0, "dram": 410.0}, 3713),
    ]
    lists = [
        document(east, 0.5 + i, ns, processor(ns / 1e9, mw, package_mj=mj), "MacBookAir10,1", "21G115")
        for i, (ns, mw, mj) in enumerate(package, start=1)
    ]
    write("synthetic_m1_monterey.plist", "\0".join(lists), mark=False)
    write("synthetic_gpu_only.plist", document(day, 5.1, 5_004_000_000, gpu(18), "Mac16,8", "24F74"), mark=False)
    joules = "<key>processor</key>\n<dict>\n" + key("package_joules", 8.25) + key("package_watts", 8.2) + "</dict>\n"
    write("synthetic_intel.plist", document(east, 1.2, 1_006_000_000, joules, "MacBookPro15,1", "19H2026"), mark=False)
    battery = "<key>battery</key>\n<dict>\n" + key("percent_charge", 6064) + "</dict>\n"
    write("synthetic_battery_only.plist", document(day, 1.0, 1_002_000_000, battery, "Mac16,8", "24F74"), mark=False)

    write("synthetic_laptop_day.txt", top("Mac15,6", "24G84"), *ventura(day, list(working_day(5))))
    nanoseconds = [(round(ms * 1e6), c * 1.01, g * 1.02, float(a)) for ms, c, g, a in working_day(10)]
    other = day + timedelta(days=1)
    write(
        "synthetic_laptop_day.plist",
        "\0".join(sonoma_plist(other, nanoseconds, "MacBookPro18,3", "23H311")),
        mark=False,
    )


if __name__ == "__main__":
    main()
