"""``wattbook doctor``: which source is used for what, and why not better."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from wattbook.cli.common import common_options, print_json, tell


@click.command("doctor", short_help="Show which source is used for what, and why not better.")
@click.option("--strict", is_flag=True, help="Exit with 1 also when anything wanted is estimated or open.")
@click.option("--probe", metavar="S", help="Open every chosen meter for S seconds, and judge what it says.")
@common_options
def command(
    strict: bool, probe: str | None, ledger: str | None, config: str | None, quiet: bool, as_json: bool
) -> None:
    """Show which source is used for what, and why not better.

    Every source is chosen, passed over, unavailable or broken, with its reason and the smallest remedy.
    Nothing is recorded, prompted for or sent, and without --probe nothing is opened.
    Exits with 0 when everything present works.
    """
    from attrs import evolve

    from wattbook.config import load
    from wattbook.diagnosis import as_lines, diagnose
    from wattbook.host import detect, place
    from wattbook.pipeline import survey
    from wattbook.plugins import installed
    from wattbook.selfcheck import self_check

    seconds = _seconds(probe)
    settings = load(config)
    plugins = installed(settings.plugins)
    surveyed = survey(detect(), settings, plugins)
    diagnosis = diagnose(surveyed, plugins, settings, place(settings), _ledger(ledger))
    if seconds is not None:
        with _ended_with_care():
            diagnosis = evolve(diagnosis, probe=self_check(surveyed.resolution.verdicts, seconds))
    if as_json:
        print_json(diagnosis.as_dict())
    elif not quiet:
        for line in as_lines(diagnosis):
            tell(line)
    if diagnosis.broken or (strict and not diagnosis.all_measured):
        sys.exit(1)


def _seconds(text: str | None) -> float | None:
    from wattbook.selfcheck import MAX_PROBE_S

    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= MAX_PROBE_S:
        raise click.UsageError(f"--probe takes seconds, more than 0 and at most {MAX_PROBE_S:g}, not {text!r}")
    return seconds


@contextmanager
def _ended_with_care() -> Iterator[None]:
    """A signal that ends the command ends the meters first."""

    def leave(number: int, _: object) -> None:
        sys.exit(128 + number)

    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {name: signal.signal(getattr(signal, name), leave) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)


def _ledger(url: str | None) -> dict[str, Any]:
    """The state of the book; a book that does not exist yet is fine where it can be made, and is not made."""
    from wattbook.errors import LedgerError, NoLedger
    from wattbook.ledger.connect import default_url, parse_url, printable
    from wattbook.ledger.store import Ledger

    shown = None
    try:
        place = parse_url(url or default_url())
        shown = printable(place)
        file = place.database if place.get_backend_name() == "sqlite" else None
        if file is not None and os.path.exists(file) and not os.path.isfile(file):
            raise LedgerError(f"{shown}: is no file")
        with Ledger.open(url or default_url(), create=False) as book:
            return {"url": shown, "entries": book.count(), "ok": True, "reason": None}
    except NoLedger:
        reason = _cannot_be_made(shown or "")
        return {
            "url": shown,
            "entries": 0,
            "ok": reason is None,
            "reason": reason or "it is made when something is booked",
        }
    except LedgerError as error:
        return {"url": shown, "entries": None, "ok": False, "reason": str(error)}


def _cannot_be_made(path: str) -> str | None:
    """Why there could be no book at *path*: the nearest folder that exists decides."""
    folder = os.path.dirname(path)
    while folder and not os.path.lexists(folder) and folder != os.path.dirname(folder):
        folder = os.path.dirname(folder)
    if os.path.isdir(folder) and os.access(folder, os.W_OK | os.X_OK):
        return None
    return f"{path} cannot be made: {folder} is no folder that this user may write to"
