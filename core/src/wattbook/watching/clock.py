"""Which start of the machine this is, and how long ago it was."""

from __future__ import annotations

import sys
import time


def boot_id() -> str:
    """Differs after every start of the machine; empty where nothing tells."""
    if sys.platform.startswith("linux"):
        try:
            with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as stream:
                return stream.read().strip()
        except OSError:
            return ""
    if sys.platform == "darwin":
        import ctypes

        size = ctypes.c_size_t(64)
        buffer = ctypes.create_string_buffer(size.value)
        failed = ctypes.CDLL(None).sysctlbyname(b"kern.bootsessionuuid", buffer, ctypes.byref(size), None, 0)
        return "" if failed else buffer.value.decode("ascii", "replace")
    return ""


def up_s() -> float:
    """Seconds since the machine started, its sleep included where the system counts it."""
    for name in ("CLOCK_BOOTTIME", "CLOCK_MONOTONIC"):  # the second one counts sleep on macOS
        if hasattr(time, name):
            return time.clock_gettime(getattr(time, name))
    return time.monotonic()
