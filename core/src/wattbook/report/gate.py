"""Whether a report stays below a limit, for a pipeline that should fail where it does not."""

from __future__ import annotations

import math
import re

from wattbook.errors import WattbookError
from wattbook.report.lines import clean, title
from wattbook.report.model import Report, carbon_of_both
from wattbook.report.numbers import carbon_text, energy_text

GRAMS = {"g": 1.0, "kg": 1e3, "t": 1e6}


def parse_mass(text: str) -> float:
    """``50kg``, ``1.5 t`` or ``300g`` as grams; raises ``WattbookError`` with a sentence."""
    found = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*(g|kg|t)\s*", text)
    grams = float(found.group(1)) * GRAMS[found.group(2)] if found else math.inf
    if not math.isfinite(grams):
        raise WattbookError(f"{text!r} is no mass; write it as 300g, 50kg or 1.5t")
    return grams


def over_budget(report: Report) -> str | None:
    """Which budgets of the configuration are exceeded, in a sentence; ``None`` where all hold.

    Raises ``WattbookError`` where there is no budget to hold: a gate that nothing can close is a mistake.
    """
    if not report.budgets:
        raise WattbookError(
            "there is no budget for this period: [budgets] in the configuration has team_kg_per_month and "
            "projects_kg_per_month, for periods of whole months"
        )
    exceeded = [
        f"{'the team' if use.project is None else clean(use.project)} {carbon_text(use.used_g)} of {carbon_text(use.limit_g)}"
        for use in report.budgets
        if use.used_g is not None and use.used_g.value > use.limit_g
    ]
    if exceeded:
        return f"{title(report)}: over budget: {'; '.join(exceeded)}"
    return _unknown(report, "the budget")


def over(report: Report, limit_g: float) -> str | None:
    """Why the report does not stay below the limit, in a sentence; ``None`` where it does.

    Location-based carbon and that of unstated method count, at their central value.  Energy whose carbon
    nobody knows is over every limit: unknown is not zero.
    """
    both = carbon_of_both(report.total)
    limit = carbon_text(limit_g)
    if both is not None and both.value > limit_g:
        return f"{title(report)}: {carbon_text(both)} CO2e are over the limit of {limit}"
    return _unknown(report, limit)


def _unknown(report: Report, limit: str) -> str | None:
    """Why nobody can say that the carbon stays below a limit; ``None`` where all of it is known."""
    total = report.total
    if total.without_factor_j:
        return (
            f"{title(report)}: the carbon of {energy_text(total.without_factor_j)} is not known, because a zone "
            f"has no grid factor, so nobody can say that it stays below {limit}"
        )
    if carbon_of_both(total) is None and total.market_g is not None:
        return f"{title(report)}: only market-based figures are known, so nobody can say that it stays below {limit}"
    if total.energy is None and carbon_of_both(total) is None and report.gaps:
        return f"{title(report)}: what ran has gaps and no figure, so nobody can say that it stays below {limit}"
    return None
