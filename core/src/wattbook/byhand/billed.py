"""The hours that a bill names, as estimated entries: each account's month as a whole, and gaps for what nobody knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen

from wattbook.accounting import Interval, Sum
from wattbook.accounting.claims import BILL, HOURS
from wattbook.accounting.intervals import ENERGY
from wattbook.byhand.entries import Entries
from wattbook.byhand.estimators import Estimators, Hourly
from wattbook.byhand.machine import Undescribed
from wattbook.byhand.places import place_of
from wattbook.cloud import Usage
from wattbook.config import Account, Config
from wattbook.jobs import Job
from wattbook.ledger.intake import NO_LABELS
from wattbook.ledger.settling import WITHDRAWN
from wattbook.model import Domain, Gap, Window
from wattbook.records import Entry, Labels, Place, RunRecord, text_id, utc_text
from wattbook.units import S_PER_H

if TYPE_CHECKING:
    from wattbook.ledger.store import Ledger

HOST = Domain(device="machine", name="host")


@frozen(kw_only=True)
class Line:
    """One usage of a bill with the entries that it makes: estimated ones, or a gap with its reason."""

    usage: Usage
    host: str
    labels: Labels
    place: Place
    hourly: Hourly | None = None
    reason: str = ""

    @property
    def energy(self) -> Interval | None:
        """Joules, all readings of one model wrong together."""
        if self.hourly is None:
            return None
        joules = Sum(unit=ENERGY)
        for _, reading in self.hourly.readings:
            low, high = reading.low_j or 0.0, reading.high_j or 0.0
            hours = self.usage.hours
            joules.add(Interval(reading.energy_j * hours, low * hours, high * hours, unit=ENERGY), reading.cause)
        return joules.interval()


@frozen(kw_only=True)
class Billed:
    """What a bill did to the book."""

    lines: tuple[Line, ...] = ()
    new: int = 0
    known: int = 0
    warnings: tuple[str, ...] = field(default=())


class Bills:
    """Makes entries of usages and records each account's month, which replaces what the book has of it."""

    def __init__(
        self,
        config: Config,
        estimators: Estimators,
        *,
        labels: Labels = NO_LABELS,
        site: str | None = None,
        synthetic: bool = False,
    ) -> None:
        self._config = config
        self._estimators = estimators
        self._labels = labels
        self._site = site
        self._synthetic = synthetic
        self._make = Entries(estimators.versions, synthetic=synthetic)

    def lines(self, usages: Iterable[Usage]) -> tuple[Line, ...]:
        """Each usage with its machine, or with why nobody knows it."""
        told = list(usages)
        self._estimators.foresee(_job(usage) for usage in told if not usage.unmapped)
        return tuple(self._line(usage) for usage in told)

    def _line(self, usage: Usage) -> Line:
        machine = usage.instance or usage.gpu or (f"{usage.threads} threads" if usage.threads else "?")
        host = "/".join((usage.provider, usage.account, usage.region or "-", machine))
        labels = evolve(
            self._labels,
            project=usage.project or self._labels.project,
            platform=self._labels.platform or usage.provider,
            tags={**usage.tags, **self._labels.tags},
        )
        place, doubt = self._place(usage.region)
        line = Line(usage=usage, host=host, labels=labels, place=place, reason=usage.unmapped or doubt)
        if usage.unmapped:
            return line
        try:
            return evolve(line, hourly=self._estimators.hourly(_job(usage)))
        except Undescribed as unknown:
            return evolve(line, reason=unknown.reason)

    def _place(self, region: str) -> tuple[Place, str]:
        try:
            return place_of(region or None, self._config, self._site), ""
        except Undescribed as unknown:
            return Place(site=region), unknown.reason

    def record(self, ledger: Ledger, usages: Iterable[Usage], sha256: str, format: str) -> Billed:
        """Everything in one transaction; the same files again are known, other ones replace the month."""
        lines = self.lines(usages)
        months: dict[tuple[str, str, str], list[Line]] = {}
        for line in lines:
            months.setdefault((line.usage.provider, line.usage.account, line.usage.month), []).append(line)
        new = known = 0
        warnings: list[str] = []
        with ledger.transaction():
            for (provider, account, month), some in sorted(months.items()):
                run_id = f"{BILL}{provider}/{account}/{month}"
                before = ledger.entries(run_id=run_id)
                if before and all(entry.evidence_sha256 == sha256 for entry in before):
                    known += len(before)
                    continue
                entries = self.entries(some, run_id, sha256)
                ledger.add(_replacing(entries, before), [self._run(run_id, some, format)])
                new += len(entries)
                if before:
                    warnings.append(
                        f"{month} of {provider}/{account} was in the book from another bill: this one takes its place "
                        "(all parts of a bill belong into one import)"
                    )
            warnings += self._met(ledger, months)
        return Billed(lines=lines, new=new, known=known, warnings=tuple(warnings))

    def _met(self, ledger: Ledger, months: Mapping[tuple[str, str, str], Sequence[Line]]) -> list[str]:
        """Accounts whose machines are in the book already: a bill does not say which of its hours were measured."""
        start = utc_text(min(line.usage.start for some in months.values() for line in some))
        end = utc_text(max(line.usage.end for some in months.values() for line in some))
        runs = [r for r in ledger.runs() if r.start < end and start < r.end and not r.run_id.startswith(BILL)]
        stated = {(one.provider, one.account, one.month) for one in ledger.statements(months={m for *_, m in months})}
        told = []
        for provider, account in sorted({(p, a) for p, a, _ in set(months) - stated}):
            own = self._config.accounts.get(f"{provider}/{account}", Account())
            count = sum(
                (run.labels.platform or "").lower() == provider
                or run.labels.platform in own.platforms
                or run.host in own.hosts
                for run in runs
            )
            if count:
                told.append(
                    f"{count} runs on {provider} in these months are in the book too: where their machines are on the "
                    f"bill of {account}, their energy counts twice until that account's statement is imported"
                )
        return told

    def entries(self, lines: Sequence[Line], run_id: str, sha256: str) -> list[Entry]:
        """Readings, and gaps that tell their hours."""
        made: list[Entry] = []
        for line in lines:
            usage = line.usage
            start, end = utc_text(usage.start), utc_text(usage.end)
            if line.hourly is None:
                gap = Gap(
                    domain=HOST,
                    window=Window(start=usage.start, end=usage.end),
                    reason=f"{usage.hours:g} hours billed: {line.reason}",
                )
                labels = evolve(line.labels, tags={**line.labels.tags, HOURS: f"{usage.hours:.12g}"})
                entry = Entry.from_gap(
                    gap, run_id=run_id, host=line.host, labels=labels, place=line.place, synthetic=self._synthetic
                )
                made.append(evolve(entry, evidence_sha256=sha256))
                continue
            found = self._make.of(
                line.hourly, usage.hours, run_id=run_id, start=start, end=end, labels=line.labels, place=line.place
            )
            made += [
                evolve(entry, host=line.host, evidence_sha256=sha256, terms=_spread(entry, usage.hours))
                for entry in found
            ]
        return made

    def _run(self, run_id: str, lines: Sequence[Line], format: str) -> RunRecord:
        doubts = dict.fromkeys(f"{line.host}: {line.reason}" for line in lines if line.reason)
        notes = dict.fromkeys(w for line in lines if line.hourly for w in line.hourly.warnings)
        return RunRecord(
            run_id=run_id,
            kind="import",
            start=min(utc_text(line.usage.start) for line in lines),
            end=max(utc_text(line.usage.end) for line in lines),
            host="/".join(run_id.removeprefix(BILL).split("/")[:-1]),
            command=format,
            labels=self._labels,
            warnings=(*doubts, *notes),
        )


def _job(usage: Usage) -> Job:
    """The machine of a usage as a described piece of work."""
    return Job(
        hours=usage.hours,
        instance=usage.instance or None,
        gpu=usage.gpu or None,
        gpu_count=1 if usage.gpu else None,
        threads=usage.threads or None,
        memory_gb=usage.memory_gb or None,
    )


def _spread(entry: Entry, hours: float) -> tuple[Mapping[str, Any], ...]:
    """The terms of an hour as the mean over the window, in which a machine ran for fewer hours, or several did for more."""
    window = entry.duration_s / S_PER_H
    factor = hours / window
    return tuple(
        {
            **term,
            **{key: term[key] * factor for key in ("power_w", "low_w", "high_w") if term.get(key) is not None},
            "formula": f"{hours:g} h / {window:g} h x ({term.get('formula', '')})",
        }
        for term in entry.terms
    )


def _replacing(entries: Iterable[Entry], before: Iterable[Entry]) -> list[Entry]:
    """*entries*, and each of those *before* corrected by the one of its cell, or taken back.

    What a bill says anew differs from what it said before it was replaced itself: it says in whose place it is.
    """
    before = list(before)
    if not before:
        return list(entries)
    replaced = f"{REPLACED} (in place of {text_id(' '.join(sorted(e.entry_id for e in before)))[:12]})"

    def cell(entry: Entry) -> tuple[object, ...]:
        return (entry.host, entry.device, entry.domain, entry.labels.project)

    old: dict[tuple[object, ...], list[Entry]] = {}
    for entry in before:
        old.setdefault(cell(entry), []).append(entry)
    fresh = []
    for entry in entries:
        former = old.get(cell(entry))
        if former:
            entry = evolve(entry, supersedes=former.pop().entry_id)
        # of a gap the reason is why it is open
        fresh.append(evolve(entry, source=replaced) if entry.kind == "gap" else evolve(entry, reason=replaced))
    for rest in old.values():
        for entry in rest:
            fresh.append(
                evolve(
                    entry, kind=WITHDRAWN, energy_j=None, low_j=None, high_j=None, outermost=False, terms=(),
                    supersedes=entry.entry_id, reason=replaced,
                )
            )  # fmt: skip
    return fresh


REPLACED = "another bill of this account and month was imported"
