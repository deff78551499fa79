"""``wattbook calibrate``: correct the models by what meters measured on the team's own machines."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click
from attrs import asdict

from wattbook.cli.common import common_options, print_json, tell

if TYPE_CHECKING:
    from wattbook.calibrating.correction import Correction
    from wattbook.calibrating.document import Origin
    from wattbook.calibrating.pairs import Pairs
    from wattbook.ledger.store import Ledger
    from wattbook.report import Period


@click.command("calibrate", short_help="Correct the models by what meters measured on your own machines.")
@click.option("--from", "first", metavar="DAY", help="First day, or a time; the whole book if nothing is said.")
@click.option("--to", "last", metavar="DAY", help="Last day, itself included; a time is excluded.")
@click.option(
    "--apply", "apply", is_flag=True, help="Keep the result; estimates of this user are corrected from now on."
)
@click.option("-o", "--output", metavar="FILE", help="With --apply: keep it in this file, to be carried elsewhere.")
@click.option("--show", is_flag=True, help="Show the calibration in force.")
@click.option("--remove", is_flag=True, help="Take the calibration in force away; estimates are the catalogue's again.")
@common_options
def command(
    first: str | None,
    last: str | None,
    apply: bool,
    output: str | None,
    show: bool,
    remove: bool,
    ledger: str | None,
    config: str | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Correct the models by what meters measured on your own machines.

    Where a machine has meters, every run and watch records what the model would have said of the same hours.
    For each family of chips this fits the factor between the two, and tests it on what it has not seen.  Nothing
    changes before --apply; then machines without sensors are estimated with the factor and its interval.
    """
    _check(first, last, apply=apply, output=output, show=show, remove=remove)
    if show or remove:
        _in_force(remove=remove, as_json=as_json, quiet=quiet)
        return
    from wattbook.calibrating.document import as_document
    from wattbook.calibrating.fit import calibrate
    from wattbook.errors import WattbookError
    from wattbook.ledger.fold import fold_in
    from wattbook.ledger.store import Ledger

    period = _period(first, last, config)
    with Ledger.open(ledger) as book:
        folded = fold_in(book)
        pairs, watermark = _pairs(book, period)
        days = pairs.host_days()
        origin = _origin(book.url, watermark, period)
    corrections, refused = calibrate(days)
    notes = [*folded.problems, *(f"{count} windows left out: {why}" for why, count in sorted(pairs.left_out.items()))]
    if not quiet:
        for note in [*notes, *refused]:
            tell(f"wattbook: {note}", err=True)
    if not corrections:
        raise WattbookError(_too_little(bool(days)))
    place = _write(output, as_document(origin, corrections)) if apply else None
    if as_json:
        print_json({**as_document(origin, corrections), "applied": place, "refused": refused, "notes": notes})
        return
    _table(corrections)
    if place is not None and not quiet:
        tell(f"wattbook: written to {place}", err=True)
    elif not quiet:
        click.echo("wattbook: nothing is changed yet; --apply uses these factors for estimates", err=True)


def _check(first: str | None, last: str | None, *, apply: bool, output: str | None, show: bool, remove: bool) -> None:
    if show and remove:
        raise click.UsageError("--show and --remove contradict each other")
    if (show or remove) and (first or last or apply or output):
        raise click.UsageError(f"{'--show' if show else '--remove'} stands alone")
    if output is not None and not apply:
        raise click.UsageError("--output belongs to --apply")
    if output is not None and not output.strip():
        raise click.UsageError("--output: a file's name is not empty")
    if bool(first) != bool(last):
        raise click.UsageError("--from and --to belong together")


def _period(first: str | None, last: str | None, config: str | None) -> Period | None:
    if first is None or last is None:
        return None
    from wattbook.config import load
    from wattbook.host import system_timezone
    from wattbook.report import Period

    try:
        return Period.from_days(first, last, load(config).report.timezone or system_timezone())
    except (ValueError, KeyError) as error:
        raise click.UsageError(f"--from, --to: {error}") from error


def _pairs(book: Ledger, period: Period | None) -> tuple[Pairs, str]:
    """What meters and models say in a book, and when the newest of it was recorded."""
    import json

    from wattbook.calibrating.pairs import Pairs, Told, by_moment, family_in
    from wattbook.ledger import view
    from wattbook.records import utc_text

    start, end = (None, None) if period is None else (utc_text(period.start), utc_text(period.end))
    pairs, newest = Pairs(), ""

    def told() -> Iterator[Told]:
        nonlocal newest
        for row in book.scan(view.compared(start=start, end=end)):
            newest = max(newest, row.recorded_at)
            if row.energy_j is not None:
                yield Told(
                    start=row.start_at, end=row.end_at, run_id=row.run_id, host=row.host, device=row.device,
                    domain=row.domain, energy_j=row.energy_j, cause=row.cause, low_j=row.low_j or 0.0,
                    high_j=row.high_j or 0.0,
                    family=None if row.kind != "model" else family_in(json.loads(row.terms or "[]")),
                )  # fmt: skip

    for some in by_moment(told()):
        pairs.take(some)
    return pairs, newest


def _origin(url: str, watermark: str, period: Period | None) -> Origin:
    from wattbook.calibrating.document import Origin
    from wattbook.records import utc_text

    return Origin(
        made_at=utc_text(datetime.now(UTC).replace(microsecond=0)),
        book=url[:500],
        watermark=watermark,
        start=None if period is None else utc_text(period.start),
        end=None if period is None else utc_text(period.end),
    )


def _too_little(any_days: bool) -> str:
    from wattbook.calibrating.fit import MIN_HOST_DAYS

    if any_days:
        return f"too little to calibrate on: no family of chips was measured on {MIN_HOST_DAYS} host-days"
    return (
        "the book holds nothing to calibrate on: run 'wattbook run' or 'wattbook watch --record' on a machine "
        "with meters, which records measured and modelled figures side by side"
    )


def _write(output: str | None, document: dict[str, Any]) -> str:
    """Keep the calibration; a file that is none is not overwritten."""
    import json

    from wattbook import corrections
    from wattbook.calibrating.document import from_document
    from wattbook.errors import WattbookError

    path = output or corrections.in_place()
    try:
        if os.path.isdir(path):
            raise WattbookError(f"{path} is a folder; name a file in it")
        if os.path.lexists(path):
            try:
                if not os.path.isfile(path):  # a pipe would wait for a writer
                    raise ValueError("it is no file")
                with open(path, "rb") as stream:
                    from_document(json.loads(stream.read(corrections.MAX_BYTES)))
            except (ValueError, RecursionError) as error:
                raise WattbookError(f"{path} is no calibration and is not overwritten: move it away first") from error
        if output is None:
            os.makedirs(os.path.dirname(path), exist_ok=True)
        text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        draft = f"{path}.{os.getpid()}.new"
        try:
            with open(draft, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, path)
        finally:
            if os.path.exists(draft):
                os.unlink(draft)
    except OSError as error:
        raise WattbookError(f"{path} cannot be written: {error.strerror or error}") from error
    return path


def _in_force(*, remove: bool, as_json: bool, quiet: bool) -> None:
    """Show the calibration that estimates use here, or take it away."""
    from wattbook import corrections
    from wattbook.errors import WattbookError

    path = corrections.in_force()
    if path is None or not os.path.lexists(path):
        raise WattbookError("no calibration is in force here")
    if remove:
        try:
            os.unlink(path)
        except OSError as error:
            raise WattbookError(f"{path} cannot be removed: {error.strerror}") from error
        if as_json:
            print_json({"removed": path})
        elif not quiet:
            tell(f"wattbook: {path} is removed; estimates are the catalogue's again", err=True)
        return
    known = corrections.current()
    if known.problem:
        raise WattbookError(f"the calibration is not used: {known.problem}")
    found = list(known.of.values())
    if as_json:
        print_json({"file": path, "source": known.source, "corrections": [asdict(one) for one in found]})
        return
    tell(f"{path}: {known.source}")
    _table(found)


HEADS = ("family", "model", "hosts", "host-days", "factor", "90 % interval", "error before", "after", "covered")


def _table(corrections: Sequence[Correction]) -> None:
    """One line a family; numbers right-aligned."""
    rows = [HEADS, *(_cells(correction) for correction in corrections)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADS))]
    for row in rows:
        cells = [text.ljust(w) if i < 2 else text.rjust(w) for i, (text, w) in enumerate(zip(row, widths, strict=True))]
        tell("  ".join(cells).rstrip())
    left = {one.left_out for one in corrections if one.left_out}
    if left:
        what = " or ".join(f"each {name}" for name in sorted(left, reverse=True))
        tell(f"errors: mean absolute share of the truth, leaving out {what}; covered: of these, inside the interval")


def _cells(one: Correction) -> tuple[str, ...]:
    def percent(share: float | None) -> str:
        return "-" if share is None else f"{share:.1%}"

    return (
        one.family, one.cause.removeprefix("model:"), str(one.hosts), str(one.host_days), f"{one.factor:.3f}",
        f"{one.low:.3f} to {one.high:.3f}", percent(one.before), percent(one.after), percent(one.covered),
    )  # fmt: skip
