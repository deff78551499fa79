"""``wattbook log``: figures by hand, from options or from a jobs CSV."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wattbook.cli.common import common_options, print_json
from wattbook.cli.estimate import described, description_options, in_words, spread

if TYPE_CHECKING:
    from wattbook.byhand import Booking
    from wattbook.byhand.booking import Booked

LINES = 100  #: more figures than that are told as their sum
MANY = 1_000  #: more figures than that are printed as JSON one a line


@click.command("log", short_help="Book a figure by hand: hours, utilisation and chip.")
@click.argument("jobs", metavar="[JOBS.csv | -]", required=False)
@description_options
@click.option("--start", metavar="TIME", help="When the work began; without it, it ended now.")
@click.option("--project", metavar="P", help="Project that the figure is booked on.")
@click.option("--phase", metavar="PH", help="dev, train, eval, serve, ci or idle.")
@click.option("--person", metavar="WHO", help="Person that the figure is booked on.")
@click.option("--platform", metavar="P", help="Where it ran: laptop, cluster, aws ...")
@click.option("--tag", "tags", metavar="K=V", multiple=True, help="A label of your own; may be repeated.")
@click.option("--site", metavar="S", help="A configured site, for its grid and its PUE.")
@click.option("--synthetic", is_flag=True, help="Mark the figures as made up, on every report.")
@click.option("--dry-run", is_flag=True, help="Check everything, list all bad lines, record nothing.")
@click.option("--template", metavar="FILE", help="Write a jobs CSV to start from, and do nothing else.")
@common_options
def command(
    jobs: str | None,
    tags: tuple[str, ...],
    site: str | None,
    synthetic: bool,
    dry_run: bool,
    template: str | None,
    ledger: str | None,
    config: str | None,
    quiet: bool,
    as_json: bool,
    **fields: str | None,
) -> None:
    """Book a figure by hand: hours, utilisation and chip; from options, or from a CSV with one job a line.

    One bad line refuses the whole file, and logging the same file twice books nothing new.

    \b
    Utilisation may be a preset, where nothing better is known:
                 processor   beside an accelerator   accelerator
      idle         0..5 %         0..5 %               0..5 %
      notebook     2..20 %        2..20 %              0..30 %
      ci          30..90 %       30..90 %              0..50 %
      inference   20..70 %        5..40 %             10..60 %
      training    60..100 %      10..50 %             50..95 %
    """
    given = {key: value for key, value in fields.items() if value is not None}
    if template is not None:
        write_template(template)
        return
    if jobs is not None and (given or tags):
        raise click.UsageError("Give a file or the options of one job, not both.")
    if jobs is None and not given:
        raise click.UsageError("Give a jobs CSV, or the options of one job such as --hours 3 --threads 8 --util 50.")

    from wattbook.byhand import Booking, Estimators
    from wattbook.byhand.booking import Booked
    from wattbook.byhand.files import zone_of
    from wattbook.config import load
    from wattbook.plugins import installed

    settings = load(config)
    booking = Booking(
        settings,
        Estimators(installed(settings.plugins)),
        site=site,
        from_file=jobs is not None,
        synthetic=synthetic,
    )
    if jobs is None:
        booking.take(described({**given, **as_tags(tags)}, zone_of(settings)))
    else:
        take_file(booking, jobs, zone_of(settings))
    booked = Booked()
    if not dry_run and not booking.problems:
        from wattbook.ledger.store import Ledger

        with Ledger.open(ledger) as book:
            booked = booking.record(book)
    if as_json:
        show(booking, booked)
    elif not booking.problems:
        tell(booking, booked, dry_run=dry_run, quiet=quiet)
    if booking.problems:
        complain(booking, "options" if jobs is None else jobs, everything=dry_run)
        sys.exit(1)


def take_file(booking: Booking, name: str, zone: tzinfo) -> None:
    """All jobs of a file, or of stdin; a file that cannot be read is one sentence."""
    from wattbook.byhand.files import read_file
    from wattbook.errors import ImportFailed

    if name == "-":
        booking.take_all(read_file(sys.stdin.buffer, name, zone))
        return
    try:
        with Path(name).open("rb") as lines:
            booking.take_all(read_file(lines, name, zone))
    except OSError as error:
        raise ImportFailed(f"cannot be read: {error.strerror}", path=name) from error


def as_tags(tags: tuple[str, ...]) -> dict[str, str]:
    from wattbook.jobs import COLUMNS

    found = {}
    for tag in tags:
        key, equals, value = tag.partition("=")
        if not equals or not key.strip() or key.strip() in COLUMNS:
            raise click.UsageError(f"--tag takes a label of your own as KEY=VALUE, not {tag!r}.")
        found[key.strip()] = value
    return found


def write_template(name: str) -> None:
    """A new file, or stdout for ``-``; an existing file is left alone."""
    from wattbook.errors import ImportFailed
    from wattbook.jobs import TEMPLATE

    if name == "-":
        click.echo(TEMPLATE, nl=False)
        return
    try:
        with Path(name).open("x", encoding="utf-8", newline="") as stream:
            stream.write(TEMPLATE)
    except FileExistsError as error:
        raise ImportFailed("exists already, and is not overwritten", path=name) from error
    except OSError as error:
        raise ImportFailed(f"cannot be written: {error.strerror}", path=name) from error


def show(booking: Booking, booked: Booked) -> None:
    """The JSON document; a long one is written figure by figure."""
    import json

    rest: dict[str, Any] = {
        "recorded": {"new": booked.new, "known": booked.known},
        "problems": [{"line": w.line, "field": w.field, "reason": w.reason} for w in booking.problems],
    }
    if len(booking.figures) <= MANY:
        print_json({"entries": list(booking.documents()), **rest})
        return
    encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
    out = sys.stdout
    out.write('{"entries": [\n')
    for i, document in enumerate(booking.documents()):
        out.write(f"{',' if i else ' '}{encode(document)}\n")
    out.write(f"], {encode(rest)[1:]}\n")


def tell(booking: Booking, booked: Booked, *, dry_run: bool, quiet: bool) -> None:
    """For people: one line a figure, or their sum where there are many, and what was recorded."""
    if len(booking.figures) == 1:
        for line in in_words(next(booking.documents())):
            click.echo(line)
    elif len(booking.figures) <= LINES:
        for document in booking.documents():
            click.echo(f"line {document['line']}: {_energy_and_carbon(document)}")
    else:
        click.echo(f"{len(booking.figures)} figures: {_energy_and_carbon(booking.total())}")
    if quiet:
        return
    for warning, times in Counter(w for figure in booking.figures for w in figure.warnings).items():
        click.echo(f"note: {warning}{f' ({times} lines)' if times > 1 else ''}", err=True)
    state = "nothing recorded (dry run)" if dry_run else f"{booked.new} booked, {booked.known} known before"
    click.echo(state, err=True)


def _energy_and_carbon(numbers: Mapping[str, float | None]) -> str:
    energy = spread(numbers["energy_wh"], numbers["energy_low_wh"], numbers["energy_high_wh"], "Wh")
    return f"{energy}   {spread(numbers['co2e_g'], numbers['co2e_low_g'], numbers['co2e_high_g'], 'g CO2e')}"


def complain(booking: Booking, name: str, *, everything: bool) -> None:
    """What is wrong, the first thing of it or everything."""
    wrongs = booking.problems
    for wrong in wrongs if everything else wrongs[:1]:
        where = f":{wrong.line}" if wrong.line else ""
        column = f" [{wrong.field}]" if wrong.field else ""
        click.echo(f"wattbook: {name}{where}{column}: {wrong.reason}", err=True)
    if len(wrongs) > 1 and not everything:
        click.echo(f"wattbook: {len(wrongs)} things are wrong; --dry-run lists them all", err=True)
    click.echo("wattbook: nothing is recorded", err=True)
