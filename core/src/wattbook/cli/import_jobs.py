"""``wattbook import JOBS.csv``: described pieces of work beside other imports, booked as ``wattbook log`` books them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from attrs import frozen

from wattbook.cli.import_document import printable

if TYPE_CHECKING:
    from wattbook.byhand import Booking
    from wattbook.byhand.booking import Booked
    from wattbook.config import Config
    from wattbook.importing import Handed
    from wattbook.ledger.store import Ledger
    from wattbook.plugins import Plugins
    from wattbook.records import Labels

FORMAT = "jobs-csv"
_MACHINES = {"cpu", "gpu", "instance", "threads", "tdp_w", "gpu_tdp_w"}


@frozen(kw_only=True)
class Jobs:
    """One jobs CSV, read to its end."""

    handed: Handed
    booking: Booking


def jobs_of(handed: Sequence[Handed], form: str | None) -> list[Handed]:
    """The files that are jobs CSVs: by *form*, or by their header, which names hours and a machine."""
    if form is not None:
        return [one for one in handed if form == FORMAT and one.folder is None]
    return [one for one in handed if _is_jobs(one.file.head)]


def _is_jobs(head: bytes) -> bool:
    lines = head.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n").splitlines()
    header = lines[0].decode("utf-8", "replace") if lines else ""
    names = {name.strip().strip('"').lower() for name in header.split(max(",;\t", key=header.count))}
    return "hours" in names and bool(names & _MACHINES)


def read_jobs(
    files: Iterable[Handed], plugins: Plugins, settings: Config, labels: Labels, site: str | None, synthetic: bool
) -> list[Jobs]:
    """Every line of every file; the first that is wrong refuses all of them."""
    from wattbook.byhand import Booking, Estimators
    from wattbook.byhand.files import read_file, zone_of
    from wattbook.config import Defaults
    from wattbook.errors import ImportFailed

    if not (files := list(files)):
        return []
    usual = Defaults(project=labels.project, phase=labels.phase, person=labels.person, platform=labels.platform)
    settings = settings._replace(defaults=usual)
    estimators = Estimators(plugins)
    found = []
    for one in files:
        booking = Booking(settings, estimators, site=site, synthetic=synthetic)
        with one.file.open() as stream:
            booking.take_all(read_file(stream, one.shown, zone_of(settings)))
        if booking.problems:
            wrong, *more = booking.problems
            reason = wrong.reason + (f" (and {len(more)} more; wattbook log --dry-run lists them)" if more else "")
            raise ImportFailed(reason, path=one.shown, line=wrong.line, field=wrong.field)
        found.append(Jobs(handed=one, booking=booking))
    return found


def record_jobs(found: Iterable[Jobs], book: Ledger | None) -> list[tuple[Jobs, Booked]]:
    """What each file does to the book; without a book, nothing."""
    from wattbook.byhand.booking import Booked

    return [(jobs, Booked() if book is None else jobs.booking.record(book)) for jobs in found]


def jobs_document(jobs: Jobs, booked: Booked) -> dict[str, Any]:
    """A jobs CSV as a JSON value, shaped like a bill."""
    from wattbook.importing import content_sha256

    figures = jobs.booking.figures
    total = jobs.booking.total()
    joules = {
        f"energy{end}_j": None if (wh := total[f"energy{end}_wh"]) is None else wh * 3_600
        for end in ("", "_low", "_high")
    }
    return {
        "paths": [printable(jobs.handed.shown)],
        "format": FORMAT,
        "plugin": None,
        "basis": "estimated",
        "sha256": content_sha256(jobs.handed),
        "jobs": len(figures),
        "start": min(figure.start for figure in figures),
        "end": max(figure.end for figure in figures),
        "entries": {"new": booked.new, "known": booked.known},
        **joules,
        "co2e_g": total["co2e_g"],
        "problems": [],
        "warnings": list(dict.fromkeys(warning for figure in figures for warning in figure.warnings)),
    }


def jobs_line(one: dict[str, Any], dry_run: bool) -> str:
    """A jobs CSV in one line for people."""
    from wattbook.report.numbers import energy_text

    low, high = energy_text(one["energy_low_j"]), energy_text(one["energy_high_j"])
    did = "nothing recorded" if dry_run else f"jobs {one['entries']['new']} new, {one['entries']['known']} known"
    return f"{one['paths'][0]}: {FORMAT}, {one['jobs']} jobs, about {energy_text(one['energy_j'])} ({low} to {high}); {did}"
