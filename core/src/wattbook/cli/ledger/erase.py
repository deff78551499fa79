"""``wattbook ledger erase``: destroy the key that says who a pseudonym is."""

from __future__ import annotations

import click

from wattbook.cli.common import common_options, print_json, tell


@click.command("erase", short_help="Forget who a pseudonym is: destroy the person's key.")
@click.argument("person", metavar="PERSON")
@common_options
def command(person: str, ledger: str | None, config: str | None, quiet: bool, as_json: bool) -> None:
    """Forget who a pseudonym is: destroy the key of PERSON, a name or a pseudonym.

    The book is append-only and stays as it is: its figures remain, under a pseudonym that nobody can trace.
    A copy of the file of keys elsewhere, such as a backup, has to be erased there.
    """
    from wattbook.config import load
    from wattbook.errors import WattbookError
    from wattbook.people import PSEUDONYM
    from wattbook.people.keys import Keys

    privacy = load(config).privacy
    keys = Keys.of(privacy)
    person = person.strip()
    gone = keys.erase(person) if person else []
    plain = 0 if PSEUDONYM.fullmatch(person) else _in_plain(person, ledger)
    if as_json:
        print_json({"erased": gone, "keys": keys.path, "entries_in_plain": plain})
    elif not quiet:
        for pseudonym in gone:
            tell(f"{pseudonym}: its key is destroyed; nobody can say any more who that is", err=True)
    if plain:
        raise WattbookError(
            f"{plain} entries of the book hold this name in plain, from before there were pseudonyms or because of "
            "privacy.pseudonyms = false; an append-only book cannot forget them"
        )
    if not gone and not keys.is_erased(person):
        raise WattbookError(f"{keys.path}: knows nobody of this name")


def _in_plain(name: str, ledger: str | None) -> int:
    """How many entries hold the name itself; a book that is not there holds none."""
    from sqlalchemy import func, select

    from wattbook.errors import NoLedger
    from wattbook.ledger import schema
    from wattbook.ledger.store import Ledger

    entry, context = schema.entry, schema.context
    query = (
        select(func.count().label("size"))
        .select_from(entry.join(context, entry.c.context_id == context.c.context_id))
        .where(context.c.person == name)
    )
    try:
        with Ledger.open(ledger, create=False) as book:
            return int(next(iter(book.scan(query))).size)
    except NoLedger:
        return 0
