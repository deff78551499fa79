"""Builds the bench: the distribution's turbostat on a machine whose energy counters are known."""

from __future__ import annotations

import glob
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

MACHINE = Path(__file__).with_name("machine.c")
PLACES = (
    "/usr/sbin/turbostat", "/usr/bin/turbostat", "/usr/lib/linux-tools/*/turbostat", "/usr/lib/linux-tools-*/turbostat",
)  # fmt: skip


def the_binary() -> Path | None:
    """The real turbostat; what lies in PATH may be a script that calls it."""
    found = [os.environ.get("TURBOSTAT") or shutil.which("turbostat") or "", *(p for g in PLACES for p in glob.glob(g))]
    for path in filter(None, found):
        if Path(path).is_file() and Path(path).read_bytes()[:4] == b"\x7fELF":
            return Path(path)
    return None


def without_cpuid(binary: Path) -> bytes:
    """The binary with every CPUID instruction (0F A2) replaced by UD2 (0F 0B), which the machine answers."""
    sections = re.findall(
        r"^\s*\[\s*\d+\]\s+\S+\s+PROGBITS\s+([0-9a-f]+)\s+([0-9a-f]+)\s+([0-9a-f]+)",
        tell("readelf", "-WS", binary),
        re.M,
    )
    data = bytearray(binary.read_bytes())
    places = re.findall(r"^\s*([0-9a-f]+):\s+0f a2\s+cpuid", tell("objdump", "-d", binary), re.M)
    assert places, "turbostat without CPUID?"
    for place in places:
        for start, offset, size in ([int(x, 16) for x in section] for section in sections):
            if start <= (address := int(place, 16)) < start + size:
                data[address - start + offset : address - start + offset + 2] = b"\x0f\x0b"
    return bytes(data)


def tell(*command: str | Path) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="session")
def turbostat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A script that runs turbostat on the emulated machine, in the same process."""
    missing = [tool for tool in ("gcc", "objdump", "readelf") if shutil.which(tool) is None]
    binary = the_binary()
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        pytest.skip("the bench needs Linux on x86-64")
    if binary is None:
        pytest.skip("no turbostat here: apt-get install linux-cpupower")
    if missing:
        pytest.skip(f"no {', '.join(missing)} here: apt-get install gcc libc6-dev binutils")
    folder = tmp_path_factory.mktemp("bench")
    library, copy, script = folder / "machine.so", folder / "turbostat.real", folder / "turbostat"
    tell("gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", library, MACHINE, "-ldl")
    copy.write_bytes(without_cpuid(binary))
    script.write_text(f'#!/bin/sh\nLD_PRELOAD="{library}" exec "{copy}" "$@"\n', encoding="utf-8")
    for file in (copy, script):
        file.chmod(0o755)
    return script


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Say what the emulated machine is like, as in ``machine(cpu="amd", pkg_w="42,30")``."""

    def set_up(**wishes: object) -> None:
        for name, value in {"cpu": "intel:506e3", **wishes}.items():
            monkeypatch.setenv(f"BENCH_{name.upper()}", str(value))

    set_up()
    return set_up
