"""What is written down when a month is closed: enough to make its report again, and to prove that it is the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from attrs import asdict

from wattbook import __version__
from wattbook.accounting import Claim
from wattbook.accounting.carbon import Pins, factor_of
from wattbook.closing.figures import Figures
from wattbook.closing.states import Rules
from wattbook.config import Config, structure
from wattbook.errors import LedgerError
from wattbook.factors import Factor
from wattbook.ledger.periods import Act
from wattbook.records import Place, canonical, stated, text_id, utc_time
from wattbook.report import Period, Report
from wattbook.report.as_json import as_json

FORMAT = 1
#: of the configuration, what no report depends on
ASIDE = ("select", "defaults", "plugins", "origins")
#: of a report, what its hash is over: figures, and not how they are broken down or what is said about them
HASHED = ("total", "by_basis", "claims", "factors", "coverage", "gaps")


def manifest_of(
    report: Report,
    settings: Config,
    pins: Pins,
    content: Mapping[str, Any],
    adjustments: list[dict[str, Any]],
    *,
    month: str,
    watermark: str,
    before: str,
    by: str | None,
    note: str,
) -> dict[str, Any]:
    """Everything that says what was closed; *before* is the watermark up to which changes were told already."""
    return {
        "format": FORMAT,
        "wattbook": __version__,
        "month": month,
        "zone": report.period.zone,
        "months": report.period.months(),
        "start": report.period.start.isoformat(),
        "end": report.period.end.isoformat(),
        "watermark": watermark,
        "adjusted_from": before,
        "by": by,
        "note": note,
        "content": dict(content),
        "figures": Figures.from_total(report.total).as_texts(),
        "report_id": report_id(report),
        "settings": {k: v for k, v in plain(settings).items() if k not in ASIDE},
        "factors": [
            {"place": stated(place), "year": year, "factor": None if factor is None else asdict(factor)}
            for (place, year), factor in sorted(pins.items(), key=str)
        ],
        "adjustments": adjustments,
    }


def report_id(report: Report) -> str:
    """The hash of a report's figures."""
    told = as_json(report)
    return text_id(canonical({key: told[key] for key in HASHED}))


def plain(value: Any) -> Any:
    """Named tuples as tables and tuples as lists, as JSON gives them back."""
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, (tuple, list)) else value


def pins_of(reports: Iterable[Report]) -> dict[tuple[Place, int], Factor | None]:
    """Every factor that some reports use, and where they found none."""
    used: dict[tuple[Place, int], Factor | None] = {}
    for report in reports:
        for atom in report.atoms:
            used[atom.line.place, atom.line.year] = None
        for claim in report.claims:
            used.update(dict.fromkeys(_places(claim)))
    return {key: factor_of(*key) for key in used}


def _places(claim: Claim) -> set[tuple[Place, int]]:
    return {(entry.place, int(entry.start[:4])) for entry in claim.entries}


# --- reading it back ---------------------------------------------------------------------------


def rules_of(act: Act) -> Rules:
    """The configuration and the factors that a month was closed with."""
    try:
        table = {name: value for name, value in act.manifest["settings"].items() if hasattr(Config(), name)}
        settings = structure(Config, table, where=f"manifest {act.manifest_id[:12]}")
        pins = {
            (Place(**told["place"]), told["year"]): None if told["factor"] is None else Factor(**told["factor"])
            for told in act.manifest["factors"]
        }
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise LedgerError(
            f"the manifest of {act.month} was written by wattbook {act.manifest.get('wattbook')}, and this version "
            f"cannot read its settings: {error}"
        ) from error
    return Rules(settings=settings, pins=pins)


def period_of(act: Act) -> Period:
    """The stretch of time that was closed."""
    start, end = (datetime.fromisoformat(act.manifest[name]) for name in ("start", "end"))
    return Period(start=start, end=end, zone=act.manifest["zone"], title=act.month)


def watermark_of(act: Act) -> datetime:
    return utc_time(act.watermark)


def told_by(act: Act) -> str:
    """Whether a month is closed, since when, by whom; for a sentence."""
    by = act.manifest.get("by")
    return f"on {act.recorded_at[:10]}{f' by {by}' if by else ''} (manifest {act.manifest_id[:12]})"
