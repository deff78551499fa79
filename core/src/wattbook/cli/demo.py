"""``wattbook demo``: a whole example team, offline, in a temporary book."""

from __future__ import annotations

from pathlib import Path

import click

from wattbook.cli.common import common_options, print_json

EXAMPLE = Path(__file__).parent.parent / "examples" / "team-sg"


@click.command("demo", short_help="Play a whole example team through, offline, in a temporary book.")
@click.option("--folder", type=click.Path(path_type=Path), metavar="DIR", help="Play this folder instead.")
@click.option("--html", metavar="FILE", help="Also write the report as one HTML page.")
@click.option("--keep", metavar="URL", help="Keep the book here, to look at it with the other verbs.")
@common_options
def command(
    folder: Path | None,
    html: str | None,
    keep: str | None,
    ledger: str | None,
    config: str | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Play a whole example team through, offline, in a temporary book, and report its month.

    Laptops and a GPU server are measured, a cloud account is provided and restated once, CI and
    notebooks are estimated.  All of it is synthetic, and the report says so.
    """
    import hashlib
    from tempfile import TemporaryDirectory

    from wattbook.cli.replay import play, script_of
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
        play(place, script, url, lambda line: None if quiet or as_json else click.echo(line, err=True))
        with Ledger.open(url) as book:
            report = report_of(book, settings, period, DEFAULT_DIMENSIONS, None)
            content = hashlib.sha256("\n".join(map(canonical, lines(book))).encode()).hexdigest()
    if html is not None:
        write_text(html, page(report))
    if as_json:
        print_json({"team": script.name, "book_sha256": content, **to_json(report)})
        return
    click.echo(as_table(report), nl=False)
    if keep and not quiet:
        click.echo(f"the book is kept: wattbook report --month {script.month} --ledger {keep}", err=True)


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
