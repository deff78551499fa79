"""What the machine says of its boards and of the memory that is left to a container."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from wattbook.host import detect
from wattbook.model import Chip


def a_root(folder: Path, files: dict[str, str]) -> str:
    for name, text in {"proc/meminfo": "MemTotal: 67108864 kB\n", **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(folder)


@pytest.mark.parametrize(
    ("files", "limit_gb"),
    [
        ({}, None),
        ({"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "max\n"}, None),
        ({"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": str(8 << 30)}, 8.0),
        ({"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/memory.max": str(4 << 30)}, 4.0),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": str(2 << 30)}, 2.0),
        ({"proc/self/cgroup": "5:memory:/x\n", "sys/fs/cgroup/memory/x/memory.limit_in_bytes": str(1 << 30)}, 1.0),
        ({"proc/self/cgroup": "5:memory:/x\n", "sys/fs/cgroup/memory/x/memory.limit_in_bytes": str(1 << 62)}, None),
        ({"proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/memory.max": "lots"}, None),
    ],
)  # fmt: skip
def test_a_container_knows_the_memory_that_is_left_to_it(
    tmp_path: Path, files: dict[str, str], limit_gb: float | None
) -> None:
    host = detect(a_root(tmp_path, files))
    assert (host.memory_gb, host.memory_limit_gb) == (64.0, limit_gb)


def a_card(folder: Path, number: int, **files: str) -> None:
    """One card of the kernel's list, whose ``device`` leads to its place on the bus."""
    slot = folder / f"sys/devices/pci0000:00/0000:0{number}:00.0"
    for name, text in {"vendor": "0x1002\n", "device": "0x740f\n", **files}.items():
        path = slot / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    card = folder / f"sys/class/drm/card{number}"
    card.mkdir(parents=True)
    os.symlink(slot, card / "device")


def test_an_amd_board_has_its_place_its_name_and_its_limit(tmp_path: Path) -> None:
    a_card(tmp_path, 1, product_name="AMD Instinct MI210\n", hwmon__hwmon3__power1_cap="300000000\n")
    a_card(tmp_path, 2, hwmon__hwmon4__power1_cap="250000000\n")
    (tmp_path / "sys/class/drm/card1-DP-1").mkdir()
    assert detect(a_root(tmp_path, {})).gpus == (
        Chip(name="AMD Instinct MI210", device="gpu:0000:01:00.0", power_limit_w=300.0),
        Chip(name="AMD 1002:740f", device="gpu:0000:02:00.0", power_limit_w=250.0),
    )


def test_graphics_inside_a_processor_are_no_board(tmp_path: Path) -> None:
    a_card(tmp_path, 1, hwmon__hwmon3__power1_average="12000000\n")
    a_card(tmp_path, 2, vendor="0x10de\n", hwmon__hwmon4__power1_cap="250000000\n")
    assert detect(a_root(tmp_path, {})).gpus == ()
