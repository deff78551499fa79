"""The command line: one file a verb, loaded when the verb is used; plugins load inside the command."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from typing import Any

#: verb -> (module, one line for ``--help``); a test compares the lines with the commands' own
VERBS = {
    "run": ("run", "Run one command and book its energy and carbon."),
    "watch": ("watch", "Watch the machine's power, live or as a service that records."),
    "service": ("service", "Print a unit that keeps the watch running."),
    "doctor": ("doctor", "Show which source is used for what, and why not better."),
    "log": ("log", "Book a figure by hand: hours, utilisation and chip."),
    "import": ("import_", "Import a provider's export or an instrument's recording."),
    "report": ("report", "Report a month: energy and carbon by basis, project, platform, phase."),
    "whatif": ("whatif", "Say what could be saved, from the book itself; follow up on it."),
    "export": ("export", "Write figures for others: model card, SCI, GHG table, OpenMetrics."),
    "explain": ("explain", "Print the arithmetic behind a number."),
    "chip": ("chip", "Say what the catalogue knows about a chip."),
    "calibrate": ("calibrate", "Correct the models by what meters measured on your own machines."),
    "estimate": ("estimate", "Estimate power, energy and carbon; nothing is recorded."),
    "ledger": ("ledger", "Show and verify the book."),
    "plugins": ("plugins", "List the installed plugins and their hooks."),
    "demo": ("demo", "Play a whole example team through, offline, in a temporary book."),
}


def entry(argv: list[str] | None = None) -> Any:
    """The ``wattbook`` command: whatever goes wrong on purpose ends as one sentence on stderr."""
    from wattbook.errors import ConfigError, WattbookError

    _fill_closed_streams()
    try:
        _run_at_once(sys.argv[1:] if argv is None else argv)
        from wattbook.cli.group import main

        return main(argv, prog_name="wattbook")
    except ConfigError as error:
        _say(str(error))
        sys.exit(2)
    except WattbookError as error:
        _say(str(error))
        sys.exit(1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        place = f"{error.filename!s:.200}: " if error.filename else ""
        with contextlib.suppress(OSError):
            _say(f"{place}{error.strerror or error}")
        with contextlib.suppress(OSError):  # what is still buffered for a full disk must not speak at exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _say(sentence: str) -> None:
    import click

    click.echo(f"wattbook: {sentence}", err=True)


def _run_at_once(words: Sequence[str]) -> None:
    """``wattbook run``, spelled plainly, starts its command before click is loaded."""
    if words[:1] == ["run"]:
        from wattbook.cli.run_words import plain

        read = plain(words[1:], os.environ)
        if read is not None:
            from wattbook.cli.running import run

            run(**read)


def __getattr__(name: str) -> Any:
    """``main`` is the group of all verbs; it needs click, which ``entry`` loads late."""
    if name != "main":
        raise AttributeError(f"module 'wattbook.cli' has no attribute {name!r}")
    from wattbook.cli.group import main

    return main


def _fill_closed_streams() -> None:
    """Give the verbs a stream where the caller closed one, on a descriptor that no child inherits."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            low = os.open(os.devnull, os.O_RDONLY if mode == "r" else os.O_WRONLY)
            try:
                import fcntl

                high = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, 10)
                os.close(low)
            except ImportError:
                high = low
            setattr(sys, name, os.fdopen(high, mode, encoding="utf-8"))
