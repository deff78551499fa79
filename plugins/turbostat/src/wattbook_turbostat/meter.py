"""The offer to measure with turbostat: a short trial finds what it can tell here, and why not more."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from wattbook import Domain, Host, Meter, Unavailable

from wattbook_turbostat.domains import domains_of
from wattbook_turbostat.settings import Config

if TYPE_CHECKING:  # on a machine without turbostat none of these is loaded
    from wattbook_turbostat.interval import Interval
    from wattbook_turbostat.process import Process
    from wattbook_turbostat.session import Session

ERROR = 0.05  #: relative half width of the 90 % interval of RAPL's package energy
COLUMNS = {"package": "Pkg_J", "core": "Cor_J", "gfx": "GFX_J", "dram": "RAM_J"}
SYS_J, SYS_J_SINCE = "Sys_J", (2025,)  #: of the platform; before, 20.09.30 refuses to start with it
TRIAL_S = 0.25
TRIAL_START_S = 0.6  #: a probe has two seconds in all
TRIAL_END_S = 0.4
VERSION_LIMIT_S = 0.5
PLACES = ("/usr/sbin", "/usr/bin", "/sbin", "/usr/local/sbin")


class Machine(NamedTuple):
    """How the offer looks at the machine; tests put recordings in its place."""

    start: Callable[[Sequence[str]], Process] = lambda command: start(command)
    find: Callable[[str | None], str | None] = lambda path: find(path)
    version: Callable[[str], str | None] = lambda binary: version_of(binary)
    processor: Callable[[], tuple[str | None, str | None]] = lambda: processor_of("/proc/cpuinfo")


class Offer:
    """turbostat on one host; remembers what its trial found."""

    def __init__(self, host: Host, config: Config | None = None, machine: Machine | None = None) -> None:
        self.host, self.config, self.machine = host, config or Config(), machine or Machine()
        self._command: tuple[str, ...] = ()
        self._found: dict[tuple[int | None, str], Domain] = {}

    def meter(self) -> Meter:
        sockets = [chip.name for chip in self.host.cpus] or [""]
        declared = tuple(domains_of(i, name)["package"] for i, name in enumerate(sockets))
        return Meter(
            name="joules", domains=declared, error=ERROR, interval_s=10.0, probe=self.probe, open=self.open
        )  # fmt: skip

    def probe(self) -> Sequence[Domain]:
        """Run turbostat for a moment with the very command that measures; raises ``Unavailable``."""
        binary = self.machine.find(self.config.path)
        if binary is None:
            raise Unavailable(
                f"{self.config.path or 'turbostat'} is not installed",
                remedy="install linux-cpupower (Debian), linux-tools-generic (Ubuntu) or kernel-tools (Fedora)",
            )
        from wattbook_turbostat.preamble import misreads_dram, version_key
        from wattbook_turbostat.refusals import UnknownColumn

        version = self.machine.version(binary)
        if version is None:
            raise Unavailable(
                f"{binary} does not tell its version",
                remedy="name the real binary in plugins.turbostat.path: some systems wrap it in a script",
            )
        columns = dict(COLUMNS)
        if misreads_dram(version, *self.machine.processor()):
            del columns["dram"]
        more = [SYS_J] if version_key(version) >= SYS_J_SINCE else []
        try:
            interval = self._trial(binary, version, [*columns.values(), *more])
        except UnknownColumn:
            if not more:
                raise
            interval = self._trial(binary, version, [*columns.values()])
        self._found = self._domains(interval)
        return tuple(self._found.values())

    def _trial(self, binary: str, version: str, columns: Sequence[str]) -> Interval:
        """What it prints when it is ended after a moment; an exit status of 0 alone proves nothing."""
        from wattbook_turbostat.refusals import explain
        from wattbook_turbostat.session import Session

        command = (binary, *arguments(columns, self.config.interval_s))
        self._command = ("sudo", "-n", *command) if self.config.sudo else command
        try:
            trial = Session(self.machine.start(self._command), {})
        except OSError as error:
            raise Unavailable(f"turbostat does not start: {error.strerror}", remedy=f"chmod +x {command[0]}") from error
        try:
            trial.start(limit_s=TRIAL_START_S)
            trial.wait(TRIAL_S)
        finally:
            status = trial.close(limit_s=TRIAL_END_S)
        latest = trial.latest
        if latest is None or "package" not in latest.figures:
            raise explain(trial.errors, status, version=version, command=command)
        if latest.figures["package"] == 0:
            raise Unavailable(
                "the package's energy counter stands still",
                remedy="none on this machine: its RAPL counters are there and do not count",
            )
        return latest

    def _domains(self, interval: Interval) -> dict[tuple[int | None, str], Domain]:
        """Domains whose counter moved: a column of 0.00 is not reported, and not a zero."""
        found: dict[tuple[int | None, str], Domain] = {}
        packages: list[int | None] = [*sorted(interval.by_package)] or [None]
        for i, package in enumerate(packages):
            chip = self.host.cpus[i].name if i < len(self.host.cpus) else ""
            figures = interval.figures if package is None else interval.by_package[package]
            for name, domain in domains_of(i, chip).items():
                if name != "platform" and figures.get(name):
                    found[package, name] = domain
        if interval.figures.get("platform"):
            found[None, "platform"] = domains_of(0)["platform"]
        return found

    @contextmanager
    def open(self) -> Iterator[Session]:
        from wattbook_turbostat.session import Session

        if not self._found:
            self.probe()
        session = Session(self.machine.start(self._command), self._found)
        try:
            session.start()
            yield session
        finally:
            session.close()


def arguments(columns: Iterable[str], interval_s: float) -> list[str]:
    """The fixed argument line: exact joules, the end of each interval, every package."""
    shown = ",".join(["Time_Of_Day_Seconds", "Package", *columns])
    return ["--quiet", "--Joules", "--show", shown, "--interval", f"{interval_s:g}"]


def start(command: Sequence[str]) -> Process:
    """The real turbostat."""
    from wattbook_turbostat.process import Turbostat

    return Turbostat.start(command)


def find(path: str | None) -> str | None:
    """The binary; it lies in a folder that is not in everybody's PATH."""
    name = path or "turbostat"
    folders = [""] if os.path.dirname(name) else [*os.environ.get("PATH", "").split(os.pathsep), *PLACES]
    places = (os.path.join(folder, name) for folder in folders)
    return next((place for place in places if os.path.isfile(place) and os.access(place, os.X_OK)), None)


def version_of(binary: str) -> str | None:
    """What ``turbostat --version`` says; older versions say it on stderr."""
    import subprocess

    try:
        done = subprocess.run(
            [binary, "--version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=VERSION_LIMIT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(rb"turbostat version v?([\w.]{1,40})", done.stdout + done.stderr)
    return match[1].decode() if match else None


def processor_of(cpuinfo: str) -> tuple[str | None, str | None]:
    """Vendor and ``family:model:stepping`` of the first processor."""
    try:
        with open(cpuinfo, encoding="utf-8", errors="replace") as stream:
            first = stream.read(4_096).split("\n\n", 1)[0]
    except OSError:
        return None, None
    facts = {k.strip(): v.strip() for k, _, v in (line.partition(":") for line in first.splitlines())}
    numbers = [facts.get(name, "") for name in ("cpu family", "model", "stepping")]
    return facts.get("vendor_id"), ":".join(numbers) if all(numbers) else None
