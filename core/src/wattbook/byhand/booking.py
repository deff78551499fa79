"""Figures by hand as entries of the book: ids from content, everything recorded together or nothing."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import starmap
from math import fsum
from typing import TYPE_CHECKING, Any, NamedTuple

from attrs import evolve, frozen

from wattbook.accounting import Interval, Sum
from wattbook.accounting.carbon import carbon_of_energy, factor_of
from wattbook.accounting.intervals import ENERGY
from wattbook.byhand.entries import Entries
from wattbook.byhand.estimators import Estimators, Hourly
from wattbook.byhand.machine import Undescribed
from wattbook.byhand.places import place_of
from wattbook.config import Config
from wattbook.errors import ConfigError
from wattbook.jobs import Job, Wrong
from wattbook.people import hidden, introduce
from wattbook.records import Entry, Labels, Place, RunRecord, cause_of, text_id, utc_text

if TYPE_CHECKING:
    from wattbook.ledger.store import Ledger

NOW = "no start is given: booked as ending now"


@frozen(kw_only=True)
class Booked:
    """How many figures were new and how many the book had already."""

    new: int = 0
    known: int = 0


class Figure(NamedTuple):
    """One job with its hourly figure, where and when."""

    job: Job
    own: Labels  #: those of the job alone
    labels: Labels  #: as they are written down
    hourly: Hourly
    place: Place
    start: str  #: ``utc_text``
    end: str

    @property
    def warnings(self) -> tuple[str, ...]:
        return (*self.job.warnings, *self.hourly.warnings, *(() if self.job.start else (NOW,)))


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
        self._known_labels: dict[tuple[object, ...], tuple[Labels, Labels]] = {}
        self._keyless = False  #: the file of keys cannot be kept
        self.figures: list[Figure] = []
        self.problems: list[Wrong] = []

    def take_all(self, items: Iterable[Job | Wrong]) -> None:
        """The jobs of a file and what is wrong with it; people who are new are introduced together, and
        estimators are asked about many jobs at once.

        Figures only pile up here: the collector of cycles would walk all of them again and again.
        """
        import gc

        gc.disable()
        try:
            known = list(items)
            jobs = [item for item in known if isinstance(item, Job)]
            introduce([job.labels for job in jobs], self._config.privacy)
            self._estimators.foresee(jobs)
            for item in known:
                self.take(item)
        finally:
            gc.freeze()
            gc.enable()

    def take(self, item: Job | Wrong) -> None:
        """One job, or one thing that is wrong."""
        if isinstance(item, Wrong):
            self.problems.append(item)
            return
        try:
            self.figures.append(self._figure(item))
        except Undescribed as error:
            self.problems.append(Wrong(line=item.line, field=error.field, reason=error.reason))
        except ConfigError as error:
            self.problems.append(Wrong(line=item.line, field=None, reason=str(error)))

    def _figure(self, job: Job) -> Figure:
        if job.region not in self._places:
            self._places[job.region] = place_of(job.region, self._config, self._site)
        start = job.start or self._now - timedelta(hours=job.hours)
        own, labels = self._labels(job.labels)
        return Figure(
            job=job,
            own=own,
            labels=labels,
            hourly=self._estimators.hourly(job),
            place=self._places[job.region],
            start=utc_text(start),
            end=utc_text(start + timedelta(hours=job.hours)),
        )

    def run_ids(self) -> list[str]:
        """The id of each figure's run: the same content is the same run, and twice in one file it is two.

        A line of a file without a start is the same whenever it is logged; options without one are not.
        """
        seen: Counter[str] = Counter()
        found = []
        for figure in self.figures:
            job, own = figure.job, figure.own
            told = (
                figure.start if job.start is not None or not self._from_file else None, job.hours, job.cpu, job.tdp_w,
                job.sockets, job.threads, job.instance, job.memory_gb, job.gpu, job.gpu_tdp_w, job.gpu_count, job.util,
                job.gpu_util, job.load, job.boundary, job.region, job.count, own.project, own.phase, own.person,
                own.platform, sorted(own.tags.items()),
            )  # fmt: skip
            once = text_id(repr(told))
            seen[once] += 1
            again = seen[once]
            found.append(f"log:{once if again == 1 else text_id(f'{once} {again}')}")
        return found

    def _hidden(self, own: Labels) -> Labels:
        """The labels with a pseudonym for the person, before anything is hashed over them."""
        if self._keyless:
            return own
        labels, why = hidden(evolve(own, person=own.person or self._config.defaults.person), self._config.privacy)
        if why:
            self._keyless = True  # and nothing will be recorded
            self.problems.append(Wrong(line=None, field="person", reason=why))
        return labels

    def _labels(self, own: Labels) -> tuple[Labels, Labels]:
        """The labels of a job without the person's name, alone and with what is usual for the rest."""
        key = (own.project, own.phase, own.person, own.platform, tuple(own.tags.items()))
        if key not in self._known_labels:
            usual, own = self._config.defaults, self._hidden(own)
            self._known_labels[key] = (
                own,
                Labels(
                    project=own.project or usual.project,
                    phase=own.phase or usual.phase,
                    person=own.person,
                    platform=own.platform or usual.platform,
                    tags=own.tags,
                ),
            )
        return self._known_labels[key]

    def record(self, ledger: Ledger, *, recorded_at: datetime | None = None) -> Booked:
        """Everything in one transaction; a figure that the book has is left as it is, whatever models say today."""
        run_ids = self.run_ids()
        with ledger.transaction():
            known = ledger.known_runs(run_ids)
            new = [(run_id, one) for run_id, one in zip(run_ids, self.figures, strict=True) if run_id not in known]
            ledger.add(self._entries(new), starmap(_run, new), recorded_at=recorded_at)
        return Booked(new=len(new), known=len(self.figures) - len(new))

    def _entries(self, figures: Iterable[tuple[str, Figure]]) -> Iterator[Entry]:
        for run_id, figure in figures:
            yield from self._make.of(
                figure.hourly,
                figure.job.hours,
                run_id=run_id,
                start=figure.start,
                end=figure.end,
                labels=figure.labels,
                place=figure.place,
            )

    def documents(self) -> Iterator[dict[str, Any]]:
        """One object of the JSON output for every figure."""
        for run_id, figure in zip(self.run_ids(), self.figures, strict=True):
            job, hourly = figure.job, figure.hourly
            yield {
                "line": job.line,
                "run_id": run_id,
                **hourly.numbers(job.hours),
                **carbon_numbers(self._make.grams(hourly, job.hours, figure.place, int(figure.start[:4]))),
                "method": hourly.method,
                "boundary": job.boundary,
                "warnings": list(figure.warnings),
            }

    def total(self) -> Mapping[str, float | None]:
        """Energy and carbon of all figures together, keyed as in the documents; one model is wrong together."""
        together: dict[tuple[Place, int, str, str], list[tuple[float, float, float]]] = defaultdict(list)
        for figure in self.figures:
            hours, year = figure.job.hours, int(figure.start[:4])
            for plugin, reading in figure.hourly.readings:
                ends = (reading.energy_j * hours, (reading.low_j or 0.0) * hours, (reading.high_j or 0.0) * hours)
                together[figure.place, year, plugin, cause_of(reading, plugin)].append(ends)
        joules, grams, without = Sum(unit=ENERGY), Sum(unit="g CO2e"), 0
        for (place, year, _, cause), parts in together.items():
            value, low, high = map(fsum, zip(*parts, strict=True))
            joules.add(Interval(value, low, high, unit=ENERGY), cause)
            factor = factor_of(place, year)
            if factor is None:
                without += 1
            else:
                carbon, errors, known = carbon_of_energy(value, low, high, cause, place, factor)
                grams.add_value(carbon, errors, known=known)
        energy = joules.interval()
        wh = (None, None, None) if energy is None else (energy.value, energy.low, energy.high)
        named = dict(zip(("energy_wh", "energy_low_wh", "energy_high_wh"), wh, strict=True))
        return {
            **{key: None if value is None else value / 3_600 for key, value in named.items()},
            **carbon_numbers(None if without else grams.interval()),
        }


def _run(run_id: str, figure: Figure) -> RunRecord:
    return RunRecord(
        run_id=run_id,
        kind="log",
        start=figure.start,
        end=figure.end,
        labels=figure.labels,
        warnings=figure.warnings,
    )


def carbon_numbers(grams: Interval | None) -> dict[str, float | None]:
    """Grams with their interval, keyed as in the JSON output."""
    if grams is None:
        return {"co2e_g": None, "co2e_low_g": None, "co2e_high_g": None}
    return {"co2e_g": grams.value, "co2e_low_g": grams.low, "co2e_high_g": grams.high}
