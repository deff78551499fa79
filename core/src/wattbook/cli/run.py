"""``wattbook run``: start one command, watch the machine while it runs, and leave as it left."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Any

import click

from wattbook.cli.child import Child, Event, Events, NotStarted, leave, machine_stat
from wattbook.cli.common import common_options

#: a test compares these with ``wattbook.model.Phase``, which is too heavy to import before the command starts
PHASES = ("dev", "train", "eval", "serve", "ci", "idle")
BOOKS = ("sqlite", "postgresql", "postgres")  #: kinds of books, as ``wattbook.ledger.connect`` knows them
STALLED_S = 10.0  #: how long a step may do nothing when the command has ended
LONGEST_S = 60.0  #: and how long all of them may take


class AfterDashes(click.Command):
    """A command whose own options end at ``--``; what follows is passed on unread."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            cut = args.index("--")
            args, ctx.meta["command"] = args[:cut], args[cut + 1 :]
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "-- COMMAND..."]


def _printable(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None and not (value.strip() and value.isprintable() and len(value) <= 200):
        raise click.BadParameter("it is one line of up to 200 printable characters", ctx, param)
    return value


def _tags(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    for value in values:
        if "=" not in value or not value.partition("=")[0].strip():
            raise click.BadParameter(f"{value!r} is not KEY=VALUE", ctx, param)
        _printable(ctx, param, value)
    return {key: text for key, _, text in (value.partition("=") for value in values)}


def _interval(ctx: click.Context, param: click.Parameter, value: float) -> float:
    if not 0 < value <= 3600:  # false for what is no number, too
        raise click.BadParameter("it is more than 0 and at most 3600 seconds", ctx, param)
    return value


@click.command("run", cls=AfterDashes, short_help="Run one command and book its energy and carbon.")
@click.option("--project", metavar="P", envvar="WATTBOOK_PROJECT", callback=_printable, help="What it is for.")
@click.option("--phase", type=click.Choice(PHASES), envvar="WATTBOOK_PHASE", help="Which kind of work it is.")
@click.option("--tag", "tags", metavar="K=V", multiple=True, callback=_tags, help="A label of your own; repeatable.")
@click.option("--site", metavar="NAME", callback=_printable, help="The configured site of this machine.")
@click.option("--interval", "interval_s", metavar="S", type=float, default=2.0, callback=_interval, show_default=True,
              help="Seconds between two polls: what a crash can cost.")  # fmt: skip
@click.option("-o", "--output", metavar="FILE", help="Write the JSON document to FILE.")
@common_options
@click.argument("forgotten", nargs=-1, metavar="")
def command(forgotten: tuple[str, ...], quiet: bool, as_json: bool, output: str | None, **options: Any) -> None:
    """Run one command and book its energy and carbon.

    The command's streams, signals and exit code are its own.  A summary follows on stderr when it has ended.
    """
    argv = click.get_current_context().meta.get("command", [])
    if forgotten or not argv:
        example = " ".join(forgotten or ("python", "train.py"))
        raise click.UsageError(f"Put '--' before the command, as in: wattbook run [OPTIONS] -- {example}")

    _check(options["ledger"], options["config"])

    run_id = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.urandom(5).hex()}"
    parent_id = os.environ.get("WATTBOOK_RUN_ID") or None
    stat = machine_stat()
    try:
        child = Child(argv, {**os.environ, "WATTBOOK_RUN_ID": run_id})
    except NotStarted as error:
        _say(f"wattbook: {error}")
        leave(Event("ended", 0.0, exit_code=error.code))

    streams = Streams()
    events, box = Events(), Box()
    order = {**options, "run_id": run_id, "parent_id": parent_id, "argv": argv, "stat": stat, "pid": child.pid,
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


def _check(ledger: str | None, config: str | None) -> None:
    """Refuse before the command starts what could only be complained about when it has ended."""
    kind, found, _ = (ledger or "").partition("://")
    if found and kind.partition("+")[0] not in BOOKS:
        raise click.UsageError(f"--ledger: {kind}:// is no kind of book; name a file or postgresql://HOST/DATABASE")
    if config and not os.path.isfile(config):
        raise click.UsageError(f"--config: there is no file {config!r}")


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
