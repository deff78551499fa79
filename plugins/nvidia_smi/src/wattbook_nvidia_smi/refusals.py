"""What nvidia-smi says when it has nothing to say, turned into a reason and a remedy."""

from __future__ import annotations

import re

_KNOWN: tuple[tuple[str, str, str], ...] = (
    (
        r"couldn't communicate with the NVIDIA driver",
        "the NVIDIA driver was not running",
        "install or load the driver (modprobe nvidia) and look at dmesg",
    ),
    (
        r"Driver/library version mismatch",
        "the loaded NVIDIA driver and its library are of different versions",
        "reboot, or unload and load the nvidia kernel module again",
    ),
    (
        r"GPU is lost",
        "a GPU fell off the bus",
        "reboot the machine; if it comes back, check the GPU's power and seat",
    ),
    (
        r"Unable to determine the device handle",
        "a GPU does not answer the driver",
        "look for Xid messages in dmesg, reset the GPU or reboot",
    ),
    (r"No devices were found", "the NVIDIA driver found no GPU", "check that the GPU is passed through or plugged in"),
    (
        r"couldn't find (libnvidia-ml\.so|nvml\.dll|NVML)",
        "the NVML library is missing",
        "install the driver's library (libnvidia-compute on Debian and Ubuntu)",
    ),
    (
        r"GPU access blocked by the operating system",
        "the operating system blocks access to the GPU",
        "update WSL (wsl --update) or the driver on the Windows side",
    ),
    (
        r"Failed to initialize NVML",
        "NVML could not be initialised",
        "run nvidia-smi as this user; in a container, start it with access to the GPU",
    ),
    (
        r"is not a valid field to query",
        "this driver does not know a field that was asked for",
        "leave the field out; nvidia-smi --help-query-gpu lists the known ones",
    ),
    (
        r"nvidia-smi: (?:command )?not found|'nvidia-smi' is not recognized",
        "nvidia-smi is not installed there",
        "install the NVIDIA driver",
    ),
)
_PATTERNS = tuple((re.compile(pattern, re.I), reason, remedy) for pattern, reason, remedy in _KNOWN)


def explain(text: str) -> tuple[str, str] | None:
    """The reason and the remedy behind a message of nvidia-smi, if *text* is one."""
    for pattern, reason, remedy in _PATTERNS:
        if pattern.search(text):
            return reason, remedy
    return None
