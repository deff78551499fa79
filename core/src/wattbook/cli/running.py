"""Start one command, watch the machine while it runs, and leave as it left: what ``wattbook run`` does.

Only light modules are imported here; a thread loads the rest while the command runs.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Any, NoReturn

from wattbook import cgroups
from wattbook.cli.child import Child, Event, Events, NotStarted, leave, machine_stat

STALLED_S = 10.0  #: how long a step may do nothing when the command has ended
LONGEST_S = 60.0  #: and how long all of them may take


def run(argv: list[str], *, quiet: bool, as_json: bool, output: str | None, **options: Any) -> NoReturn:
    """Run the command; *options* go to the observer as they are."""
    run_id = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.urandom(5).hex()}"
    parent_id = os.environ.get("WATTBOOK_RUN_ID") or None
    stat, cgroup = machine_stat(), cgroups.before()
    try:
        child = Child(argv, {**os.environ, "WATTBOOK_RUN_ID": run_id})
    except NotStarted as error:
        _say(f"wattbook: {error}")
        leave(Event("ended", 0.0, exit_code=error.code))

    streams = Streams()
    events, box = Events(), Box()
    order = {**options, "run_id": run_id, "parent_id": parent_id, "argv": argv, "stat": stat,
             "cgroup": cgroup, "pid": child.pid,
             "started_at": child.started_at, "started_s": child.started_s}  # fmt: skip
    observer = threading.Thread(target=_observe, args=(order, events, box), name="wattbook", daemon=True)
    observer.start()
    ended = child.wait(events)
    events.put(ended)
    try:
        _wait_for(observer, box)
        streams.give_back()
        _report(box, quiet=quiet, as_json=as_json, output=output)
    except Exception as error:  # nothing of ours may change what the command did
        streams.give_back()
        _say(f"wattbook: the summary failed ({type(error).__name__}: {error}); the command itself is not affected")
    leave(ended)


class Box:
    """What the observing thread leaves for the waiting one."""

    def __init__(self) -> None:
        self.step = "loading wattbook"
        self.document: dict[str, Any] | None = None
        self.troubles: list[str] = []


class Streams:
    """Our stdout and stderr, which are the command's while it runs: what a plugin prints goes nowhere."""

    def __init__(self) -> None:
        self._ours = sys.stdout, sys.stderr
        sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - open as long as the command runs

    def give_back(self) -> None:
        sys.stdout, sys.stderr = self._ours


def _observe(order: dict[str, Any], events: Events, box: Box) -> None:
    import gc

    gc.disable()  # what is loaded now stays; looking through it again and again is half a dozen milliseconds
    try:
        from wattbook.pipeline.observe import observe

        observe(order, events, box)
    except BaseException as error:
        text = str(error).strip().splitlines()
        reason = f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
        box.troubles.append(f"the run is not recorded ({reason}); the command itself is not affected")


def _wait_for(observer: threading.Thread, box: Box) -> None:
    """Wait as long as it makes progress: a new step, or processor time, which a busy machine may be slow to give."""
    began_s = moved_s = time.monotonic()
    step, cpu_s = box.step, time.process_time()
    while observer.is_alive():
        observer.join(0.5)
        now_s = time.monotonic()
        if box.step != step or time.process_time() - cpu_s > 0.01:
            step, cpu_s, moved_s = box.step, time.process_time(), now_s
        if now_s - moved_s > STALLED_S or now_s - began_s > LONGEST_S:
            box.troubles.append(f"the run is recorded only up to its last poll: {box.step} takes too long")
            return


def _report(box: Box, *, quiet: bool, as_json: bool, output: str | None) -> None:
    if box.document is not None and not quiet:
        from wattbook.cli.run_summary import summary

        _say("\n" + "\n".join(summary(box.document, recorded=not box.troubles)))
    if box.document is not None and (as_json or output):
        import json

        text = json.dumps(box.document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        try:
            if output and output != "-":
                # a pipe that nobody reads is a file that cannot be written, and not a reason to wait
                flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NONBLOCK", 0)
                with open(os.open(output, flags, 0o666), "w", encoding="utf-8") as stream:
                    stream.write(text)
            else:
                sys.stdout.buffer.write(text.encode())
                sys.stdout.flush()
        except BrokenPipeError:
            pass  # nobody reads any more
        except (OSError, AttributeError) as error:
            reason = getattr(error, "strerror", None) or error
            box.troubles.append(f"{output or 'stdout'} cannot be written ({reason}); the run is in the book")
    for trouble in box.troubles:
        _say(f"wattbook: {trouble}")


def _say(text: str) -> None:
    """One message on stderr; where there is none, nobody hears it."""
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):
        pass
