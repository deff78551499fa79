"""Figures by hand as entries of the book: ids from content, everything recorded together or nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import frozen

from wattbook.accounting import Interval
from wattbook.byhand.entries import Entries
from wattbook.byhand.estimators import Estimators
from wattbook.byhand.machine import Undescribed
from wattbook.byhand.places import place_of
from wattbook.config import Config
from wattbook.errors import ConfigError, ImportFailed
from wattbook.jobs import Job, Wrong, read_jobs
from wattbook.plugins import Plugins
from wattbook.records import Entry, Labels, Place, RunRecord, content_id, stated, utc_text

if TYPE_CHECKING:
    from wattbook.ledger.store import Ledger

NOW = "no start is given: booked as ending now"


@frozen(kw_only=True)
class Booked:
    """How many figures were new and how many the book had already."""

    new: int = 0
    known: int = 0


class Booking:
    """Takes jobs one by one, keeps their figures or what is wrong with them, and records all at the end."""

    def __init__(
        self,
        config: Config,
        estimators: Estimators,
        *,
        site: str | None = None,
        from_file: bool = True,
        synthetic: bool = False,
        now: datetime | None = None,
    ) -> None:
        self._config = config
        self._estimators = estimators
        self._site = site
        self._from_file = from_file
        self._make = Entries(estimators.versions, synthetic=synthetic)
        self._now = now or datetime.now(UTC).replace(microsecond=0)
        self._places: dict[str | None, Place] = {}
        self._seen: Counter[str] = Counter()
        self.documents: list[dict[str, Any]] = []  #: one object of the JSON output for every job
        self.problems: list[Wrong] = []
        self.entries: list[Entry] = []
        self.runs: list[RunRecord] = []

    def take(self, item: Job | Wrong) -> None:
        """One job, or one thing that is wrong."""
        if isinstance(item, Wrong):
            self.problems.append(item)
            return
        try:
            self._book(item)
        except Undescribed as error:
            self.problems.append(Wrong(line=item.line, field=error.field, reason=error.reason))
        except ConfigError as error:
            self.problems.append(Wrong(line=item.line, field=None, reason=str(error)))

    def _book(self, job: Job) -> None:
        if job.region not in self._places:
            self._places[job.region] = place_of(job.region, self._config, self._site)
        place = self._places[job.region]
        hourly = self._estimators.hourly(job)
        start = job.start or self._now - timedelta(hours=job.hours)
        start_text, end_text = utc_text(start), utc_text(start + timedelta(hours=job.hours))
        labels = self._labels(job.labels)
        run_id = self._run_id(job, start_text, labels)
        warnings = (*job.warnings, *hourly.warnings, *(() if job.start else (NOW,)))
        self.entries += self._make.of(
            hourly, job.hours, run_id=run_id, start=start_text, end=end_text, labels=labels, place=place
        )
        self.runs.append(
            RunRecord(run_id=run_id, kind="log", start=start_text, end=end_text, labels=labels, warnings=warnings)
        )
        self.documents.append(
            {
                "line": job.line,
                "run_id": run_id,
                **hourly.numbers(job.hours),
                **carbon_numbers(self._make.grams(hourly, job.hours, place, int(start_text[:4]))),
                "method": hourly.method,
                "boundary": job.boundary,
                "warnings": list(warnings),
            }
        )

    def _labels(self, own: Labels) -> Labels:
        usual = self._config.defaults
        return Labels(
            project=own.project or usual.project,
            phase=own.phase or usual.phase,
            person=own.person or usual.person,
            platform=own.platform or usual.platform,
            tags=own.tags,
        )

    def _run_id(self, job: Job, start: str, labels: Labels) -> str:
        """The same content is the same run, and twice in one file it is two.

        A line of a file without a start is the same whenever it is logged; options without one are not.
        """
        dated = job.start is not None or not self._from_file
        once = content_id(
            [
                start if dated else None, job.hours, job.cpu, job.tdp_w, job.sockets, job.threads, job.instance,
                job.memory_gb, job.gpu, job.gpu_tdp_w, job.gpu_count, job.util, job.gpu_util, job.load, job.boundary,
                job.region, job.count, stated(labels),
            ]
        )  # fmt: skip
        self._seen[once] += 1
        again = self._seen[once]
        return f"log:{once if again == 1 else content_id([once, again])}"

    def record(self, ledger: Ledger, *, recorded_at: datetime | None = None) -> Booked:
        """Everything in one transaction; a figure that the book has is left as it is, whatever models say today."""
        with ledger.transaction():
            known = ledger.known_runs(run.run_id for run in self.runs)
            runs = [run for run in self.runs if run.run_id not in known]
            entries = [entry for entry in self.entries if entry.run_id not in known]
            ledger.add(entries, runs, recorded_at=recorded_at)
        return Booked(new=len(runs), known=len(self.runs) - len(runs))


def carbon_numbers(grams: Interval | None) -> dict[str, float | None]:
    """Grams with their interval, keyed as in the JSON output."""
    if grams is None:
        return {"co2e_g": None, "co2e_low_g": None, "co2e_high_g": None}
    return {"co2e_g": grams.value, "co2e_low_g": grams.low, "co2e_high_g": grams.high}


def read_file(lines: Iterable[bytes], name: str, zone: Any = UTC) -> Iterator[Job | Wrong]:
    """The jobs in the lines of a file; raises ``ImportFailed`` where it is not text."""
    return read_jobs(_as_text(lines, name), zone=zone)


def _as_text(lines: Iterable[bytes], name: str) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        if number == 1 and line[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise ImportFailed("is UTF-16; save it as UTF-8", path=name, line=1)
        if b"\x00" in line or len(line) > 1_000_000:
            raise ImportFailed("is not a text file", path=name, line=number)
        try:
            yield line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ImportFailed(f"is not UTF-8 text: {error.reason}", path=name, line=number) from error


def book_jobs(
    path: Path,
    ledger: Ledger,
    config: Config,
    plugins: Plugins,
    *,
    synthetic: bool = False,
    recorded_at: datetime | None = None,
) -> Booked:
    """Log a jobs CSV; raises ``ImportFailed`` for its first bad line, and then nothing is recorded."""
    booking = Booking(config, Estimators(plugins), synthetic=synthetic, now=recorded_at)
    try:
        with path.open("rb") as lines:
            for item in read_file(lines, str(path), zone_of(config)):
                booking.take(item)
    except OSError as error:
        raise ImportFailed(f"cannot be read: {error.strerror}", path=path) from error
    for wrong in booking.problems[:1]:
        raise ImportFailed(wrong.reason, path=path, line=wrong.line, field=wrong.field)
    return booking.record(ledger, recorded_at=recorded_at)


def zone_of(config: Config) -> Any:
    """The time zone of a start without one: the report's, else the system's."""
    if config.report.timezone:
        from zoneinfo import ZoneInfo

        return ZoneInfo(config.report.timezone)
    return datetime.now().astimezone().tzinfo or UTC
