"""``wattbook whatif``: what the period would have used less, on the team's own book."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from wattbook.cli.asked import period_of, this_month, usage, zone_of
from wattbook.cli.common import common_options, print_json

if TYPE_CHECKING:
    from wattbook.config import Config
    from wattbook.ledger.store import Ledger
    from wattbook.report import Period
    from wattbook.report.levers import Evidence, Options, Saving
    from wattbook.report.lines import Block

FORMS = "[LEVER [NAME] | track LEVER [NAME] | follow-ups]"
NAMED = {"region": "a zone, such as FI", "chip": "a chip, such as L4"}


@click.command("whatif", short_help="Say what could be saved, from the book itself; follow up on it.")
@click.argument("words", nargs=-1, metavar=FORMS)
@click.option("--month", metavar="YYYY-MM", help="A calendar month; the current one if nothing is said.")
@click.option("--from", "first", metavar="DAY", help="First day of another period.")
@click.option("--to", "last", metavar="DAY", help="Last day of it, itself included.")
@click.option("--project", metavar="P", help="The figures of this project only.")
@click.option("--part", metavar="P|P..P", help="Percentage of what the lever acts on; all of it if nothing is said.")
@click.option("--instead-of", metavar="CHIP", help="chip: what the work ran on.")
@click.option("--slower", metavar="N|N..N", help="laptop: times as long; 1..3 if nothing is said.")
@click.option("--laptop-w", metavar="W|W..W", help="laptop: its power at work, else what this book has measured.")
@click.option("--timezone", metavar="ZONE", help="IANA zone of months; report.timezone if nothing is said.")
@common_options
def command(
    words: tuple[str, ...], ledger: str | None, config: str | None, quiet: bool, as_json: bool, **told: Any
) -> None:
    """Say what could be saved, from the book itself; follow up on it.

    \b
    idle-off     switch idle machines off
    power-cap    cap the power of the GPUs
    region ZONE  run train, eval and ci on another grid
    hour         run them at another hour
    chip NAME    use another chip (with --instead-of)
    ci           run fewer pipelines, or cached ones
    early-stop   stop runs that fail earlier
    laptop       work on a laptop in place of a server
    facility     a better PUE, for each site

    Without a lever all are listed by their gain.  Every saving has its 90 % interval, where it is known from,
    and what speaks against it.  Savings are never added up; nothing of this enters a total.
    A closed month is thought about as it was closed.
    'track' writes down what is expected, and 'follow-ups' compares it with later months.
    """
    from wattbook.cli.closed import period_there
    from wattbook.cli.whatif_follow import follow_ups, track
    from wattbook.config import load
    from wattbook.ledger.fold import fold_in
    from wattbook.ledger.store import Ledger

    verb, lever, name = _parsed(words)
    settings = load(config)
    options = _options(lever, name, told, settings)
    zone = zone_of(told["timezone"], settings)
    period_of(told["month"], told["first"], told["last"], zone)  # wrong usage comes before the book
    with Ledger.open(ledger) as book:
        folded = fold_in(book)
        if not quiet:
            for problem in folded.problems:
                click.echo(f"wattbook: {problem}", err=True)
        period = period_there(book, told["month"], told["first"], told["last"], told["timezone"], zone)
        if verb == "follow-ups":
            until = told["month"] or this_month(zone)
            document, blocks = follow_ups(book, settings, until, inclusive=told["month"] is not None)
        elif verb == "track":
            assert lever is not None
            document, blocks = track(book, settings, period, lever, options, told["project"])
        else:
            document, blocks = _told(book, settings, period, lever, options, told["project"], quiet)
    if as_json:
        print_json(document)
        return
    from wattbook.cli.report import columns, decorated
    from wattbook.report.as_table import blocks_as_text

    click.echo(blocks_as_text(blocks, bold=decorated(), width=columns()), nl=False)


def _parsed(words: tuple[str, ...]) -> tuple[str, str | None, str | None]:
    """Verb, lever and its argument; raises ``UsageError`` with what would be right."""
    from difflib import get_close_matches

    from wattbook.report.levers import LEVERS

    verb, rest = "tell", list(words)
    if rest and rest[0] in ("track", "follow-ups"):
        verb = rest.pop(0)
    if verb == "follow-ups" and rest:
        raise click.UsageError("follow-ups takes no lever; it compares all that are tracked")
    if verb == "track" and not rest:
        raise click.UsageError(f"track needs a lever: {', '.join(LEVERS)}")
    if not rest:
        return verb, None, None
    lever = rest.pop(0)
    if lever not in LEVERS:
        near = get_close_matches(lever, [*LEVERS, "track", "follow-ups"], 1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(LEVERS)}"
        raise click.UsageError(f"there is no lever {lever!r}; {hint}")
    if lever in NAMED and not rest:
        raise click.UsageError(f"{lever} needs {NAMED[lever]}: wattbook whatif {lever} NAME")
    if lever == "facility" and verb == "track" and not rest:
        raise click.UsageError("facility needs the site to track: wattbook whatif track facility SITE")
    name = rest.pop(0) if rest and (lever in NAMED or lever == "facility") else None
    if rest:
        raise click.UsageError(f"{rest[0]!r} is too much; a period is given with --month")
    return verb, lever, name


def _options(lever: str | None, name: str | None, told: dict[str, Any], settings: Config) -> Options:
    from attrs import evolve

    from wattbook.report.levers import Options

    made = Options()
    if told["part"] is not None:
        made = evolve(made, part=_share("--part", told["part"], 0, 100, 100))
    if told["slower"] is not None:
        made = evolve(made, slower=_share("--slower", told["slower"], 0.01, 1000))
    if told["laptop_w"] is not None:
        made = evolve(made, laptop_w=_share("--laptop-w", told["laptop_w"], 0.1, 1000))
    if lever == "region" and name is not None:
        made = evolve(made, zone=usage("region", _zone, name))
    if lever == "facility" and name is not None:
        made = evolve(made, zone=name)
    if lever == "chip" and name is not None:
        if told["instead_of"] is None:
            raise click.UsageError("chip needs --instead-of: the chip that the work ran on")
        made = evolve(made, chip=_chip(name, settings), instead_of=_chip(told["instead_of"], settings))
    elif told["instead_of"] is not None:
        raise click.UsageError("--instead-of belongs to chip")
    return made


def _zone(name: str) -> str:
    from wattbook.factors import check_zone

    return check_zone(name, where="ZONE")


def _share(option: str, text: str, least: float, most: float, whole: float = 1.0) -> Any:
    """``30`` or ``20..40`` as a share, the middle of a range as its value."""
    from wattbook.report.levers.model import Share

    ends = text.rstrip("%").split("..")
    try:
        numbers = [float(end.strip().rstrip("%")) for end in ends]
    except ValueError:
        numbers = []
    if (
        len(numbers) not in (1, 2)
        or not all(least <= number <= most for number in numbers)
        or numbers != sorted(numbers)
    ):
        raise click.UsageError(f"{option}: {text!r} is no number or range from {least:g} to {most:g}, such as 20..40")
    low, high = numbers[0] / whole, numbers[-1] / whole
    return Share(value=(low + high) / 2, low=low, high=high)


def _chip(name: str, settings: Config) -> tuple[str, float]:
    """A chip of the catalogue with its power; refused where the catalogue does not know it exactly."""
    from wattbook.byhand import Estimators
    from wattbook.errors import WattbookError
    from wattbook.plugins import installed

    identity = Estimators(installed(settings.plugins)).identify(name, None)
    if identity.match is None or identity.tdp_w is None:
        raise WattbookError(f"{name}: {identity.reason or 'the catalogue knows no power of it'}")
    return identity.match, identity.tdp_w


def savings_of(evidence: Evidence, lever: str | None, options: Options) -> tuple[list[Saving], Saving | None]:
    """The savings of one lever, or of all with what they save together."""
    from wattbook.report.levers import every_lever, lever_of, saving_of, together

    levers = every_lever(evidence, options) if lever is None else lever_of(lever, evidence, options)
    if lever == "facility" and options.zone is not None:
        levers = [one for one in levers if one.argument == options.zone]
    combined = together(levers, evidence) if lever is None else None
    return [saving_of(one, evidence) for one in levers], combined


def _told(
    book: Ledger,
    settings: Config,
    period: Period,
    lever: str | None,
    options: Options,
    project: str | None,
    quiet: bool,
) -> tuple[dict[str, Any], list[Block]]:
    from wattbook.cli.whatif_month import month_of
    from wattbook.report.as_json import period_as_json
    from wattbook.report.levers.lines import NO_INVENTORY, NO_SUM, blocks_of, details_of, ordered, saving_as_json
    from wattbook.report.lines import Block, clean

    month = month_of(book, settings, period, project)
    report, evidence = month.report, month.evidence
    if project is not None and not evidence.atoms and not quiet:
        click.echo(
            f"wattbook: the book holds no figure of ours of project {clean(project)} in {period.title}", err=True
        )
    savings, combined = savings_of(evidence, lever, options)
    document = {
        "period": period_as_json(period),
        "project": project,
        "watermark": report.watermark,
        "closed": month.closed_as_json(),
        "levers": [saving_as_json(one) for one in ordered(savings)],
        "together": None if combined is None else saving_as_json(combined),
        "notes": [NO_SUM, NO_INVENTORY, *([month.note] if month.note else [])],
    }
    whose = "" if project is None else f", project {clean(project)}"
    title = f"What could be saved, {period.title}{whose}"
    blocks = (
        list(blocks_of(savings, combined, title)) if lever is None else [b for one in savings for b in details_of(one)]
    )
    if lever == "facility" and not savings:
        blocks = [Block(title=title, rows=(("no site of this period has a PUE above that of a good data centre",),))]
    if month.note is not None:
        blocks.append(Block(title="A closed month", rows=((clean(month.note),),)))
    if report.watermark:
        blocks.insert(0, Block(title=f"*** {report.watermark} ***"))
    return document, blocks
