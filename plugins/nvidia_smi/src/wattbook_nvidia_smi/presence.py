"""Whether NVIDIA's library and tool are here at all: asked first, because most machines have neither."""

from __future__ import annotations

import os
import sys

from wattbook import Unavailable

NO_LIBRARY = (
    "the NVML library (libnvidia-ml.so.1, nvml.dll) is not here",
    "install the NVIDIA driver if this machine has a GPU",
)
_PLACES = ("/usr/bin/nvidia-smi", "/usr/lib/wsl/lib/nvidia-smi", r"C:\Windows\System32\nvidia-smi.exe")


def library_here() -> None:
    """Raise ``Unavailable`` where the loader finds no NVML.

    nvidia-ml-py looks for the same name and would say the same, but loads ten times as much to find out.
    """
    if not sys.platform.startswith("linux") or "pynvml" in sys.modules:
        return
    import ctypes

    try:
        ctypes.CDLL("libnvidia-ml.so.1")
    except OSError as error:
        if "No such file" in str(error):
            raise Unavailable(NO_LIBRARY[0], remedy=NO_LIBRARY[1]) from error


def executable() -> str:
    """The path of nvidia-smi; raises ``Unavailable``."""
    name = "nvidia-smi.exe" if sys.platform == "win32" else "nvidia-smi"
    places = [os.path.join(folder, name) for folder in os.get_exec_path()]
    found = next((p for p in (*places, *_PLACES) if os.path.isfile(p) and os.access(p, os.X_OK)), None)
    if found is None:
        raise Unavailable("nvidia-smi is not here", remedy="install the NVIDIA driver if this machine has a GPU")
    return found
