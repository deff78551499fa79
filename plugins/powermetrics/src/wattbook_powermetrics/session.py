"""powermetrics as a meter: whether it may be used here, and what it would measure."""

from __future__ import annotations

import functools
import os
import re
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from wattbook import Domain, Host, Meter, Unavailable

from wattbook_powermetrics import process
from wattbook_powermetrics.block import INTEL, PACKAGE, PARTS, SOC, part
from wattbook_powermetrics.elsewhere import refusal
from wattbook_powermetrics.stream import Consumer, Stream

TOOL = "/usr/bin/powermetrics"
SUDO = "/usr/bin/sudo"
INTERVAL_S = 1.0
#: Only options that every macOS understands.  It ends after a day by itself, whatever became of us.
COMMAND = (TOOL, "-s", "cpu_power,gpu_power", "-i", "1000", "-n", "86400", "-f", "text", "-b", "1", "-a", "0")
DARWIN_WITH_COMBINED = 22  #: macOS 13


def domains_of(arch: str, release: str) -> tuple[Domain, ...]:
    """The total and its parts that this system prints; *release* is Darwin's, as in ``24.5.0``."""
    if arch != "arm64":
        return (INTEL,)
    major = release.partition(".")[0]
    if major.isdigit() and int(major) < DARWIN_WITH_COMBINED:
        return (PACKAGE, *(part(name, PACKAGE) for name in PARTS))
    return (SOC, *(part(name) for name in ("cpu", "gpu", "ane")))


def sudoers_line(user: str) -> str:
    """The one line that allows exactly this command and nothing else."""
    command = " ".join(re.sub(r"([,:=\\])", r"\\\1", word) for word in COMMAND)
    name = re.sub(r"([^A-Za-z0-9._#-])", r"\\\1", user)
    return f"{name} ALL=(root) NOPASSWD: {command}"


def meter(
    host: Host,
    *,
    start: Callable[[Sequence[str]], process.Child] = process.Process,
    allowed: Callable[[Sequence[str]], bool] = process.answer,
    installed: Callable[[str], bool] = os.path.exists,
    root: bool | None = None,
    user: str | None = None,
    release: str | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Meter:
    """The offer; what is not given is looked up when it is probed or opened."""

    def is_root() -> bool:
        return os.geteuid() == 0 if root is None else root

    def domains() -> tuple[Domain, ...]:
        return domains_of(host.arch, os.uname().release if release is None else release)

    def remedy() -> str:
        return (
            f"run 'sudo visudo -f /etc/sudoers.d/wattbook' and add this one line: {sudoers_line(user or _me())} "
            "(exactly these arguments and no wildcard, because with -o the command could overwrite any file)"
        )

    def probe() -> tuple[Domain, ...]:
        if host.os != "darwin":
            raise refusal(host)
        if host.virtual:
            raise Unavailable("a virtual Mac has no power figures", remedy="measure on the Mac that runs it")
        if not installed(TOOL):
            raise Unavailable(f"there is no {TOOL}", remedy="it comes with macOS: reinstall the system's tools")
        if not is_root() and not allowed((SUDO, "-n", "-l", *COMMAND)):
            raise Unavailable("powermetrics answers only to root, and sudo wants a password for it", remedy=remedy())
        return domains()

    def open() -> AbstractContextManager[Consumer]:
        argv = COMMAND if is_root() else (SUDO, "-n", *COMMAND)
        stream = _shared(argv, remedy()) if start is process.Process else Stream(argv, start, clock, remedy())
        return stream.session(domains(), INTERVAL_S)

    declared = domains_of(host.arch, release or "")
    return Meter(name="powermetrics", domains=declared, interval_s=INTERVAL_S, probe=probe, open=open)


@functools.cache
def _shared(argv: tuple[str, ...], remedy: str) -> Stream:
    """One stream in this process, however many meters are opened."""
    return Stream(argv, process.Process, time.monotonic, remedy)


def _me() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"#{os.getuid()}"
