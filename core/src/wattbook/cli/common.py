"""What every verb shares: the common options, and how a document is printed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def common_options(command: F) -> F:
    """``--ledger``, ``--config``, ``--quiet`` and ``--json``, as parameters of these names (``as_json``)."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout."),
        click.option("--quiet", "-q", is_flag=True, help="No messages on stderr but errors."),
        click.option("--config", metavar="FILE", help="Read this configuration instead of the usual places."),
        click.option("--ledger", metavar="URL", help="The book: a file or a database URL."),
    ):
        command = option(command)
    return command


def tell(text: str, *, err: bool = False) -> None:
    """One line for people; what files, plugins and labels say cannot steer the terminal."""
    from wattbook.report.lines import clean

    click.echo(clean(text), err=err)


def print_json(document: Any) -> None:
    """One JSON document on stdout, keys in their order, no NaN; a ``Decimal`` is a number with all its digits."""
    import secrets  # loads hashlib, which no run needs before its child has started

    mark = secrets.token_hex(8)  # so that no text of a document can be taken for a number

    def digits(value: Any) -> str:
        if isinstance(value, Decimal):
            written = f"{value:f}"
            return mark + (written.rstrip("0").rstrip(".") if "." in written else written)
        raise TypeError(f"{type(value).__name__} has no place in a document")

    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False, default=digits)
    text = re.sub(f'"{mark}([^"]*)"', r"\1", text)
    click.echo(text.encode("utf-8", "replace").decode("utf-8"))  # bytes of a command line that are no text
