"""What a period tells a what-if: its own figures, by the rules that it was closed with where it is closed."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from attrs import frozen

if TYPE_CHECKING:
    from wattbook.closing.states import Rules
    from wattbook.config import Config, WhatIf
    from wattbook.ledger.periods import Act
    from wattbook.ledger.store import Ledger
    from wattbook.report import Period, Report
    from wattbook.report.levers import Evidence


@frozen(kw_only=True)
class Month:
    """The figures of a period, what levers look at, and how it was closed where it is."""

    report: Report
    evidence: Evidence
    act: Act | None = None
    note: str | None = None  #: that it is closed, in a sentence

    def closed_as_json(self) -> dict[str, Any] | None:
        if self.act is None:
            return None
        return {"at": self.act.recorded_at, "by": self.act.manifest["by"], "manifest_id": self.act.manifest_id}


def month_of(book: Ledger, settings: Config, period: Period, project: str | None) -> Month:
    """A closed month with the entries, places and factors of then; any other period as it is known today."""
    from wattbook.accounting.carbon import pinned
    from wattbook.closing.manifest import rules_of, watermark_of
    from wattbook.closing.reading import act_of, built
    from wattbook.closing.states import Rules
    from wattbook.ledger import periods

    act = act_of(periods.closed(book), period)
    if act is None:
        report = built(book, settings, period, (), None)
        rules = Rules(settings=settings)
        return Month(report=report, evidence=_evidence(book, rules, settings.whatif, report, project, None))
    rules, moment = rules_of(act), watermark_of(act)
    prices = rules.settings.whatif if _says(rules.settings.whatif) else settings.whatif
    with pinned(rules.pins):
        report = built(book, rules.settings, period, (), moment)
        evidence = _evidence(book, rules, prices, report, project, moment)
    own = prices is rules.settings.whatif or not _says(prices)
    return Month(report=report, evidence=evidence, act=act, note=_told(act, own_prices=own))


def _says(told: WhatIf) -> bool:
    return told.price_per_kwh is not None or bool(told.marginal)


def _told(act: Act, *, own_prices: bool) -> str:
    from wattbook.closing.manifest import told_by

    prices = "" if own_prices else "; it was closed without prices and marginal factors, and those are of today"
    return f"{act.month} was closed {told_by(act)}; its figures, places and factors are those of then{prices}"


def _evidence(
    book: Ledger, rules: Rules, prices: WhatIf, report: Report, project: str | None, as_of: datetime | None
) -> Evidence:
    """What levers look at, of one project or of all."""
    from wattbook.report.levers import Evidence, Marginal
    from wattbook.report.runs import uses_of

    capped = {}
    for run in book.runs(as_of=as_of):
        watts = _number(run.labels.tags.get("power_cap"))
        if watts is not None and not run.exit_code and not run.signal and run.complete:
            capped[run.run_id] = (watts, run)
    marginal = {
        zone.upper(): Marginal(
            zone=zone.upper(), source=one.source, g_per_kwh=one.g_per_kwh, hourly_g_per_kwh=one.hourly_g_per_kwh
        )
        for zone, one in prices.marginal.items()
    }
    hourly = any(one.hourly_g_per_kwh for one in marginal.values())
    return Evidence(
        atoms=[atom for atom in report.atoms if project is None or atom.project == project],
        runs=uses_of(book.entries_of(capped), {run_id: run for run_id, (_, run) in capped.items()}),
        caps={run_id: watts for run_id, (watts, _) in capped.items()},
        marginal=marginal,
        price_per_kwh=prices.price_per_kwh,
        currency=prices.currency,
        by_hour=_by_hour(book, report.period, project, as_of) if hourly else {},
        pins=rules.pins,
    )


def _number(text: str | None) -> float | None:
    try:
        number = float((text or "").strip().rstrip("wW"))
    except ValueError:
        return None
    return number if 0 < number < 1e5 else None


def _by_hour(book: Ledger, period: Period, project: str | None, as_of: datetime | None) -> dict[str, list[float]]:
    from wattbook.report.levers.hours import joules_by_hour

    return joules_by_hour(book.entries(start=period.start, end=period.end, as_of=as_of), period, project)
