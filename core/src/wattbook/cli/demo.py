"""``wattbook demo``: a whole example team, offline, in a temporary book."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from attrs import evolve

from wattbook.cli.common import common_options, print_json

if TYPE_CHECKING:
    from wattbook.cli.replay import Script
    from wattbook.closing.causes import Difference
    from wattbook.config import Config
    from wattbook.report import Period

EXAMPLE = Path(__file__).parent.parent / "examples" / "team-sg"


@click.command("demo", short_help="Play a whole example team through, offline, in a temporary book.")
@click.option("--folder", type=click.Path(path_type=Path), metavar="DIR", help="Play this folder instead.")
@click.option("--html", metavar="FILE", help="Also write the report as one HTML page.")
@click.option("--close", "closing", is_flag=True, help="Close the month before its last figure comes, and say why.")
@click.option("--keep", metavar="URL", help="Keep the book here, to look at it with the other verbs.")
@common_options
def command(
    folder: Path | None,
    html: str | None,
    closing: bool,
    keep: str | None,
    ledger: str | None,
    config: str | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Play a whole example team through, offline, in a temporary book, and report its month.

    Laptops and a GPU server are measured, a cloud account is provided and restated once, CI and
    notebooks are estimated.  All of it is synthetic, and the report says so.  With --close the month is closed
    before the cloud restates it: its report stays what it was, and what changed is told beside it.
    """
    import hashlib
    from tempfile import TemporaryDirectory

    from wattbook.accounting.carbon import pinned
    from wattbook.cli.ledger.why import as_json_of, show
    from wattbook.cli.replay import script_of
    from wattbook.cli.report import page, write_text
    from wattbook.closing.reading import report_of
    from wattbook.config import load
    from wattbook.ledger.exchange import lines
    from wattbook.ledger.store import Ledger
    from wattbook.records import canonical
    from wattbook.report import DEFAULT_DIMENSIONS, Period
    from wattbook.report.as_json import as_json as to_json
    from wattbook.report.as_table import as_table

    if config is not None or ledger is not None:
        raise click.UsageError("the demo has a book and a configuration of its own; --keep URL keeps the book")
    place = folder or EXAMPLE
    script = script_of(place)
    settings = load(place / "team.toml")
    period = Period.from_month(script.month, settings.report.timezone or "UTC")
    with TemporaryDirectory(prefix="wattbook-demo-") as temporary:
        url = keep or str(Path(temporary) / "book.db")
        _spare_real_figures(url)
        told = _played(place, script, settings, period, url, closing, None if quiet or as_json else click.echo)
        with Ledger.open(url) as book:
            report = report_of(book, settings, period, DEFAULT_DIMENSIONS, None)
            content = hashlib.sha256("\n".join(map(canonical, lines(book))).encode()).hexdigest()
    if html is not None:
        with pinned(report.pins):
            write_text(html, page(report))
    if as_json:
        why = None if told is None else as_json_of(told, script.month, "closed", "today")
        print_json({"team": script.name, "book_sha256": content, **to_json(report), "why": why})
        return
    click.echo(as_table(report), nl=False)
    if told is not None:
        click.echo("")
        show(told, script.month, "as closed", "today")
    if keep and not quiet:
        click.echo(f"the book is kept: wattbook report --month {script.month} --ledger {keep}", err=True)


def _played(
    place: Path, script: Script, settings: Config, period: Period, url: str, closing: bool, tell: Any
) -> Difference | None:
    """Play the script; with *closing*, close the month before the last step, and say what that step changed."""
    from wattbook.cli.replay import play, recorded_at
    from wattbook.closing.acts import close
    from wattbook.closing.adjusting import why
    from wattbook.closing.reading import ALL_TIME
    from wattbook.ledger.store import Ledger

    def say(line: str) -> None:
        if tell is not None:
            tell(line, err=True)

    if not closing:
        play(place, script, url, say)
        return None
    play(place, evolve(script, steps=script.steps[:-1]), url, say)
    with Ledger.open(url) as book:
        act = close(book, settings, period, by="wattbook demo", now=recorded_at(script)).act
    say(f"{act.month} is closed, manifest {act.manifest_id[:12]}")
    play(place, evolve(script, steps=script.steps[-1:]), url, say)
    with Ledger.open(url) as book:
        return why(book, act, ALL_TIME, settings)


def _spare_real_figures(url: str) -> None:
    """Refuse a book that somebody already keeps: made-up figures would stand in it for good."""
    from wattbook.errors import LedgerError, NoLedger
    from wattbook.ledger import schema, view
    from wattbook.ledger.store import Ledger

    try:
        with Ledger.open(url, create=False) as book:
            entries = (entry for _, entry in book.pairs(view.entries()))
            real = any(entry is not None and not entry.synthetic for entry in entries)
            real = real or any(not row.synthetic for row in book.scan(view.revisions(schema.statement_set)))
    except NoLedger:
        return
    if real:
        raise LedgerError(f"{url}: holds real figures, and the demo's are made up: name a new book with --keep")
