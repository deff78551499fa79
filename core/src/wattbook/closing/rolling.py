"""A period of the book rolled up: from months that are kept added up and what came after, else from its entries."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from wattbook.accounting.hours import by_hour
from wattbook.accounting.totals import counts
from wattbook.config import Config
from wattbook.errors import LedgerError
from wattbook.ledger import periods, rollups
from wattbook.ledger.rollups import Kept, Stretch
from wattbook.records import Entry, RunRecord, canonical, text_id, utc_text, utc_time
from wattbook.report import Period
from wattbook.report.build import timed_of
from wattbook.report.rolled import Rolled, Timed, bare, is_told, roll, together, touches
from wattbook.report.rolled_text import FORMAT, rolled_of, text_of

if TYPE_CHECKING:
    from wattbook.ledger.store import Ledger

BROKEN = (ValueError, KeyError, IndexError, TypeError, AttributeError)  #: what a text raises that was changed by hand
WORTH = 20_000  #: entries that a report reads before it keeps what they add up to


@frozen(kw_only=True)
class Unit:
    """One host's month, and its text where it stands as it was kept."""

    rolled: Rolled
    text: str | None = None


@frozen(kw_only=True)
class State:
    """A month by host at one moment, and how many entries had to be read for it."""

    units: Mapping[str, Unit]
    read: int


def rolled(
    book: Ledger,
    settings: Config,
    period: Period,
    dims: Sequence[str],
    as_of: datetime | None,
    *,
    tops: bool = True,
) -> Rolled:
    """What a report of *period* needs to know of its entries and runs.

    Whole months are kept once they are large, and brought forward by what was recorded since.  Factors by the
    hour and days are asked of the entries themselves.  Without *tops* nobody looks at the largest entries.
    """
    timed = timed_of(dims, period)
    until = None if as_of is None else utc_text(as_of)
    if timed or settings.factors.hours or not period.whole_months():
        return _scanned(book, settings, period, until, timed)
    months = [Period.from_month(month, period.zone) for month in _months(period)]
    found = [_month(book, settings, month, until, tops) for month in months]
    return together([unit.rolled for state in found for unit in state.units.values()])


def bring_forward(book: Ledger, settings: Config, month: Period) -> Kept:
    """Keep a month as it is known now; raises ``LedgerError`` where the book may not be written."""
    return _keep(book, settings, month, _rules(settings, month), periods.settle(book, datetime.now(UTC)))


def check(book: Ledger, month: str | None = None) -> Iterator[tuple[str, bool]]:
    """What is kept of a month, or of all: its id, and whether it is what the entries add up to."""
    for row in rollups.kept_months(book):
        if month not in (None, row.month):
            continue
        kept = rollups.read(book, row.rollup_id)
        try:
            format_, start, end, zone, containment = json.loads(row.rules)[:5]
            period = Period(start=utc_time(start), end=utc_time(end), zone=zone, title=row.month)
            if format_ != FORMAT:
                continue  # another version of wattbook kept it, and reads it
            was = _whole(rolled_of(text) for text in kept.sums.values()) if kept else ""
        except BROKEN:
            yield row.rollup_id, False
            continue
        anew = _forward(book, Config()._replace(containment=containment), period, None, row.upto)
        named = row.rollup_id == text_id(row.rules)
        yield row.rollup_id, named and was == _whole(unit.rolled for unit in anew.units.values())


def _whole(parts: Iterable[Rolled]) -> str:
    """A run may stand with a host that it had before, so that hosts one by one may differ."""
    return text_of(together([Rolled(), *parts]))


def _months(period: Period) -> list[str]:
    return [period.month_of(edge) for edge in period.edges()[:-1]]


def _rules(settings: Config, month: Period, closed: str | None = None) -> str:
    """What a rollup depends on besides the entries and runs of the book; *closed* is a watermark that it stays at."""
    told = [FORMAT, utc_text(month.start), utc_text(month.end), month.zone, dict(settings.containment)]
    return canonical([*told, closed] if closed else told)


def _month(book: Ledger, settings: Config, month: Period, until: str | None, tops: bool) -> State:
    start, end = utc_text(month.start), utc_text(month.end)
    closed = until if until is not None and periods.is_closing(book, until) else None
    kept = rollups.read(book, text_id(_rules(settings, month, closed)))
    if closed is None and kept is not None and until is not None and until < kept.upto:
        if _changed(book, Stretch(start=start, end=end, since=until, until=kept.upto), kept):
            kept = None
        else:
            until = kept.upto
    since = None if kept is None else kept.upto
    many = (until is None or closed) and rollups.at_least(
        book, Stretch(start=start, end=end, since=since, until=until), WORTH
    )
    if many:
        kept = _kept(book, settings, month, kept, closed)
    state = _forward(book, settings, month, kept, until, tops=tops)
    if until is None and kept is not None and state.read >= WORTH:
        _kept(book, settings, month, kept)  # corrections of old entries: the next report need not read them again
    return state


def _changed(book: Ledger, stretch: Stretch, kept: Kept) -> bool:
    """Whether the month was another one before, in its entries or in the runs that they belong to."""
    assert stretch.since is not None
    assert stretch.until is not None
    if periods.changed_since(book, stretch.start, stretch.end, (), stretch.since, stretch.until):
        return True
    late = rollups.recorded_in(book, stretch)
    if not late or rollups.touching(book, stretch, late):
        return bool(late)
    return any(late & _run_ids(rolled_of(text, tops=False)) for text in kept.sums.values())


def _run_ids(month: Rolled) -> set[str]:
    batches = (*month.readings, *month.gaps)
    return {run.run_id for run in month.runs} | month.unknown | {batch.largest.run_id for batch in batches}


def _kept(book: Ledger, settings: Config, month: Period, kept: Kept | None, closed: str | None = None) -> Kept | None:
    """The month brought forward, where this process may write to the book."""
    try:
        if closed is None:
            return bring_forward(book, settings, month)
        return _keep(book, settings, month, _rules(settings, month, closed), closed)
    except LedgerError:
        return kept


def _keep(book: Ledger, settings: Config, month: Period, rules: str, upto: str) -> Kept:
    kept = rollups.read(book, text_id(rules))
    state = _forward(book, settings, month, kept, upto)
    after = Kept(upto=upto, sums=_texts(state))
    if rollups.write(book, rules, month.title, kept, after):
        return after
    return rollups.read(book, text_id(rules)) or after


def _texts(state: State) -> dict[str, str]:
    """What is kept of each host of which there is something."""
    return {host: unit.text or text_of(unit.rolled) for host, unit in state.units.items() if unit.rolled != Rolled()}


def _scanned(book: Ledger, settings: Config, period: Period, until: str | None, timed: Timed) -> Rolled:
    stretch = Stretch(start=utc_text(period.start), end=utc_text(period.end), until=until)
    known = rollups.runs_in(book, stretch)
    found = []
    for _, entries in rollups.by_host(book, stretch):
        runs = _runs_of(book, entries, known, until)
        told = by_hour(entries, settings.factors.hours, period.edges())
        found.append(roll(told, runs.values(), settings.containment, period, timed))
    return together([roll((), known.values(), settings.containment, period), *found])


def _runs_of(
    book: Ledger, entries: Iterable[Entry], known: Mapping[str, RunRecord], until: str | None
) -> dict[str, RunRecord]:
    """The runs that entries belong to, and those around them."""
    wanted = {entry.run_id for entry in entries}
    found = {run_id: known[run_id] for run_id in wanted & known.keys()}
    found |= rollups.runs_named(book, wanted - known.keys(), until)
    around = {run.parent_id for run in found.values() if run.parent_id} - found.keys()
    while around:
        more = {run_id: known[run_id] for run_id in around & known.keys()}
        more |= rollups.runs_named(book, around - known.keys(), until)
        found |= more
        around = {run.parent_id for run in more.values() if run.parent_id} - found.keys()
    return found


# --- one month, host by host --------------------------------------------------------------------


def _forward(
    book: Ledger, settings: Config, month: Period, kept: Kept | None, until: str | None, *, tops: bool = True
) -> State:
    """The month at *until*: what is kept, and what was recorded after that."""
    start, end = utc_text(month.start), utc_text(month.end)
    whole = Stretch(start=start, end=end, until=until)
    if kept is None:
        return _anew(book, settings, month, whole, None)
    try:
        units = {host: Unit(rolled=rolled_of(text, tops=tops), text=text) for host, text in kept.sums.items()}
    except BROKEN:  # somebody wrote into it; 'ledger verify' says so
        return _anew(book, settings, month, whole, None)
    if until == kept.upto:
        return State(units=units, read=0)
    new = Stretch(start=start, end=end, since=kept.upto, until=until)
    late = rollups.runs_named(book, rollups.recorded_in(book, new), until)
    stale = rollups.corrected(book, new) | _told_otherwise(units, late)
    fresh = {host: entries for host, entries in rollups.by_host(book, new) if host not in stale}
    read = sum(map(len, fresh.values()))
    for host, entries in fresh.items():
        unit = units.get(host, Unit(rolled=Rolled()))
        if host and _meets(unit.rolled, entries, start):
            stale.add(host)
            continue
        runs = late | _runs_of(book, entries, late, until)
        told = roll(entries, runs.values(), settings.containment, month)
        ids = {entry.run_id for entry in entries}
        told = evolve(told, runs=tuple(run for run in told.runs if run.run_id in ids))
        units[host] = Unit(rolled=together([unit.rolled, told]))
    if stale:
        again = _anew(book, settings, month, whole, stale)
        units |= {host: Unit(rolled=Rolled()) for host in stale}
        units |= again.units
        read += again.read
    return State(units=_with_runs(units, late, month), read=read)


def _anew(book: Ledger, settings: Config, month: Period, whole: Stretch, hosts: set[str] | None) -> State:
    """The month from its entries, of some hosts or of all."""
    known = rollups.runs_in(book, whole, hosts)
    by_host: dict[str, list[RunRecord]] = defaultdict(list)
    for run in known.values():
        if hosts is None or run.host in hosts:  # another record of it may have named another one
            by_host[run.host].append(run)
    units: dict[str, Unit] = {}
    read = 0
    for host, entries in rollups.by_host(book, whole, hosts):
        read += len(entries)
        runs = {run.run_id: run for run in by_host.pop(host, ())}
        runs |= _runs_of(book, entries, known, whole.until)
        units[host] = Unit(rolled=roll(entries, runs.values(), settings.containment, month))
    for host, some in by_host.items():  # of which there are no entries
        units[host] = Unit(rolled=roll((), some, settings.containment, month))
    return State(units=units, read=read)


def _meets(rolled: Rolled, entries: Iterable[Entry], start: str) -> bool:
    """Whether new entries begin before the old ones end, so that they may see the same joules."""
    return any(counts(entry) and max(entry.start, start) < rolled.until for entry in entries)


def _told_otherwise(units: Mapping[str, Unit], late: Mapping[str, RunRecord]) -> set[str]:
    """The hosts whose runs are of another kind, start or parent than was known, which decides about overlaps."""
    found: set[str] = set()
    for host, unit in units.items():
        if unit.rolled.unknown & late.keys():
            found.add(host)
        for run in unit.rolled.runs:
            now = late.get(run.run_id, run)
            if (now.kind, now.parent_id, now.start, now.host) != (run.kind, run.parent_id, run.start, run.host):
                found |= {host, now.host}
    return found


def _with_runs(units: Mapping[str, Unit], late: Mapping[str, RunRecord], month: Period) -> dict[str, Unit]:
    """The latest word about every run: in that of its host, and in the units that have entries of it."""
    homes: dict[str, list[str]] = defaultdict(list)
    for host, unit in units.items():
        for run in unit.rolled.runs:
            homes[run.run_id].append(host)
    by_host: dict[str, list[RunRecord]] = defaultdict(list)
    for run_id, run in late.items():
        for host in {*homes.get(run_id, ()), *([run.host] if touches(run, month) else [])}:
            by_host[host].append(run)
    changed = dict(units)
    for host, some in by_host.items():
        unit = changed.get(host, Unit(rolled=Rolled()))
        known = {run.run_id: run for run in unit.rolled.runs} | {run.run_id: bare(run) for run in some}
        runs = tuple(run for _, run in sorted(known.items()) if is_told(run))
        if runs != unit.rolled.runs:
            changed[host] = Unit(rolled=evolve(unit.rolled, runs=runs))
    return changed
