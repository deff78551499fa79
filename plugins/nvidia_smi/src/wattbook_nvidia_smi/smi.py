"""The fallback without NVML: one nvidia-smi process that prints a row per GPU and second."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO

from wattbook import Domain, ImportFailed, Unavailable

from wattbook_nvidia_smi import csv_
from wattbook_nvidia_smi.domains import board_of
from wattbook_nvidia_smi.gpu import BOARD, GpuSample
from wattbook_nvidia_smi.lines import Line
from wattbook_nvidia_smi.presence import executable
from wattbook_nvidia_smi.refusals import explain
from wattbook_nvidia_smi.smi_session import SmiSession
from wattbook_nvidia_smi.smi_users import SmiUsers

#: Fields that every driver of the last ten years knows; an unknown one would end the query.
FIELDS = "timestamp,index,uuid,name,pci.bus_id,driver_version,power.draw"
INTERVAL_MS = 1_000
PROBE_S = 1.8  #: the core gives a probe 2 s
STOP_S = 2.0


def probe() -> Sequence[Domain]:
    """The boards whose power nvidia-smi prints; raises ``Unavailable`` with its own words."""
    command = [executable(), f"--query-gpu={FIELDS}", "--format=csv"]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=PROBE_S, check=False, start_new_session=True,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise Unavailable(
            f"nvidia-smi did not answer within {PROBE_S:g} s",
            remedy="switch persistence mode on (nvidia-smi -pm 1), or look for Xid messages in dmesg",
        ) from error
    except OSError as error:
        raise Unavailable(f"nvidia-smi does not start: {error.strerror}", remedy="install the driver again") from error
    text = done.stdout[: 1 << 20].decode(errors="replace")
    domains: dict[str, Domain] = {}
    try:
        for item in csv_.samples(Line(i, line) for i, line in enumerate(text.splitlines(), start=1)):
            if isinstance(item, GpuSample) and item.power(BOARD) is not None:
                domains.setdefault(item.gpu.device, board_of(item.gpu.device, item.gpu.name))
    except ImportFailed:
        pass  # no table: the message below says why
    if not domains:
        reason, remedy = explain(text) or (
            "nvidia-smi prints no power for any GPU here" if text.strip() else "nvidia-smi printed nothing",
            "run nvidia-smi -q -d POWER; virtual and small laptop GPUs have no sensor",
        )
        raise Unavailable(reason, remedy=remedy)
    return tuple(domains.values())


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the process that was started here, and no other."""
    for number in (signal.SIGINT, getattr(signal, "SIGKILL", signal.SIGTERM)):
        if process.poll() is None:
            _signal(process, number)
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                continue


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    try:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, number)  # its own group, because it was started in its own session
        else:
            process.terminate()
    except ProcessLookupError:
        pass


@contextmanager
def stream(interval_ms: int = INTERVAL_MS) -> Iterator[SmiSession]:
    """Start nvidia-smi and end it afterwards; raises ``Unavailable`` where it cannot be started."""
    command = [executable(), f"--query-gpu={FIELDS}", "--format=csv", f"--loop-ms={interval_ms}"]
    master, slave = _terminal()
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=slave, stderr=subprocess.STDOUT, start_new_session=True
        )
    except OSError as error:
        if master is not None:
            os.close(master)
        raise Unavailable(f"nvidia-smi does not start: {error.strerror}", remedy="install the driver again") from error
    finally:
        if master is not None:
            os.close(slave)
    if master is not None:
        output: IO[str] = os.fdopen(master, encoding="utf-8", errors="replace")
    else:
        import io

        assert process.stdout is not None
        output = io.TextIOWrapper(process.stdout, encoding="utf-8", errors="replace")
    session = SmiSession(output, asked=SmiUsers([command[0]]))
    try:
        yield session
    finally:
        _stop(process)
        if session.ended(STOP_S):  # else a grandchild holds the terminal; closing it would wait for that one
            output.close()


def _terminal() -> tuple[int | None, int]:
    """A pseudo-terminal, so that drivers which buffer their output into a pipe print every row at once."""
    try:
        import pty

        return pty.openpty()
    except (ImportError, OSError):
        return None, subprocess.PIPE
