"""The live meter: who may use it, one stream for all, and what becomes of lost samples."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from wattbook import Domain, Host, Meter, Missed, ReadError, Sample, Unavailable
from wattbook.resolve import Offer, resolve, uncovered, wanted
from wattbook_powermetrics import session
from wattbook_powermetrics.block import PACKAGE, SOC
from wattbook_powermetrics.ioreport import DRAM
from wattbook_powermetrics.process import Process
from wattbook_powermetrics.session import COMMAND, meter, sudoers_line
from wattbook_powermetrics.stream import Stream

Data = Callable[[str], bytes]
MAC = Host(name="mac", os="darwin", arch="arm64", virtual=False)


def offer(host: Host = MAC, **given: Any) -> Meter:
    defaults: dict[str, Any] = {
        "root": False, "installed": lambda _: True, "allowed": lambda _: True, "user": "ada", "release": "24.5.0"
    }  # fmt: skip
    return meter(host, **{**defaults, **given})


def until(ready: Callable[[], object]) -> None:
    """Wait for the reader thread; a minute means that it never will."""
    end = time.monotonic() + 20
    while not ready():
        assert time.monotonic() < end
        time.sleep(0.001)


def joules(items: list[Sample | Missed], name: str) -> float | None:
    return next((i.energy_j for i in items if isinstance(i, Sample) and i.domain.name == name), None)


# --- rights ------------------------------------------------------------------------------------


def test_elsewhere_than_on_macos_it_says_what_to_use() -> None:
    with pytest.raises(Unavailable, match="this is linux") as no:
        offer(Host(os="linux", arch="x86_64")).probe()
    assert "rapl" in no.value.remedy


def test_a_virtual_mac_has_no_figures() -> None:
    with pytest.raises(Unavailable, match="a virtual Mac"):
        offer(Host(os="darwin", arch="arm64", virtual=True)).probe()


def test_without_rights_the_remedy_is_one_line_with_exact_arguments() -> None:
    asked: list[tuple[str, ...]] = []
    with pytest.raises(Unavailable, match="sudo wants a password") as no:
        offer(allowed=lambda argv: asked.append(tuple(argv)) or False).probe()
    assert asked == [("/usr/bin/sudo", "-n", "-l", *COMMAND)]
    assert sudoers_line("ada") in no.value.remedy
    assert "overwrite any file" in no.value.remedy


def test_the_line_for_sudoers_allows_one_command_without_wildcards() -> None:
    line = sudoers_line("ada")
    assert line == (
        "ada ALL=(root) NOPASSWD: /usr/bin/powermetrics -s cpu_power\\,gpu_power -i 1000 -n 86400 -f text -b 1 -a 0"
    )
    assert not set("*?[]!") & set(line)


def test_a_user_from_a_directory_is_spelled_as_sudoers_wants_it() -> None:
    assert sudoers_line("ACME\\ada").startswith("ACME\\\\ada ALL=(root)")


def test_only_options_that_every_macos_knows_are_used() -> None:
    assert {word for word in COMMAND[1:] if word.startswith("-")} == {"-s", "-i", "-n", "-f", "-b", "-a"}


def test_root_needs_no_sudo(runner: Any, recorded: Any, data: Data) -> None:
    start = runner(recorded(data("synthetic_m4_sequoia.txt")))
    with offer(root=True, allowed=lambda _: False, start=start).open():
        assert start.commands == [COMMAND]


def test_a_user_goes_through_sudo_that_never_prompts(runner: Any, recorded: Any, data: Data) -> None:
    start = runner(recorded(data("synthetic_m4_sequoia.txt")))
    with offer(start=start).open():
        assert start.commands == [("/usr/bin/sudo", "-n", *COMMAND)]


@pytest.mark.parametrize(("release", "outermost"), [("21.6.0", PACKAGE), ("22.0.0", SOC), ("25.4.0", SOC), ("", SOC)])
def test_the_total_depends_on_the_system(release: str, outermost: Domain) -> None:
    assert (offer(release=release).probe() or ())[0] == outermost


# --- reading -----------------------------------------------------------------------------------


def test_samples_are_added_up_into_joules(runner: Any, recorded: Any, data: Data, imported: Any) -> None:
    text = data("synthetic_m4_sequoia.txt")
    with offer(start=runner(recorded(text))).open() as opened:
        wanted_j = imported(text).energy_j
        until(lambda: joules(list(opened.read()), "soc") == pytest.approx(wanted_j["soc"]))
        for name in ("cpu", "gpu", "ane"):
            assert joules(list(opened.read()), name) == pytest.approx(wanted_j[name])


def test_two_consumers_share_one_process(runner: Any, recorded: Any, data: Data) -> None:
    start = runner(recorded(data("synthetic_m4_sequoia.txt")))
    stream = Stream(COMMAND, start, time.monotonic)
    with stream.session([SOC], 1.0) as one:
        until(lambda: joules(list(one.read()), "soc"))
        with stream.session([SOC], 1.0) as two:
            assert joules(list(two.read()), "soc") == joules(list(one.read()), "soc")
        assert start.started[0].stopped == 0, "the other consumer still reads"
    assert len(start.commands) == 1
    assert start.started[0].stopped == 1


def test_after_the_last_consumer_the_next_one_starts_anew(runner: Any, recorded: Any, data: Data) -> None:
    text = data("synthetic_m4_sequoia.txt")
    start = runner(recorded(text), recorded(text))
    stream = Stream(COMMAND, start, time.monotonic)
    for _ in range(2):
        with stream.session([SOC], 1.0) as consumer:
            until(lambda consumer=consumer: joules(list(consumer.read()), "soc"))
    assert len(start.commands) == 2


def test_where_sudo_refuses_opening_says_so(runner: Any, recorded: Any) -> None:
    start = runner(recorded(b"", stays=False, said="sudo: a password is required\n"))
    with pytest.raises(Unavailable, match="without a password") as no, offer(start=start).open():
        pass
    assert sudoers_line("ada") in no.value.remedy
    assert start.started[0].stopped


def test_a_process_that_ends_in_between_is_started_again(runner: Any, recorded: Any, data: Data) -> None:
    text = data("synthetic_m4_sequoia.txt")
    start = runner(recorded(text, stays=False), recorded(text))
    with offer(start=start).open() as opened:
        until(lambda: (joules(list(opened.read()), "soc") or 0) > 6.33)
    assert len(start.commands) == 2


def test_a_process_that_fails_later_is_a_read_error(runner: Any, recorded: Any, data: Data) -> None:
    start = runner(
        recorded(data("synthetic_m4_sequoia.txt"), stays=False), recorded(b"", stays=False, said="Killed: 9")
    )
    with offer(start=start).open() as opened, pytest.raises(ReadError, match="ended without a sample"):
        until(lambda: list(opened.read()) is None)


def test_a_sample_that_is_not_believed_is_missed_and_not_zero(runner: Any, recorded: Any, data: Data) -> None:
    with offer(start=runner(recorded(data("synthetic_macos27_beta_0mw.txt")))).open() as opened:
        found: list[Missed] = []
        until(lambda: found.extend(i for i in opened.read() if isinstance(i, Missed)) or len(found) == 8)
        assert {i.domain.name for i in found} == {"soc", "cpu", "gpu", "ane"}
        assert all("the CPU reads 0 mW" in i.reason for i in found)
        samples = [i for i in opened.read() if isinstance(i, Sample)]
        assert {i.at_s for i in samples} == {found[0].since_s}, "nothing is known after the beginning"


def test_a_domain_that_is_not_printed_is_missed_and_not_zero(runner: Any, recorded: Any, data: Data) -> None:
    text = b"".join(x for x in data("synthetic_m4_sequoia.txt").splitlines(True) if not x.startswith(b"ANE"))
    with offer(start=runner(recorded(text))).open() as opened:
        found: list[Sample | Missed] = []
        until(lambda: found.extend(opened.read()) or any(isinstance(i, Missed) for i in found))
        (missed,) = [i for i in found if isinstance(i, Missed)]
        assert str(missed.domain) == "soc:0/ane"
        assert missed.reason == "powermetrics does not print it here"
        assert joules(list(opened.read()), "ane") is None


def test_time_without_a_sample_is_missed(runner: Any, recorded: Any, data: Data) -> None:
    now = [100.0]

    def clock() -> float:
        now[0] += 30.0
        return now[0]

    with offer(start=runner(recorded(data("synthetic_m4_sequoia.txt"))), clock=clock).open() as opened:
        found: list[Sample | Missed] = []
        until(lambda: found.extend(opened.read()) or any(isinstance(i, Missed) for i in found))
    assert any(isinstance(i, Missed) and "no sample of powermetrics covers" in i.reason for i in found)


def test_a_read_out_of_turn_asks_for_a_sample_now(runner: Any, recorded: Any, data: Data) -> None:
    start = runner(recorded(data("synthetic_m4_sequoia.txt")))
    with offer(start=start).open() as opened:
        list(opened.read())
        assert start.started[0].pokes == 0
        list(opened.read())
        assert start.started[0].pokes == 1


def test_meters_of_one_process_use_the_same_stream() -> None:
    assert session._shared(COMMAND, "") is session._shared(COMMAND, "")


# --- in the tree of the machine ----------------------------------------------------------------


@pytest.mark.parametrize("release", ["21.6.0", "24.5.0"])
def test_the_total_leaves_no_gap_for_the_chip(release: str) -> None:
    domains = tuple(offer(release=release).probe() or ())
    resolution = resolve([Offer(plugin="powermetrics", name="powermetrics", domains=domains)])
    assert resolution.covered == (domains[0],)
    open_wants = uncovered(wanted(MAC, pue=1.0), resolution.covered, resolution.tree)
    assert [want.domain.address for want in open_wants] == ["machine/other"]


def test_of_two_sources_one_is_chosen_for_the_chip_and_the_other_says_why_not() -> None:
    mine = Offer(plugin="powermetrics", name="powermetrics", domains=tuple(offer().probe() or ()))
    other = Offer(plugin="powermetrics", name="ioreport", domains=(SOC, DRAM))
    chosen, passed_over = resolve([mine, other]).verdicts
    assert set(chosen.domains) == {SOC, DRAM}
    assert passed_over.fate == "passed over"
    assert "powermetrics:ioreport is at least as exact" in passed_over.reason
    assert resolve([mine, other], prefer=["powermetrics:powermetrics"]).cover[-1] == (SOC, "powermetrics:powermetrics")


# --- with a real process -----------------------------------------------------------------------

PRINTS_AND_STAYS = "import sys, time; print(open(sys.argv[1]).read(), flush=True); time.sleep(600)"


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no terminals to open")
def test_a_real_process_is_read_while_it_runs_and_ended_afterwards(imported: Any, data: Data) -> None:
    path = Path(__file__).parent / "data" / "synthetic_m1_monterey.txt"
    children: list[Process] = []

    def start(_: object) -> Process:
        children.append(Process([sys.executable, "-c", PRINTS_AND_STAYS, str(path)]))
        return children[-1]

    with offer(start=start, release="21.6.0").open() as opened:
        joules_j = imported(data(path.name)).energy_j["total"]
        until(lambda: joules(list(opened.read()), "package") == pytest.approx(joules_j))
        assert children[0].running
    assert not children[0].running
