"""``wattbook ledger roles``: the script that gives a team's PostgreSQL readers, writers and an owner."""

from __future__ import annotations

import click

from wattbook.cli.common import common_options, print_json


@click.command("roles", short_help="Print SQL: readers, writers and an owner of a team's book.")
@click.option("--owner", default="wattbook_owner", show_default=True, metavar="NAME", help="Closes and upgrades.")
@click.option("--writer", default="wattbook_writer", show_default=True, metavar="NAME", help="Adds, changes nothing.")
@click.option("--reader", default="wattbook_reader", show_default=True, metavar="NAME", help="Reads.")
@common_options
def command(
    owner: str, writer: str, reader: str, ledger: str | None, config: str | None, quiet: bool, as_json: bool
) -> None:
    """Print SQL for the administrator of a PostgreSQL that holds a book; nothing is opened and nothing is changed.

    A reader reads.  A writer adds entries, runs and statements, and can change, delete or empty nothing.
    The owner closes months and upgrades the book; that rows never change holds for the owner too, as long
    as nobody with the owner's rights drops the triggers, which 'wattbook ledger verify' would show.
    """
    from wattbook.ledger.roles import Roles, script

    roles = Roles(owner=owner, writer=writer, reader=reader)
    if as_json:
        print_json({"roles": {"owner": owner, "writer": writer, "reader": reader}, "sql": script(roles)})
    else:
        click.echo(script(roles), nl=False)
