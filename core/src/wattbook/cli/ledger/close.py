"""``wattbook ledger close``: freeze a month with its figures, factors and versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from wattbook.cli.common import common_options, print_json, tell
from wattbook.cli.ledger import opened

if TYPE_CHECKING:
    from wattbook.ledger.periods import Act
    from wattbook.report import Period


@click.command("close", short_help="Close a month: freeze its figures and factors.")
@click.argument("month", metavar="YYYY-MM")
@click.option("--by", metavar="NAME", help="Who closes it; kept in the manifest.")
@click.option("--note", default="", metavar="TEXT", help="Kept in the manifest.")
@click.option("--timezone", metavar="ZONE", help="IANA zone of the month; report.timezone if nothing is said.")
@common_options
def command(
    month: str,
    by: str | None,
    note: str,
    timezone: str | None,
    ledger: str | None,
    config: str | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Close a month: what the book holds of it now, with today's factors and configuration, is its report for good.

    What becomes known later stands as an adjustment in the month after the last closed one.
    """
    from wattbook.cli.asked import zone_of
    from wattbook.closing.acts import close
    from wattbook.config import load
    from wattbook.report.numbers import carbon_text, energy_text

    settings = load(config)
    period = the_month(month, zone_of(timezone, settings))
    with opened(ledger, quiet) as book:
        done = close(book, settings, period, by=by, note=note)
    if as_json:
        print_json({**act_as_json(done.act), "warnings": list(done.warnings)})
    assert done.report is not None
    if not quiet:
        for warning in done.warnings:
            tell(f"wattbook: {done.act.month}: {warning}", err=True)
        total = done.report.total
        tell(
            f"{done.act.month} is closed: {energy_text(total.energy)}, location-based {carbon_text(total.location_g)}, "
            f"market-based {carbon_text(total.market_g)}; manifest {done.act.manifest_id[:12]}",
            err=True,
        )


def the_month(text: str, zone: str) -> Period:
    """The month that an argument names; anything else is wrong usage."""
    from wattbook.report import Period

    try:
        return Period.from_month(text, zone)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def act_as_json(act: Act) -> dict[str, Any]:
    """One act on a month with its manifest."""
    from wattbook.closing.figures import Figures

    told = act.manifest
    document: dict[str, Any] = {
        "month": act.month, "act": act.act, "revision": act.revision, "at": act.recorded_at,
        "by": told.get("by"), "note": told.get("note", ""), "manifest_id": act.manifest_id, "watermark": act.watermark,
    }  # fmt: skip
    if "figures" in told:
        document |= {
            "zone": told["zone"], "wattbook": told["wattbook"], **told["content"], "report_id": told["report_id"],
            **Figures.from_dict(told["figures"]).as_floats(), "factors": told["factors"],
            "adjustments": told["adjustments"],
        }  # fmt: skip
    return document
