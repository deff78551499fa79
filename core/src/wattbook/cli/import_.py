"""``wattbook import``: a provider's export or an instrument's recording goes to the book."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wattbook.cli.common import common_options, print_json, tell
from wattbook.cli.import_document import document, line

if TYPE_CHECKING:
    from wattbook.importing import Handed


@click.command("import", short_help="Import a provider's export or an instrument's recording.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--format", "form", metavar="F", help="The format, where it cannot be recognised.")
@click.option("--dry-run", is_flag=True, help="Read and report; record nothing.")
@click.option("--account", metavar="ID", help="Account of an export that does not name it.")
@click.option("--host", metavar="LABEL", help="Host of a recording that does not name it.")
@click.option("--site", metavar="NAME", help="Configured site where the host stands.")
@click.option(
    "--month", metavar="YYYY-MM", help="Fetch this month through the interface that PATH names: aws, gcp, azure."
)
@click.option("--dataset", metavar="D", help="[PROJECT.]DATASET to fetch from (gcp).")
@click.option("--from", "place", metavar="URL", help="s3://BUCKET/PREFIX of a Data Export to fetch from (aws).")
@click.option("--start", metavar="TIME", help="When a recording without times began, as 2026-10-01T08:00:00+08:00.")
@click.option("--interval-s", type=float, metavar="S", help="Sampling interval of a recording without times.")
@click.option("--timezone", metavar="ZONE", help="IANA zone of times that name none.")
@click.option("--decimal", type=click.Choice(["point", "comma", ".", ","]), help="Decimal mark of an edited CSV.")
@click.option("--map", "columns", multiple=True, metavar="FIELD=COLUMN", help="Column of a field, for --format csv.")
@click.option("--option", "-O", "more", multiple=True, metavar="K=V", help="Something else that a format asks for.")
@click.option(
    "--project",
    metavar="P",
    envvar="WATTBOOK_PROJECT",
    help="Project of a recording or bill; with --month, of the cloud to ask (gcp).",
)
@click.option("--phase", metavar="PH", envvar="WATTBOOK_PHASE", help="dev, train, eval, serve, ci or idle.")
@click.option("--platform", metavar="NAME", help="Platform of a recording.")
@click.option("--person", metavar="NAME", help="Person of a recording.")
@click.option("--tag", "tags", multiple=True, metavar="K=V", help="A further label of a recording.")
@click.option("--synthetic", is_flag=True, help="Mark the figures as made up, on every report.")
@click.option("--force", is_flag=True, help="Take an older version, or let an alternative export count.")
@common_options
@click.pass_context
def command(
    context: click.Context,
    paths: tuple[str, ...],
    form: str | None,
    dry_run: bool,
    account: str | None,
    host: str | None,
    site: str | None,
    month: str | None,
    dataset: str | None,
    place: str | None,
    start: str | None,
    interval_s: float | None,
    timezone: str | None,
    decimal: str | None,
    columns: tuple[str, ...],
    more: tuple[str, ...],
    project: str | None,
    phase: str | None,
    platform: str | None,
    person: str | None,
    tags: tuple[str, ...],
    synthetic: bool,
    force: bool,
    ledger: str | None,
    config: str | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Import a provider's export, a bill, an instrument's recording or a jobs CSV.

    PATH is a file, a folder (an export with its partitions and pages is one import), or - for standard
    input.  All paths of one command are recorded together, or none is.

    With --month, PATH is the name of an interface whose figures of that month are fetched: aws, gcp, azure.
    A file of such a name is ./aws.
    """
    from attrs import evolve

    from wattbook.cli.import_book import files_of, folders_of, restore_all
    from wattbook.cli.import_estimated import bill_document, bill_line, billed, bills_of
    from wattbook.cli.import_fetch import fetched, options_of, refuse_another_month, refuse_without_month
    from wattbook.cli.import_jobs import FORMAT as JOBS
    from wattbook.cli.import_jobs import jobs_document, jobs_line, jobs_of, read_jobs, record_jobs
    from wattbook.config import load
    from wattbook.importing import choose, open_all, read, spool_folder
    from wattbook.model import ImportSource, Phase
    from wattbook.people import hidden
    from wattbook.plugins import installed
    from wattbook.records import Labels

    if not all(paths):
        raise click.UsageError("One of the paths is empty; is a variable unset?")
    settings = load(config)
    defaults = settings.defaults
    phase = phase or defaults.phase
    if phase is not None and phase not in set(Phase):
        raise click.UsageError(f"--phase is one of {', '.join(Phase)}, not {phase!r}")
    if interval_s is not None and not (math.isfinite(interval_s) and 0 < interval_s <= 86_400):
        raise click.UsageError(f"--interval-s is a number of seconds above 0, not {interval_s:g}")
    options = _pairs("--option", more)
    options |= {f"map.{name}": column for name, column in _pairs("--map", columns).items()}
    options |= {key: value for key, value in (("decimal", decimal), ("timezone", timezone)) if value}
    said = ImportSource(
        account=account, host=host, start=_moment(start, timezone), interval_s=interval_s, options=options
    )
    labels = Labels(
        project=project or defaults.project, phase=phase, person=person or defaults.person,
        platform=platform or defaults.platform, tags=_pairs("--tag", tags),
    )  # fmt: skip
    labels, why = hidden(labels, settings.privacy)
    if why:
        tell(f"wattbook: {why}", err=True)
    plugins = installed(settings.plugins)
    if month is None:
        if dataset or place:
            raise click.UsageError("--dataset and --from are for what is fetched: say which --month.")
        refuse_without_month(plugins, paths)
    by_hand: list[Handed] = []
    with spool_folder() as folder:
        if month is not None:
            more_said = options_of(context, dataset, place, project)
            hauls = fetched(plugins, paths, month, evolve(said, options={**options, **more_said}), folder)
            found = [(haul.chosen, haul.said) for haul in hauls]
            left_out = tuple(problem for haul in hauls for problem in haul.problems)
        else:
            books = folders_of(paths)
            handed = [] if books else open_all([Path(path) for path in paths], spool=folder)
            books = books or files_of(handed)
            if books:
                restore_all(books, ledger, dry_run, as_json)
                return
            by_hand = jobs_of(handed, form)
            others = [one for one in handed if one not in by_hand]
            chosen, left_out = choose(plugins, others, form) if others else ([], ())
            found = [(one, said) for one in chosen]
        imports = [
            read(one, about, version=plugins.versions.get(one.plugin, ""), to_record=not dry_run)
            for one, about in found
        ]
        if month is not None:
            refuse_another_month(imports, month)
        bills = bills_of(plugins, settings, labels, site, synthetic)
        jobs = read_jobs(by_hand, plugins, settings, labels, site, synthetic)
        if dry_run:
            from wattbook.ledger.intake import Taken

            taken = [Taken(imported=imported) for imported in imports]
            estimated = billed(bills, imports, None)
            booked = record_jobs(jobs, None)
        else:
            from wattbook.ledger.intake import take_in
            from wattbook.ledger.store import Ledger

            with Ledger.open(ledger) as book, book.transaction():
                taken = take_in(
                    book, imports, settings, host=host, labels=labels, site=site, synthetic=synthetic, force=force
                )
                estimated = billed(bills, imports, book)
                booked = record_jobs(jobs, book)
    documents = []
    in_words = {JOBS: jobs_line, **{one.format: bill_line for one in imports if one.usages}}
    for number, (done, bill) in enumerate(zip(taken, estimated, strict=True)):
        rest = left_out if number == 0 else ()
        documents.append(bill_document(done.imported, bill, rest) if bill else document(done, rest, dry_run))
    documents += [jobs_document(*one) for one in booked]
    if as_json:
        print_json({"imported": documents})
        return
    for one in documents:
        tell(in_words.get(one["format"], line)(one, dry_run))
        if not quiet:
            for problem in one["problems"]:
                where = ":".join(str(part) for part in (problem.get("path"), problem["line"]) if part is not None)
                tell(f"  {where + ': ' if where else ''}{problem['reason']}", err=True)
            for warning in one["warnings"]:
                tell(f"  {warning}", err=True)


def _pairs(option: str, said: Sequence[str]) -> dict[str, str]:
    pairs = {}
    for pair in said:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise click.UsageError(f"{option} takes KEY=VALUE, not {pair!r}")
        pairs[key.strip()] = value
    return pairs


def _moment(text: str | None, timezone: str | None) -> datetime | None:
    """A time with its zone: the one it names, else *timezone*, else the system's."""
    from zoneinfo import ZoneInfo

    zone = None
    if timezone:
        try:
            zone = ZoneInfo(timezone)
        except (KeyError, ValueError, OSError) as error:
            raise click.UsageError(f"--timezone: {timezone!r} is no IANA time zone") from error
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.UsageError(f"--start is a time such as 2026-10-01T08:00:00+08:00, not {text!r}") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone) if zone else moment.astimezone()
    return moment
