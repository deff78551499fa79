"""How figures came about that are no sums of readings, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from wattbook.report import Report
from wattbook.report.budgets import fullest
from wattbook.report.derivation import LISTED, Derivation
from wattbook.report.lines import change_text, clean, coverage_text, saves_text
from wattbook.report.numbers import carbon_text, signed_text


def in_words(report: Report) -> Iterator[Derivation]:
    """Figures that are no sums of readings."""
    if report.change is not None:
        change = report.change
        yield Derivation(
            anchor="f-change",
            title=f"Change since {clean(change.period.title)}",
            total=change.total,
            words=(
                f"{signed_text(change.co2e_g)}: {change_text(change)}.",
                "The carbon of a component is hours x power x PUE x grid factor. Its change is divided among the four "
                "by the logarithmic mean: L x ln(now / before), where L = (C now - C before) / ln(C now / C before). "
                "The parts add up to the change without a rest (LMDI-I; B. W. Ang, Energy Policy 32, 2004, 1131-1139).",
                "A component that is there in one of the two periods only is activity, unless most of its energy "
                "comes from another source, its host was there before without it, or a provider's figure holds it in "
                "the other period: then it is method.",
                *(f"{step.cause}: {signed_text(step.co2e_g)}" for step in change.steps),
            ),
        )
    for number, use in enumerate(report.reductions):
        yield Derivation(
            anchor=f"f-reduction-{number}",
            title=clean(f"Reduction: {use.name}"),
            words=(
                f"{saves_text(use).capitalize()}: {clean(use.basis)}.",
                *(clean(line) for line in use.arithmetic),
                f"Against it: {clean(use.caution)}.",
                "This is a thought about the period that is over and never part of a total.",
            ),
        )
    for number, budget in fullest(report, LISTED):
        whose = "the team" if budget.project is None else clean(f"project {budget.project}")
        yield Derivation(
            anchor=f"f-budget-{number}",
            title=f"Budget of {whose}",
            words=(
                f"{carbon_text(budget.used_g)} of {carbon_text(budget.limit_g)}; used are location-based figures and "
                "those of unstated method; the budget is that of the configuration, for every month of the period.",
            ),
        )
    for number, adjusted in enumerate(report.adjustments[:LISTED]):
        yield Derivation(
            anchor=f"f-adjustment-{number}",
            title=f"Adjustment of {adjusted.month}",
            words=(
                "The month by the factors and the configuration that it was closed with, once with the rows that were "
                "known then and once with all that are known now; each cause is what it adds to those before it, and the "
                "causes add up to the month.",
                f"'wattbook ledger why {adjusted.month}' prints it with the projects that it is of.",
            ),
        )
    yield Derivation(
        anchor="f-coverage",
        title="Coverage",
        words=(
            f"{coverage_text(report)}.",
            "An hour of a host is known where any reading that counts covers it, whatever of the host the reading is of; "
            "it is expected where a reading, a gap or a run says that the host was at work.",
        ),
    )
    if report.gaps:
        yield Derivation(
            anchor="f-gaps",
            title="What nobody covered",
            words=(
                "The hours of a line are the lengths of its gaps, added up over all hosts; nothing is assumed for them.",
            ),
        )
