"""``wattbook watch``: the machine's power as it is, or a service that keeps the machine's book."""

from __future__ import annotations

import json
import math
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import click

from wattbook.cli.common import common_options
from wattbook.cli.run import _interval, _printable
from wattbook.cli.run_words import PHASES

ENDING = ("SIGTERM", "SIGINT", "SIGHUP")
SLOWER = 5  #: an idle machine is looked at so many times less often, unless the user named an interval


def _positive(ctx: click.Context, param: click.Parameter, value: float | None) -> float | None:
    if value is not None and not (math.isfinite(value) and value > 0):
        raise click.BadParameter("it is more than 0", ctx, param)
    return value


def _share(ctx: click.Context, param: click.Parameter, value: float) -> float:
    if not 0 <= value <= 100:
        raise click.BadParameter("it is a percentage", ctx, param)
    return value / 100


@click.command("watch", short_help="Watch the machine's power, live or as a service that records.")
@click.option("--record", is_flag=True, help="Keep the machine's book: entries of five minutes, until it is ended.")
@click.option("--interval", "interval_s", metavar="S", type=float, default=1.0, callback=_interval,
              help="Seconds between two looks.  [default: 1; with --record 5 while the machine is idle]")  # fmt: skip
@click.option("--for", "lasting_s", metavar="SECONDS", type=float, callback=_positive, help="End after this time.")
@click.option("--count", metavar="N", type=click.IntRange(min=1), help="End after this many looks.")
@click.option("--project", metavar="P", callback=_printable, help="What the machine is for (with --record).")
@click.option("--phase", type=click.Choice(PHASES), help="Which kind of work it does when it is not idle.")
@click.option("--site", metavar="NAME", callback=_printable, help="The configured site of this machine.")
@click.option("--idle-below", metavar="PERCENT", type=float, default=5.0, callback=_share, show_default=True,
              help="Busy processor time below which the machine is idle (with --record).")  # fmt: skip
@common_options
def command(record: bool, quiet: bool, as_json: bool, **options: Any) -> None:
    """Watch the machine's power, live or as a service that records.

    Without --record nothing is recorded: watts by domain, each with its basis, measured (M) or estimated (E).
    With --json every look is one line of JSON.
    With --record the machine's use goes to the spool, and into the book when that is read next; into a book on
    a server (--ledger postgresql://...) every finished hour, however long the server is away.
    """
    if record and as_json:
        raise click.UsageError("--json belongs to the live view; what --record keeps is read with 'wattbook report'.")
    given = click.get_current_context().get_parameter_source("interval_s")
    options["adaptive"] = given is click.core.ParameterSource.DEFAULT
    with _until_ended() as wait:
        if record:
            _record(wait, quiet=quiet, **options)
        else:
            _live(wait, quiet=quiet, as_json=as_json, **options)


def _live(wait: Any, *, quiet: bool, as_json: bool, **options: Any) -> None:
    from wattbook.cli.watch_view import View
    from wattbook.config import load
    from wattbook.host import detect
    from wattbook.plugins import installed
    from wattbook.watching.live import frames
    from wattbook.watching.machine import Machine

    config = load(options["config"])
    machine = Machine(config, installed(config.plugins), detect())
    view = View(machine.host.name, terminal=sys.stdout.isatty(), quiet=quiet)
    try:
        for frame in frames(
            machine, options["interval_s"], wait, count=options["count"], lasting_s=options["lasting_s"]
        ):
            if as_json:
                sys.stdout.write(json.dumps(frame.as_dict(), ensure_ascii=False, allow_nan=False) + "\n")
                sys.stdout.flush()
            else:
                view.show(frame)
    finally:
        machine.close()


def _record(wait: Any, *, quiet: bool, **options: Any) -> None:
    from wattbook.config import Config, load
    from wattbook.errors import ConfigError, WattbookError
    from wattbook.host import detect, place
    from wattbook.people import hidden
    from wattbook.plugins import installed
    from wattbook.records import Labels
    from wattbook.watching.handing import Handover
    from wattbook.watching.lastseen import LastSeen
    from wattbook.watching.machine import Machine
    from wattbook.watching.recorder import Recorder, reason_of

    def say(sentence: str) -> None:
        if not quiet:
            _to_stderr(f"wattbook: {sentence}")

    try:
        config = load(options["config"])
        where, plugins = place(config, options["site"]), installed(config.plugins)
    except ConfigError as error:  # a service that does not start records nothing at all
        say(f"the configuration is not used ({error})")
        config = Config()
        where, plugins = place(config), installed()
    try:
        seen = LastSeen.open()
    except OSError as error:
        raise WattbookError(f"there is no place for the spool: {reason_of(error)}; set WATTBOOK_STATE") from error
    labels = Labels(
        project=options["project"] or config.defaults.project, phase=options["phase"] or config.defaults.phase,
        person=config.defaults.person, platform=config.defaults.platform,
    )  # fmt: skip
    labels, why = hidden(labels, config.privacy)
    if why:
        say(why)
    ledger = options["ledger"] or os.environ.get("WATTBOOK_LEDGER") or None
    recorder = Recorder(
        Machine(config, plugins, detect()), seen, labels=labels, place=where, ledger=ledger,
        idle_below=options["idle_below"], say=say,
    )  # fmt: skip
    handover = Handover(ledger, say=say)
    recorder.start()
    say(f"recording {recorder.machine.host.name or 'this machine'}; Ctrl-C or SIGTERM ends it")
    until_s = math.inf if options["lasting_s"] is None else time.monotonic() + options["lasting_s"]
    polls, due_s = 0, time.monotonic()
    try:
        while options["count"] is None or polls < options["count"]:
            slower = SLOWER if options["adaptive"] and recorder.idle else 1
            due_s = max(due_s + options["interval_s"] * slower, time.monotonic())
            if wait(min(due_s, until_s) - time.monotonic()) or time.monotonic() >= until_s:
                break
            recorder.poll()
            handover.poll(time.monotonic())
            polls += 1
    finally:
        recorder.end()
        handover.end()
    say("the watch has ended; everything is in the spool")


@contextmanager
def _until_ended() -> Iterator[Any]:
    """Gives ``wait(seconds)``, which is true once somebody asked us to end.

    A handler that takes a lock could stand in its own way, so it only writes a byte.
    """
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    before: dict[int, Any] = {}
    asked: list[int] = []

    def ask(number: int, frame: Any) -> None:
        asked.append(number)
        with suppress(OSError):
            theirs.send(b".")

    for name in ENDING:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.signal(number, ask)

    def wait(seconds: float) -> bool:
        ours.settimeout(max(0.001, seconds))
        try:
            ours.recv(1)
        except TimeoutError:
            return bool(asked)
        return True

    try:
        yield wait
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        ours.close()
        theirs.close()


def _to_stderr(text: str) -> None:
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):
        pass
