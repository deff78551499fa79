"""One gap in, one reading out: the part's model over what was observed, with terms, interval and cause."""

from __future__ import annotations

from collections.abc import Callable

from wattbook import Activity, Basis, Gap, Reading, Term

from wattbook_tdp import plans
from wattbook_tdp.intervals import Factors
from wattbook_tdp.observed import integrate, observed
from wattbook_tdp.plans import Plan


def answer(gap: Gap, activity: Activity) -> Reading | Gap | None:
    """A reading for *gap*, the gap with a better reason, or ``None`` where there is nothing to say."""
    domain = gap.domain
    kind = domain.device.partition(":")[0]
    if kind == "gpu" and domain.name == "board":
        loads, notes = observed(activity, domain.device)
        plan = plans.gpu(activity, loads, domain)
    else:
        planner = _PLANNERS.get((kind, domain.name))
        if planner is None:
            return None
        loads, notes = observed(activity, "cpu")
        plan = planner(activity, loads)
    if isinstance(plan, str):
        return Gap(domain=domain, window=gap.window, reason=plan, low_j=gap.low_j, high_j=gap.high_j)
    seconds = activity.window.duration_s
    energy = low = high = 0.0
    terms = []
    for piece in plan.pieces:
        bounds = plan.bounds if piece.bounds is None else _constant(piece.bounds)
        middle, down, up = integrate(loads, piece.watts, bounds, piece.uncertain, plan.upper)
        energy, low, high = energy + middle, low + down, high + up
        per_s = 1 / seconds if seconds else 0.0
        terms.append(
            Term(
                what=piece.what,
                power_w=middle * per_s,
                low_w=down * per_s,
                high_w=up * per_s,
                formula=piece.formula,
                source=piece.source,
                family=piece.family,
            )
        )
    return Reading(
        domain=domain,
        window=activity.window,
        energy_j=energy,
        low_j=low,
        high_j=high,
        basis=Basis.ESTIMATED,
        source="tdp",
        cause=plan.cause,
        method=plan.method,
        terms=tuple(terms),
        warnings=_warnings(notes, plan),
    )


_PLANNERS = {
    ("machine", "host"): plans.host,
    ("cpu", "package"): plans.package,
    ("dram", "dram"): plans.dram,
    ("soc", "soc"): plans.soc,
}


def _constant(factors: Factors) -> Callable[[float], Factors]:
    return lambda u: factors


def _warnings(notes: tuple[str, ...], plan: Plan) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*notes, *plan.notes))) if notes or plan.notes else ()
