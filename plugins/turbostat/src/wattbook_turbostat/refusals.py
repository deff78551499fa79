"""Why turbostat does not measure here, in a user's words, with the smallest remedy."""

from __future__ import annotations

import re
from collections.abc import Sequence

from wattbook import Unavailable

from wattbook_turbostat.preamble import version_key

PERF_SINCE = (2024,)  #: versions that read RAPL through perf first, model-specific registers second
CAPABILITIES = "cap_sys_rawio,cap_sys_admin,cap_sys_nice=ep"

#: what turbostat (or sudo) says -> reason, remedy
SAYINGS: tuple[tuple[str, str, str], ...] = (
    (
        r"password is required|not allowed to|may not run",
        "sudo would ask for a password",
        "a line in sudoers with exactly these arguments and no wildcard: USER ALL=(root) NOPASSWD: {command}",
    ),
    (
        r"no /dev/cpu/\d+/msr",
        "the driver for model-specific registers is not loaded",
        "modprobe msr (a line 'msr' in /etc/modules-load.d/msr.conf keeps it); a virtual machine has no RAPL at all",
    ),
    (
        r"CAP_SYS_RAWIO|Permission denied|Try running as root|Run as root",
        "turbostat may not read the energy counters",
        "setcap {capabilities} {binary} and make /dev/cpu/*/msr readable for your group; the plugin rapl needs less",
    ),
    (
        r"msr open failed.*Operation not permitted|Operation not permitted.*msr",
        "the kernel denies model-specific registers (lockdown of Secure Boot, or a container)",
        "use the plugin rapl, or turbostat of 2024 or later, which reads the counters through perf",
    ),
    (
        r"Failed to set rlimit",
        "turbostat wants 32768 open files and may not have them",
        "raise the hard limit: ulimit -Hn 32768, or LimitNOFILE=32768 in the service",
    ),
    (
        r"Invalid counter name|can not be added|unrecognized option|invalid option|Usage: turbostat",
        "this turbostat does not know the columns or options that are asked for",
        "use turbostat of 2020 or later",
    ),
)


class UnknownColumn(Unavailable):
    """This version does not know a column that was asked for; with fewer columns it may work."""


def explain(errors: str, status: int, *, version: str, command: Sequence[str]) -> Unavailable:
    """The refusal behind an exit status and what stands on stderr."""
    binary, line = command[0], " ".join(command)
    for pattern, reason, remedy in SAYINGS:
        if re.search(pattern, errors):
            text = remedy.format(binary=binary, command=line, capabilities=CAPABILITIES)
            if "{capabilities}" in remedy and version_key(version) >= PERF_SINCE:
                text = f"setcap cap_perfmon=ep {binary}, or sysctl kernel.perf_event_paranoid=0; the plugin rapl needs less"
            return (UnknownColumn if "Invalid counter" in pattern else Unavailable)(reason, remedy=text)
    said = next((line.strip() for line in reversed(errors.splitlines()) if line.strip()), "")
    if status not in (0, -2):
        return Unavailable(f"turbostat ended with {status}{f': {said}' if said else ''}", remedy=f"try: {line}")
    return Unavailable(
        "turbostat runs, but prints no energy: this processor's counters are hidden (a virtual machine), unknown to "
        f"turbostat {version}, or not readable",
        remedy=f"on a real machine: setcap {CAPABILITIES} {binary}, or a newer turbostat; in a virtual machine: none",
    )
