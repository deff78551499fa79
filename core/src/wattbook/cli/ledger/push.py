"""``wattbook ledger push``: hand the book over to a team's database, or as parcels to a shared folder or store."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from wattbook.cli.common import common_options, print_json, tell

BOOKS = ("postgresql", "postgres", "sqlite")  #: what follows ``--to`` as a book, not as a place for parcels


@click.command("push", short_help="Hand the book over to a team's database, folder or object store.")
@click.option("--to", metavar="PLACE", help="postgresql://..., a folder, or an object store; share.to if nothing is said.")  # fmt: skip
@click.option("--all", "everything", is_flag=True, help="Hand over everything, whatever was handed over before.")
@click.option("--dry-run", is_flag=True, help="Say what would be handed over.")
@click.option("--patience", "patience_s", metavar="S", type=click.FloatRange(min=0), default=30.0, show_default=True,
              help="How many seconds a server that is away or busy is asked again.")  # fmt: skip
@common_options
def command(
    to: str | None,
    everything: bool,
    dry_run: bool,
    patience_s: float,
    ledger: str | None,
    config: str | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Hand over what the place does not have yet; a push that was cut off is simply done again.

    PLACE is a team's database (postgresql://HOST/DATABASE), or where parcels lie: a folder, be it a plain
    one, a mounted share or one inside a git checkout, or an object store (s3://BUCKET/FOLDER).  With a
    database, what finished runs left in the spool for it goes there too.
    """
    from wattbook.config import load
    from wattbook.ledger.connect import default_url

    own = ledger or default_url()
    place = to or load(config).share.to or (own if is_book(own) else None)
    if place is None:
        raise click.UsageError("Say where to with --to: postgresql://HOST/DATABASE, a folder, or an object store.")
    document = (_to_book if is_book(place) else _to_place)(place, own, everything, dry_run, patience_s)
    if as_json:
        print_json(document)
    elif not quiet:
        for problem in document["problems"]:
            tell(f"wattbook: {problem}", err=True)
        tell(_sentence(document), err=True)
    if any("stays where it is" in problem for problem in document["problems"]):
        sys.exit(1)


def is_book(url: str) -> bool:
    kind, found, _ = url.partition("://")
    return bool(found) and kind.partition("+")[0] in BOOKS


def _to_place(where: str, own: str, everything: bool, dry_run: bool, patience_s: float) -> dict[str, Any]:
    from wattbook.ledger.fold import fold_in
    from wattbook.ledger.store import Ledger
    from wattbook.sharing import open_place, push

    place = open_place(where)
    with Ledger.open(own) as book:
        folded = fold_in(book)
        pushed = push(book, place, everything=everything, dry_run=dry_run)
    return _document(place.shown, dry_run, folded, pushed)


def _to_book(url: str, own: str, everything: bool, dry_run: bool, patience_s: float) -> dict[str, Any]:
    from wattbook.errors import NoLedger
    from wattbook.ledger.connect import parse_url, printable
    from wattbook.ledger.fold import Folded, fold_in
    from wattbook.ledger.store import Ledger
    from wattbook.sharing import Pushed, patiently, push_to_book

    shown = printable(parse_url(url))
    folded, pushed = Folded(), Pushed()
    if not dry_run:
        with patiently(lambda: Ledger.open(url), patience_s) as team:
            folded = patiently(lambda: fold_in(team), patience_s)
    if printable(parse_url(own)) != shown:
        try:
            with Ledger.open(own, create=os.path.isdir(own)) as book:
                fold_in(book)
                pushed = push_to_book(book, url, everything=everything, dry_run=dry_run, patience_s=patience_s)
        except NoLedger:
            pass  # an agent that keeps nothing but its spool
    return _document(shown, dry_run, folded, pushed)


def _document(shown: str, dry_run: bool, folded: Any, pushed: Any) -> dict[str, Any]:
    return {
        "to": shown,
        "dry_run": dry_run,
        "spools": {"files": folded.files, "new": folded.new, "known": folded.known},
        "parcels": {"new": pushed.parcels, "known": pushed.known_parcels},
        "runs": pushed.runs,
        "months": pushed.months,
        "entries": pushed.entries,
        "statements": pushed.statements,
        "bytes": pushed.bytes,
        "problems": [*folded.problems, *pushed.problems],
    }


def _sentence(document: dict[str, Any]) -> str:
    if not document["runs"] and not document["months"] and not document["spools"]["files"]:
        return f"{document['to']}: has everything already"
    did = "would be handed over" if document["dry_run"] else "handed over"
    spools = f"{document['spools']['files']} spools, " if document["spools"]["files"] else ""
    return (
        f"{document['to']}: {spools}{document['runs']} runs ({document['entries']} entries) and {document['months']} "
        f"months of providers {did} in {document['parcels']['new'] + document['parcels']['known']} parcels"
    )
