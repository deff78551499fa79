"""``wattbook import`` of what is estimated: bills, which name hours of machines, and jobs by hand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from wattbook.cli.import_document import printable

if TYPE_CHECKING:
    from wattbook.accounting import Interval
    from wattbook.byhand.billed import Billed, Bills, Line
    from wattbook.config import Config
    from wattbook.importing import Imported
    from wattbook.ledger.store import Ledger
    from wattbook.model import Problem
    from wattbook.plugins import Plugins
    from wattbook.records import Labels

JOBS = "jobs-csv"
SHOWN = 5  #: reasons of a kind that a line for people tells


def bills_of(plugins: Plugins, settings: Config, labels: Labels, site: str | None, synthetic: bool) -> Bills:
    from wattbook.byhand import Estimators
    from wattbook.byhand.billed import Bills

    return Bills(settings, Estimators(plugins), labels=labels, site=site, synthetic=synthetic)


def billed(bills: Bills, imports: Iterable[Imported], book: Ledger | None) -> list[Billed | None]:
    """What each import that is a bill does to the book; without a book, what it would say."""
    from wattbook.byhand.billed import Billed

    done: list[Billed | None] = []
    for one in imports:
        if not one.usages:
            done.append(None)
        elif book is None:
            done.append(Billed(lines=bills.lines(one.usages)))
        else:
            done.append(bills.record(book, one.usages, one.sha256, one.format))
    return done


def bill_document(imported: Imported, bill: Billed, left_out: Sequence[Problem] = ()) -> dict[str, Any]:
    """A bill as a JSON value."""
    by_month: dict[str, list[Line]] = defaultdict(list)
    for line in bill.lines:
        by_month[line.usage.month].append(line)
    return {
        "paths": [printable(path) for path in imported.shown],
        "format": imported.format,
        "plugin": imported.plugin,
        "basis": imported.basis,
        "sha256": imported.sha256,
        "provider": ", ".join(sorted({line.usage.provider for line in bill.lines})),
        "accounts": sorted({line.usage.account for line in bill.lines}),
        "entries": {"new": bill.new, "known": bill.known},
        **_sums(bill.lines),
        "by_month": {month: _sums(lines) for month, lines in sorted(by_month.items())},
        "usage": [_usage(line) for line in bill.lines],
        "problems": [
            {"line": p.line, "reason": p.reason, **({"path": printable(p.path)} if p.path else {})}
            for p in (*imported.problems, *left_out)
        ],
        "warnings": [*imported.warnings, *bill.warnings, *_unknown(bill.lines)],
    }


def bill_line(one: dict[str, Any], dry_run: bool) -> str:
    """A bill in one line for people."""
    from wattbook.report.numbers import energy_text

    what = one["paths"][0] if len(one["paths"]) == 1 else f"{len(one['paths'])} files"
    months = list(one["by_month"])
    period = months[0] if len(months) == 1 else f"{months[0]} to {months[-1]}"
    names = {"instance_hours": "machine", "gpu_hours": "accelerator", "thread_hours": "thread"}
    hours = [f"{one[key]:.6g} {name}-hours" for key, name in names.items() if one[key]]
    said = f"{one['provider']}, {period}: {', '.join(hours) or 'no hours of a known kind'}"
    if one["energy_j"] is not None:
        low, high = energy_text(one["energy_low_j"]), energy_text(one["energy_high_j"])
        said += f", about {energy_text(one['energy_j'])} ({low} to {high})"
    did = ", ".join(f"{count} {word}" for word, count in one["entries"].items())
    return f"{what}: {one['format']}, {said}; " + ("nothing recorded" if dry_run else f"entries {did}")


def _sums(lines: Sequence[Line]) -> dict[str, Any]:
    from wattbook.accounting import Sum
    from wattbook.accounting.intervals import ENERGY

    joules = Sum(unit=ENERGY)
    for line in lines:
        if line.hourly is not None and line.energy is not None:
            joules.add(line.energy, line.hourly.method)
    return {
        "instance_hours": sum(line.usage.hours for line in lines if line.usage.instance),
        "gpu_hours": sum(line.usage.hours for line in lines if line.usage.gpu),
        "thread_hours": sum(line.usage.hours * line.usage.threads for line in lines if line.usage.threads),
        "unknown_hours": sum(line.usage.hours for line in lines if line.hourly is None),
        **_joules(joules.interval()),
    }


def _usage(line: Line) -> dict[str, Any]:
    usage = line.usage
    return {
        "provider": usage.provider,
        "account": usage.account,
        "month": usage.month,
        "region": usage.region or None,
        "project": line.labels.project,
        "machine": usage.instance or usage.gpu or (f"{usage.threads} threads" if usage.threads else None),
        "hours": usage.hours,
        **_joules(line.energy),
        "reason": line.reason or None,
    }


def _joules(energy: Interval | None) -> dict[str, float | None]:
    if energy is None:
        return {"energy_j": None, "energy_low_j": None, "energy_high_j": None}
    return {"energy_j": energy.value, "energy_low_j": energy.low, "energy_high_j": energy.high}


def _unknown(lines: Iterable[Line]) -> list[str]:
    """What stays a gap, and what has energy but no grid."""
    hours: dict[str, float] = defaultdict(float)
    for line in lines:
        if line.reason:
            instead = "" if line.hourly is None else "; until then the grid of the world stands in"
            hours[line.reason + instead] += line.usage.hours
    told = [f"{count:g} hours: {reason}" for reason, count in sorted(hours.items(), key=lambda one: -one[1])]
    return [
        *told[:SHOWN],
        *([f"{len(told) - SHOWN} more kinds of hours without a figure"] if len(told) > SHOWN else []),
    ]
