"""What could be done about it: the levers that the book itself gives a reason for, the largest first."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

from attrs import evolve

from wattbook.accounting import Tally
from wattbook.report.atoms import Atom
from wattbook.report.levers import Evidence, lever_of, saving_of
from wattbook.report.model import Reduction

BEST = 3
#: what a page proposes without being asked; others need somebody to name a chip or a laptop
PROPOSED = ("idle-off", "early-stop", "ci", "power-cap", "facility", "region")


def reductions_of(atoms: Sequence[Atom]) -> list[Reduction]:
    """The best levers, none of them certain: each says how much, from what, and what speaks against it."""
    evidence = Evidence(atoms=_pooled(atoms))
    found = []
    for lever in (one for name in PROPOSED for one in lever_of(name, evidence)):
        saving = saving_of(lever, evidence)
        saves_g = saving.co2e
        if saves_g is not None and saves_g.value > 0:
            found.append(
                Reduction(
                    name=lever.title, what=lever.what, saves_g=saves_g, basis=f"{saving.confidence}: {lever.source}",
                    caution=lever.caution, arithmetic=lever.arithmetic, lever=lever.name, at_most=lever.at_most,
                )
            )  # fmt: skip
    return sorted(found, key=lambda one: (-one.saves_g.value, one.name))[:BEST]


def _pooled(atoms: Sequence[Atom]) -> list[Atom]:
    """Atoms that no proposed lever tells apart, as one: a month has thousands of them."""
    groups: dict[tuple[object, ...], list[Atom]] = defaultdict(list)
    for atom in atoms:
        line = atom.line
        kind = line.device.partition(":")[0]
        groups[line.place, line.year, line.basis, kind, atom.phase, atom.fate].append(atom)
    return [some[0] if len(some) == 1 else _one(some) for some in groups.values()]


def _one(atoms: Sequence[Atom]) -> Atom:
    tally = Tally()
    for atom in atoms:
        tally.merge(atom.tally)
    runs = frozenset().union(*(atom.runs for atom in atoms)) if atoms[0].fate else frozenset()
    return evolve(atoms[0], tally=tally, hours=math.fsum(atom.hours for atom in atoms), runs=runs)
