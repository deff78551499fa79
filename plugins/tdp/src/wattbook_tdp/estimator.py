"""One gap in, one reading out: the part's model over what was observed, with terms, interval and cause."""

from __future__ import annotations

from collections.abc import Sequence

from wattbook import Activity, Basis, Gap, Load, Reading, Term

from wattbook_tdp import plans
from wattbook_tdp.intervals import Factors
from wattbook_tdp.observed import Exposure, exposure, observed, summary
from wattbook_tdp.plans import Piece, Plan
from wattbook_tdp.shapes import f

SCALES = {"os": "of the operating system's CPU time", "throughput": "of the maximum throughput"}


def answer(gap: Gap, activity: Activity) -> Reading | Gap | None:
    """A reading for *gap*, the gap with a better reason, or ``None`` where there is nothing to say."""
    domain = gap.domain
    kind = domain.device.partition(":")[0]
    if kind == "gpu" and domain.name == "board":
        plan, device, whose = plans.gpu(activity, domain), domain.device, ""
    else:
        planner = _PLANNERS.get((kind, domain.name))
        if planner is None:
            return None
        plan, device, whose = planner(activity), "cpu", f" {SCALES[activity.scale]}"
    if isinstance(plan, str):
        return Gap(domain=domain, window=gap.window, reason=plan, low_j=gap.low_j, high_j=gap.high_j)
    loads, notes = observed(activity, device)
    return _reading(gap, activity, plan, loads, whose, notes)


def _reading(
    gap: Gap, activity: Activity, plan: Plan, loads: Sequence[Load], whose: str, notes: tuple[str, ...]
) -> Reading:
    """The plan over the loads; pieces that are equally uncertain share the integral."""
    seconds = activity.window.duration_s
    per_s = 1 / seconds if seconds else 0.0
    energy = low = high = 0.0
    known: dict[object, Exposure] = {}
    used = ""
    terms = []
    for piece in plan.pieces:
        alike = (piece.uncertain, piece.bounds)
        over = known.get(alike)
        if over is None:
            over = known[alike] = _exposure(activity, plan, piece, loads)
        middle, down, up = over.joules(piece.idle_w, piece.full_w)
        energy, low, high = energy + middle, low + down, high + up
        if not used:
            used = _used(plan, over, loads, whose)
        terms.append(
            Term(
                what=piece.what,
                power_w=middle * per_s,
                low_w=down * per_s,
                high_w=up * per_s,
                formula=piece.formula if piece.full_w == piece.idle_w else f"{piece.formula}, {used}",
                source=piece.source,
                family=piece.family,
            )
        )
    return Reading(
        domain=gap.domain,
        window=activity.window,
        energy_j=energy,
        low_j=low,
        high_j=high,
        basis=Basis.ESTIMATED,
        source="tdp",
        cause=plan.cause,
        method=plan.method,
        terms=tuple(terms),
        warnings=tuple(dict.fromkeys((*notes, *plan.notes))) if notes or plan.notes else (),
    )


def _exposure(activity: Activity, plan: Plan, piece: Piece, loads: Sequence[Load]) -> Exposure:
    own = piece.bounds

    def constant(u: float, scale: str) -> Factors:
        assert own is not None
        return own

    bounds = plan.bounds if own is None else constant
    return exposure(loads, activity.scale, plan.curve, bounds, piece.uncertain, plan.upper)


def _used(plan: Plan, over: Exposure, loads: Sequence[Load], whose: str) -> str:
    """The utilisation in words; before it, where the model's curve is a table, the mean share of the way to full."""
    if plan.curve is not f or not over.seconds:
        return f"u = {summary(loads)}{whose}"
    return f"f = {over.share / over.seconds:.3f} at {summary(loads)}{whose}"


_PLANNERS = {
    ("machine", "host"): plans.host,
    ("cpu", "package"): plans.package,
    ("dram", "dram"): plans.dram,
    ("soc", "soc"): plans.soc,
}
