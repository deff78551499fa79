"""A stand-in for nvidia-smi: a script that prints rows and behaves badly on request."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPT = """\
#!{python}
import os, signal, sys, time
mood = os.environ.get("FAKE_SMI", "")
arguments = sys.argv[1:]
if "mismatch" in mood:
    print("Failed to initialize NVML: Driver/library version mismatch")
    sys.exit(18)
if "hang" in mood:
    time.sleep(60)
if "unsupported" in mood:
    power = ["[N/A]", "[N/A]"]
else:
    power = ["150.00 W", "60.00 W"]
if "stubborn" in mood:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
interval = [int(a.partition("=")[2]) for a in arguments if a.startswith("--loop-ms=")]
with open(os.environ["FAKE_SMI_LOG"], "a") as log:
    print(os.getpid(), os.getpgid(0), *arguments, file=log)
print("timestamp, index, uuid, name, pci.bus_id, driver_version, power.draw [W]")
count = 0
try:
    while True:
        count += 1
        for gpu in range(2):
            if "lost" in mood and gpu == 1 and count > 3:
                print("Unable to determine the device handle for GPU 0000:02:00.0: GPU is lost.")
                continue
            text = "[Unknown Error]" if "error" in mood and gpu == 1 and count > 3 else power[gpu]
            print(f"2026/09/14 09:00:00.000, {{gpu}}, GPU-5ea1f00d-0000-4000-8000-00000000000{{gpu}}, "
                  f"NVIDIA Stand-in, 00000000:0{{gpu}}:00.0, 999.01, {{text}}")
        sys.stdout.flush()
        if not interval or ("ends" in mood and count > 3):
            sys.exit(0)
        time.sleep(interval[0] / 1000)
except KeyboardInterrupt:
    sys.exit(0)
"""


@pytest.fixture
def fake_smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Put a stand-in first on the path; calling it sets its mood and answers with the log of its starts."""
    if sys.platform == "win32":
        pytest.skip("the stand-in for nvidia-smi is a script")
    folder, log = tmp_path / "bin", tmp_path / "starts.log"
    folder.mkdir()
    script = folder / "nvidia-smi"
    script.write_text(SCRIPT.format(python=sys.executable))
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_SMI_LOG", str(log))

    def be(mood: str) -> Path:
        monkeypatch.setenv("FAKE_SMI", mood)
        return log

    be("")
    return be
