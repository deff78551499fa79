"""A running turbostat: sums that only grow, nudges, losses that are said, an end that is certain."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import pytest
from wattbook import Chip, Domain, Host, Missed, ReadError, Sample, Unavailable
from wattbook_turbostat.domains import domains_of
from wattbook_turbostat.meter import Config, Machine, Offer
from wattbook_turbostat.process import Turbostat
from wattbook_turbostat.session import Session

PACKAGE, DRAM = domains_of(0)["package"], domains_of(0)["dram"]
ONE: dict[tuple[int | None, str], Domain] = {(None, "package"): PACKAGE, (None, "dram"): DRAM}
HEADER = "Time_Of_Day_Seconds\tPkg_J\tRAM_J\n"


class Scripted:
    """A turbostat that prints what the test tells it to."""

    def __init__(self, *answers: str, errors: str = "", status: int = 0, deaf: bool = False, last: str = "") -> None:
        self.answers, self.status, self.deaf, self.last = list(answers), status, deaf, last
        reading, self.out = os.pipe()
        complaints, self.err = os.pipe()
        self.output: IO[bytes] = os.fdopen(reading, "rb", 0)
        self.errors: IO[bytes] = os.fdopen(complaints, "rb", 0)
        os.write(self.err, errors.encode())
        self.open = True
        self.nudged = 0

    def wait_ready(self, limit_s: float) -> None:
        pass

    def nudge(self) -> bool:
        self.nudged += 1
        if self.deaf or not self.open:
            return False
        if self.answers:
            os.write(self.out, self.answers.pop(0).replace("NOW", f"{time.time():.6f}").encode())
        else:
            self.hang_up()
        return True

    def hang_up(self) -> None:
        if self.open:
            self.open = False
            os.close(self.out)
            os.close(self.err)

    def interrupt(self) -> None:
        if self.open:
            os.write(self.out, self.last.replace("NOW", f"{time.time():.6f}").encode())
        self.hang_up()

    def reap(self, limit_s: float) -> int:
        return self.status


def a_session(process: Scripted, domains: dict[tuple[int | None, str], Domain] = ONE) -> Session:
    session = Session(process, domains)
    session.start()
    return session


def row(package_j: float, dram_j: float) -> str:
    return f"{HEADER}NOW\t{package_j:.2f}\t{dram_j:.2f}\n"


def samples(items: Sequence[Sample | Missed]) -> dict[str, float]:
    return {str(i.domain): i.energy_j for i in items if isinstance(i, Sample)}


def test_the_first_reading_is_the_zero_at_which_the_first_interval_begins() -> None:
    session = a_session(Scripted())
    items = list(session.read())
    session.close()
    assert samples(items) == {"cpu:0/package": 0.0, "dram:0/dram": 0.0}


def test_a_reading_nudges_turbostat_and_adds_its_joules_up() -> None:
    process = Scripted(row(42.0, 5.0), row(40.0, 4.0))
    session = a_session(process)
    seen = []
    for _ in range(2):
        time.sleep(0.06)
        seen.append(samples(list(session.read())))
    session.close()
    assert seen == [{"cpu:0/package": 42.0, "dram:0/dram": 5.0}, {"cpu:0/package": 82.0, "dram:0/dram": 9.0}]
    assert process.nudged == 2


def test_where_turbostat_cannot_be_nudged_the_last_row_is_what_is_known() -> None:
    process = Scripted(deaf=True)
    session = a_session(process)
    os.write(process.out, row(42.0, 5.0).replace("NOW", f"{time.time():.6f}").encode())
    time.sleep(0.1)
    first = list(session.read())
    second = list(session.read())
    session.close()
    assert samples(first)["cpu:0/package"] == 42.0
    assert first == second, "the same row at the same moment"


def test_each_package_has_its_own_sum() -> None:
    domains = {(i, "package"): domains_of(i)["package"] for i in (0, 1)}
    table = "Package\tPkg_J\n-\t70.00\n0\t40.00\n1\t30.00\n"
    process = Scripted(table)
    session = a_session(process, domains)  # type: ignore[arg-type]
    time.sleep(0.06)
    items = list(session.read())
    session.close()
    assert samples(items) == {"cpu:0/package": 40.0, "cpu:1/package": 30.0}


def test_a_figure_that_is_not_printed_is_missed_and_not_zero() -> None:
    process = Scripted("Time_Of_Day_Seconds\tPkg_J\nNOW\t42.00\n")
    session = a_session(process)
    time.sleep(0.06)
    items = list(session.read())
    session.close()
    (missed,) = [i for i in items if isinstance(i, Missed)]
    assert missed.domain == DRAM
    assert missed.reason == "turbostat printed no figure"
    assert missed.until_s > missed.since_s
    assert samples(items)["cpu:0/package"] == 42.0


def test_joules_that_nothing_can_draw_are_missed() -> None:
    process = Scripted(row(1125899906842624.0, 5.0))
    session = a_session(process)
    time.sleep(0.06)
    items = list(session.read())
    session.close()
    (missed,) = [i for i in items if isinstance(i, Missed)]
    assert missed.domain == PACKAGE
    assert "not plausible" in missed.reason
    assert samples(items) == {"cpu:0/package": 0.0, "dram:0/dram": 5.0}


def test_a_turbostat_that_has_ended_gives_its_last_sums_and_then_an_error() -> None:
    process = Scripted(row(42.0, 5.0), errors="turbostat: msr read failed\n")
    session = a_session(process)
    time.sleep(0.06)
    list(session.read())
    process.hang_up()
    time.sleep(0.06)
    items = session.read()
    assert next(items) == Sample(at_s=session._at_s, domain=PACKAGE, energy_j=42.0)
    next(items)
    with pytest.raises(ReadError, match="has ended: turbostat: msr read failed"):
        next(items)
    session.close()


def test_closing_takes_in_the_last_partial_row() -> None:
    process = Scripted(last=row(7.0, 1.0))
    session = a_session(process)
    assert session.close() == 0
    assert session.latest is not None
    assert session.latest.figures == {"package": 7.0, "dram": 1.0}


def test_sums_never_fall_whatever_is_printed() -> None:
    noise = ["\xff\x00\t\t\n", HEADER * 2, "9" * 70_000 + "\n"]
    process = Scripted(row(1.0, 1.0), noise[0], row(2.0, 0.0), noise[1], row(3.0, 1.0), noise[2], row(4.0, 1.0))
    session = a_session(process)
    seen = []
    for _ in range(4):
        time.sleep(0.055)
        seen.append(samples(list(session.read()))["cpu:0/package"])
    session.close()
    assert seen == [1.0, 3.0, 6.0, 10.0]


# --- a real child ------------------------------------------------------------------------------------

PROGRAM = """
import signal, sys, time
def show(*_):
    print("Time_Of_Day_Seconds\\tPkg_J", flush=True)
    print(f"{time.time():.6f}\\t42.00", flush=True)
def stop(*_):
    show()
    sys.exit(0)
signal.signal(signal.SIGUSR1, show)
signal.signal(signal.SIGINT, stop)
while True:
    time.sleep(10)
"""


def hang_up(process: Turbostat) -> None:
    process.output.close()
    process.errors.close()


def a_child(program: str) -> Turbostat:
    return Turbostat.start([sys.executable, "-c", program])


def test_a_real_child_is_nudged_interrupted_and_reaped() -> None:
    session = Session(a_child(PROGRAM), {(None, "package"): PACKAGE})
    session.start(limit_s=10)
    time.sleep(0.06)
    items = list(session.read())
    assert samples(items) == {"cpu:0/package": 42.0}
    assert session.close() == 0
    assert session.latest is not None


def test_a_child_that_ignores_every_request_is_ended_all_the_same() -> None:
    stubborn = "import signal, time\nfor s in (2, 10, 15): signal.signal(s, signal.SIG_IGN)\nprint('x', flush=True)\ntime.sleep(60)"
    process = a_child(stubborn)
    assert process.output.readline() == b"x\n"
    process.interrupt()
    assert process.reap(0.1) == -9
    hang_up(process)


def test_a_child_leads_a_group_of_its_own_and_has_no_stdin() -> None:
    process = a_child("import os, sys; print(os.getpid() == os.getsid(0), sys.stdin.read() == '')")
    assert process.output.readline() == b"True True\n"
    assert process.reap(5) == 0
    hang_up(process)


# --- the trial ---------------------------------------------------------------------------------------


def an_offer(
    process: Scripted, *, version: str | None = "2026.04.21", signature: str = "6:106:6", **config: object
) -> tuple[Offer, list[Sequence[str]]]:
    commands: list[Sequence[str]] = []

    def start(command: Sequence[str]) -> Scripted:
        commands.append(command)
        return process

    machine = Machine(
        start=start,
        find=lambda path: "/usr/sbin/turbostat",
        version=lambda binary: version,
        processor=lambda: ("GenuineIntel", signature),
    )
    host = Host(os="linux", arch="x86_64", cpus=(Chip(name="Xeon A"), Chip(name="Xeon B")))
    return Offer(host, Config(**config), machine), commands  # type: ignore[arg-type]


TWO = "Time_Of_Day_Seconds\tPackage\tPkg_J\tGFX_J\tRAM_J\tSys_J\n1.0\t-\t20.00\t0.00\t2.00\t30.00\n1.0\t0\t12.00\t0.00\t1.00\n1.0\t1\t8.00\t0.00\t1.00\n"


def test_the_trial_finds_every_package_and_leaves_out_what_reads_zero() -> None:
    offer, _ = an_offer(Scripted(last=TWO))
    found = offer.probe()
    assert [str(d) for d in found] == [
        "cpu:0/package", "dram:0/dram", "cpu:1/package", "dram:1/dram", "machine/platform",
    ]  # fmt: skip
    assert [d.model for d in found if d.name == "package"] == ["Xeon A", "Xeon B"]


def test_the_trial_uses_the_very_command_that_measures() -> None:
    offer, commands = an_offer(Scripted(last=TWO), interval_s=2.0)
    offer.probe()
    assert commands == [
        ("/usr/sbin/turbostat", "--quiet", "--Joules", "--show",
         "Time_Of_Day_Seconds,Package,Pkg_J,Cor_J,GFX_J,RAM_J,Sys_J", "--interval", "2"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("version", "signature", "absent"),
    [
        ("2022.10.04", "6:106:6", {"Sys_J"}),
        ("20.09.30", "6:106:6", {"Sys_J", "RAM_J"}),
        ("20.09.30", "6:63:2", {"Sys_J"}),
    ],
)
def test_columns_that_a_version_does_not_know_or_misreads_are_not_asked_for(
    version: str, signature: str, absent: set[str]
) -> None:
    offer, commands = an_offer(Scripted(last=TWO), version=version, signature=signature)
    offer.probe()
    assert {"Sys_J", "RAM_J"} - set(commands[0][4].split(",")) == absent


def test_a_column_that_turns_out_to_be_unknown_is_asked_for_no_more() -> None:
    answers = [Scripted(errors="Counter 'Sys_J' can not be added.\n", status=234), Scripted(last=TWO)]
    offer, commands = an_offer(answers[0])

    def start(command: Sequence[str]) -> Scripted:
        commands.append(command)
        return answers.pop(0)

    offer.machine = offer.machine._replace(start=start)
    assert offer.probe()
    assert [command[4].endswith("Sys_J") for command in commands] == [True, False]


def test_sudo_never_asks_for_a_password() -> None:
    offer, commands = an_offer(Scripted(errors="sudo: a password is required\n", status=1), sudo=True)
    with pytest.raises(Unavailable, match="would ask for a password") as no:
        offer.probe()
    assert commands[0][:3] == ("sudo", "-n", "/usr/sbin/turbostat")
    assert "NOPASSWD: /usr/sbin/turbostat --quiet --Joules" in no.value.remedy
    assert "*" not in no.value.remedy


@pytest.mark.parametrize(
    ("errors", "status", "reason", "remedy"),
    [
        ('turbostat: no /dev/cpu/0/msr, Try "# modprobe msr"\n', 251, "driver for model-specific", "modprobe msr"),
        ("turbostat: /dev/cpu/0/msr open failed: Permission denied\n", 250, "may not read", "setcap"),
        ("turbostat: capget(CAP_SYS_RAWIO) failed\n", 250, "may not read", "setcap"),
        ("turbostat: /dev/cpu/1/msr open failed: Operation not permitted\n", 255, "kernel denies", "rapl"),
        ("turbostat: Failed to set rlimit: Operation not permitted\n", 1, "32768 open files", "ulimit -Hn 32768"),
        ("Invalid counter name: Sys_J\n", 255, "does not know the columns", "2020 or later"),
        ("", 0, "prints no energy", "setcap"),
        ("boom\n", 7, "ended with 7: boom", "try:"),
    ],
)  # fmt: skip
def test_a_refusal_is_explained_with_a_remedy(errors: str, status: int, reason: str, remedy: str) -> None:
    offer, _ = an_offer(Scripted(errors=errors, status=status), version="2022.10.04")
    with pytest.raises(Unavailable) as no:
        offer.probe()
    assert reason in no.value.reason
    assert remedy in no.value.remedy


def test_exit_status_0_without_power_is_refused() -> None:
    offer, _ = an_offer(Scripted(last="\n\n"))
    with pytest.raises(Unavailable, match="runs, but prints no energy"):
        offer.probe()


def test_a_counter_that_stands_still_is_refused() -> None:
    offer, _ = an_offer(Scripted(last="Time_Of_Day_Seconds\tPkg_J\n1.0\t0.00\n"))
    with pytest.raises(Unavailable, match="stands still"):
        offer.probe()


def test_a_missing_turbostat_is_explained() -> None:
    host = Host(os="linux", arch="x86_64")
    with pytest.raises(Unavailable, match="is not installed") as no:
        Offer(host, machine=Machine(find=lambda path: None)).probe()
    assert "linux-cpupower" in no.value.remedy


def test_a_wrapper_script_that_tells_no_version_is_explained(tmp_path: Path) -> None:
    script = tmp_path / "turbostat"
    script.write_text("#!/bin/sh\necho WARNING: turbostat not found for kernel 6.8 >&2\nexit 2\n", encoding="utf-8")
    script.chmod(0o755)
    with pytest.raises(Unavailable, match="does not tell its version"):
        Offer(Host(os="linux", arch="x86_64"), Config(path=str(script))).probe()
