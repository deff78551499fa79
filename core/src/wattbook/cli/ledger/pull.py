"""``wattbook ledger pull``: take what others handed over as parcels."""

from __future__ import annotations

import sys

import click

from wattbook.cli.common import common_options, print_json, tell


@click.command("pull", short_help="Take what others handed over into a folder or object store.")
@click.option("--from", "where", metavar="PLACE", help="A folder or an object store; share.to if nothing is said.")
@click.option("--dry-run", is_flag=True, help="Say what would be taken; record nothing.")
@common_options
def command(
    where: str | None, dry_run: bool, ledger: str | None, config: str | None, quiet: bool, as_json: bool
) -> None:
    """Take every parcel that the book does not have yet.

    A parcel that is damaged, foreign or a trap is set aside and named, the others are taken, and the exit
    code is 1.  In whatever order and however often parcels are taken, the book is the same.
    """
    from wattbook.cli.ledger import opened
    from wattbook.cli.ledger.push import is_book
    from wattbook.config import load
    from wattbook.sharing import open_place, pull

    place_url = where or load(config).share.to
    if place_url is None:
        raise click.UsageError("Say where from with --from: a folder, or an object store.")
    if is_book(place_url):
        raise click.UsageError(
            f"{place_url.partition(':')[0]}:// is a book: read it with --ledger, there is nothing to pull"
        )
    place = open_place(place_url)
    with opened(ledger, quiet) as book:
        pulled = pull(book, place, dry_run=dry_run)
    if as_json:
        print_json(
            {
                "from": place.shown,
                "dry_run": dry_run,
                "parcels": {"new": pulled.parcels, "known": pulled.known_parcels, "refused": len(pulled.refused)},
                "entries": {"new": pulled.new_entries, "known": pulled.known_entries},
                "statements": {"new": pulled.new_statements, "known": pulled.known_statements},
                "settled": list(pulled.settled),
                "refused": list(pulled.refused),
                "problems": list(pulled.problems),
            }
        )
    else:
        for sentence in pulled.refused:
            tell(f"wattbook: refused: {sentence}", err=True)
        if not quiet:
            for sentence in (*pulled.settled, *pulled.problems):
                tell(f"wattbook: {sentence}", err=True)
            did = "would be taken" if dry_run else "taken"
            tell(
                f"{place.shown}: {pulled.parcels} parcels {did}, {pulled.known_parcels} known; "
                f"{pulled.new_entries} new entries, {pulled.new_statements} new figures of providers",
                err=True,
            )
    if pulled.refused:
        sys.exit(1)
