"""What the configuration allows in a month, and what of it is used."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from wattbook.accounting import Claim, Total
from wattbook.config import Budgets
from wattbook.report.atoms import Atom
from wattbook.report.model import BudgetUse, Report, carbon_of_both
from wattbook.report.period import Period
from wattbook.report.sums import Whole, shares_by_key
from wattbook.units import G_PER_KG


def budgets_of(
    budgets: Budgets, whole: Total, atoms: Sequence[Atom], claims: Iterable[Claim], period: Period
) -> list[BudgetUse]:
    """The team's budget and those of its projects; none for a period that is not made of whole months."""
    months = period.whole_months()
    if not months:
        return []
    found = []
    if budgets.team_kg_per_month is not None:
        limit_g = budgets.team_kg_per_month * months * G_PER_KG
        found.append(BudgetUse(project=None, limit_g=limit_g, used_g=carbon_of_both(whole)))
    if budgets.projects_kg_per_month:
        shares = shares_by_key("project", claims, (), period)
        for project, kilograms in sorted(budgets.projects_kg_per_month.items()):
            own = [atom for atom in atoms if atom.project == project]
            total = Whole().add(own, shares.get(project, ())).total()
            found.append(
                BudgetUse(project=project, limit_g=kilograms * months * G_PER_KG, used_g=carbon_of_both(total))
            )
    return found


def fullest(report: Report, most: int) -> list[tuple[int, BudgetUse]]:
    """The team's budget and then those of which most is used, each with its place in the report."""
    uses = sorted(enumerate(report.budgets), key=lambda one: (one[1].project is not None, -(one[1].share or 0.0)))
    return uses[:most]
