"""``wattbook log``: figures by hand, from options or from a jobs CSV."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wattbook.cli.common import common_options, print_json
from wattbook.cli.estimate import (
    as_lines,
    carbon_of_figure,
    described,
    description_options,
    numbers,
    place_of,
    spread,
    system_zone,
)

if TYPE_CHECKING:
    from wattbook.byhand import Figure
    from wattbook.config import Config
    from wattbook.jobs import Job, Wrong
    from wattbook.records import Entry, RunRecord

NOW = "no start is given: booked as ending now"


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
@click.option("--dry-run", is_flag=True, help="Check everything, list all bad lines, record nothing.")
@click.option("--template", metavar="FILE", help="Write a jobs CSV to start from, and do nothing else.")
@common_options
def command(
    jobs: str | None,
    tags: tuple[str, ...],
    site: str | None,
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
    """
    given = {key: value for key, value in fields.items() if value is not None}
    if template is not None:
        write_template(template)
        return
    if jobs is not None and (given or tags):
        raise click.UsageError("Give a file or the options of one job, not both.")
    if jobs is None and not given:
        raise click.UsageError("Give a jobs CSV, or the options of one job such as --hours 3 --threads 8 --util 50.")

    from wattbook.byhand import Estimators
    from wattbook.config import load
    from wattbook.plugins import installed

    settings = load(config)
    found: Iterable[Job | Wrong] = read_file(jobs) if jobs is not None else [described({**given, **as_tags(tags)})]
    book = Booking(settings, Estimators(installed(settings.plugins)), site=site, from_file=jobs is not None)
    for item in found:
        book.take(item)
    recorded = {"new": 0, "known": 0}
    if not dry_run and not book.problems:
        recorded = book.record(ledger)
    if as_json:
        print_json({"entries": book.documents, "recorded": recorded, "problems": book.problems})
    elif not book.problems:
        tell(book, recorded, dry_run=dry_run, quiet=quiet)
    if book.problems:
        name = "-" if jobs is None else jobs
        for problem in book.problems if dry_run else book.problems[:1]:
            where = f" line {problem['line']}" if problem["line"] else ""
            column = f" [{problem['field']}]" if problem["field"] else ""
            click.echo(f"wattbook: {name}{where}{column}: {problem['reason']}", err=True)
        if len(book.problems) > 1 and not dry_run:
            click.echo(f"wattbook: {len(book.problems)} lines are wrong; --dry-run lists them all", err=True)
        click.echo("wattbook: nothing is recorded", err=True)
        sys.exit(1)


class Booking:
    """Figures of a description, checked one by one and recorded together."""

    def __init__(self, config: Config, estimators: Any, *, site: str | None, from_file: bool) -> None:
        self._config = config
        self._estimators = estimators
        self._site = site
        self._from_file = from_file
        self._now = datetime.now(UTC).replace(microsecond=0)
        self._seen: Counter[str] = Counter()
        self.documents: list[dict[str, Any]] = []
        self.problems: list[dict[str, Any]] = []
        self.entries: list[Entry] = []
        self.runs: list[RunRecord] = []
        self.undated: list[str] = []
        self.figures: list[Figure] = []

    def take(self, item: Job | Wrong) -> None:
        """One job, or one thing that is wrong."""
        from wattbook.byhand import Undescribed
        from wattbook.errors import ConfigError
        from wattbook.jobs import Wrong

        if isinstance(item, Wrong):
            self.problems.append({"line": item.line, "field": item.field, "reason": item.reason})
            return
        try:
            self._book(item)
        except Undescribed as error:
            self.problems.append({"line": item.line, "field": error.field, "reason": error.reason})
        except ConfigError as error:
            self.problems.append({"line": item.line, "field": None, "reason": str(error)})

    def _book(self, job: Job) -> None:
        from wattbook.records import Entry, Labels, RunRecord, utc_text

        place = place_of(job, self._config, self._site)
        start = job.start or self._now - timedelta(hours=job.hours)
        figure = self._estimators.figure(job, start=start)
        own, usual = job.labels, self._config.defaults
        labels = Labels(
            project=own.project or usual.project,
            phase=own.phase or usual.phase,
            person=own.person or usual.person,
            platform=own.platform or usual.platform,
            tags=own.tags,
        )
        run_id = self._run_id(job, start, labels)
        warnings = (*figure.warnings, *(() if job.start else (NOW,)))
        end = start + timedelta(hours=job.hours)
        if job.start is None and self._from_file:
            self.undated.append(run_id)
        self.entries += [
            Entry.from_reading(reading, run_id=run_id, host=run_id, plugin=plugin, labels=labels, place=place)
            for plugin, reading in figure.readings
        ]
        self.runs.append(
            RunRecord(
                run_id=run_id, kind="log", start=utc_text(start), end=utc_text(end), labels=labels, warnings=warnings
            )
        )
        self.figures.append(figure)
        carbon = carbon_of_figure(figure, place)
        grams = None if carbon is None else carbon.location
        self.documents.append(
            {
                "line": job.line,
                "run_id": run_id,
                **numbers(figure),
                "co2e_g": None if grams is None else grams.value,
                "co2e_low_g": None if grams is None else grams.low,
                "co2e_high_g": None if grams is None else grams.high,
                "method": figure.method,
                "boundary": job.boundary,
                "warnings": list(warnings),
            }
        )

    def _run_id(self, job: Job, start: datetime, labels: Any) -> str:
        """The same line of the same content is the same run; twice in one file it is two.

        A line of a file without a start is the same wherever the clock stands; options without one are not.
        """
        from attrs import asdict

        from wattbook.records import content_id, utc_text

        plain = asdict(job, filter=lambda a, _: a.name not in ("line", "start", "warnings", "labels"))
        dated = job.start is not None or not self._from_file
        plain |= {"start": utc_text(start) if dated else None, "labels": asdict(labels)}
        once = content_id(plain)
        self._seen[once] += 1
        again = self._seen[once]
        return f"log:{once if again == 1 else content_id([once, again])}"

    def record(self, url: str | None) -> dict[str, int]:
        """Everything in one transaction; how many figures were new and how many the book had."""
        from wattbook.ledger.store import Ledger

        with Ledger.open(url) as ledger:
            known = {run_id for run_id in self.undated if ledger.runs(run_id=run_id)}
            entries = [entry for entry in self.entries if entry.run_id not in known]
            runs = [run for run in self.runs if run.run_id not in known]
            added = ledger.add(entries, runs)
            if added.new == len(entries):
                return {"new": len(runs), "known": len(known)}
            if added.new == 0:
                return {"new": 0, "known": len(self.runs)}
            lines = added.new * len(runs) // max(1, len(entries))
            return {"new": lines, "known": len(self.runs) - lines}


def read_file(name: str) -> Iterator[Job | Wrong]:
    """The jobs of a file, or of stdin; a file that cannot be read is one sentence."""
    from wattbook.errors import ImportFailed
    from wattbook.jobs import read_jobs

    if name == "-":
        yield from read_jobs(as_text(sys.stdin.buffer, name), zone=system_zone())
        return
    try:
        with Path(name).open("rb") as raw:
            yield from read_jobs(as_text(raw, name), zone=system_zone())
    except OSError as error:
        raise ImportFailed(f"cannot be read: {error.strerror}", path=name) from error


def as_text(raw: Iterable[bytes], name: str) -> Iterator[str]:
    """Lines as text; raises ``ImportFailed`` at the first that is not UTF-8."""
    from wattbook.errors import ImportFailed

    for number, line in enumerate(raw, start=1):
        if number == 1 and line[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise ImportFailed("is UTF-16; save it as UTF-8", path=name, line=1)
        if b"\x00" in line or len(line) > 1_000_000:
            raise ImportFailed("is not a text file", path=name, line=number)
        try:
            yield line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ImportFailed(f"is not UTF-8 text: {error.reason}", path=name, line=number) from error


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


def tell(book: Booking, recorded: dict[str, int], *, dry_run: bool, quiet: bool) -> None:
    """For people: one line a figure, and what was recorded."""
    if len(book.figures) == 1:
        document = book.documents[0]
        for line in as_lines(book.figures[0], None, explain=False)[:2]:
            click.echo(line)
        click.echo(f"carbon  {spread(document['co2e_g'], document['co2e_low_g'], document['co2e_high_g'], 'g CO2e')}")
    else:
        for document in book.documents:
            energy = spread(document["energy_wh"], document["energy_low_wh"], document["energy_high_wh"], "Wh")
            grams = spread(document["co2e_g"], document["co2e_low_g"], document["co2e_high_g"], "g CO2e")
            click.echo(f"line {document['line']}: {energy}   {grams}")
    if quiet:
        return
    for warning, times in Counter(w for d in book.documents for w in d["warnings"]).items():
        click.echo(f"note: {warning}{f' ({times} lines)' if times > 1 else ''}", err=True)
    state = "nothing recorded (dry run)" if dry_run else f"{recorded['new']} booked, {recorded['known']} known before"
    click.echo(state, err=True)
