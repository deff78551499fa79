"""``wattbook ledger``: one file a subverb, loaded when it is used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from wattbook.cli.verbs import Verbs

if TYPE_CHECKING:
    from wattbook.ledger.store import Ledger

#: subverb -> (module of this folder, one line for ``--help``); a test compares the lines with the commands' own
SUBVERBS = {
    "show": ("show", "The runs and statements in the book."),
    "verify": ("verify", "Check every row of the book."),
    "push": ("push", "Hand the book over to a team's database, folder or object store."),
    "pull": ("pull", "Take what others handed over into a folder or object store."),
    "close": ("close", "Close a month: freeze its figures and factors."),
    "reopen": ("reopen", "Open a closed month again."),
    "periods": ("periods", "Which months are closed, by whom, with what."),
    "why": ("why", "Why a month's figure changed, by cause."),
    "rollup": ("rollup", "Keep a month added up, check that, or forget it."),
    "roles": ("roles", "Print SQL: readers, writers and an owner of a team's book."),
    "erase": ("erase", "Forget who a pseudonym is: destroy the person's key."),
    "export": ("export", "Write the whole book as JSON Lines, CSV or Parquet."),
}


@click.group("ledger", cls=Verbs, verbs=SUBVERBS, package=__name__, short_help="Show and verify the book.")
def command() -> None:
    """Show, verify and export the book."""


@contextmanager
def opened(url: str | None, quiet: bool) -> Iterator[Ledger]:
    """The book with what finished runs left in the spool folded in."""
    from wattbook.ledger.fold import fold_in
    from wattbook.ledger.store import Ledger

    with Ledger.open(url) as book:
        folded = fold_in(book)
        if not quiet:
            for problem in folded.problems:
                click.echo(f"wattbook: {problem}", err=True)
        yield book
