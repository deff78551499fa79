"""What a machine says about itself in /proc and /sys becomes a host; where it stands becomes a place."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from wattbook.config import Config, Site
from wattbook.errors import ConfigError
from wattbook.host import detect, place, system_timezone
from wattbook.model import Host

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="these are Linux's files")


def a_root(folder: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(folder)


def cpus(model: str, sockets: int, cores: int, flags: str = "fpu sse2") -> str:
    blocks = []
    for number in range(sockets * cores * 2):
        socket = number % sockets
        blocks.append(
            f"processor\t: {number}\nmodel name\t: {model}\nphysical id\t: {socket}\n"
            f"cpu cores\t: {cores}\nflags\t\t: {flags}\n"
        )
    return "\n".join(blocks) + "\n"


def see(folder: Path, **files: str) -> Host:
    return detect(a_root(folder, {name.replace("__", "/"): text for name, text in files.items()}))


SERVER = {
    "proc/cpuinfo": cpus("Intel(R) Xeon(R) Gold 6148 CPU @ 2.40GHz", 2, 20),
    "proc/meminfo": "MemTotal:       394985488 kB\nMemFree: 1 kB\n",
    "sys/class/dmi/id/sys_vendor": "Dell Inc.\n",
    "sys/class/dmi/id/product_name": "PowerEdge R640\n",
    "sys/class/dmi/id/chassis_type": "23\n",
}


def test_a_server_has_its_sockets_cores_and_memory(tmp_path: Path) -> None:
    host = detect(a_root(tmp_path, SERVER))
    assert [(c.name, c.device, c.cores, c.threads) for c in host.cpus] == [
        ("Intel(R) Xeon(R) Gold 6148 CPU @ 2.40GHz", "cpu:0", 20, 40),
        ("Intel(R) Xeon(R) Gold 6148 CPU @ 2.40GHz", "cpu:1", 20, 40),
    ]
    assert (host.os, host.threads, host.memory_gb) == ("linux", 80, 376.7)
    assert (host.virtual, host.laptop, host.instance) == (False, False, "")
    assert host.model == "Dell Inc. PowerEdge R640"


def test_a_hypervisors_flag_makes_a_guest(tmp_path: Path) -> None:
    host = detect(a_root(tmp_path, {"proc/cpuinfo": cpus("AMD EPYC", 1, 2, "fpu hypervisor sse2")}))
    assert host.virtual is True
    assert host.laptop is None


def test_a_cloud_instance_names_its_type(tmp_path: Path) -> None:
    files = {
        "proc/cpuinfo": cpus("Intel(R) Xeon(R) Platinum 8259CL CPU @ 2.50GHz", 1, 1, "hypervisor"),
        "sys/class/dmi/id/sys_vendor": "Amazon EC2",
        "sys/class/dmi/id/product_name": "m5.large",
    }
    assert detect(a_root(tmp_path, files)).instance == "m5.large"


ARM = "processor\t: 0\nBogoMIPS\t: 243.75\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\nCPU part\t: 0xd40\n\n"


@pytest.mark.parametrize(
    ("product", "virtual"), [("Amazon EC2 c7g.large", True), ("Amazon EC2 c7g.metal", False), ("HPE Altra", False), ("", None)]
)  # fmt: skip
def test_an_arm_processor_gets_its_name_and_asks_the_firmware(
    tmp_path: Path, product: str, virtual: bool | None
) -> None:
    vendor, _, name = product.rpartition(" ")
    files = {"proc/cpuinfo": ARM * 2}
    if product:
        files |= {"sys/class/dmi/id/sys_vendor": vendor, "sys/class/dmi/id/product_name": name}
    host = detect(a_root(tmp_path, files))
    assert [(c.name, c.threads) for c in host.cpus] == [("ARM Neoverse-V1", 2)]
    assert host.virtual is virtual


def test_a_laptop_is_known_by_its_chassis(tmp_path: Path) -> None:
    files = {"proc/cpuinfo": cpus("Intel(R) Core(TM) i7-1165G7", 1, 4), "sys/class/dmi/id/chassis_type": "10"}
    assert detect(a_root(tmp_path, files)).laptop is True


def test_a_gpu_is_named_by_its_uuid(tmp_path: Path) -> None:
    card = "Model: \t\t NVIDIA A100-SXM4-40GB\nIRQ:   \t\t 1\nGPU UUID: \t GPU-f5a2f6a4-0000\n"
    files = {
        "proc/driver/nvidia/gpus/0000:07:00.0/information": card,
        "proc/driver/nvidia/gpus/0000:08:00.0/information": "Model: \t NVIDIA A100\nGPU UUID: \t GPU-????????\n",
    }
    assert [(c.name, c.device) for c in detect(a_root(tmp_path, files)).gpus] == [
        ("NVIDIA A100-SXM4-40GB", "gpu:GPU-f5a2f6a4-0000"),
        ("NVIDIA A100", "gpu:1"),
    ]


def test_a_machine_that_says_nothing_is_a_host_of_unknowns(tmp_path: Path) -> None:
    host = detect(str(tmp_path))
    assert (host.cpus, host.gpus, host.virtual, host.memory_gb, host.threads) == ((), (), None, None, None)


@pytest.mark.parametrize(
    ("files", "threads"),
    [
        ({"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/cpu.max": "max 100000\n"}, 80),
        ({"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/cpu.max": "150000 100000\n"}, 2),
        ({"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/cpu.max": "400000 100000\n"}, 4),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "50000 100000\n"}, 1),
        (
            {
                "proc/self/cgroup": "4:cpu,cpuacct:/docker/x\n0::/\n",
                "sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_quota_us": "300000\n",
                "sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_period_us": "100000\n",
            },
            3,
        ),
        (
            {
                "proc/self/cgroup": "4:cpu:/\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            80,
        ),
    ],
)
def test_a_quota_limits_the_threads(tmp_path: Path, files: dict[str, str], threads: int) -> None:
    assert detect(a_root(tmp_path, SERVER | files)).threads == threads


def test_this_machine_can_be_looked_at_without_a_process(no_subprocess: None, no_network: None) -> None:
    host = detect()
    assert host.os == "linux"
    assert host.threads is not None
    assert host.threads >= 1


# --- where it stands ---------------------------------------------------------------------------


def test_the_time_zone_is_the_variable_then_the_link_then_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = a_root(tmp_path, {"etc/timezone": "Europe/Paris\n"})
    monkeypatch.delenv("TZ", raising=False)
    assert system_timezone(root) == "Europe/Paris"
    os.symlink("/usr/share/zoneinfo/Asia/Tokyo", tmp_path / "etc/localtime")
    assert system_timezone(root) == "Asia/Tokyo"
    monkeypatch.setenv("TZ", ":Asia/Singapore")
    assert system_timezone(root) == "Asia/Singapore"
    monkeypatch.setenv("TZ", "/usr/share/zoneinfo/posix/America/New_York")
    assert system_timezone(root) == "America/New_York"


def test_a_machine_without_a_time_zone_is_in_utc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TZ", raising=False)
    assert system_timezone(str(tmp_path)) == "UTC"


def test_an_unconfigured_zone_is_assumed_from_the_time_zone_and_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Singapore")
    assumed = place(Config())
    assert (assumed.zone, assumed.zone_assumed) == ("SG", True)
    monkeypatch.setenv("TZ", "UTC")
    assert (place(Config()).zone, place(Config()).zone_assumed) == (None, False)


def test_a_configured_zone_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Singapore")
    found = place(Config(site=Site(zone="FI", pue=1.1)))
    assert (found.zone, found.zone_assumed, found.pue) == ("FI", False, 1.1)


def test_an_intensity_of_the_users_own_needs_no_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Singapore")
    found = place(Config(site=Site(intensity_g_per_kwh=412, intensity_source="EMA 2023", intensity_year=2023)))
    assert (found.zone, found.zone_assumed, found.intensity_g_per_kwh) == (None, False, 412)


def test_a_named_site_is_found_and_an_unknown_one_is_refused() -> None:
    config = Config(sites={"lab": Site(zone="SG")})
    assert (place(config, "lab").site, place(config, "lab").zone) == ("lab", "SG")
    assert place(config, "default").site == "default"
    with pytest.raises(ConfigError, match=r"sites\.lap.*default, lab"):
        place(config, "lap")


def test_a_zone_that_no_factor_knows_is_refused_with_its_path() -> None:
    with pytest.raises(ConfigError, match=r"site\.zone: no grid factor is known for zone 'Singapor'"):
        place(Config(site=Site(zone="Singapor")))


def test_a_zone_that_no_factor_knows_will_do_where_the_user_brings_one() -> None:
    site = Site(zone="campus", intensity_g_per_kwh=30.0, intensity_source="own solar plant, 2026")
    assert place(Config(site=site)).zone == "campus"
