"""What became known of closed months after they were closed: adjustments, told once, in the open month."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from attrs import frozen

from wattbook.closing.causes import Cause, Difference, difference
from wattbook.closing.figures import Figures
from wattbook.closing.manifest import period_of, rules_of, watermark_of
from wattbook.closing.states import Rules, between
from wattbook.config import Config
from wattbook.ledger import periods
from wattbook.ledger.periods import Act
from wattbook.records import utc_text, utc_time

if TYPE_CHECKING:
    from wattbook.ledger.store import Ledger

RESTATED = 0.05  #: a change of a closed month above this share of its figure is said to be large


@frozen(kw_only=True)
class Adjustment:
    """What one closed month became more or less, by cause, by the factors and settings it was closed with."""

    month: str
    manifest_id: str
    causes: tuple[Cause, ...]
    figures: Figures
    closed: Figures  #: what the month was closed with

    @property
    def large(self) -> bool:
        grams, whole = self.figures.grams, self.closed.grams
        return grams is not None and abs(float(grams)) > RESTATED * abs(float(whole or 0))

    def as_dict(self) -> dict[str, Any]:
        return {
            "month": self.month,
            "manifest_id": self.manifest_id,
            **self.figures.as_floats(),
            "large": self.large,
            "causes": [
                {"cause": cause.name, "count": cause.count, **cause.figures.as_floats()} for cause in self.causes
            ],
        }


def settled_until(closed: Mapping[str, Act]) -> str:
    """The watermark up to which the changes of closed months stand in other closed months."""
    return max((act.watermark for act in closed.values()), default="")


def adjustments(book: Ledger, closed: Mapping[str, Act], since: str, until: datetime) -> list[Adjustment]:
    """What became known of every closed month after *since* and up to *until*."""
    found = []
    for month, act in closed.items():
        start = max(since, act.watermark)
        if start >= utc_text(until) or not _touched(book, act, start, utc_text(until)):
            continue
        told = _change(book, act, utc_time(start), until)
        if told.causes:
            figures = Figures.from_dict(act.manifest["figures"])
            found.append(
                Adjustment(
                    month=month, manifest_id=act.manifest_id, causes=told.causes, figures=told.figures, closed=figures
                )
            )
    return found


def _touched(book: Ledger, act: Act, since: str, until: str) -> bool:
    period = period_of(act)
    return periods.changed_since(book, utc_text(period.start), utc_text(period.end), period.months(), since, until)


def _change(book: Ledger, act: Act, since: datetime, until: datetime) -> Difference:
    rules = rules_of(act)
    return difference(between(book, period_of(act), since, until), rules, rules, factors=False)


def since_closed(book: Ledger, act: Act, until: datetime) -> Adjustment | None:
    """What became known of one closed month; ``None`` where nothing did."""
    found = adjustments(book, {act.month: act}, "", until)
    return found[0] if found else None


def why(book: Ledger, act: Act, until: datetime, today: Config) -> Difference:
    """A month as it was closed against all that is known at *until*, by today's settings and factors."""
    told = between(book, period_of(act), watermark_of(act), until)
    recorded = Figures.from_dict(act.manifest["figures"])
    return difference(told, rules_of(act), Rules(settings=today), recorded=recorded)
